"""What an HTTP answer means to the outbox: the reason of a failure, and whether and when to try again."""

import re
from collections.abc import Mapping
from typing import Final

from alerts.notifier import DeliveryError, Failure

# A channel that asks for more is not obeyed for longer: an alert that waits a day is no alert.
LONGEST_WAIT_S: Final = 3600.0

# Failures after which the same message may be accepted later. An answer that nobody documented counts among them:
# a lost page is worse than a second try.
RETRIED: Final = frozenset(
    {Failure.RATE_LIMITED, Failure.SERVER_ERROR, Failure.TIMEOUT, Failure.UNREACHABLE, Failure.UNEXPECTED}
)

_STATUSES: Final[dict[int, Failure]] = {
    401: Failure.UNAUTHORIZED,
    403: Failure.UNAUTHORIZED,
    404: Failure.UNKNOWN_RECEIVER,
    407: Failure.UNAUTHORIZED,  # a proxy on the way
    408: Failure.TIMEOUT,
    410: Failure.UNKNOWN_RECEIVER,
    413: Failure.TOO_LARGE,
    429: Failure.RATE_LIMITED,
}

_MEANINGS: Final[dict[Failure, str]] = {
    Failure.RATE_LIMITED: "asks to slow down",
    Failure.UNAUTHORIZED: "does not accept the credentials: check them and their rights",
    Failure.UNKNOWN_RECEIVER: "does not know the receiver: it was removed, archived, never joined, or never existed",
    Failure.BAD_REQUEST: "does not accept this message",
    Failure.TOO_LARGE: "finds this message too large",
    Failure.SERVER_ERROR: "is broken at the moment",
    Failure.TIMEOUT: "did not answer in time",
    Failure.UNREACHABLE: "cannot be reached",
    Failure.UNEXPECTED: "gave an answer that its documentation does not know",
}

_SECONDS = re.compile(r"\s*(\d{1,9}(?:\.\d{1,9})?)\s*")


def failure_of_status(status: int) -> Failure:
    """The reason behind an HTTP status that is not the one that means success."""
    if status in _STATUSES:
        return _STATUSES[status]
    return {4: Failure.BAD_REQUEST, 5: Failure.SERVER_ERROR}.get(status // 100, Failure.UNEXPECTED)


def delivery_error(
    channel: str, failure: Failure, detail: str, headers: Mapping[str, str] | None = None
) -> DeliveryError:
    """An error that says in words what happened.

    Args:
        channel: who answered, for people: `Slack`.
        failure: the reason; it decides whether the message is tried again.
        detail: a status or a documented code; never text of the answer or of the message, either may hold a secret.
        headers: those of the answer, for `Retry-After`.
    """
    return DeliveryError(
        failure,
        f"{channel} {_MEANINGS[failure]} ({detail})",
        retry=failure in RETRIED,
        retry_after_s=retry_after(headers) if headers and failure in RETRIED else None,
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds in `Retry-After`, at most an hour. None if there is no such header, or if it holds a date (RFC 9110
    allows one, neither Slack nor PagerDuty sends one, and nothing here has a clock)."""
    for name, value in headers.items():
        if name.lower() == "retry-after":
            match = _SECONDS.fullmatch(str(value))
            return min(float(match[1]), LONGEST_WAIT_S) if match else None
    return None
