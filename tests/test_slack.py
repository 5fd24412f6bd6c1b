"""Slack beyond the common contract: what a message looks like, how it changes, and what each error code means."""

import http.client
import inspect
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest
import slack_sdk.errors
from fake_http import HANGS_UP, Answer
from fake_slack import FakeSlack, Posted, mentions, refuse_content, texts
from hypothesis import given, settings
from samples_notifiers import (
    HOSTILE,
    LONG,
    NOON,
    SAMPLES,
    a_message,
    an_alert,
    assert_golden,
    messages,
    resolved,
)
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackTokenRotationError

from alerts.http_errors import RETRIED
from alerts.notifier import DeliveryError, Failure, Link, Message, Notifier
from alerts.registry import build
from alerts.slack import CLIENT_ERRORS
from alerts.slack_blocks import blocks, escaped, fallback, farewell, headline
from alerts.slack_errors import CANNOT_UPDATE, FAILURES
from alerts.wording import units
from config.alerts import SlackReceiver

BOT, WEBHOOK = SAMPLES[0], SAMPLES[1]


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


@pytest.fixture
def slack(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeSlack]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with FakeSlack() as server:
        yield server


@pytest.fixture
def bot(slack: FakeSlack) -> Notifier:
    return build("ops", BOT.settings(slack, LONG))


@pytest.fixture
def webhook(slack: FakeSlack) -> Notifier:
    return build("ops", WEBHOOK.settings(slack, LONG))


def _failure(notifier: Notifier, message: Message | None = None, refs: dict[str, str] | None = None) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        notifier.send(message or a_message(), refs or {})
    return caught.value


def _group(count: int) -> Message:
    alerts = tuple(
        an_alert(labels={"rule": "errors", "source": "support", "service": f"service-{number}"}, exemplars=())
        for number in range(count)
    )
    return a_message(title=f"Firing: errors on support and {count - 1} more", alerts=alerts)


GOLDEN: dict[str, Message] = {
    "trigger": a_message(),
    "group": _group(40),
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
    assert _failure(bot, resolved(a_message()), refs).retry
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


# Every error code in shared/reference/channels.md, and what it must mean here.
REFERENCE = {
    "invalid_auth": Failure.UNAUTHORIZED,
    "channel_not_found": Failure.UNKNOWN_RECEIVER,
    "is_archived": Failure.UNKNOWN_RECEIVER,
    "not_in_channel": Failure.UNKNOWN_RECEIVER,
    "cant_update_message": Failure.BAD_REQUEST,
    "edit_window_closed": Failure.BAD_REQUEST,
    "message_not_found": Failure.BAD_REQUEST,
    "msg_too_long": Failure.TOO_LARGE,
    "msg_blocks_too_long": Failure.TOO_LARGE,
    "invalid_blocks": Failure.BAD_REQUEST,
    "no_text": Failure.BAD_REQUEST,
    "no_service": Failure.UNKNOWN_RECEIVER,
    "ratelimited": Failure.RATE_LIMITED,
    "rate_limited": Failure.RATE_LIMITED,
    "internal_error": Failure.SERVER_ERROR,
}


def test_the_reference_is_known_and_what_cannot_be_updated_is_too() -> None:
    assert REFERENCE.items() <= FAILURES.items()
    assert set(FAILURES) >= CANNOT_UPDATE
    assert Failure.UNEXPECTED not in FAILURES.values()


@pytest.mark.parametrize("code", FAILURES)
def test_every_documented_error_in_an_http_200_is_a_failure_with_its_reason(
    bot: Notifier, slack: FakeSlack, code: str
) -> None:
    slack.script(Answer(200, json.dumps({"ok": False, "error": code}), {"Retry-After": "7"}))
    error = _failure(bot)
    assert error.failure is FAILURES[code]
    assert error.retry is (error.failure in RETRIED)
    assert error.retry_after_s == (7.0 if error.retry else None)
    assert code in str(error)
    assert len(slack.requests) == 1


@pytest.mark.parametrize("error", ["a_code_of_next_year", "xoxb-123 leaked", "", None, 7, ["invalid_auth"]])
def test_an_error_that_nobody_documented_is_unexpected_and_tried_again(
    bot: Notifier, slack: FakeSlack, error: Any
) -> None:
    slack.script(Answer(200, json.dumps({"ok": False, "error": error})))
    failure = _failure(bot)
    assert (failure.failure, failure.retry) == (Failure.UNEXPECTED, True)
    assert "leaked" not in str(failure)


@pytest.mark.parametrize(
    ("status", "code", "failure"),
    [
        (400, "invalid_payload", Failure.BAD_REQUEST),
        (400, "no_text", Failure.BAD_REQUEST),
        (400, "invalid_token", Failure.UNAUTHORIZED),
        (403, "action_prohibited", Failure.UNAUTHORIZED),
        (403, "invalid_token", Failure.UNAUTHORIZED),
        (404, "channel_not_found", Failure.UNKNOWN_RECEIVER),
        (404, "no_service", Failure.UNKNOWN_RECEIVER),
        (410, "channel_is_archived", Failure.UNKNOWN_RECEIVER),
        (429, "invalid_token", Failure.RATE_LIMITED),
        (500, "rollup_error", Failure.SERVER_ERROR),
        (503, "no_service", Failure.SERVER_ERROR),
    ],
)
def test_a_webhook_says_what_is_wrong_in_status_and_body(
    webhook: Notifier, slack: FakeSlack, status: int, code: str, failure: Failure
) -> None:
    slack.script(Answer(status, code))
    error = _failure(webhook)
    assert error.failure is failure
    assert str(status) in str(error)
    assert code in str(error)


def _archive(slack: FakeSlack) -> None:
    slack.archived.add("C0ALERTS")


def _leave(slack: FakeSlack) -> None:
    slack.not_joined.add("C0ALERTS")


def _remove_channel(slack: FakeSlack) -> None:
    del slack.channels["C0ALERTS"]


def _revoke(slack: FakeSlack) -> None:
    slack.token = "another"


@pytest.mark.parametrize(
    ("change", "failure"),
    [
        (_archive, Failure.UNKNOWN_RECEIVER),
        (_leave, Failure.UNKNOWN_RECEIVER),
        (_remove_channel, Failure.UNKNOWN_RECEIVER),
        (_revoke, Failure.UNAUTHORIZED),
    ],
)
@pytest.mark.parametrize("action", ["trigger", "resolve"])
def test_a_broken_receiver_is_a_lasting_failure_with_its_reason(
    bot: Notifier, slack: FakeSlack, change: Callable[[FakeSlack], None], failure: Failure, action: str
) -> None:
    refs = dict(bot.send(a_message(), {}).refs)
    change(slack)
    error = _failure(bot, a_message() if action == "trigger" else resolved(a_message()), refs)
    assert (error.failure, error.retry) == (failure, False)


def test_a_webhook_that_was_removed_forbidden_or_archived_is_a_lasting_failure(
    webhook: Notifier, slack: FakeSlack
) -> None:
    slack.webhook.prohibited = True
    assert _failure(webhook).failure is Failure.UNAUTHORIZED
    slack.webhook.disabled = True
    assert _failure(webhook).failure is Failure.UNKNOWN_RECEIVER
    slack.webhook.disabled = slack.webhook.prohibited = False
    slack.archived.add("C0ALERTS")
    assert _failure(webhook).failure is Failure.UNKNOWN_RECEIVER


def _of_the_sdk() -> list[Exception]:
    refused: Any = SlackApiError
    refusal = refused("text with a secret", SimpleNamespace(status_code=200, data=None, headers={}))
    special = {SlackApiError: refusal, SlackTokenRotationError: SlackTokenRotationError(refusal)}
    classes = [error for _, error in inspect.getmembers(slack_sdk.errors, inspect.isclass)]
    return [special.get(error) or error("text with a secret") for error in classes]


ERRORS = [
    *_of_the_sdk(),
    urllib.error.URLError("text with a secret"),
    urllib.error.URLError(TimeoutError("secret")),
    urllib.error.URLError(ssl.SSLCertVerificationError("secret")),
    urllib.error.ContentTooShortError("secret", ("", http.client.HTTPMessage())),
    TimeoutError("secret"),
    ConnectionResetError("secret"),
    ssl.SSLError("secret"),
    http.client.RemoteDisconnected("secret"),
    http.client.BadStatusLine("secret"),
    http.client.IncompleteRead(b"secret"),
    http.client.LineTooLong("secret"),
    http.client.InvalidURL("secret"),
    UnicodeDecodeError("utf-8", b"secret", 0, 1, "secret"),
    UnicodeEncodeError("utf-8", "secret", 0, 1, "secret"),
    ValueError("secret"),
    LookupError("secret"),
    AttributeError("secret"),
    RecursionError("secret"),
]


@pytest.mark.parametrize("raised", ERRORS, ids=lambda error: type(error).__name__)
def test_every_exception_of_the_client_becomes_a_delivery_error_without_its_text(
    bot: Notifier, monkeypatch: pytest.MonkeyPatch, raised: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(WebClient, "api_call", fail)
    assert isinstance(raised, CLIENT_ERRORS)
    error = _failure(bot)
    assert error.failure in (Failure.TIMEOUT, Failure.UNREACHABLE, Failure.UNEXPECTED)
    assert error.retry
    assert "secret" not in str(error)


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"token": "xoxb-secret\nX-Header: 1", "channel": "C1"}, "token"),
        ({"token": "xoxb-secret-ключ", "channel": "C1"}, "token"),
        ({"token": "xoxb-secret", "channel": "C1", "api_url": "slack.com/api"}, "api_url"),
        ({"webhook_url": "hooks.slack.com/services/secret"}, "webhook_url"),
        ({"webhook_url": "file:///etc/secret"}, "webhook_url"),
        ({"webhook_url": "https://[secret"}, "webhook_url"),
        ({"webhook_url": "https://host:port/secret"}, "webhook_url"),
        ({"webhook_url": "https://host/sec ret"}, "webhook_url"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name_without_the_secret(change: dict[str, str], key: str) -> None:
    with pytest.raises(ValueError, match=rf"^receivers\.ops\.{key} must be ") as caught:
        build("ops", SlackReceiver.model_validate({"kind": "slack", **change}))
    assert "sec" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_secret_from_a_file_may_end_in_a_line_break(slack: FakeSlack) -> None:
    settings = {"kind": "slack", "token": f"{slack.token}\n", "channel": "C0ALERTS", "api_url": slack.api_url}
    build("ops", SlackReceiver.model_validate(settings)).send(a_message(), {})
    hook = {"kind": "slack", "webhook_url": f"{slack.webhook_url}\n"}
    build("ops", SlackReceiver.model_validate(hook)).send(a_message(), {})
    assert len(slack.messages) == 2


@settings(max_examples=60, deadline=None)
@given(messages())
def test_any_message_is_within_the_limits_and_calls_nobody(message: Message) -> None:
    payload = {"text": fallback(message), "blocks": blocks(message)}
    assert refuse_content(payload) is None
    assert refuse_content({"text": farewell(message)}) is None
    assert mentions(payload) == []
    assert len(payload["text"]) < 2_000
    assert json.loads(json.dumps(payload, allow_nan=False)) == payload


@settings(max_examples=60, deadline=None)
@given(messages())
def test_the_first_alert_is_always_listed_and_the_others_listed_or_counted(message: Message) -> None:
    shown = sum("*State:*" in text for text in texts(blocks(message)) if text.count("*Since:*"))
    rest = [text for text in texts(blocks(message)) if text == f"and {len(message.alerts) - shown} more"]
    assert shown >= min(1, len(message.alerts))
    assert bool(rest) == (shown < len(message.alerts))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("limit", [1, 5, 6, 150, 3_000])
def test_escaped_text_keeps_its_limit_and_no_entity_is_cut(text: str, limit: int) -> None:
    shown = escaped(text, limit)
    assert units(shown) <= limit
    bare = shown.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert not set(bare) & set("&<>")


def test_many_alerts_fit_and_the_rest_is_counted() -> None:
    said = texts(blocks(_group(300)))
    shown = sum("service=service-" in text for text in said)
    assert shown >= 10
    assert f"and {300 - shown} more" in said


@pytest.mark.parametrize(("severity", "sign"), [("critical", "🔴"), ("error", "🟠"), ("warning", "🟡"), ("info", "🔵")])
def test_the_severity_is_seen_in_colour_and_in_words(severity: str, sign: str) -> None:
    title = headline(a_message(severity=severity))
    assert title.startswith(sign)
    assert title.endswith(f"({severity})")


def test_a_resolution_is_called_so_once() -> None:
    assert headline(a_message(action="resolve", title="errors")) == "✅ Resolved: errors"
    assert headline(a_message(action="resolve", title="Resolved: errors")) == "✅ Resolved: errors"


def test_times_are_in_utc_whatever_their_zone() -> None:
    since = (NOON - timedelta(minutes=7)).astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert blocks(a_message(alerts=(an_alert(since=since),))) == blocks(a_message())


# The fake itself: what it must refuse, so that a pass of the suite means something.


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"text": "x", "blocks": [_section("y")] * 51}, "invalid_blocks"),
        ({"text": "x", "blocks": [_section("y" * 3_001)]}, "invalid_blocks"),
        ({"text": "x", "blocks": [_section("")]}, "invalid_blocks"),
        (
            {"text": "x", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "y" * 151}}]},
            "invalid_blocks",
        ),
        ({"text": "x", "blocks": [{"type": "video"}]}, "invalid_blocks"),
        ({"text": "x", "blocks": [_section("y" * 2_900)] * 5}, "msg_blocks_too_long"),
        ({"text": "x", "blocks": [_section("y" * 3_000)]}, None),
    ],
)
def test_the_fake_refuses_what_slack_refuses(body: dict[str, Any], code: str | None) -> None:
    assert refuse_content(body) == code


def test_the_fake_updates_by_id_only_and_drops_old_blocks(slack: FakeSlack) -> None:
    posted = _called(slack, "chat.postMessage", {"channel": "alerts", "text": "x", "blocks": [_section("y")]})
    assert posted["channel"] == "C0ALERTS"
    change = {"ts": posted["ts"], "text": "z"}
    assert _called(slack, "chat.update", {"channel": "alerts", **change})["error"] == "channel_not_found"
    assert _called(slack, "chat.update", {"channel": "C0ALERTS", **change})["ok"]
    assert slack.messages[0].text == "z"
    assert (
        _called(slack, "chat.update", {"channel": "C0ALERTS", "ts": "1.1", "text": "z"})["error"] == "message_not_found"
    )
    assert _called(slack, "chat.delete", {})["error"] == "unknown_method"


def _called(slack: FakeSlack, method: str, body: dict[str, Any]) -> Any:
    headers = {"Authorization": f"Bearer {slack.token}", "Content-Type": "application/json"}
    request = urllib.request.Request(slack.api_url + method, json.dumps(body).encode(), headers, method="POST")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)
