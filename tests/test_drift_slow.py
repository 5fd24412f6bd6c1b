"""Whole days: records, and stretches that lean the same way where days wander."""

from functools import lru_cache

import numpy as np
from drift_kit import SHARES, Change, calibrated, windows
from numpy.typing import NDArray

from detectors.drift.calibrate import Calibration
from detectors.drift.expected import cell_of
from detectors.drift.observed import Observed
from detectors.drift.slow import SlowState, step_day

DAYS = 40


def shares(path: NDArray[np.floating]) -> NDArray[np.floating]:
    raw = SHARES * np.exp(path)
    return np.asarray(raw / raw.sum())


def wandering(first_day: int, days: int, seed: int, memory: float, push: float = 0.0) -> list[Observed]:
    """Windows whose mix of topics wanders from day to day; `push` is a shift of the first topic that stays."""
    random, path = np.random.RandomState(seed), np.zeros(len(SHARES))
    found: list[Observed] = []
    for day in range(days):
        path = memory * path + (1 - memory**2) ** 0.5 * 0.35 * random.standard_normal(len(SHARES))
        change = Change(shares(path + push * (np.arange(len(SHARES)) == 0)))
        found += windows(first_day + day, 1, seed, change, n=100)
    return found


@lru_cache(maxsize=1)
def wandered() -> Calibration:
    return calibrated(wandering(0, 28, 5, memory=0.8))


def raised(calibration: Calibration, observed: list[Observed]) -> int:
    assert calibration.days is not None
    state, count = SlowState(), 0
    for each in observed:
        state, alarm = step_day(calibration.days, state, each, calibration.cells[cell_of(each.start)])
        count += alarm
    return count


def test_days_that_do_not_wander_are_not_compared_in_stretches() -> None:
    calm = calibrated(windows(0, 28, 1))
    assert calm.days is not None
    assert calm.days.stretch == 0
    assert raised(calm, windows(28, 14, 2)) == 0


def test_a_shift_among_wandering_days_is_seen() -> None:
    calibration = wandered()
    assert calibration.days is not None
    assert calibration.days.stretch == 5
    assert raised(calibration, wandering(28, 14, 8, memory=0.8)) == 0
    assert raised(calibration, wandering(28, 14, 8, memory=0.8, push=1.5)) == 1


def test_one_day_that_is_far_off_is_no_stretch() -> None:
    calibration = wandered()
    far = wandering(28, 6, 8, memory=0.8)
    far[12:16] = windows(31, 1, 7, Change(shares(np.array([3.0, 0, 0, 0, 0, 0]))), n=100)
    assert raised(calibration, far) == 0
