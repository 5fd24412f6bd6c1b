"""How many days pass until the detector of whole days sees a shift that hours hide among the wandering of the mix."""

from dataclasses import replace

import numpy as np

from benchmarks.drift.changes import CHANGES, change_of, subject_of
from benchmarks.drift.traffic import DAY, HOUR_S, START, Traffic
from detectors.drift.calibrate import Calibration
from detectors.drift.expected import cell_of
from detectors.drift.slow import Excursion, SlowState, step_day

SHIFT = next(each for each in CHANGES if each.kind == "domain")
HORIZON_DAYS = 14


def days_until(
    traffic: Traffic, calibration: Calibration, past: tuple[Excursion, ...]
) -> tuple[float | None, float | None]:
    """Days from a shift that begins at a random hour, after a day without one; None: not within two weeks.

    Of a detector that has just begun, and of one that remembers what came and went: `past`, as if it had just ended.
    """
    random, world = traffic.random, traffic.world
    first = int(random.integers(7 * DAY)) + 35 * DAY
    starts = START + HOUR_S * (first + np.arange((1 + HORIZON_DAYS) * DAY))
    shares, subject = traffic.shares(starts), subject_of(world, SHIFT, random)
    today = int(starts[0] // 86_400)
    states = [SlowState(), SlowState(past=tuple(replace(each, ended=today) for each in past))]
    found: list[float | None] = [None, None]
    assert calibration.days is not None
    for t, start in enumerate(starts.tolist()):
        texts, _ = change_of(traffic, SHIFT if t >= DAY else None, subject, shares[t])
        observed, usual = world.observe(start, texts), calibration.cells[cell_of(start)]
        for i, state in enumerate(states):
            states[i], raised = step_day(calibration.days, state, observed, usual)
            if raised is not None and t >= DAY and found[i] is None:
                found[i] = (t + 1 - DAY) / DAY
        if None not in found:
            break
    return found[0], found[1]
