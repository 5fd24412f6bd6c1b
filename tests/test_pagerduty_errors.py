"""What PagerDuty's refusals and its client's exceptions mean, and which addresses are refused."""

import inspect
import json
import time
from typing import Any

import httpx2
import pagerduty
import pagerduty.errors
import pytest
from fake_http import HANGS_UP, Answer
from fake_pagerduty import FakePagerDuty
from notifier_ends import failure_of_sending
from samples_notifiers import (
    ROUTING_KEY,
    a_message,
)

from alerts.notifier import Failure, Notifier
from alerts.pagerduty import CLIENT_ERRORS
from alerts.registry import build
from config.receivers import PagerDutyReceiver

pytest_plugins = ("notifier_ends",)


def test_a_refusal_names_the_fields_and_quotes_nothing(pager: Notifier, account: FakePagerDuty) -> None:
    said = ["'payload.summary' is too long: errors on support", "'payload.severity' is invalid", ROUTING_KEY]
    account.script(Answer(400, json.dumps({"status": "invalid event", "errors": said})))
    error = failure_of_sending(pager)
    assert (error.failure, error.retry) == (Failure.BAD_REQUEST, False)
    assert str(error).endswith("(HTTP 400; it names payload, summary, severity)")


@pytest.mark.parametrize("answer", [Answer(429), Answer(500), Answer(502), Answer(503), Answer(504), HANGS_UP])
def test_nothing_sleeps_and_nothing_is_sent_twice(
    pager: Notifier, account: FakePagerDuty, monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    def woken(_: float) -> None:
        raise AssertionError("slept")

    monkeypatch.setattr(time, "sleep", woken)
    account.script(answer)
    assert failure_of_sending(pager).retry
    assert len(account.requests) == 1
    monkeypatch.undo()
    pager.send(a_message(), {})
    assert len(account.open_incidents) == 1


def _of_the_client() -> list[Exception]:
    response, request = httpx2.Response(202, text="secret"), httpx2.Request("POST", "https://secret")
    known: dict[Any, Exception] = {
        pagerduty.HttpError: pagerduty.HttpError("secret", response),
        pagerduty.ServerHttpError: pagerduty.ServerHttpError("secret", response),
        httpx2.HTTPStatusError: httpx2.HTTPStatusError("secret", request=request, response=response),
    }
    bare: list[Any] = [httpx2.StreamConsumed, httpx2.StreamClosed, httpx2.ResponseNotRead, httpx2.RequestNotRead]
    known |= {error: error() for error in bare}
    classes: list[Any] = [
        each for module in (pagerduty, httpx2) for _, each in inspect.getmembers(module, inspect.isclass)
    ]
    raisable = [
        each for each in dict.fromkeys(classes) if issubclass(each, Exception) and not issubclass(each, Warning)
    ]
    return [known.get(error) or error("secret") for error in raisable]


ERRORS = [
    *_of_the_client(),
    UnicodeEncodeError("utf-8", "secret", 0, 1, "secret"),
    ValueError("secret"),
    RecursionError("secret"),
]


@pytest.mark.parametrize("raised", ERRORS, ids=lambda error: type(error).__name__)
def test_every_exception_of_the_client_becomes_a_delivery_error_without_its_text(
    pager: Notifier, monkeypatch: pytest.MonkeyPatch, raised: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise raised

    monkeypatch.setattr(pagerduty.EventsApiV2Client, "post", fail)
    assert isinstance(raised, CLIENT_ERRORS)
    error = failure_of_sending(pager)
    assert error.failure in (Failure.TIMEOUT, Failure.UNREACHABLE, Failure.UNEXPECTED)
    assert error.retry
    assert "secret" not in str(error)


def test_the_enumeration_holds_the_errors_of_both_packages() -> None:
    names = {type(error).__name__ for error in ERRORS}
    assert {
        "Error",
        "HttpError",
        "ServerHttpError",
        "UrlError",
        "ReadTimeout",
        "ConnectError",
        "DecodingError",
    } <= names
    assert len(names) >= 25


@pytest.mark.parametrize(
    "url",
    [
        "http://events.pagerduty.com",
        "http://127.0.0.1.example.com",
        "http://localhost@evil.example",
        "events.pagerduty.com",
        "ftp://127.0.0.1",
        "https://",
        "https://[::1",
        "https://host:port",
        "",
    ],
)
def test_a_url_that_would_send_the_key_in_clear_is_refused_by_name(url: str) -> None:
    settings_ = {"kind": "pagerduty", "routing_key": ROUTING_KEY, "url": url}
    with pytest.raises(ValueError, match=r"^receivers\.ops\.url must begin with https://") as caught:
        build("ops", PagerDutyReceiver.model_validate(settings_))
    assert ROUTING_KEY not in str(caught.value)


@pytest.mark.parametrize("url", ["https://events.pagerduty.com", "https://events.eu.pagerduty.com/", "http://[::1]:1"])
def test_the_addresses_of_pagerduty_and_of_this_machine_are_taken(url: str) -> None:
    settings_ = {"kind": "pagerduty", "routing_key": ROUTING_KEY, "url": url}
    build("ops", PagerDutyReceiver.model_validate(settings_)).close()
