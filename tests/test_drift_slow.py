"""Whole days: records, and stretches that lean the same way where days wander."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from drift_kit import SHARES, Change, calibrated, windows
from numpy.typing import NDArray

from detectors.archive import from_bytes, to_bytes
from detectors.drift.calibrate import Calibration
from detectors.drift.detector import KINDS
from detectors.drift.effect import Minimums, effect, of_day
from detectors.drift.expected import cell_of
from detectors.drift.observed import Observed
from detectors.drift.slow import Excursion, SlowState, step_day

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


def on(calibration: Calibration, state: SlowState, observed: list[Observed]) -> tuple[SlowState, int]:
    """Goes on with some windows, and how many alarms begin in them."""
    assert calibration.days is not None
    count = 0
    for each in observed:
        state, alarm = step_day(calibration.days, state, each, calibration.cells[cell_of(each.start)])
        count += alarm is not None
    return state, count


def raised(calibration: Calibration, observed: list[Observed]) -> int:
    return on(calibration, SlowState(), observed)[1]


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


def test_the_day_behind_an_alarm_says_by_how_much_which_topic_grew() -> None:
    calibration, state, found = wandered(), SlowState(), []
    assert calibration.days is not None
    for each in wandering(28, 14, 8, memory=0.8, push=1.5):
        state, day = step_day(calibration.days, state, each, calibration.cells[cell_of(each.start)])
        found += [] if day is None else [effect(of_day(day), "burst", calibration, Minimums())]
    (grown,) = found
    assert grown.subject == 0, "the topic that was pushed"
    assert 0 < grown.lower < grown.value


def test_one_day_that_is_far_off_is_no_stretch() -> None:
    calibration = wandered()
    far = wandering(28, 6, 8, memory=0.8)
    far[12:16] = windows(31, 1, 7, Change(shares(np.array([3.0, 0, 0, 0, 0, 0]))), n=100)
    assert raised(calibration, far) == 0


def gone(days: int) -> tuple[Calibration, SlowState]:
    """A shift of a week and a half among wandering days, and so many days since it went away by itself."""
    calibration = wandered()
    assert calibration.days is not None
    state, alarms = on(calibration, SlowState(), wandering(28, 10, 8, memory=0.8, push=1.5))
    assert alarms == 1
    state, alarms = on(calibration, state, wandering(38, days, 9, memory=0.8))
    assert alarms == 0
    assert not state.since
    return calibration, state


def test_an_excursion_that_came_and_went_is_known_and_the_next_must_go_further() -> None:
    calibration, state = gone(20)
    assert len(state.past) == 1
    assert from_bytes(to_bytes(state), KINDS).past == state.past
    assert state.past[0].leant > calibration.days.leant  # type: ignore[union-attr]
    for push, again in ((0.8, 0), (1.5, 1)):
        assert on(calibration, SlowState(), wandering(58, 14, 8, memory=0.8, push=push))[1] == 1
        assert on(calibration, state, wandering(58, 14, 8, memory=0.8, push=push))[1] == again


def test_a_large_change_that_came_and_went_does_not_hide_the_next_one() -> None:
    calibration, state = gone(20)
    huge = replace(state, past=(Excursion(1e6, 1e6, state.past[0].ended),))
    assert on(calibration, huge, wandering(58, 14, 8, memory=0.8, push=1.5))[1] == 1


def test_after_a_quarter_of_a_year_it_is_forgotten() -> None:
    calibration, state = gone(20)
    later = state.past[0].ended + 90 - int(windows(0, 1, 1)[0].start // 86_400.0)
    still, _ = on(calibration, state, windows(later, 0.5, 9))
    assert still.past == state.past
    forgotten, _ = on(calibration, state, windows(later + 1, 0.5, 9))
    assert forgotten.past == ()


def test_where_days_do_not_wander_a_change_that_comes_back_is_told_again() -> None:
    calm = calibrated(windows(0, 28, 1))
    change = Change(shares(np.array([1.5, 0, 0, 0, 0, 0])))
    state, first = on(calm, SlowState(), windows(28, 4, 2, change))
    state, quiet = on(calm, state, windows(32, 9, 3))
    assert (first, quiet, state.past) == (1, 0, ())
    assert on(calm, state, windows(41, 4, 2, change))[1] == 1
