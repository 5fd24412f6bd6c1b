"""How many days pass until the detector of whole days sees a shift that hours hide among the wandering of the mix."""

import numpy as np

from benchmarks.drift.changes import CHANGES, change_of, subject_of
from benchmarks.drift.traffic import DAY, HOUR_S, START, Traffic
from detectors.drift.calibrate import Calibration
from detectors.drift.expected import cell_of
from detectors.drift.slow import SlowState, step_day

SHIFT = next(each for each in CHANGES if each.kind == "domain")
HORIZON_DAYS = 14


def days_until(traffic: Traffic, calibration: Calibration) -> float | None:
    """Days from a shift that begins at a random hour, after a day without one; None: not within two weeks."""
    random, world = traffic.random, traffic.world
    first = int(random.integers(7 * DAY)) + 35 * DAY
    starts = START + HOUR_S * (first + np.arange((1 + HORIZON_DAYS) * DAY))
    shares, subject = traffic.shares(starts), subject_of(world, SHIFT, random)
    state = SlowState()
    assert calibration.days is not None
    for t, start in enumerate(starts.tolist()):
        texts, _ = change_of(traffic, SHIFT if t >= DAY else None, subject, shares[t])
        usual = calibration.cells[cell_of(start)]
        state, raised = step_day(calibration.days, state, world.observe(start, texts), usual)
        if raised and t >= DAY:
            return (t + 1 - DAY) / DAY
    return None
