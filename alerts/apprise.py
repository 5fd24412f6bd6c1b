"""Microsoft Teams and a hundred other services as a receiver, by the package Apprise; the only door to it.

Apprise says whether a service has taken a message, and why not only in its log, in words. They are read for a status
or the kind of the failure, and never kept or shown: they can quote addresses. Its own retries and pauses are off: the
outbox retries, and must know of every attempt.
"""

import logging
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import apprise
from apprise.attachment.memory import AttachMemory
from apprise.common import NotifyFormat, NotifyType, OverflowMode
from apprise.plugins.base import NotifyBase
from pydantic import SecretStr

from alerts.apprise_text import body, title
from alerts.chart import chart
from alerts.http_errors import delivery_error, failure_of_status
from alerts.notifier import DeliveryError, Failure, Message, Receipt
from config.receivers import AppriseReceiver

MOST_UNFINISHED: Final = 100
NAME: Final = "chart.png"

_STATUS = re.compile(r"error=(\d{3})\b")
_TIMED_OUT = re.compile(r"timed? ?out", re.IGNORECASE)
_GARBLED = re.compile(r"decod", re.IGNORECASE)
_LOST = re.compile(r"connection|socket|network|getaddrinfo|resolve", re.IGNORECASE)

_TYPES: Final[Mapping[str, NotifyType]] = {
    "critical": NotifyType.FAILURE,
    "error": NotifyType.FAILURE,
    "warning": NotifyType.WARNING,
    "info": NotifyType.INFO,
}


class AppriseNotifier:
    """Sends to every URL. What some of them have taken is not sent to them again when the others are tried again.

    Raises:
        ValueError: a URL that Apprise does not know.
    """

    kind = "apprise"
    deduplicates = False

    def __init__(self, settings: AppriseReceiver) -> None:
        _quiet()
        timeout_s = settings.timeout.total_seconds()
        self._services = [_service(url, f"urls[{number}]", timeout_s) for number, url in enumerate(settings.urls)]
        self._include_text = settings.include_text
        self._attaches = settings.attach_charts
        # Which services have a message that others do not have yet; a restart forgets it, and may repeat.
        self._taken: dict[tuple[str, ...], set[int]] = {}

    def send(self, message: Message, refs: Mapping[str, str]) -> Receipt:
        """Sends the message to every service that does not have it; there is nothing that later ones need.

        Raises:
            DeliveryError: at least one service did not take it.
        """
        told = message if self._include_text else message.without_texts()
        which = (message.key, message.action, message.at.isoformat())
        taken = self._taken.pop(which, set())
        picture = _picture(message) if self._attaches else None
        errors = []
        for number, service in enumerate(self._services):
            if number not in taken:
                # A picture is no reason to lose an alert: who refuses it gets the message without.
                is_shown = picture is not None and service.attachment_support
                error = _failure(service, told, picture) if is_shown else _failure(service, told)
                if error is not None and is_shown:
                    error = _failure(service, told)
                if error is None:
                    taken.add(number)
                else:
                    errors.append(error)
        if not errors:
            return Receipt()
        if taken:
            self._taken = dict([*self._taken.items(), (which, taken)][-MOST_UNFINISHED:])
        raise next((error for error in errors if error.retry), errors[0])

    def close(self) -> None:
        """Nothing is held: each request has its own connection."""


def _service(url: SecretStr, key: str, timeout_s: float) -> NotifyBase:
    service = apprise.Apprise.instantiate(url.get_secret_value().strip(), asset=_asset(), suppress_exceptions=True)
    if not isinstance(service, NotifyBase):
        raise ValueError(f"{key} is no URL that Apprise knows; its documentation has those of each service")
    service.request_rate_per_sec = 0  # or it would sleep: this runs once a second at most
    service.retry = 0
    service.redirects = False
    service.overflow_mode = OverflowMode.TRUNCATE
    service.socket_connect_timeout = service.socket_read_timeout = timeout_s
    return service


def _asset() -> apprise.AppriseAsset:
    """Without pictures from Apprise's own pages, and one thing after the other."""
    return apprise.AppriseAsset(
        app_id="Watchkeeper",
        app_desc="Watchkeeper",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        async_mode=False,
    )


def _picture(message: Message) -> apprise.AppriseAttachment | None:
    """The chart as an attachment; None where there is none."""
    drawn = chart(message)
    if drawn is None:
        return None
    attached = apprise.AppriseAttachment(asset=_asset())
    attached.add(AttachMemory(drawn[0], name=NAME, mimetype="image/png"))  # type: ignore[no-untyped-call]
    return attached


def _failure(
    service: NotifyBase, message: Message, picture: apprise.AppriseAttachment | None = None
) -> DeliveryError | None:
    """Why a service did not take the message; None if it did."""
    sender = apprise.Apprise(asset=_asset())
    sender.add(service)
    limit = service.body_maxlen if isinstance(service.body_maxlen, int) and service.body_maxlen > 0 else 1_000
    kind = NotifyType.SUCCESS if message.action == "resolve" else _TYPES[message.severity]
    with _EAR.listening() as heard:
        said = body(message, limit), title(message)
        if sender.notify(
            *said, notify_type=kind, body_format=NotifyFormat.TEXT, attach=picture, interpret_escapes=False
        ):
            return None
        words = " ".join(heard)
    return _refusal(words)


def _refusal(heard: str) -> DeliveryError:
    if status := _STATUS.search(heard):
        return delivery_error("The service", failure_of_status(int(status[1])), f"HTTP {status[1]}, by Apprise")
    if _TIMED_OUT.search(heard):
        return delivery_error("The service", Failure.TIMEOUT, "no answer within the receiver's timeout, by Apprise")
    if _LOST.search(heard) and not _GARBLED.search(heard):
        return delivery_error("The service", Failure.UNREACHABLE, "by Apprise")
    # Nobody knows whether it is for good: a lost alert is worse than a second try.
    return delivery_error("The service", Failure.UNEXPECTED, "by Apprise, which gives no reason")


class _Ear(logging.Filter):
    """Takes all that Apprise logs: addresses, which are secrets, and messages. What it heard last is kept for a while.

    Apprise speaks in threads of its own, so that one at a time may listen.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._heard: list[str] = []

    @contextmanager
    def listening(self) -> Iterator[list[str]]:
        """What Apprise says from now on."""
        with self._lock:
            self._heard = []
            yield self._heard
            self._heard = []

    def filter(self, record: logging.LogRecord) -> bool:
        """Nothing passes."""
        self._heard.append(record.getMessage()[:1_000])
        return False


_EAR: Final = _Ear()


def _quiet() -> None:
    logger = logging.getLogger("apprise")
    logger.addFilter(_EAR)  # once only, however often
    logger.setLevel(logging.DEBUG)
    # The client below it quotes addresses too.
    below = logging.getLogger("urllib3")
    below.setLevel(max(below.level, logging.WARNING))
