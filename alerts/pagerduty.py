"""PagerDuty as a receiver: Events API v2.

The only door to pagerduty and to httpx2, through which it speaks. Its own retries, which sleep, are off: the outbox
retries, and must know of every attempt.
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from pagerduty import Error, EventsApiV2Client, HttpError, RoutingKeyAuthMethod, UrlError

from alerts.http_errors import delivery_error, failure_of_status
from alerts.notifier import DeliveryError, Failure, Message, Receipt
from alerts.pagerduty_event import change, dedup_key, event
from config.receivers import PagerDutyReceiver

ACCEPTED: Final = 202

# What the client raises: its own classes, those of httpx2 that it lets through, and what a request or an answer that
# is no good JSON makes of them.
CLIENT_ERRORS: Final = (
    Error,
    UrlError,
    httpx2.HTTPError,
    httpx2.InvalidURL,
    httpx2.CookieConflict,
    httpx2.StreamError,
    ValueError,
    RecursionError,
)

_FINGERPRINT: Final = "routing_key_fingerprint"
_FIELDS = re.compile(
    r"\b(routing_key|event_action|dedup_key|payload|summary|source|severity|timestamp|links|images|custom_details)\b"
)


class PagerDutyNotifier:
    """Opens and closes incidents with one integration key.

    Raises:
        ValueError: the settings cannot work: a URL that would send the key in clear, or that is none.
    """

    kind = "pagerduty"
    deduplicates = True

    def __init__(self, settings: PagerDutyReceiver) -> None:
        secrets = (settings.routing_key, *settings.previous_routing_keys)
        # The first key is the current one; the others only close what they opened.
        self._keys = tuple(secret.get_secret_value().strip() for secret in secrets)
        self._include_text = settings.include_text
        self._client = _Client(self._keys[0], base_url=settings.url)
        self._client.timeout = settings.timeout.total_seconds()  # type: ignore[assignment]  # httpx takes fractions

    def send(self, message: Message, refs: Mapping[str, str]) -> Receipt:
        """Triggers, updates (a trigger with the same dedup_key), acknowledges or resolves the incident of the message's
        key, or tells of a change, which is no incident.

        Whatever follows an opening goes out with the routing key that opened the incident: PagerDuty drops a resolve
        that comes with another one, and would open a second incident.

        Raises:
            DeliveryError: PagerDuty did not accept the event.
        """
        told = message if self._include_text else message.without_texts()
        key = self._keys[0] if message.action in ("trigger", "change") else self._opened_with(refs)
        self._client.auth_method = RoutingKeyAuthMethod(key)  # type: ignore[no-untyped-call]
        try:
            self._submit(told)
        except CLIENT_ERRORS as error:
            failure = failure_of(error)
        else:
            return Receipt() if message.action == "change" else Receipt({_FINGERPRINT: _fingerprint(key)})
        # Outside of `except`: the client's own error, which may quote the key, is not chained to it.
        raise failure

    def _submit(self, message: Message) -> None:
        if message.action == "change":
            self._client.send_change_event(**change(message))
        elif message.action in ("acknowledge", "resolve"):
            self._client.send_event(message.action, dedup_key=dedup_key(message.key))
        else:
            self._client.send_event("trigger", dedup_key=dedup_key(message.key), **event(message))

    def close(self) -> None:
        """Closes the connections that are kept open between events."""
        self._client.close()

    def _opened_with(self, refs: Mapping[str, str]) -> str:
        opened = refs.get(_FINGERPRINT)
        if not opened:
            return self._keys[0]
        for key in self._keys:
            if _fingerprint(key) == opened:
                return key
        raise DeliveryError(
            Failure.UNAUTHORIZED,
            f"the incident was opened with a routing key that is not configured any more (fingerprint {opened[:8]}):"
            " add it to previous_routing_keys, or resolve the incident by hand",
            retry=False,
        )


class _Client(EventsApiV2Client):
    """The official client, reduced to one request per event."""

    max_network_attempts = 0

    @property
    def url(self) -> str:
        """The base address. The original takes https only; this one also takes this machine, where a test listens."""
        return self._address

    @url.setter
    def url(self, address: str) -> None:
        self._address = _private_address(address)

    def postprocess(self, response: Any) -> None:
        """Ends the request here unless it was accepted: after this the original sleeps and tries again, without end
        on 429."""
        if response.status_code != ACCEPTED:
            raise HttpError("not accepted", response)


def failure_of(error: Exception) -> DeliveryError:
    """What an error of the client means; its text is dropped, it can hold the key or the message."""
    if isinstance(error, HttpError) and error.response is not None:
        return _refusal(error.response)
    cause = error.__cause__ or error
    if isinstance(cause, httpx2.TimeoutException):
        return delivery_error("PagerDuty", Failure.TIMEOUT, "no answer within the receiver's timeout")
    failure = Failure.UNREACHABLE if isinstance(cause, httpx2.TransportError) else Failure.UNEXPECTED
    return delivery_error("PagerDuty", failure, type(cause).__name__)


def _refusal(response: httpx2.Response) -> DeliveryError:
    status = response.status_code
    if status == ACCEPTED:
        return delivery_error("PagerDuty", Failure.UNEXPECTED, f"HTTP {status}, but no acknowledgement in the body")
    failure, detail = failure_of_status(status), f"HTTP {status}"
    if failure is Failure.BAD_REQUEST:
        # Only the names of fields: the answer may quote what we sent.
        named = dict.fromkeys(_FIELDS.findall(response.text[:10_000]))
        failure = Failure.UNAUTHORIZED if "routing_key" in named else failure
        detail += f"; it names {', '.join(named)}" if named else ""
    return delivery_error("PagerDuty", failure, detail, response.headers)


def _fingerprint(key: str) -> str:
    """Tells keys apart without telling the key; it is stored with the incident."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _private_address(address: str) -> str:
    try:
        parts = urlsplit(address)
        host = parts.hostname if parts.port != 0 else None
    except ValueError:
        host = None
    local = host in ("127.0.0.1", "::1", "localhost")
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
        raise ValueError("url must begin with https:// (http:// is only for this machine: the key would go in clear)")
    return address
