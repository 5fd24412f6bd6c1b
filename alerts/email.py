"""E-mail as a receiver: one mail a message, by SMTP."""

import logging
import re
import smtplib
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from alerts.email_message import email, is_message_id, message_id
from alerts.http_errors import delivery_error
from alerts.notifier import DeliveryError, Failure, Message, Receipt
from config.receivers import EmailReceiver

PORTS: Final = {"starttls": 587, "tls": 465, "none": 25}
THREAD: Final = "message_id"  # the receipt's ref: the mail that opened the thread

CLIENT_ERRORS: Final = (smtplib.SMTPException, OSError, ValueError)

_TOO_LARGE: Final = (552, 523)
_NO_LOGIN: Final = (530, 534, 535, 538)
_ENHANCED = re.compile(rb"([245]\.\d{1,3}\.\d{1,3})\b")  # RFC 3463

log = logging.getLogger("watchkeeper")


class EmailNotifier:
    """Sends to a list of addresses through one mail server.

    Raises:
        ValueError: the settings cannot work: credentials that SMTP cannot carry.
    """

    kind = "email"
    # A repetition has the id of the first mail, but whether anybody shows it only once is not known.
    deduplicates = False

    def __init__(self, settings: EmailReceiver) -> None:
        self._settings = settings
        password = settings.password
        self._login = None if password is None else (settings.username or "", password.get_secret_value())
        for name, text in zip(("username", "password"), self._login or (), strict=False):
            if not text.isascii() or not text.isprintable():
                raise ValueError(f"{name} must be printable ASCII: SMTP has no way to send others")

    def send(self, message: Message, refs: Mapping[str, str]) -> Receipt:
        """Sends the mail. Updates and the resolution answer the mail that opened the group, so they share its thread.

        It is delivered if the server takes it for one of the addresses: to send it again for the others would double
        it for that one. Those are in the log.

        Raises:
            DeliveryError: the server did not take it, or (after a time-out) nobody knows.
        """
        sender, to = self._settings.from_, self._settings.to
        opened = refs.get(THREAD, "")
        thread = opened if message.action != "trigger" and is_message_id(opened) else None
        told = message if self._settings.include_text else message.without_texts()
        mail = email(told, sender, to, thread).as_bytes()
        try:
            refused = self._sent(mail)
        except CLIENT_ERRORS as error:
            failure = failure_of(error)
        else:
            if refused:
                log.warning("the mail server does not take mail for %d of %d addresses", len(refused), len(to))
            return Receipt({THREAD: thread or message_id(message, sender)})
        # Outside of `except`: the client's own error, which may quote addresses or the password, is not chained to it.
        raise failure

    def close(self) -> None:
        """Nothing is held: each mail has its own connection."""

    def _sent(self, mail: bytes) -> Mapping[str, object]:
        """Sends the mail; gives the addresses that were refused while others were not."""
        client = self._connected()
        try:
            if self._login is not None:
                client.login(*self._login)
            refused = client.sendmail(self._settings.from_, self._settings.to, mail)
            # The mail is theirs: whatever becomes of the farewell, it must not be sent again.
            with suppress(*CLIENT_ERRORS):
                client.quit()
            return refused
        finally:
            client.close()

    def _connected(self) -> smtplib.SMTP:
        settings = self._settings
        port, timeout_s = settings.port or PORTS[settings.security], settings.timeout.total_seconds()
        if settings.security == "tls":
            return smtplib.SMTP_SSL(settings.host, port, timeout=timeout_s, context=ssl.create_default_context())
        client = smtplib.SMTP(settings.host, port, timeout=timeout_s)
        if settings.security == "starttls":
            try:
                client.starttls(context=ssl.create_default_context())
            except BaseException:
                client.close()
                raise
        return client


def failure_of(error: Exception) -> DeliveryError:
    """What an error of the client means; the server's words are dropped, they can quote an address or the message."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _refused_recipients(error)
    if isinstance(error, smtplib.SMTPResponseException):
        return _refusal(error)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return _error(Failure.UNEXPECTED, "it offers no encryption, or no login that Watchkeeper knows")
    # The client wraps a time-out of a reply into a lost connection.
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return _error(Failure.TIMEOUT, "no answer within the receiver's timeout")
    lost = isinstance(error, OSError | smtplib.SMTPServerDisconnected)
    return _error(Failure.UNREACHABLE if lost else Failure.UNEXPECTED, type(error).__name__)


def _refused_recipients(error: smtplib.SMTPRecipientsRefused) -> DeliveryError:
    """Nobody was accepted; if any of them may be later, it is tried again."""
    code, words = max(error.recipients.values(), key=lambda reply: _is_temporary(reply[0]))
    if _is_temporary(code):
        failure = Failure.SERVER_ERROR
    elif code in _NO_LOGIN or _enhanced(words).startswith("5.7."):  # "relaying denied": it wants a login
        failure = Failure.UNAUTHORIZED
    else:
        failure = Failure.UNKNOWN_RECEIVER
    return _error(failure, f"it refuses all addresses: {_said(code, words)}")


def _refusal(error: smtplib.SMTPResponseException) -> DeliveryError:
    code, words = error.smtp_code, error.smtp_error
    if code in _TOO_LARGE or _enhanced(words) == "5.3.4":
        failure = Failure.TOO_LARGE
    elif isinstance(error, smtplib.SMTPAuthenticationError | smtplib.SMTPSenderRefused) or code in _NO_LOGIN:
        failure = Failure.SERVER_ERROR if _is_temporary(code) else Failure.UNAUTHORIZED
    elif isinstance(error, smtplib.SMTPDataError) and code // 100 == 5:
        failure = Failure.BAD_REQUEST
    elif code // 100 in (4, 5):  # at the greeting: no reason why it should stay so
        failure = Failure.SERVER_ERROR
    else:
        failure = Failure.UNEXPECTED
    return _error(failure, _said(code, words))


def _is_temporary(code: int) -> bool:
    return code // 100 == 4


def _enhanced(words: bytes | str) -> str:
    found = _ENHANCED.match(words if isinstance(words, bytes) else words.encode("ascii", "replace"))
    return found[1].decode() if found else ""


def _said(code: int, words: bytes | str) -> str:
    return f"SMTP {code} {_enhanced(words)}".rstrip()


def _error(failure: Failure, detail: str) -> DeliveryError:
    return delivery_error("The mail server", failure, detail)
