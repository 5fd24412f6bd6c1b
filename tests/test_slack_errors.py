"""What Slack's error codes, statuses and client exceptions mean, and which settings are refused."""

import http.client
import inspect
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import slack_sdk.errors
from fake_http import Answer
from fake_slack import FakeSlack
from notifier_ends import failure_of_sending
from samples_notifiers import (
    a_message,
    resolved,
)
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackTokenRotationError

from alerts.http_errors import RETRIED
from alerts.notifier import Failure, Notifier
from alerts.registry import build
from alerts.slack import CLIENT_ERRORS
from alerts.slack_errors import CANNOT_UPDATE, FAILURES
from config.receivers import SlackReceiver

pytest_plugins = ("notifier_ends",)


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
    error = failure_of_sending(bot)
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
    failure = failure_of_sending(bot)
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
    error = failure_of_sending(webhook)
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
    error = failure_of_sending(bot, a_message() if action == "trigger" else resolved(a_message()), refs)
    assert (error.failure, error.retry) == (failure, False)


def test_a_webhook_that_was_removed_forbidden_or_archived_is_a_lasting_failure(
    webhook: Notifier, slack: FakeSlack
) -> None:
    slack.webhook.prohibited = True
    assert failure_of_sending(webhook).failure is Failure.UNAUTHORIZED
    slack.webhook.disabled = True
    assert failure_of_sending(webhook).failure is Failure.UNKNOWN_RECEIVER
    slack.webhook.disabled = slack.webhook.prohibited = False
    slack.archived.add("C0ALERTS")
    assert failure_of_sending(webhook).failure is Failure.UNKNOWN_RECEIVER


def _of_the_sdk() -> list[Exception]:
    refused: Any = SlackApiError
    refusal = refused("text with a secret", SimpleNamespace(status_code=200, data=None, headers={}))
    special = {SlackApiError: refusal, SlackTokenRotationError: SlackTokenRotationError(refusal)}
    classes: list[Any] = [error for _, error in inspect.getmembers(slack_sdk.errors, inspect.isclass)]
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
    error = failure_of_sending(bot)
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
