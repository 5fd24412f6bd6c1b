"""One POST to an address that a user has configured: what the notifiers without a client library of their own share.

By Python's own client: it logs nothing, and the address may hold a secret. Nothing is tried again here, the outbox
does that and must know of every attempt.
"""

import re
from collections.abc import Mapping
from http.client import HTTPException, HTTPResponse
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import HTTPErrorProcessor, Request, build_opener

from alerts.http_errors import delivery_error, failure_of_status
from alerts.notifier import DeliveryError, Failure

CLIENT_ERRORS: Final = (OSError, HTTPException, ValueError)

_HEADER = re.compile(r"([A-Za-z0-9!#$%&'*+.^_`|~-]+):[ \t]*([ -~]*[!-~])[ \t]*")

# Those that make the request what it is; the rest is the user's.
_OURS: Final = frozenset(
    {"host", "content-type", "content-length", "content-encoding", "transfer-encoding", "connection", "expect"}
)


class Poster:
    """Posts JSON to one address. A proxy of the environment is used, also NO_PROXY.

    Args:
        channel: who answers, for people: `The webhook`.
        address: a checked one, see `web_address`.
        timeout_s: the longest that connecting, sending or waiting for the answer may take.
    """

    def __init__(self, channel: str, address: str, timeout_s: float) -> None:
        self._channel = channel
        self._address = address
        self._timeout_s = timeout_s
        self._opener = build_opener(_AsItIs)

    def post(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Sends the body; good is every status 2xx, as for Prometheus and Alertmanager.

        Of the answer only status and headers are looked at: its body may be endless, may quote a secret, and says
        nothing that the outbox could use. A redirect is not followed: the headers would go to somebody else.

        Raises:
            DeliveryError: the other end did not take it, or (after a time-out) nobody knows.
        """
        fixed = {"Content-Type": "application/json", "User-Agent": "Watchkeeper"}
        self._send(Request(self._address, body, {**fixed, **headers}, method="POST"))

    def get(self) -> None:
        """Asks the address for nothing but a status; as `post`.

        Raises:
            DeliveryError: the other end did not answer with 2xx, or nobody knows.
        """
        self._send(Request(self._address, headers={"User-Agent": "Watchkeeper"}))

    def _send(self, request: Request) -> None:
        try:
            with self._opener.open(request, timeout=self._timeout_s) as answer:
                status, told = answer.status, dict(answer.headers.items())
        except CLIENT_ERRORS as error:
            failure = self._failure_of(error)
        else:
            if status // 100 == 2:
                return
            failure = delivery_error(self._channel, failure_of_status(status), f"HTTP {status}", told)
        # Outside of `except`: the client's own error, which may quote the address, is not chained to it.
        raise failure

    def _failure_of(self, error: Exception) -> DeliveryError:
        if isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError):
            return delivery_error(self._channel, Failure.TIMEOUT, "no answer within the receiver's timeout")
        failure = Failure.UNREACHABLE if isinstance(error, OSError) else Failure.UNEXPECTED
        return delivery_error(self._channel, failure, type(error).__name__)


class _AsItIs(HTTPErrorProcessor):
    """Gives back every answer: no redirects, no exceptions for a status."""

    def http_response(self, request: Request, response: HTTPResponse) -> Any:
        return response

    https_response = http_response


def web_address(address: str, key: str) -> str:
    """The address, if a request can go there.

    Raises:
        ValueError: it cannot; the text names the key and does not quote the address.
    """
    address = address.strip()
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        has_user = parts.username is not None or parts.password is not None
    except ValueError:
        usable = has_user = False
    if not usable or not re.fullmatch(r"[!-~]+", address):
        raise ValueError(f"{key} must be a web address that begins with https:// or http://")
    if has_user:
        raise ValueError(f"{key} must hold no user and no password")
    return address


def header(line: str, key: str) -> tuple[str, str]:
    """Name and value of a header that a user has written as `Name: value`.

    Raises:
        ValueError: it cannot be sent; the text names the key and does not quote the header.
    """
    match = _HEADER.fullmatch(line.strip())
    if match is None:
        raise ValueError(f"{key} must be a name, a colon and a value in printable ASCII, such as X-Api-Key: …")
    if match[1].lower() in _OURS or match[1].lower().startswith("x-watchkeeper-"):
        raise ValueError(f"{key} sets a header that Watchkeeper itself sets: take it out")
    return match[1], match[2]
