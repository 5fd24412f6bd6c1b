"""How often a detector would have raised an alarm on its own baseline: each week read by a fit on the others.

In sample the answer would be "never" whatever the traffic: a window's rank among ranks that it belongs to is no test.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

import numpy as np

from detectors.drift.calibrate import LEAST_WINDOWS
from detectors.profile import DAY

WEEK_S = 7 * DAY
BUDGETS = (10.0, 30.0, 90.0, 300.0)  # days to a false alarm
LEAST_WEEKS = 3


Hindsight = tuple[tuple[float, int], ...]  # days to a false alarm, and how many alarms there would have been at that


class Timed(Protocol):
    """A window, as a detector reads it."""

    @property
    def start(self) -> float:
        """Seconds since 1970."""
        ...


Window = TypeVar("Window", bound=Timed)
Fitted = TypeVar("Fitted")


def by_week(
    windows: Sequence[Window],
    fit: Callable[[Sequence[Window]], Fitted],
    alarms: Callable[[Fitted, float, Sequence[Window]], int],
) -> Hindsight:
    """For each of `BUDGETS` how many alarms there would have been.

    Empty where nobody can tell: for a baseline of less than three weeks, or with too few windows without one of them.

    Args:
        windows: of the baseline, in order.
        fit: on some of them.
        alarms: by a fit, at days to a false alarm, in windows that it was not fitted on.
    """
    week = ((np.array([each.start for each in windows]) - windows[0].start) // WEEK_S).astype(int)
    if windows[-1].start // DAY - windows[0].start // DAY + 1 < 7 * LEAST_WEEKS:
        return ()
    counts = dict.fromkeys(BUDGETS, 0)
    for number in np.unique(week):
        rest = [each for each, mine in zip(windows, week, strict=True) if mine != number]
        own = [each for each, mine in zip(windows, week, strict=True) if mine == number]
        if len(rest) < LEAST_WINDOWS:
            return ()
        fitted = fit(rest)
        for budget in BUDGETS:
            counts[budget] += alarms(fitted, budget, own)
    return tuple(counts.items())


def kept_days(days: float, hindsight: Hindsight, learnt_days: float) -> float:
    """Days to a false alarm that the threshold has to be set for, so that the promised ones are kept.

    Where a baseline would have alarmed on itself more often than promised, its traffic wanders more than the filters
    remove: the threshold is then the lowest at which it would not have.

    Args:
        days: that are promised.
        hindsight: of the baseline; empty changes nothing.
        learnt_days: how long it is.
    """
    promised = max(1.0, learnt_days / days)
    choices = [days, *(each for each, _ in hindsight if each > days)]
    quiet = (each for each in choices if alarms_at(each, hindsight) <= promised)
    return next(quiet, choices[-1])


def alarms_at(days: float, hindsight: Hindsight) -> int:
    """How many alarms there would have been at days to a false alarm: at the nearest ones that were counted and are no
    more, else at the fewest; 0 without a hindsight."""
    return next((count for each, count in reversed(hindsight) if each <= days), hindsight[0][1] if hindsight else 0)
