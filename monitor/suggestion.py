"""The threshold that would have given a wished number of alerts: found through the real state machine, in sample.

A stricter threshold gives fewer alerts, but a looser one need not give more: alerts that never end are one. So the
search starts at the strictest level and goes on only while the count stays within the wish, and never to a level at
which the rule would fire most of the time.
"""

import decimal
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.conditions import by_interval
from alerts.levels import is_above, is_possible, with_level
from alerts.rules import Alert, AlertId, State, is_memory
from alerts.watch import Readings, restless_windows, watch
from config.alerts import Rule
from config.types import format_duration, parse_duration
from detectors.measurement import Series
from monitor.recording import reads, searched

FEW_LEVELS = 2  # a series with fewer different values has no threshold between them

Span = tuple[datetime, datetime]

_WISH = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(?:(?:per|/)\s*(\S+)|)\s*")


@dataclass(frozen=True, slots=True)
class Wish:
    """How many alerts a person wants in a stretch of time, of one rule on all its segments."""

    number: float
    per: timedelta

    @classmethod
    def parse(cls, text: str) -> "Wish":
        """Reads `2 per 7d`, `1/1d`, or `3`, which is per week.

        Raises:
            ValueError: the text is none of these.
        """
        found = _WISH.fullmatch(text)
        if found is None:
            raise ValueError(f"{text!r} is not a number of alerts: write 2 per 7d, or 2")
        per = parse_duration(found[2] or "7d")
        if per <= timedelta(0):
            raise ValueError("a number of alerts needs a time longer than 0s: write 2 per 7d")
        return cls(float(found[1]), per)

    def within(self, span: Span) -> float:
        """How many that is in a span."""
        return self.number * ((span[1] - span[0]) / self.per)

    def __str__(self) -> str:
        return f"{self.number:g} per {format_duration(self.per)}"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A threshold, and what it would have given on the very history that it was chosen on.

    Attributes:
        wish: how many alerts were wanted.
        level: the threshold; None where none can be suggested, and `why` says why.
        clear: the level for recovery that goes with it, where the rule has one.
        alerts: how many it would have given in the whole span.
        checked: a threshold chosen in the same way on the first half of the span, and how many alerts that one gives in
            the second half: what to expect of a threshold that has not seen the future; None where it cannot be said.
    """

    wish: Wish
    level: float | None
    clear: float | None = None
    alerts: int | None = None
    checked: tuple[float, int] | None = None
    why: str = ""

    def as_json(self) -> dict[str, object]:
        """The public shape; see docs/proving-alerts.md."""
        checked = None if self.checked is None else {"level": self.checked[0], "alerts": self.checked[1]}
        return {
            "wish": str(self.wish),
            "level": self.level,
            "clear": self.clear,
            "alerts": self.alerts,
            "in_sample": True,
            "second_half": checked,
            "why": self.why,
        }


def suggest(name: str, rule: Rule, recorded: Sequence[Readings], span: Span, wish: Wish) -> Suggestion:
    """The loosest threshold that gives at most the wished number of alerts; so do all stricter ones that were tried.

    Args:
        name: of the rule.
        rule: with its own number; everything else about it is kept.
        recorded: what it read, in order; see `monitor.recording`.
        span: the stretch of event time.
        wish: how many alerts a person wants.
    """
    if rule.event is not None:
        return Suggestion(wish, None, why="it fires when something happens, and there is no level to set")
    whole = _Search(name, rule, recorded, span)
    level = whole.loosest(wish.within(span))
    if level is None:
        return Suggestion(wish, None, why="there are hardly two different values at which it could fire")
    middle = span[0] + (span[1] - span[0]) / 2
    half = _Search(name, rule, recorded, (span[0], middle)).loosest(wish.within((span[0], middle)))
    then = _Search(name, rule, recorded, (middle, span[1]))
    checked = None if half is None else (half, then.count(half).alerts)
    return Suggestion(wish, level, with_level(rule, level).clear, whole.count(level).alerts, checked)


class Fired(NamedTuple):
    """How often a rule fires, and in how many of all the windows of its alerts it does."""

    alerts: int
    firing: int
    windows: int

    def fits(self, allowed: float) -> bool:
        """Whether that is what was wished for: what fires most of the time is no alarm, however few alerts that is."""
        return self.alerts <= allowed and 2 * self.firing <= self.windows


@dataclass(frozen=True, slots=True)
class _Search:
    """Levels of one rule on one stretch of what it read."""

    name: str
    rule: Rule
    recorded: Sequence[Readings]
    span: Span

    def loosest(self, allowed: float) -> float | None:
        """The loosest level with at most so many alerts, as few digits as say it; None where there is no choice."""
        levels = self._levels()
        if len(levels) < FEW_LEVELS:
            return None
        good = _last_true(lambda index: self.count(levels[index]).fits(allowed), len(levels))
        stricter = levels[good - 1] if good > 0 else math.inf if is_above(self.rule) else -math.inf
        return rounded(levels[good], stricter)

    def count(self, level: float) -> Fired:
        """What the rule does with a level: each step is the real one."""
        rule = with_level(searched(self.rule), level)
        alerts: dict[AlertId, Alert] = {}
        fired, firing, windows, counted = 0, 0, 0, set[AlertId]()
        for readings in self.recorded:
            moments = restless_windows(rule, readings)
            windows += sum(int(inside.sum()) for inside, _ in self._series(readings))
            for end in self._ends(readings):
                if moments is not None and end not in moments and not any(map(is_memory, alerts.values())):
                    continue
                for each in watch(self.name, rule, readings, alerts, end):
                    alerts[each.id] = each.step.alert
                    state = each.step.alert.state
                    firing += state is State.FIRING
                    if state is State.FIRING and each.id not in counted:
                        counted.add(each.id)
                        fired += 1
                    elif state in (State.INACTIVE, State.PENDING):
                        counted.discard(each.id)
        return Fired(fired, firing, windows)

    def _levels(self) -> list[float]:
        """Every value with which an alert could begin or go on, the strictest first: only between them does a count
        change."""
        rule = searched(self.rule)
        values = []
        for inside, series in (each for readings in self.recorded for each in self._series(readings)):
            enough = True if series.n is None else ~(series.n < rule.min_calls)
            limit = series.lower if is_above(rule) else series.upper
            read = [series.value, *([limit] if by_interval(rule) and limit is not None else [])]
            values += [each[inside & np.isfinite(each) & enough] for each in read]
        found: list[float] = np.unique(np.concatenate(values)).tolist() if values else []
        found = [level for level in found if is_possible(self.rule, level)]
        return found[::-1] if is_above(rule) else found

    def _series(self, readings: Readings) -> Iterator[tuple[NDArray[np.bool_], Series]]:
        """Each series that the rule reads, and which of its windows are of the span."""
        rule = searched(self.rule)
        for batch in readings.batches.values():
            inside = np.array([self.span[0] < window.end <= self.span[1] for _, window in batch.rows], dtype=bool)
            yield from ((inside, series) for key, series in batch.series.items() if reads(rule, key))

    def _ends(self, readings: Readings) -> list[datetime]:
        ends = {window.end for batch in readings.batches.values() for _, window in batch.rows}
        return sorted(end for end in ends if self.span[0] < end <= self.span[1])


def _last_true(fits: Callable[[int], bool], size: int) -> int:
    """The last index before the first false one, as far as doubling steps from the start and halving ones after see it.

    Index 0 is taken as true: nothing is past the strictest level.
    """
    good, step = 0, 1
    while good + step < size and fits(good + step):
        good, step = good + step, 2 * step
    bad = min(good + step, size)
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good


def rounded(level: float, stricter: float) -> float:
    """The number with the fewest digits that fires on the same values: from `level` on, short of the stricter one."""
    is_above = stricter > level
    for digits in range(1, 18):
        towards = decimal.ROUND_CEILING if is_above else decimal.ROUND_FLOOR
        context = decimal.Context(prec=digits, rounding=towards)
        number = float(context.create_decimal(repr(level)))
        if level <= number < stricter if is_above else stricter < number <= level:
            return number
    return level
