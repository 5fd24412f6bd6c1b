"""What a notifier is: a message in, a receipt out, or an error that says whether to try again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal, Protocol, runtime_checkable

# "acknowledge": a person has taken it on, the title says who. "change": something happened and nothing is wrong; it
# opens nothing, and goes only to receivers that want changes.
Action = Literal["trigger", "update", "acknowledge", "resolve", "change"]
Severity = Literal["critical", "error", "warning", "info"]


class Failure(StrEnum):
    """Why a delivery failed; the label of `watchkeeper_deliveries_total{outcome}`. A closed set."""

    RATE_LIMITED = "rate_limited"  # the channel asked to slow down
    UNAUTHORIZED = "unauthorized"  # the credentials are wrong or lack a right
    UNKNOWN_RECEIVER = "unknown_receiver"  # the channel, room or integration does not exist or is closed
    BAD_REQUEST = "bad_request"  # the channel does not accept this message
    TOO_LARGE = "too_large"  # the message is over the channel's limit
    SERVER_ERROR = "server_error"  # the channel is broken
    TIMEOUT = "timeout"  # no answer in time
    UNREACHABLE = "unreachable"  # no connection
    UNEXPECTED = "unexpected"  # an answer that the channel's documentation does not know


class DeliveryError(Exception):
    """A message was not delivered. The text never holds a secret and never the message.

    Attributes:
        failure: the reason, from the closed set.
        retry: whether the same message may be accepted later.
        retry_after_s: seconds that the channel asked to wait, if it did.
    """

    def __init__(self, failure: Failure, text: str, *, retry: bool, retry_after_s: float | None = None) -> None:
        super().__init__(text)
        self.failure = failure
        self.retry = retry
        self.retry_after_s = retry_after_s


@dataclass(frozen=True, slots=True)
class Link:
    """A place that a message leads to."""

    text: str
    href: str


@dataclass(frozen=True, slots=True)
class CallText:
    """What a call behind an alert says; redacted, and hostile all the same."""

    call: str
    prompt: str = ""
    response: str = ""


@dataclass(frozen=True, slots=True)
class AlertView:
    """One alert as a person should read it.

    `labels` hold rule, source, severity, the segment and the measurement's labels. `series`, `threshold` and `texts`
    are added when a message is sent and never kept: a stored message holds no text of calls.
    """

    labels: Mapping[str, str]
    summary: str
    state: Literal["firing", "no_data", "error", "resolved"]
    since: datetime
    ended: datetime | None = None
    value: float | None = None
    lower: float | None = None
    upper: float | None = None
    n: int | None = None
    unit: str = ""
    condition: str = ""  # "above 0.05 over 5m for 2m"
    reason: str = ""  # why it resolved, or why there is no value
    exemplars: tuple[str, ...] = ()  # ids of calls behind it
    events: tuple[str, ...] = ()  # what happened shortly before it fired, newest first
    acknowledged_by: str = ""  # who has taken it on
    owner: str = ""  # who looks after it
    description: str = ""  # more for people, in the words of the rule
    baseline: str = ""  # what it is compared with: "the rolling baseline of 2026-03-01 to 2026-03-08"
    silence: str = ""  # the command that silences it, and the one that makes its report; added like those below
    report: str = ""
    series: tuple[tuple[float, float | None], ...] = ()  # end of a window in seconds since 1970, and its value
    threshold: float | None = None
    texts: tuple[CallText, ...] = ()  # only for a receiver with `include_text`


@dataclass(frozen=True, slots=True)
class Message:
    """What a receiver is told about one group of alerts.

    `key` is stable for the life of the group: one incident, one thread.
    """

    key: str
    action: Action
    title: str
    severity: Severity
    alerts: tuple[AlertView, ...]
    at: datetime
    links: tuple[Link, ...] = ()
    replay: bool = False  # sent by `replay --deliver`: about the past
    repeated: bool = False  # may be a repetition: it is not known whether an earlier attempt arrived
    test: bool = False  # sent by `notify-test`
    reminder: bool = False  # nothing is new: it still fires
    sent_at: datetime | None = None  # when this attempt is made; the delivery fills it in
    image: str = ""  # where a browser finds the chart; filled in when the message is sent

    @property
    def sent(self) -> datetime:
        """When this attempt is made, as far as that is known."""
        return self.sent_at or self.at

    def marked_repeated(self) -> "Message":
        """The same message, marked as a possible repetition."""
        return replace(self, repeated=True)

    def without_texts(self) -> "Message":
        """The same message without what calls say: for every receiver that was not asked to pass it on."""
        return replace(self, alerts=tuple(replace(each, texts=()) if each.texts else each for each in self.alerts))


@dataclass(frozen=True, slots=True)
class Receipt:
    """What later messages about the same key need (Slack's channel and ts, …); no secrets."""

    refs: Mapping[str, str] = field(default_factory=dict)


class Notifier(Protocol):
    """One receiver of messages. It holds its settings and a client; `send` is called from one thread at a time."""

    kind: str
    # Whether a repeated trigger with the same key makes no second message at the other end.
    deduplicates: bool

    def send(self, message: Message, refs: Mapping[str, str]) -> Receipt:
        """Delivers the message.

        Args:
            message: what to say.
            refs: the receipt of the message that opened this key, or empty.

        Raises:
            DeliveryError: it was not delivered.
        """
        ...

    def close(self) -> None:
        """Lets connections go."""
        ...


@runtime_checkable
class Resending(Protocol):
    """What a notifier has beside the rest if the other end forgets an alert that it is not told of again."""

    # How often it must be told.
    resend_every: timedelta

    def resend(self, messages: Sequence[Message], now: datetime) -> None:
        """Tells again what fires.

        Args:
            messages: the newest message of every open group.
            now: the time.

        Raises:
            DeliveryError: it was not delivered.
        """
        ...
