"""How often the detector of a stream would have raised an alarm on its own baseline."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from detectors.drift.calibrate import Calibration, calibrate
from detectors.drift.detector import Test, begin, step
from detectors.drift.observed import Observed
from detectors.drift.weeks import by_week


def hindsight(observed: Sequence[Observed], fitted: Calibration) -> tuple[tuple[float, int], ...]:
    """As in `weeks.by_week`."""
    return by_week(observed, lambda rest: calibrate(fitted.length_s, rest, fitted.radius, fitted.topics), _alarms)


def _alarms(calibration: Calibration, days: float, windows: Sequence[Observed]) -> int:
    start = begin(calibration)
    # What the weeks around it expect of the next window says nothing of this one.
    state = replace(
        start,
        until=windows[0].start,
        level=np.zeros_like(start.level),
        trend=np.zeros_like(start.trend),
        described=np.zeros_like(start.described),
        smooth=np.zeros_like(start.smooth),
        places=(),
    )
    count = 0
    for each in windows:
        state, reading = step(calibration, Test(days), state, each)
        count += bool(reading.alarms) + (reading.slow is not None)
    return count
