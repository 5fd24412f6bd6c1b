"""The slow detector of responses given their prompts: whole days that lie farther off what is usual than any day of the
baseline did, twice in a row and in the same channel.

Hour by hour, a model that gets worse over days is taken for a level; a day is compared with the profile alone. As with
texts (`slow`), two records in a row among K + 2 exchangeable days have the probability 2 / ((K + 1)(K + 2)). So that
three channels do not have three times that, they share one score: each is put on the scale of what the days of the
baseline differ by, and the one that is farthest off counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import NamedTuple

import numpy as np

from detectors.drift.judged import Judged
from detectors.drift.pair_usual import Counted, Usually
from detectors.drift.slow import LEAST_DAYS, WEEK, memory_days
from detectors.neighbours import Numbers
from detectors.profile import DAY

_LONG_DAYS, _LONG_MARGIN = 4.0, 1.5  # a memory with which 28 days are too few to know how far single ones go
_LEAST_SCALE = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class PairDays:
    """What the days of a baseline reached.

    Attributes:
        count: of the days.
        scale: (2,) what they differ by: of the mean surprise in its standard errors, and of the style's distance.
        reached: the largest score, times the margin of a baseline whose days have a memory.
        least: pairs that a day needs to be compared: half of a usual day.
    """

    count: int
    scale: Numbers
    reached: float
    least: float

    def record(self, day: Counted) -> int:
        """The channel in which a day went beyond all of the baseline; -1 if it did not, or has too few pairs."""
        if day.pairs < self.least:
            return -1
        by_channel = _by_channel(_size(day) / self.scale)
        farthest = int(by_channel.argmax())
        return farthest if by_channel[farthest] > self.reached else -1


@dataclass(frozen=True, slots=True, eq=False)
class PairDaysState:
    """What the slow detector remembers.

    Attributes:
        number: of the day under way, days since 1970; -1 before the first.
        day: what was counted on it.
        before: what was counted on the day before.
        record: the channel in which that was a record; -1 if it was none.
        last: number of the day before which there was last reason for an alarm; -1 where there was none.
        since: when the alarm that goes on was raised, seconds since 1970; 0 without one.
    """

    number: int = -1
    day: Counted = field(default_factory=Counted)
    before: Counted = field(default_factory=Counted)
    record: int = -1
    last: int = -1
    since: float = 0.0


def calibrate_pair_days(judged: Sequence[Judged], others: Sequence[Usually], spread: float) -> PairDays | None:
    """From the windows of a baseline, each with what is usual without the days around it; None with too few days.

    Args:
        judged: in order.
        others: what is usual for each.
        spread: standard deviation of a single response's surprise within windows.
    """
    days: dict[int, Counted] = {}
    for each, by in zip(judged, others, strict=True):
        number = int(each.start // DAY)
        days[number] = days.get(number, Counted()).add(each, by, spread)
    least = float(np.median([day.pairs for day in days.values()])) / 2
    whole = [day for _, day in sorted(days.items()) if day.pairs >= least]
    if len(whole) < LEAST_DAYS:
        return None
    sizes = np.stack([_size(day) for day in whole])
    # A day of nothing but sampling has a mean surprise of one standard error.
    scale = np.maximum(np.sqrt(np.mean(np.square(sizes), axis=0)), [1.0, _LEAST_SCALE])
    margin = _LONG_MARGIN if _memory(whole) > _LONG_DAYS else 1.0
    farthest = max(float(_by_channel(each / scale).max()) for each in sizes)
    return PairDays(len(whole), scale, margin * farthest, least)


class Records(NamedTuple):
    """Two records in a row, with which an alarm begins: in which channel, and what was counted on both days."""

    channel: int
    counted: Counted


def step_pair_day(
    days: PairDays, state: PairDaysState, judged: Judged, by: tuple[Usually, float]
) -> tuple[PairDaysState, Records | None]:
    """Reads one more window; the second value is the alarm that begins, because a day has ended that was the second of
    two records; None where none does.

    As with texts, the alarm goes on until a whole week has given no reason for one.

    Args:
        days: of the baseline.
        state: after the last window.
        judged: the window.
        by: what is usual for it, and the spread as in `calibrate_pair_days`.
    """
    number, raised = int(judged.start // DAY), None
    if number != state.number:
        record = days.record(state.day) if state.number >= 0 else -1
        is_second = record >= 0 and record == state.record
        last = number if is_second else state.last
        if is_second and not state.since:
            raised = Records(record, state.before + state.day)
        goes_on = bool(state.since) and number - last < WEEK
        since = judged.start if raised is not None else state.since * goes_on
        # A day without a window ends a row of records.
        record = record if number == state.number + 1 else -1
        state = PairDaysState(number, Counted(), state.day, record, last, since)
    return replace(state, day=state.day.add(judged, *by)), raised


def _size(day: Counted) -> Numbers:
    """(2,) of the mean surprise, in standard errors, and of the style."""
    return np.array([day.off / sqrt(day.variance), day.distance])


def _by_channel(sizes: Numbers) -> Numbers:
    """(3,) in the order of `detectors.drift.conditional.CHANNELS`: both sides of the surprise, and the style."""
    return np.array([sizes[0], -sizes[0], sizes[1]])


def _memory(days: Sequence[Counted]) -> float:
    """How many days it takes what days differ by to fade, of the mean surprise or the mean rest: the longer."""
    sizes = np.stack([_size(day)[:1] for day in days])
    rests = np.stack([day.rest / day.windows for day in days])
    chance = float(np.mean([day.noise / day.windows**2 for day in days]))
    return max(memory_days(sizes, 1.0), memory_days(rests, chance))
