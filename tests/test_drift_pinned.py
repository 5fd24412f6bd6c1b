"""A change that comes so slowly that a baseline learnt anew takes it for normal is seen against the pinned one."""

from drift_kit import Change, calibrated, calm, read, window
from text_kit import DAY, START

from detectors.drift import detector
from detectors.drift.calibrate import Calibration
from detectors.drift.detector import begin, step
from detectors.drift.observed import Observed

RISING, LATER = 28, 49  # days of the baseline; days over which a new topic rises by half a point a day
LAG, LEARNT = 7, 28
PER_DAY = 4


def rising() -> list[Observed]:
    """The windows of all days, numbered since `START`: calm ones, then those of the rise."""
    found = []
    for number in range((RISING + LATER) * PER_DAY):
        share = max(0.0, 0.005 * (number // PER_DAY - RISING))
        found.append(window(START + number * DAY / PER_DAY, 1, Change(new=share)))
    return found


def first_alarm(calibration: Calibration, windows: list[Observed]) -> int | None:
    """The day after the baseline on which somebody is told."""
    _, readings = read(calibration, detector.Test(60.0), windows)
    return next((at // PER_DAY for at, each in enumerate(readings) if each.alarms or each.slow), None)


def test_a_slow_rise_is_seen_against_the_pinned_baseline_and_half_hidden_by_one_that_follows_it() -> None:
    windows = rising()
    pinned = calm(RISING, seed=1)
    seen = first_alarm(pinned, windows[RISING * PER_DAY :])
    assert seen is not None
    assert seen < LATER - 14
    # A rolling baseline is learnt from days that lie a week back: it holds most of the rise by then.
    end = RISING + LATER - 1
    follows = calibrated(windows[(end - LAG - LEARNT) * PER_DAY : (end - LAG) * PER_DAY])
    last = windows[end * PER_DAY]
    now = [step(each, detector.Test(60.0), begin(each), last)[1].effects for each in (pinned, follows)]
    found = [max(each.value for each in effects[1:4]) for effects in now]
    assert found[0] > 1.5 * max(found[1], 0.01)
