"""What a baseline's own windows say of windows to come: each is seen beside texts that are not its own."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

import numpy as np
import pytest
from text_kit import DAY, SETTINGS, START, baseline, days, embedded, mixed, shuffled, traffic

from detectors.archive import to_bytes
from detectors.baseline import Baseline
from detectors.drift.calibrate import LEAST_WINDOWS
from detectors.drift.channels import CHANNELS
from detectors.drift.detector import Reading, begin, step
from detectors.drift.detector import Test as Asked
from detectors.drift.observed import Observed
from detectors.drift.window import window_of
from detectors.effects import place
from detectors.fitting import FitSample, fit

HOURS = 8


def readings(sample: FitSample, first_day: int, count: int) -> list[Reading]:
    """What the detector of the kit's baseline says of the windows of some days."""
    fitted = baseline()
    assert fitted.drift is not None
    state, found = begin(fitted.drift), []
    for number in range(count * 24 // HOURS):
        start = START + first_day * DAY + number * HOURS * 3_600
        rows = np.flatnonzero((sample.at >= start) & (sample.at < start + HOURS * 3_600))
        observed = seen(part(sample, rows), datetime.fromtimestamp(start, UTC), fitted)
        assert observed is not None
        state, reading = step(fitted.drift, Asked(30), state, observed)
        found.append(reading)
    return found


def seen(sample: FitSample, start: datetime, fitted: Baseline) -> Observed | None:
    """A window as the detector reads it."""
    placed = place(fitted, sample)
    assert placed is not None
    return window_of(fitted, placed, start)


def part(sample: FitSample, rows: np.ndarray) -> FitSample:
    """Some of its rows."""
    texts, ids = ([each[row] for row in rows] for each in (sample.texts, sample.ids))
    return FitSample(texts, embedded(sample.vectors.mean[rows]), sample.at[rows], ids)


@lru_cache(maxsize=1)
def fresh() -> list[Reading]:
    """Of seven days of the same traffic."""
    return readings(traffic(days(14, 7), seed=11), 14, 7)


def test_with_enough_windows_a_baseline_knows_what_windows_score() -> None:
    drift = baseline().drift
    assert drift is not None
    assert drift.windows == 14 * 24 // HOURS >= LEAST_WINDOWS
    assert drift.residuals.shape == (len(CHANNELS), drift.windows)
    assert (np.diff(drift.residuals, axis=1) >= 0).all()
    assert drift.until == START + 14 * DAY
    assert len(drift.topics) == len(baseline().reservoir)
    assert np.isfinite(drift.residuals).all()


def test_with_too_few_windows_it_does_not() -> None:
    few = fit(traffic(days(0, 8)), SETTINGS)
    assert few.drift is None
    again = Baseline.from_bytes(few.to_bytes())
    assert again.drift is None
    assert again.version == few.version


def test_a_baseline_comes_back_with_its_windows_to_the_last_bit() -> None:
    fitted = baseline()
    data = fitted.to_bytes()
    again = Baseline.from_bytes(data)
    assert again.to_bytes() == data
    assert to_bytes(again.drift) == to_bytes(fitted.drift)
    assert again.version == fitted.version


def test_what_was_learnt_is_part_of_the_version() -> None:
    fitted = baseline()
    assert fitted.drift is not None
    other = replace(fitted, drift=replace(fitted.drift, centre=fitted.drift.centre + 1), version="")
    assert other.version != fitted.version


def test_the_order_of_rows_does_not_change_what_is_learnt() -> None:
    sample = traffic(days(0, 14))
    assert to_bytes(fit(shuffled(sample, 1), SETTINGS).drift) == to_bytes(baseline().drift)


def test_windows_to_come_are_as_rare_as_those_of_the_baseline() -> None:
    """If the baseline's windows were seen beside their own texts, later ones would all look strange."""
    p = np.array([each.p for each in fresh()])
    assert p.mean(axis=0) == pytest.approx(np.full(len(CHANNELS), 0.5), abs=0.2)
    assert not any(each.alarms or each.slow for each in fresh())


def test_a_new_topic_is_seen_in_live_traffic() -> None:
    found = readings(traffic(days(14, 2), shares=mixed(tomato=0.2), seed=12), 14, 2)
    first = next(each for each in found if each.alarms)
    assert "novelty" in first.alarms
    assert first.clears


def test_a_window_of_few_texts_is_not_read() -> None:
    fitted, start = baseline(), datetime.fromtimestamp(START + 14 * DAY, UTC)
    sample = traffic([14 * 24.0], 49, seed=13)
    assert seen(sample, start, fitted) is None
    sample = traffic([14 * 24.0], 50, seed=13)
    observed = seen(sample, start, fitted)
    assert observed is not None
    assert observed.n == 50
    assert seen(sample, start, replace(fitted, drift=None, version="")) is None
