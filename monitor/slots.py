"""Slots: which windows close, as a pure function of event time. Nothing here reads a clock.

A slot is one base window (a minute by default), aligned to the epoch. A plan says which windows end at a slot: the base
window, the trailing windows that rules name, and the windows that are kept as history.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from detectors.measurement import Window

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
# A trailing window is measured at most this often within its own length: an hour every minute, a day every 24 minutes.
STEPS_PER_LENGTH = 60
# A stretch that is measured at once: about this many calls, at most this many days.
CALLS_A_STRETCH = 200_000
MOST_DAYS = 14


def floor(at: datetime, step: timedelta) -> datetime:
    """The latest multiple of `step` since the epoch that is not after `at`."""
    return at - (at - EPOCH) % step


def ceil(at: datetime, step: timedelta) -> datetime:
    """The earliest multiple of `step` since the epoch that is not before `at`."""
    return at + (EPOCH - at) % step


def step_of(length: timedelta, slot: timedelta) -> timedelta:
    """How often a trailing window of this length is measured: a whole number of slots that divides the length.

    The shortest step with at most `STEPS_PER_LENGTH` measurements a length, so that no rule costs more than 60 times
    its log.
    """
    slots = length // slot
    divisor = next(k for k in range(1, slots + 1) if slots % k == 0 and slots // k <= STEPS_PER_LENGTH)
    return divisor * slot


@dataclass(frozen=True, slots=True)
class Plan:
    """The lengths of windows that are measured, and how often each one is."""

    slot: timedelta
    steps: Mapping[timedelta, timedelta]
    history: timedelta

    @classmethod
    def of(cls, slot: timedelta, history: timedelta, trailing: Iterable[timedelta]) -> "Plan":
        """Base windows and history windows are disjoint; trailing ones overlap."""
        steps = {slot: slot, history: history}
        for length in trailing:
            steps[length] = min(step_of(length, slot), steps.get(length, length))
        return cls(slot, dict(sorted(steps.items())), history)

    def due(self, length: timedelta, slot_end: datetime) -> bool:
        """Whether a window of this length closes at this slot end."""
        return not (slot_end - EPOCH) % self.steps[length]

    def windows(self, length: timedelta, first_end: datetime, last_end: datetime) -> list[Window]:
        """The windows of this length that close at slot ends in `[first_end, last_end]`."""
        step = self.steps[length]
        end = ceil(first_end, step)
        windows = []
        while end <= last_end:
            windows.append(Window(end - length, end))
            end += step
        return windows

    def history_windows(self, first_end: datetime, last_end: datetime) -> list[Window]:
        """The history windows that close there, where a rule reads trailing windows of the same length, too."""
        if self.steps[self.history] == self.history:
            return []
        return replace(self, steps={self.history: self.history}).windows(self.history, first_end, last_end)

    def ends(self, first_end: datetime, last_end: datetime) -> Iterator[datetime]:
        """All slot ends in `[first_end, last_end]`."""
        end = ceil(first_end, self.slot)
        while end <= last_end:
            yield end
            end += self.slot


class Pace:
    """How many days a stretch has: few large steps on a small log, small ones that fit memory on a large log."""

    def __init__(self) -> None:
        self.span = DAY

    def note(self, calls: float) -> None:
        """Learns from a stretch how many calls a day the log has."""
        days = CALLS_A_STRETCH / max(calls / (self.span / DAY), 1.0)
        self.span = DAY * max(1, min(int(days), MOST_DAYS))


def closing(
    decided_until: datetime, complete_until: datetime, slot: timedelta, pace: Pace | None = None
) -> Iterator[tuple[datetime, datetime]]:
    """The stretches of slot ends to close: up to the next midnight UTC, or as many days more as the pace says.

    Args:
        decided_until: end of the last slot that was decided. Where the length of a slot has changed since, it may lie
            inside of one: that slot is closed whole.
        complete_until: what the source vouches for.

    Yields:
        first and last slot end of a stretch; a stretch ends at midnight UTC or with the last slot.
    """
    last = floor(complete_until, slot)
    first = floor(decided_until, slot) + slot
    while first <= last:
        end = min(last, ceil(first, DAY) + (pace.span if pace else DAY) - DAY)
        yield first, end
        first = end + slot
