"""The slow detector: whole days that differ from what is usual more than any day of the baseline did, twice in a row.

Hour by hour, a change that builds up over days is taken for a level. A day is compared with the profile alone. Two
records in a row among exchangeable days have the probability 2 / ((K + 1)(K + 2)): once in 435 days at K = 28.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import log

import numpy as np

from detectors.drift.channels import spread
from detectors.drift.expected import Expected
from detectors.drift.observed import Observed
from detectors.neighbours import Numbers
from detectors.profile import DAY

LEAST_DAYS = 14
_MEMORY_DAYS = 4.0
_MARGIN = 1.5


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """What was counted on a day; the texts of all its windows together."""

    texts: float = 0.0
    rest: Numbers = field(default_factory=lambda: np.zeros(0))
    noise: float = 0.0

    def add(self, observed: Observed, usual: Expected) -> "Day":
        """With one more window."""
        n = observed.n
        rest = n * (observed.features - usual.features)
        return Day(
            texts=self.texts + n,
            rest=self.rest + rest if self.texts else rest,
            noise=self.noise + n**2 * spread(observed) * (1 / n + usual.noise),
        )

    @property
    def distance(self) -> float:
        """The squared distance (MMD) from what is usual, without its bias; it can be below 0."""
        return (float(self.rest @ self.rest) - self.noise) / self.texts**2


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """What the days of a baseline reached.

    Attributes:
        count: of the days.
        reached: the largest distance, times the margin of a baseline whose traffic has a memory of days.
        least: texts that a day needs to be compared: half of a usual day.
    """

    count: int
    reached: float
    least: float


@dataclass(frozen=True, slots=True, eq=False)
class SlowState:
    """What the slow detector remembers.

    Attributes:
        number: of the day under way, days since 1970; -1 before the first.
        day: what was counted on it.
        record: whether the day before went beyond all days of the baseline.
        since: when the alarm that goes on was raised, seconds since 1970; 0 without one.
    """

    number: int = -1
    day: Day = field(default_factory=Day)
    record: bool = False
    since: float = 0.0


def rate(days: int) -> float:
    """False alarms a day with so many days in the baseline, if days are exchangeable; 0 with too few to compare."""
    return 0.0 if days < LEAST_DAYS else 2 / ((days + 1) * (days + 2))


def calibrate_days(observed: Sequence[Observed], usual: Sequence[Expected]) -> Days | None:
    """From the windows of a baseline, each with what is usual without the days around it; None with too few days."""
    days: dict[int, Day] = {}
    for each, by in zip(observed, usual, strict=True):
        number = int(each.start // DAY)
        days[number] = days.get(number, Day()).add(each, by)
    least = float(np.median([day.texts for day in days.values()])) / 2
    whole = [day.distance for day in days.values() if day.texts >= least]
    if len(whole) < LEAST_DAYS:
        return None
    margin = _MARGIN if _memory_days(list(days.values())) > _MEMORY_DAYS else 1.0
    return Days(len(whole), margin * max(whole), least)


def _memory_days(days: Sequence[Day]) -> float:
    """How long a day's difference from the profile goes on, if it fades exponentially: from one day to the next."""
    rests = np.stack([day.rest / day.texts for day in days])
    own = float(np.mean([day.distance for day in days]))
    next_day = float(np.mean(np.einsum("ij,ij->i", rests[1:], rests[:-1])))
    kept = min(next_day / own, 0.99) if own > 0 else 0.0
    return -1 / log(kept) if kept > 0 else 0.0


def step_day(days: Days, state: SlowState, observed: Observed, usual: Expected) -> tuple[SlowState, bool]:
    """Reads one more window; the second value is whether an alarm begins, because a second day of records has ended.

    The alarm goes on until a day that is no record, or holds too few texts to be compared, has ended.
    """
    number, raised = int(observed.start // DAY), False
    if number != state.number:
        record = state.day.texts >= days.least and state.day.distance > days.reached
        twice = record and state.record
        raised = twice and not state.since
        since = (state.since or observed.start) if twice else 0.0
        state = SlowState(number, Day(), record, since)
    return replace(state, day=state.day.add(observed, usual)), raised
