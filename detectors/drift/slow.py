"""The slow detector: whole days that differ from what is usual more than any day of the baseline did, twice in a row,
or a few days that lean the same way more than any so many of the baseline.

Hour by hour, a change that builds up over days is taken for a level. A day is compared with the profile alone. Two
records in a row among exchangeable days have the probability 2 / ((K + 1)(K + 2)): once in 435 days at K = 28. Where
the mix wanders for days, a shift makes no records: there stretches of days are compared, in which only what they have
in common counts. There a short baseline can be calm by chance, and excursions that it does not show come and go by
themselves: how far those of the last quarter of a year went is no longer beyond everything seen.
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
WEEK = 7
# Up to a memory in days: how many days a stretch has, and its margin. A longer memory takes longer to average out.
_STRETCHES = ((0.0, 0, np.inf), (1.5, 3, 1.5), (np.inf, 5, 1.25))
_LONG_DAYS = 6.0  # a memory with which 28 days are too few to know how far single ones go
_LONG_MARGIN = 1.5
_REMEMBERED_DAYS = 90
_MOST = 2.0  # times what the baseline reached; further is no wandering that it happened not to show


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """What was counted on a day; the texts of all its windows together."""

    texts: float = 0.0
    rest: Numbers = field(default_factory=lambda: np.zeros(0))
    noise: float = 0.0
    topics: Numbers = field(default_factory=lambda: np.zeros(0))
    usual: Numbers = field(default_factory=lambda: np.zeros(0))

    def add(self, observed: Observed, usual: Expected) -> "Day":
        """With one more window."""
        n = observed.n
        rest = n * (observed.features - usual.features)
        expected = n * usual.shares
        return Day(
            texts=self.texts + n,
            rest=self.rest + rest if self.texts else rest,
            noise=self.noise + n**2 * spread(observed) * (1 / n + usual.noise),
            topics=self.topics + observed.topics if self.texts else observed.topics,
            usual=self.usual + expected if self.texts else expected,
        )

    @property
    def distance(self) -> float:
        """The squared distance (MMD) from what is usual, without its bias; it can be below 0."""
        return (float(self.rest @ self.rest) - self.noise) / self.texts**2

    @property
    def lean(self) -> Numbers:
        """(K,) by how many standard deviations each topic has more texts than usual."""
        return np.asarray((self.topics - self.usual) / np.sqrt(self.usual + 1))


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """What the days of a baseline reached.

    Attributes:
        count: of the days.
        reached: the largest distance, times the margin of a baseline whose traffic has a memory of days.
        stretch: how many days are compared together; 0 where days do not wander.
        leant: how far the stretch goes that leans the same way most, with a margin.
        least: texts that a day needs to be compared: half of a usual day.
    """

    count: int
    reached: float
    stretch: int
    leant: float
    least: float


@dataclass(frozen=True, slots=True)
class Excursion:
    """How far an alarm went: the largest distance of a day, how far a stretch leant, and on which day it ended."""

    distance: float = 0.0
    leant: float = 0.0
    ended: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class SlowState:
    """What the slow detector remembers.

    Attributes:
        number: of the day under way, days since 1970; -1 before the first.
        day: what was counted on it.
        record: whether the day before went beyond all days of the baseline.
        leans: of the last days, at most a stretch, without a gap.
        last: number of the day before which there was last reason for an alarm; -1 where there was none.
        since: when the alarm that goes on was raised, seconds since 1970; 0 without one.
        farthest: of the alarm that goes on.
        past: alarms that ended by themselves in the last days, where days wander.
    """

    number: int = -1
    day: Day = field(default_factory=Day)
    record: bool = False
    leans: tuple[Numbers, ...] = ()
    last: int = -1
    since: float = 0.0
    farthest: Excursion = Excursion()
    past: tuple[Excursion, ...] = ()


def rate(days: int) -> float:
    """False alarms a day with so many days in the baseline, if days are exchangeable; 0 with too few to compare.

    Stretches are charged half as much as pairs of records: their margin is measured (`benchmarks.drift`), not derived.
    """
    return 0.0 if days < LEAST_DAYS else 3 / ((days + 1) * (days + 2))


def calibrate_days(observed: Sequence[Observed], usual: Sequence[Expected]) -> Days | None:
    """From the windows of a baseline, each with what is usual without the days around it; None with too few days."""
    days: dict[int, Day] = {}
    for each, by in zip(observed, usual, strict=True):
        number = int(each.start // DAY)
        days[number] = days.get(number, Day()).add(each, by)
    least = float(np.median([day.texts for day in days.values()])) / 2
    whole = [day for day in days.values() if day.texts >= least]
    if len(whole) < LEAST_DAYS:
        return None
    rows = np.stack([day.lean for day in whole])
    memory = memory_days(rows, rows.shape[1])  # by chance alone a topic leans by one standard deviation
    length, more = next((length, more) for most, length, more in _STRETCHES if memory <= most)
    leans: tuple[Numbers, ...] = ()
    leant = []
    for number in range(min(days), max(days) + 1):
        leans = _stretch(leans, days.get(number, Day()), length, least)
        leant += [_in_common(leans)] if length and len(leans) == length else []
    margin = _LONG_MARGIN if memory > _LONG_DAYS else 1.0
    reached = margin * max(day.distance for day in whole)
    return Days(len(whole), reached, length, more * max(leant, default=np.inf), least)


def _stretch(leans: tuple[Numbers, ...], day: Day, length: int, least: float) -> tuple[Numbers, ...]:
    """The last days with one more; a day with too few texts ends a stretch."""
    return (*leans, day.lean)[-length:] if length and day.texts >= least else ()


def _in_common(leans: Sequence[Numbers]) -> float:
    """The squared length of what days have in common: the mean product of two different ones.

    Neither sampling nor a single day that is far off adds to it; it can be below 0.
    """
    rows = np.stack(leans)
    total, m = rows.sum(axis=0), len(rows)
    return (float(total @ total) - float(np.square(rows).sum())) / (m * (m - 1))


def memory_days(rows: Numbers, chance: float) -> float:
    """How many days it takes what days differ by to fade, if that is exponential; 0 where it is little but chance.

    Args:
        rows: (D, m) what each day differs by, in order.
        chance: mean squared length of a row that is nothing but sampling.
    """
    own = float(np.square(rows).sum(axis=1).mean()) - chance
    if own <= chance:
        return 0.0
    kept = min(float(np.mean(np.einsum("ij,ij->i", rows[1:], rows[:-1]))) / own, 0.99)
    return -1 / log(kept) if kept > 0 else 0.0


def step_day(days: Days, state: SlowState, observed: Observed, usual: Expected) -> tuple[SlowState, Day | None]:
    """Reads one more window; the second value is the day with which an alarm begins, because it has ended and was the
    second of two records, or the last of a stretch that leans.

    The alarm goes on until a whole week has given no reason for one: what differs on weekends is one alarm, not many.
    """
    number, begins = int(observed.start // DAY), None
    if number != state.number:
        ended = state.day
        state, raised = _next_day(days, state, number, observed.start)
        begins = ended if raised else None
    return replace(state, day=state.day.add(observed, usual)), begins


def _next_day(days: Days, state: SlowState, number: int, start: float) -> tuple[SlowState, bool]:
    """After the day under way has ended, because a window of another one begins at `start`."""
    leans = _stretch(state.leans if number == state.number + 1 else (), state.day, days.stretch, days.least)
    past = tuple(each for each in state.past if number - each.ended <= _REMEMBERED_DAYS)
    distance = state.day.distance if state.day.texts >= days.least else -np.inf
    leant = _in_common(leans) if days.stretch and len(leans) == days.stretch else -np.inf
    record = distance > _limit(days.reached, [each.distance for each in past])
    is_far = leant > _limit(days.leant, [each.leant for each in past])
    last = number if (record and state.record) or is_far else state.last
    raised = last == number and not state.since
    goes_on = bool(state.since) and number - last < WEEK
    before = state.farthest if state.since else Excursion()
    farthest = Excursion(max(before.distance, distance), max(before.leant, leant), number)
    if state.since and not goes_on and days.stretch:
        past = (*past, farthest)
    since = start if raised else state.since * goes_on
    return SlowState(number, Day(), record, leans, last, since, farthest, past), raised


def _limit(reached: float, past: Sequence[float]) -> float:
    """What a day or a stretch must exceed: what the baseline reached, or what excursions since then did."""
    return max([reached, *(min(each, _MOST * reached) for each in past)])
