"""Every way in which a delivery fails, for every kind that speaks HTTP: the reason, the retry, and no secret in it.

E-mail has its own ways, see test_email_errors.py.
"""

import json
import logging
import traceback

import pytest
from fake_http import HANGS, HANGS_UP, Answer, FakeHttp
from notifier_ends import failure_of_sending
from samples_notifiers import (
    LONG,
    SHORT,
    Sample,
    a_message,
    each_sample,
    each_sample_over_http,
    each_sample_that_answers,
)

from alerts.http_errors import LONGEST_WAIT_S, RETRIED, retry_after
from alerts.notifier import DeliveryError, Failure, Notifier
from alerts.registry import build

pytest_plugins = ("notifier_ends",)


EXPECTED = {
    401: Failure.UNAUTHORIZED,
    403: Failure.UNAUTHORIZED,
    404: Failure.UNKNOWN_RECEIVER,
    407: Failure.UNAUTHORIZED,
    408: Failure.TIMEOUT,
    410: Failure.UNKNOWN_RECEIVER,
    413: Failure.TOO_LARGE,
    429: Failure.RATE_LIMITED,
}


def _expected(status: int) -> Failure:
    if status >= 500:
        return Failure.SERVER_ERROR
    if status < 400:
        return Failure.UNEXPECTED  # a redirect, or a success that the documentation does not know
    return EXPECTED.get(status, Failure.BAD_REQUEST)


@each_sample_over_http
@pytest.mark.parametrize("hundred", [200, 300, 400, 500])
def test_every_http_status_has_a_reason_and_costs_one_request(
    sample: Sample, notifier: Notifier, server: FakeHttp, hundred: int
) -> None:
    bare = a_message(alerts=())
    for status in range(hundred, hundred + 100):
        if status in sample.successes and not sample.answers:
            continue
        server.reset()
        server.script(Answer(status, "no answer of the documentation"))
        error = failure_of_sending(notifier, bare)
        assert (status, error.failure) == (status, _expected(status))
        assert error.retry is (error.failure in RETRIED)
        assert len(server.requests) == 1


PERMANENT = {Failure.UNAUTHORIZED, Failure.UNKNOWN_RECEIVER, Failure.BAD_REQUEST, Failure.TOO_LARGE}


def test_what_the_channel_will_never_accept_is_not_tried_again() -> None:
    assert set(Failure) - PERMANENT == RETRIED


@each_sample_over_http
@pytest.mark.parametrize("status", [429, 500, 503])
def test_retry_after_is_handed_on_and_not_slept(
    sample: Sample, notifier: Notifier, server: FakeHttp, status: int
) -> None:
    server.script(Answer(status, headers={"RETRY-after": "17"}))
    error = failure_of_sending(notifier)
    assert (error.retry, error.retry_after_s) == (True, 17.0 if sample.tells_wait else None)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("999999999", LONGEST_WAIT_S),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("1e9", None),
        ("", None),
        ("9" * 5000, None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_a_retry_after_that_is_no_number_of_seconds_is_left_to_the_outbox(header: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": header}) == seconds


@each_sample_over_http
def test_a_server_that_never_answers_is_a_timeout(sample: Sample, server: FakeHttp) -> None:
    server.script(HANGS)
    error = failure_of_sending(build("ops", sample.settings(server, SHORT)))
    assert (error.failure, error.retry) == (Failure.TIMEOUT, True)
    assert len(server.requests) <= 1  # a busy machine may not have read it yet


@each_sample_over_http
def test_a_server_that_hangs_up_is_unreachable(sample: Sample, notifier: Notifier, server: FakeHttp) -> None:
    server.script(HANGS_UP)
    error = failure_of_sending(notifier)
    assert (error.failure, error.retry) == (Failure.UNREACHABLE, True)
    assert len(server.requests) == 1


@each_sample
def test_a_refused_connection_is_unreachable(sample: Sample) -> None:
    error = failure_of_sending(build("ops", sample.settings(None, LONG)))
    assert (error.failure, error.retry) == (Failure.UNREACHABLE, True)


NO_ANSWERS = (
    b"",
    b"<html>please log in</html>",
    b'{"ok": true, "dedup_key": "k"',
    b"[1]",
    b"[]",
    b"null",
    b"true",
    b'"ok"',
    b"\xff\xfe\x00",
    b"[" * 200_000,
    b"9" * 10_000,
)


@each_sample_that_answers
@pytest.mark.parametrize("body", NO_ANSWERS, ids=range(len(NO_ANSWERS)))
def test_a_success_with_a_body_that_is_no_answer_is_unexpected(
    sample: Sample, notifier: Notifier, server: FakeHttp, body: bytes
) -> None:
    server.script(Answer(sample.successes[0], body))
    error = failure_of_sending(notifier)
    assert (error.failure, error.retry) == (Failure.UNEXPECTED, True)


@each_sample_over_http
@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/html; charset=klingon"},
        {"Content-Encoding": "gzip"},
        {"Content-Type": "application/gzip"},
    ],
    ids=str,
)
def test_an_answer_in_an_unknown_coding_is_at_worst_unexpected(
    sample: Sample, notifier: Notifier, server: FakeHttp, headers: dict[str, str]
) -> None:
    for status in (sample.successes[0], 500) if sample.answers else (500,):
        server.script(Answer(status, "not what the header says", headers))
        error = failure_of_sending(notifier)
        assert error.failure in (Failure.UNEXPECTED, Failure.SERVER_ERROR)
        assert error.retry


@each_sample_over_http
def test_no_secret_is_in_errors_logs_or_the_notifier(
    sample: Sample, notifier: Notifier, server: FakeHttp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [Answer(status, " ".join(sample.secrets)) for status in (200, 202, 302, 400, 401, 403, 404, 429, 500)]
    echo = json.dumps({"ok": False, "error": sample.secrets[0], "errors": list(sample.secrets)})
    answers += [Answer(200, echo), Answer(400, echo), HANGS_UP]
    answers = [each for each in answers if sample.answers or each.hangs_up or each.status not in sample.successes]
    texts = [repr(notifier), str(notifier)]
    for answer in answers:
        server.script(answer)
        texts += _all_texts(failure_of_sending(notifier))
    texts += _all_texts(failure_of_sending(build("ops", sample.settings(None, LONG))))
    notifier.send(a_message(), {})
    _assert_no_secret(sample, [*texts, caplog.text, *map(str, (vars(record) for record in caplog.records))])


@each_sample_over_http
def test_an_error_does_not_quote_the_message(sample: Sample, notifier: Notifier, server: FakeHttp) -> None:
    quoting = (Answer(400, "errors on support"), Answer(200, '{"ok": false, "error": "errors on support"}'))
    for answer in quoting if sample.answers else quoting[:1]:
        server.script(answer)
        assert "errors on support" not in " ".join(_all_texts(failure_of_sending(notifier)))


def _all_texts(error: DeliveryError) -> list[str]:
    assert error.__cause__ is None
    assert error.__context__ is None
    return [str(error), repr(error), repr(error.args), "".join(traceback.format_exception(error))]


def _assert_no_secret(sample: Sample, texts: list[str]) -> None:
    for secret in sample.secrets:
        assert not [text for text in texts if secret in text]
