"""Slack beyond the common contract: what a message looks like, and how it changes over its life."""

import dataclasses
import json
from collections.abc import Callable

import pytest
from fake_http import HANGS, HANGS_UP, Answer
from fake_slack import FakeSlack, Posted, texts
from notifier_ends import failure_of_sending
from samples_notifiers import (
    LONG,
    NOON,
    SAMPLES,
    a_group,
    a_message,
    an_alert,
    assert_golden,
    resolved,
)

from alerts.notifier import DeliveryError, Link, Message, Notifier
from alerts.registry import build
from alerts.slack_blocks import farewell, headline
from alerts.slack_picture import SPARED, Pictures

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


def test_an_acknowledgement_changes_the_message_and_says_so_in_its_thread(bot: Notifier, slack: FakeSlack) -> None:
    refs = bot.send(a_message(), {}).refs
    taken_on = a_message(action="acknowledge", title="Acknowledged by ana: errors on support")
    assert bot.send(taken_on, refs).refs == refs
    (root,) = slack.roots
    (reply,) = slack.replies(root)
    assert texts(root.blocks)[0] == "👀 Acknowledged by ana: errors on support"
    assert "Acknowledged by ana" in reply.text
    assert not reply.payload["reply_broadcast"]


def test_a_reminder_is_seen_in_the_channel_and_not_only_in_the_thread(bot: Notifier, slack: FakeSlack) -> None:
    refs = bot.send(a_message(), {}).refs
    bot.send(a_message(action="update", title="Still firing: errors on support", reminder=True), refs)
    (root,) = slack.roots
    (reply,) = slack.replies(root)
    assert reply.payload["reply_broadcast"]
    assert "Still firing" in reply.text


def _with_chart() -> Message:
    since = NOON.timestamp()
    return a_message(alerts=(an_alert(series=tuple((since + each, float(each % 7)) for each in range(40))),))


UPLOAD = ["files.getUploadURLExternal", "upload", "files.completeUploadExternal"]


def asked(slack: FakeSlack) -> list[str]:
    """What was asked of Slack, in order."""
    return ["upload" if "/upload/" in each.path else each.path.removeprefix("/api/") for each in slack.requests]


def test_the_chart_is_uploaded_first_and_shown_in_the_message(bot: Notifier, slack: FakeSlack) -> None:
    bot.send(_with_chart(), {})
    assert asked(slack) == [*UPLOAD, "chat.postMessage"]
    (file,) = slack.files
    assert file.is_complete
    assert file.content.startswith(b"\x89PNG")
    (image,) = (block for block in slack.messages[0].blocks if block["type"] == "image")
    assert image["slack_file"] == {"id": file.id}
    assert "source=support" in image["alt_text"]


def test_a_change_shows_the_course_until_then(bot: Notifier, slack: FakeSlack) -> None:
    refs = bot.send(_with_chart(), {}).refs
    bot.send(dataclasses.replace(_with_chart(), action="update"), refs)
    (root,) = slack.messages
    assert [block["slack_file"]["id"] for block in root.blocks if block["type"] == "image"] == [slack.files[1].id]


def test_without_the_scope_the_message_goes_without_the_chart_and_the_log_says_so_once(
    bot: Notifier, slack: FakeSlack, caplog: pytest.LogCaptureFixture
) -> None:
    slack.may_write_files = False
    for _ in range(2):
        bot.send(_with_chart(), {})
    assert len(slack.messages) == 2
    assert not [block for each in slack.messages for block in each.blocks if block["type"] == "image"]
    assert [record.getMessage().count("missing_scope") for record in caplog.records] == [1]


@pytest.mark.parametrize("step", range(3))
@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, '{"ok": false, "error": "ratelimited"}', {"Retry-After": "30"}),
        Answer(500),
        Answer(404, "gone"),
        HANGS_UP,
        Answer(200, "[]"),
        Answer(302, headers={"Location": "https://elsewhere.example/"}),
    ],
    ids=["ratelimited", "500", "404", "hangs up", "no answer", "redirect"],
)
def test_no_failure_of_an_upload_costs_or_doubles_a_message(
    bot: Notifier, slack: FakeSlack, step: int, answer: Answer
) -> None:
    slack.script_after(step, answer)
    bot.send(_with_chart(), {})
    (message,) = slack.messages
    assert headline(_with_chart()) in message.text


def test_after_a_failed_upload_some_messages_are_spared_another_try(bot: Notifier, slack: FakeSlack) -> None:
    slack.script(Answer(500))
    for _ in range(SPARED + 2):
        bot.send(_with_chart(), {})
    assert asked(slack) == [UPLOAD[0], *["chat.postMessage"] * (SPARED + 1), *UPLOAD, "chat.postMessage"]


def test_an_upload_that_hangs_is_given_up(slack: FakeSlack) -> None:
    slack.script(HANGS)
    answer = {"ok": True, "upload_url": f"{slack.base}/upload/v1/F1", "file_id": "F1"}
    assert Pictures(lambda _method, _arguments: answer, 0.1).block(_with_chart()) is None


@pytest.mark.parametrize(
    "answer",
    [
        '{"ok": true}',
        '{"ok": true, "upload_url": 7, "file_id": "F1"}',
        '{"ok": true, "upload_url": "file:///etc/passwd", "file_id": "F1"}',
    ],
)
def test_an_address_for_the_upload_that_is_none_is_not_used(bot: Notifier, slack: FakeSlack, answer: str) -> None:
    slack.script(Answer(200, answer))
    bot.send(_with_chart(), {})
    assert asked(slack) == ["files.getUploadURLExternal", "chat.postMessage"]


@pytest.mark.parametrize(("unseen", "is_shown"), [(1, True), (2, False)])
def test_a_file_that_slack_has_not_looked_at_yet_is_shown_by_a_change_or_not_at_all(
    bot: Notifier, slack: FakeSlack, unseen: int, is_shown: bool
) -> None:
    slack.unseen = unseen
    refs = bot.send(_with_chart(), {}).refs
    (message,) = slack.messages
    assert refs == {"channel": message.channel, "ts": message.ts}
    assert asked(slack)[3:] == ["chat.postMessage", "chat.postMessage", "chat.update"]
    assert ("image" in [block["type"] for block in message.blocks]) is is_shown


def test_a_change_whose_chart_slack_does_not_take_goes_without_it(bot: Notifier, slack: FakeSlack) -> None:
    refs = bot.send(a_message(), {}).refs
    slack.unseen = 1
    worse = dataclasses.replace(_with_chart(), action="update", title="Worse")
    assert bot.send(worse, refs).refs == refs
    (message,) = slack.messages
    assert "Worse" in message.text


ADDRESS = "https://watch.example.org/api/v1/charts/watchkeeper-1.png"


def test_a_webhook_has_no_chart_and_asks_for_none(webhook: Notifier, slack: FakeSlack) -> None:
    webhook.send(dataclasses.replace(_with_chart(), image=ADDRESS), {})
    assert [each.path for each in slack.requests] == [slack.webhook_path]
    assert not any(block["type"] == "image" for block in slack.messages[0].blocks)


def _showing(slack: FakeSlack) -> Notifier:
    """A webhook whose messages show their chart by its address."""
    settings = SAMPLES[1].settings(slack, LONG)
    return build("ops", settings.model_copy(update={"chart_by_url": True}))


def test_a_webhook_shows_the_chart_by_its_address_where_that_is_asked_for(slack: FakeSlack) -> None:
    _showing(slack).send(dataclasses.replace(_with_chart(), image=ADDRESS), {})
    (image,) = (block for block in slack.messages[0].blocks if block["type"] == "image")
    assert image["image_url"] == ADDRESS
    assert "source=support" in image["alt_text"]


@pytest.mark.parametrize("address", ["", "http://watch.example.org/c.png", "javascript:alert(1)", "https://"])
def test_an_address_that_slack_cannot_fetch_is_not_shown(slack: FakeSlack, address: str) -> None:
    _showing(slack).send(dataclasses.replace(_with_chart(), image=address), {})
    assert not any(block["type"] == "image" for block in slack.messages[0].blocks)


def test_a_message_whose_chart_slack_cannot_fetch_goes_without_it_and_once(slack: FakeSlack) -> None:
    slack.webhook.fetches_images = False
    _showing(slack).send(dataclasses.replace(_with_chart(), image=ADDRESS), {})
    (message,) = slack.messages
    assert not any(block["type"] == "image" for block in message.blocks)
    assert len(slack.requests) == 2


def test_a_webhook_that_fails_with_its_chart_is_asked_once(slack: FakeSlack) -> None:
    slack.script(Answer(500, "no"))
    with pytest.raises(DeliveryError):
        _showing(slack).send(dataclasses.replace(_with_chart(), image=ADDRESS), {})
    assert len(slack.requests) == 1


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
