"""What goes wrong in the demonstration, and when: one literal table, in offsets from the anchor."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, get_args

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
    """One row of the story; times are in milliseconds, and `start` is relative to the anchor.

    Attributes:
        duration: how long it lasts; None: for good.
        share, factor: see `Kind`.
        rise: over this time `share` grows from 0 to its full size.
        every: it comes again at this interval, for ever; None: once.
    """

    kind: Kind
    start: int
    duration: int | None = None
    share: float = 1.0
    factor: float = 1.0
    rise: int = 0
    every: int | None = None

    def share_at(self, offset_ms: int) -> float:
        """How much of the incident there is at an offset from the anchor: 0 outside, `share` inside."""
        since = offset_ms - self.start
        if since < 0:
            return 0.0
        if self.every is not None:
            since %= self.every
        if self.duration is not None and since >= self.duration:
            return 0.0
        return self.share * (since / self.rise if since < self.rise else 1.0)


MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

STORY: tuple[Incident, ...] = (
    # In the history, for charts, baselines and replays.
    Incident("rate_limits", -20 * DAY, 40 * MINUTE, share=0.6),
    Incident("new_prompt", -15 * DAY),
    Incident("slow_model", -12 * DAY, 2 * HOUR, share=0.03, factor=4.0),
    Incident("traffic_drop", -9 * DAY, 90 * MINUTE, share=0.02),
    Incident("new_topic", -6 * DAY, share=0.07, rise=2 * DAY),
    Incident("model_swap", -3 * DAY),
    # Around the anchor and after it, for the live service: the first one is already on when it starts.
    Incident("rate_limits", -8 * MINUTE, 14 * MINUTE, share=0.6, every=HOUR),
    Incident("slow_model", 10 * MINUTE, 6 * MINUTE, share=0.2, factor=4.0, every=HOUR),
    Incident("traffic_drop", 20 * MINUTE, 6 * MINUTE, share=0.1, every=HOUR),
    Incident("source_stops", 30 * MINUTE, 15 * MINUTE),
)


class Story:
    """The story told from an anchor: what is the case at a time in milliseconds since 1970."""

    def __init__(self, anchor: datetime, incidents: tuple[Incident, ...] = STORY) -> None:
        self._anchor_ms = epoch_ms(anchor)
        self._by_kind = {
            kind: tuple(incident for incident in incidents if incident.kind == kind) for kind in get_args(Kind)
        }

    def share(self, kind: Kind, at_ms: int) -> float:
        """How much of the kind there is; 0 when none is on."""
        share, _ = self._strongest(kind, at_ms)
        return share

    def factor(self, kind: Kind, at_ms: int) -> float:
        """The factor of the kind; 1 when none is on."""
        _, factor = self._strongest(kind, at_ms)
        return factor

    def _strongest(self, kind: Kind, at_ms: int) -> tuple[float, float]:
        offset_ms = at_ms - self._anchor_ms
        strongest = (0.0, 1.0)
        for incident in self._by_kind[kind]:
            share = incident.share_at(offset_ms)
            if share > strongest[0]:
                strongest = (share, incident.factor)
        return strongest


_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def epoch_ms(at: datetime) -> int:
    """Whole milliseconds since 1970 of an aware datetime."""
    return (at - _EPOCH) // timedelta(milliseconds=1)


def from_epoch_ms(at_ms: int) -> datetime:
    """The aware UTC datetime of milliseconds since 1970."""
    return _EPOCH + timedelta(milliseconds=at_ms)
