"""What a condition may ask at a slot end, and what it answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import nan
from typing import NamedTuple, Protocol

from detectors.measurement import Key, Reason, Segment, Value, Window

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

BROKEN = (Reason.MISSING_COLUMN, Reason.ERROR)  # a rule on such a value can never fire


class Happening(Protocol):
    """Something that happened at a moment; without a source it is about everything, without a service about all."""

    @property
    def at(self) -> datetime:
        """When."""
        ...

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    @property
    def detail(self) -> str:
        """More about it."""
        ...

    @property
    def source(self) -> str:
        """The source that it is about."""
        ...

    @property
    def service(self) -> str:
        """The service that it is about."""
        ...


@dataclass(frozen=True, slots=True)
class Moment:
    """One measurement of one segment at a slot end, with its past.

    Attributes:
        source: by name.
        segment: of the source.
        key: what is measured.
        end: the slot end.
        slot: length of a base window.
        history: length of the windows that are kept long; they are disjoint and aligned to the epoch.
        steps: how often a window of a length closes; a length that is not named closes at every slot.
        ask: the values of the key in windows that have closed; None where a window was not measured.
        happened: events, in any order.
    """

    source: str
    segment: Segment
    key: Key
    end: datetime
    slot: timedelta
    history: timedelta
    ask: Callable[[Sequence[Window]], Sequence[Value | None]]
    steps: Mapping[timedelta, timedelta] = field(default_factory=dict)
    happened: Sequence[Happening] = ()

    def latest(self, length: timedelta) -> Window:
        """The last window of a length that has closed."""
        end = floor(self.end, self.steps.get(length, self.slot))
        return Window(end - length, end)

    def past(self, since: datetime, until: datetime) -> list[Window]:
        """The history windows between two of their ends."""
        number = (until - since) // self.history
        return [Window(since + each * self.history, since + (each + 1) * self.history) for each in range(number)]


class Verdict(NamedTuple):
    """What a condition says that is more than a level: whether it holds for an alert that is not firing, and for one
    that is.

    `fires_at` and `goes_on_at` are what it compared with its own level to say so; NaN where it has none.
    """

    fires: bool
    goes_on: bool
    fires_at: float = nan
    goes_on_at: float = nan


class Reading(NamedTuple):
    """What a rule reads at a slot end.

    `verdict` is None where `value` is compared with the levels of the rule; `said` are words for people about what the
    value was compared with.
    """

    value: Value | None
    verdict: Verdict | None = None
    said: str = ""


def floor(at: datetime, step: timedelta) -> datetime:
    """The latest multiple of `step` since the epoch that is not after `at`."""
    return at - (at - EPOCH) % step


def unknown(value: Value | None, reason: Reason = Reason.TOO_FEW) -> Value:
    """No value, for the measurement's own reason if that has none either."""
    if value is not None and value.reason is not None:
        return value
    return Value(None, n=None if value is None else value.n, reason=reason)
