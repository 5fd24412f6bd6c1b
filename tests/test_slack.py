"""Slack beyond the common contract: what a message looks like, and how it changes over its life."""

import json
from collections.abc import Callable

import pytest
from fake_http import HANGS_UP, Answer
from fake_slack import FakeSlack, Posted, texts
from notifier_ends import failure_of_sending
from samples_notifiers import (
    a_group,
    a_message,
    an_alert,
    assert_golden,
    resolved,
)

from alerts.notifier import Link, Message, Notifier
from alerts.slack_blocks import farewell, headline

pytest_plugins = ("notifier_ends",)


GOLDEN: dict[str, Message] = {
    "trigger": a_message(),
    "group": a_group(40),
    "resolved": resolved(a_message()),
    "marked": a_message(replay=True, repeated=True, test=True),
    "no_value": a_message(
        severity="warning",
        alerts=(an_alert(state="no_data", value=None, lower=None, upper=None, n=0, reason="no calls", exemplars=()),),
        links=(),
    ),
    "hostile": a_message(
        title="<!channel> & <b>bold</b>",
        alerts=(an_alert(summary="<@U1> \ud800\x00 `x`", labels={"source": "<#C1|general>"}, exemplars=("`id`", "")),),
        links=(Link("<click>", "https://x.example/?a=1&b=<2>|"), Link("no", "javascript:alert(1)")),
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_message_looks_as_in_its_golden_file(bot: Notifier, slack: FakeSlack, name: str) -> None:
    bot.send(GOLDEN[name], {})
    assert_golden(f"slack_{name}", json.loads(slack.requests[0].body))


def test_a_webhook_is_sent_the_same_message_without_a_channel(
    bot: Notifier, webhook: Notifier, slack: FakeSlack
) -> None:
    bot.send(a_message(), {})
    webhook.send(a_message(), {})
    by_bot, by_hook = (json.loads(request.body) for request in slack.requests)
    assert by_bot.pop("channel") == "#alerts"
    assert by_bot == by_hook


def test_links_are_not_unfurled_and_names_are_not_linked(bot: Notifier, slack: FakeSlack) -> None:
    bot.send(a_message(), {})
    posted = slack.messages[0].payload
    assert (posted["unfurl_links"], posted["unfurl_media"], posted["link_names"]) == (False, False, False)
    assert posted["parse"] == "none"


def test_the_receipt_holds_the_channels_id_though_a_name_was_given(bot: Notifier, slack: FakeSlack) -> None:
    assert bot.send(a_message(), {}).refs == {"channel": "C0ALERTS", "ts": slack.messages[0].ts}


def test_an_update_changes_the_message_and_posts_none(bot: Notifier, slack: FakeSlack) -> None:
    refs = bot.send(a_message(), {}).refs
    worse = a_message(action="update", alerts=(an_alert(value=0.5),))
    assert bot.send(worse, refs).refs == refs
    assert len(slack.messages) == 1
    assert "*Value:* 0.5 " in slack.messages[0].text


def test_a_resolve_changes_the_message_and_says_so_in_its_thread(bot: Notifier, slack: FakeSlack) -> None:
    refs = bot.send(a_message(), {}).refs
    assert bot.send(resolved(a_message()), refs).refs == refs
    (root,) = slack.roots
    (reply,) = slack.replies(root)
    assert root.edits == 1
    assert texts(root.payload["blocks"])[0] == "✅ Resolved: errors on support / chat / gpt-4o-mini"
    assert "*State:* resolved" in root.text
    assert reply.text == farewell(resolved(a_message()))
    assert "blocks" not in reply.payload


def _deleted(slack: FakeSlack, root: Posted) -> None:
    slack.delete(root)


def _frozen(slack: FakeSlack, root: Posted) -> None:
    root.frozen = True


def _of_another(slack: FakeSlack, root: Posted) -> None:
    root.by_us = False


def _in_another_channel_that_is_archived(slack: FakeSlack, root: Posted) -> None:
    root.channel = "C0OTHER"
    slack.archived.add("C0OTHER")


@pytest.mark.parametrize("spoil", [_deleted, _frozen, _of_another, _in_another_channel_that_is_archived])
@pytest.mark.parametrize("action", ["update", "resolve"])
def test_what_cannot_be_changed_any_more_is_said_in_a_new_message(
    bot: Notifier, slack: FakeSlack, spoil: Callable[[FakeSlack, Posted], None], action: str
) -> None:
    bot.send(a_message(), {})
    root = slack.messages[0]
    spoil(slack, root)
    later = resolved(a_message()) if action == "resolve" else a_message(action="update")
    refs = bot.send(later, {"channel": root.channel, "ts": root.ts}).refs
    new = slack.messages[-1]
    assert new is not root
    assert new.thread_ts is None
    assert refs == {"channel": "C0ALERTS", "ts": new.ts}
    assert headline(later) in new.text


@pytest.mark.parametrize("refs", [{}, {"channel": "C0ALERTS"}, {"ts": "1.1"}, {"channel": "", "ts": ""}])
def test_a_resolve_without_the_refs_of_its_opening_is_a_plain_message(
    bot: Notifier, slack: FakeSlack, refs: dict[str, str]
) -> None:
    bot.send(resolved(a_message()), refs)
    (posted,) = slack.messages
    assert posted.text.startswith("✅ Resolved")


def test_a_resolve_whose_reply_failed_can_be_sent_again(bot: Notifier, slack: FakeSlack) -> None:
    refs = dict(bot.send(a_message(), {}).refs)
    slack.script(Answer(200, json.dumps({"ok": True, **refs})), HANGS_UP)
    assert failure_of_sending(bot, resolved(a_message()), refs).retry
    bot.send(resolved(a_message()), refs)
    (root,) = slack.roots
    assert len(slack.replies(root)) == 1


def test_a_success_without_a_ts_is_a_success(bot: Notifier, slack: FakeSlack) -> None:
    slack.script(Answer(200, '{"ok": true}'))
    assert bot.send(a_message(), {}).refs == {}


def test_a_webhook_posts_every_message_plainly(webhook: Notifier, slack: FakeSlack) -> None:
    for message in (a_message(), a_message(action="update"), resolved(a_message())):
        assert webhook.send(message, {"channel": "C0ALERTS", "ts": "1.1"}).refs == {}
    assert len(slack.roots) == 3
