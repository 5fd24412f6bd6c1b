"""How often the detector would have raised an alarm on its own baseline: each week read by a fit on the others.

In sample the answer would be "never" whatever the traffic: a window's rank among ranks that it belongs to is no test.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from detectors.drift.calibrate import LEAST_WINDOWS, Calibration, calibrate
from detectors.drift.detector import DAY_S, Test, begin, step
from detectors.drift.observed import Observed

WEEK_S = 7 * DAY_S
BUDGETS = (10.0, 30.0, 90.0, 300.0)  # days to a false alarm
LEAST_WEEKS = 3


def hindsight(observed: Sequence[Observed], fitted: Calibration) -> tuple[tuple[float, int], ...]:
    """For each of `BUDGETS` how many alarms there would have been.

    Empty where nobody can tell: for a baseline of less than three weeks, or with too few windows without one of them.
    """
    week = ((np.array([each.start for each in observed]) - observed[0].start) // WEEK_S).astype(int)
    if observed[-1].start // DAY_S - observed[0].start // DAY_S + 1 < 7 * LEAST_WEEKS:
        return ()
    counts = dict.fromkeys(BUDGETS, 0)
    for number in np.unique(week):
        rest = [each for each, mine in zip(observed, week, strict=True) if mine != number]
        own = [each for each, mine in zip(observed, week, strict=True) if mine == number]
        if len(rest) < LEAST_WINDOWS:
            return ()
        calibration = calibrate(fitted.length_s, rest, fitted.radius, fitted.topics)
        for budget in BUDGETS:
            counts[budget] += _alarms(calibration, Test(budget), own)
    return tuple(counts.items())


def _alarms(calibration: Calibration, test: Test, windows: Sequence[Observed]) -> int:
    start = begin(calibration)
    # What the weeks around it expect of the next window says nothing of this one.
    state = replace(
        start,
        until=windows[0].start,
        level=np.zeros_like(start.level),
        described=np.zeros_like(start.described),
        smooth=np.zeros_like(start.smooth),
        places=(),
    )
    count = 0
    for each in windows:
        state, reading = step(calibration, test, state, each)
        count += bool(reading.alarms) + reading.slow
    return count
