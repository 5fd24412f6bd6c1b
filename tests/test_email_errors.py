"""Every way in which a mail fails: the reason, the retry, and no secret and no address in it."""

import logging
import traceback
from collections.abc import Iterator
from smtplib import SMTPConnectError

import pytest
from fake_smtp import HANGS, HANGS_UP, FakeSmtp
from notifier_ends import failure_of_sending
from samples_notifiers import SHORT, a_message
from test_email import TO, notifier

from alerts.email import failure_of
from alerts.http_errors import RETRIED
from alerts.notifier import DeliveryError, Failure


@pytest.fixture
def server() -> Iterator[FakeSmtp]:
    with FakeSmtp() as made:
        yield made


REPLIES = [
    ("AUTH", "535 5.7.8 no", Failure.UNAUTHORIZED),
    ("AUTH", "534 5.7.9 an application password is needed", Failure.UNAUTHORIZED),
    ("AUTH", "454 4.7.0 later", Failure.SERVER_ERROR),
    ("MAIL", "530 5.7.0 log in first", Failure.UNAUTHORIZED),
    ("MAIL", "553 5.7.1 not your address", Failure.UNAUTHORIZED),
    ("MAIL", "552 5.3.4 too large", Failure.TOO_LARGE),
    ("MAIL", "452 4.3.1 disk full", Failure.SERVER_ERROR),
    ("MAIL", "421 4.7.0 too many", Failure.SERVER_ERROR),
    ("DATA", "552 too large", Failure.TOO_LARGE),
    ("DATA", "550 5.3.4 too large", Failure.TOO_LARGE),
    ("DATA", "554 5.7.1 spam", Failure.BAD_REQUEST),
    ("DATA", "550 no", Failure.BAD_REQUEST),
    ("DATA", "451 4.7.1 later", Failure.SERVER_ERROR),
    ("DATA", "299 what", Failure.UNEXPECTED),
]


@pytest.mark.parametrize(("command", "reply", "failure"), REPLIES)
def test_every_reply_has_a_reason(server: FakeSmtp, command: str, reply: str, failure: Failure) -> None:
    server.script(command, *[reply] * 5)  # the client tries several ways to log in
    error = failure_of_sending(notifier(server))
    assert (error.failure, error.retry) == (failure, failure in RETRIED)
    assert server.mails == []
    assert_says_nothing(error, reply)


@pytest.mark.parametrize(
    ("replies", "failure"),
    [
        (["550 5.1.1 no such user", "550 5.1.1 no such user"], Failure.UNKNOWN_RECEIVER),
        (["550 5.1.1 no such user", "450 4.2.0 greylisted"], Failure.SERVER_ERROR),
        (["450 4.2.0 greylisted", "550 5.1.1 no such user"], Failure.SERVER_ERROR),
        (["554 5.7.1 relaying denied", "554 5.7.1 relaying denied"], Failure.UNAUTHORIZED),
        (["530 log in first", "530 log in first"], Failure.UNAUTHORIZED),
    ],
)
def test_refused_addresses_have_a_reason_together(server: FakeSmtp, replies: list[str], failure: Failure) -> None:
    server.script("RCPT", *replies)
    error = failure_of_sending(notifier(server))
    assert (error.failure, error.retry) == (failure, failure in RETRIED)
    assert_says_nothing(error, replies[0])


def test_one_address_that_is_taken_is_a_delivery_and_the_others_are_in_the_log(
    server: FakeSmtp, caplog: pytest.LogCaptureFixture
) -> None:
    server.script("RCPT", "550 5.1.1 no such user")
    notifier(server).send(a_message(), {})
    assert [mail.to for mail in server.mails] == [("team@example.org",)]
    assert "does not take mail for 1 of 2 addresses" in caplog.text
    assert "oncall@" not in caplog.text


def test_a_server_that_has_no_time_at_the_greeting_is_tried_again(server: FakeSmtp) -> None:
    server.script("EHLO", "421 4.3.2 going down")
    server.script("HELO", "421 4.3.2 going down")
    assert failure_of_sending(notifier(server)).failure == Failure.SERVER_ERROR
    for code in (421, 554):
        error = failure_of(SMTPConnectError(code, b"no SMTP here"))
        assert (error.failure, error.retry) == (Failure.SERVER_ERROR, True)


def test_a_right_login_is_needed(server: FakeSmtp) -> None:
    assert failure_of_sending(notifier(server, password="another")).failure == Failure.UNAUTHORIZED


def test_a_login_at_a_server_that_knows_none_is_unexpected(server: FakeSmtp) -> None:
    server.script("EHLO", "250 only this")
    error = failure_of_sending(notifier(server))
    assert (error.failure, error.retry) == (Failure.UNEXPECTED, True)


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT", "DATA"])
def test_a_server_that_does_not_answer_is_a_timeout(server: FakeSmtp, command: str) -> None:
    server.script(command, HANGS)
    error = failure_of_sending(notifier(server, timeout=SHORT))
    assert (error.failure, error.retry) == (Failure.TIMEOUT, True)


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT", "DATA"])
def test_a_server_that_hangs_up_is_unreachable(server: FakeSmtp, command: str) -> None:
    server.script(command, HANGS_UP)
    error = failure_of_sending(notifier(server))
    assert (error.failure, error.retry) == (Failure.UNREACHABLE, True)


def test_no_secret_is_in_errors_logs_or_the_notifier(server: FakeSmtp, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sender = notifier(server)
    for command, reply, _ in REPLIES:
        server.reset()
        server.script(command, *[f"{reply} {server.password} errors on support"] * 5)
        assert_says_nothing(failure_of_sending(sender), server.password)
    assert server.password not in caplog.text + repr(sender)


def assert_says_nothing(error: DeliveryError, words: str) -> None:
    """Not the server's words, which may quote anything, nor an address, nor the password."""
    assert error.__cause__ is None
    assert error.__context__ is None
    text = f"{error} {error!r} {''.join(traceback.format_exception(error))}"
    for each in (words, FakeSmtp.password, *TO, "errors on support"):
        assert each not in text
