"""What goes wrong in the demonstration, and when: one literal table, in offsets from the anchor."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

Kind = Literal[
    "rate_limits",  # share: how many calls of the large model are answered 429
    "slow_model",  # factor: on the large model's latency; share: how many of its calls hang for ten minutes
    "traffic_drop",  # share: how many of the customers' messages still come through
    "new_prompt",  # a planned release of the prompt template
    "new_topic",  # share: how many of the conversations are about it, once it has risen
    "model_swap",  # the large model is replaced under the same name by one that answers worse
    "source_stops",  # nothing is written to the log
]


@dataclass(frozen=True, slots=True)
class Incident:
    """One row of the story.

    Attributes:
        start: when it begins, relative to the anchor.
        duration: how long it lasts; None: for good.
        share, factor: see `Kind`.
        rise: over this time `share` grows from 0 to its full size.
        every: it comes again at this interval, for ever; None: once.
    """

    kind: Kind
    start: timedelta
    duration: timedelta | None = None
    share: float = 1.0
    factor: float = 1.0
    rise: timedelta = timedelta(0)
    every: timedelta | None = None

    def share_at(self, offset: timedelta) -> float:
        """How much of the incident there is at an offset from the anchor: 0 outside, `share` inside."""
        since = offset - self.start
        if since < timedelta(0):
            return 0.0
        if self.every is not None:
            since %= self.every
        if self.duration is not None and since >= self.duration:
            return 0.0
        return self.share * (since / self.rise if since < self.rise else 1.0)


def _minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


_HOURLY = timedelta(hours=1)

STORY: tuple[Incident, ...] = (
    # In the history, for charts, baselines and replays.
    Incident("rate_limits", timedelta(days=-20), _minutes(40), share=0.6),
    Incident("new_prompt", timedelta(days=-15)),
    Incident("slow_model", timedelta(days=-12), _minutes(120), share=0.03, factor=4.0),
    Incident("traffic_drop", timedelta(days=-9), _minutes(90), share=0.1),
    Incident("new_topic", timedelta(days=-6), share=0.07, rise=timedelta(days=2)),
    Incident("model_swap", timedelta(days=-3)),
    # Around the anchor and after it, for the live service: the first one is already on when it starts.
    Incident("rate_limits", _minutes(-8), _minutes(14), share=0.6, every=_HOURLY),
    Incident("slow_model", _minutes(10), _minutes(6), share=0.2, factor=4.0, every=_HOURLY),
    Incident("traffic_drop", _minutes(20), _minutes(6), share=0.1, every=_HOURLY),
    Incident("source_stops", _minutes(30), _minutes(15)),
)


class Story:
    """The story told from an anchor: what is the case at a time in milliseconds since 1970."""

    def __init__(self, anchor: datetime, incidents: tuple[Incident, ...] = STORY) -> None:
        self._anchor_ms = epoch_ms(anchor)
        self._incidents = incidents

    def shares(self, kind: Kind, at_ms: int) -> Iterator[tuple[Incident, float]]:
        """The incidents of a kind that are on, each with how much of it there is."""
        offset = timedelta(milliseconds=at_ms - self._anchor_ms)
        for incident in self._incidents:
            if incident.kind == kind and (share := incident.share_at(offset)) > 0:
                yield incident, share

    def share(self, kind: Kind, at_ms: int) -> float:
        """How much of the kind there is; 0 when none is on."""
        return max((share for _, share in self.shares(kind, at_ms)), default=0.0)

    def factor(self, kind: Kind, at_ms: int) -> float:
        """The factor of the kind; 1 when none is on."""
        return max((incident.factor for incident, _ in self.shares(kind, at_ms)), default=1.0)


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def epoch_ms(at: datetime) -> int:
    """Whole milliseconds since 1970 of an aware datetime."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def from_epoch_ms(at_ms: int) -> datetime:
    """The aware UTC datetime of milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=at_ms)
