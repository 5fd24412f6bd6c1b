"""What is expected of the next value of a series: found where there is a memory, left alone where there is none."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.drift import smooth
from detectors.drift.smooth import GAIN, LEVEL_GAIN, PERSISTENCE, Filter, fit, fit_level

filters = st.builds(Filter, st.sampled_from([*PERSISTENCE, 1.0]), st.sampled_from(GAIN))
series = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=20)


def noise(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(n)


def memory(n: int, rho: float, share: float, seed: int) -> np.ndarray:
    """An autoregression with a share of the variance, in noise; variance 1."""
    random = np.random.default_rng(seed)
    level = np.zeros(n)
    for t in range(1, n):
        level[t] = rho * level[t - 1] + random.standard_normal() * (1 - rho**2) ** 0.5
    return share**0.5 * level + (1 - share) ** 0.5 * random.standard_normal(n)


@pytest.mark.parametrize("seed", range(6))
def test_noise_has_no_filter(seed: int) -> None:
    y = noise(672, seed)
    assert fit(y - y.mean(), 6 / 672) == Filter()


@pytest.mark.parametrize(("rho", "share"), [(0.9, 0.25), (0.9, 0.5), (0.98, 0.25), (0.98, 0.5)])
def test_a_memory_below_the_noise_is_found_though_the_next_value_hardly_shows_it(rho: float, share: float) -> None:
    y = memory(672, rho, share, 1)
    found = fit(y - y.mean(), 6 / 672)
    assert found.gain > 0
    assert found.persistence >= 0.85
    later = memory(5_000, rho, share, 2)
    assert np.mean(np.square(later - found.predictions(later))) < 0.97 * np.mean(np.square(later))


def test_an_autoregression_without_noise_is_found_as_one() -> None:
    found = fit(memory(2_000, 0.85, 1.0, 3), 0.01)
    assert found.persistence == 0.85
    assert found.gain >= 0.85


def test_the_filter_is_the_one_that_predicts_best() -> None:
    y = memory(300, 0.93, 0.4, 4)
    slow = [np.mean(np.square(y - Filter(*each).predictions(y))) for each in product(PERSISTENCE, GAIN)]
    assert smooth._errors(y) == pytest.approx(slow)
    found = fit(y, 0.01)
    assert np.mean(np.square(y - found.predictions(y))) == pytest.approx(min(slow))


@pytest.mark.parametrize("y", [np.zeros(0), np.ones(1)])
def test_a_series_without_two_values_has_no_filter(y: np.ndarray) -> None:
    assert fit(y, 0.01) == Filter()
    assert fit_level(y[:, np.newaxis], 0.02, 0.0) == Filter()


def test_a_constant_of_zero_has_no_filter() -> None:
    assert fit(np.zeros(50), 6 / 50) == Filter()


@given(filters, series, st.data())
def test_predictions_use_the_past_alone(found: Filter, y: list[float], data: st.DataObject) -> None:
    t = data.draw(st.integers(0, len(y) - 1))
    other = data.draw(st.lists(st.floats(-1e3, 1e3), min_size=len(y) - t, max_size=len(y) - t))
    before, after = np.array(y), np.array(y[:t] + other)
    assert found.predictions(before)[: t + 1].tolist() == found.predictions(after)[: t + 1].tolist()


@given(filters, series)
def test_predictions_one_by_one_are_those_of_the_whole_series(found: Filter, y: list[float]) -> None:
    q, seen = np.zeros(()), []
    for value in y:
        seen.append(float(q))
        q = found.next(q, np.array(value))
    assert found.predictions(np.array(y)).tolist() == seen


@given(series)
def test_without_a_filter_zero_is_expected(y: list[float]) -> None:
    assert not Filter().predictions(np.array(y)).any()


@pytest.mark.parametrize("found", [Filter(0.93, 0.1), Filter(0.995, 0.3), Filter(1.0, 0.1), Filter(0.7, 1.0), Filter()])
def test_the_noise_of_a_level_is_what_a_simulation_has(found: Filter) -> None:
    q = found.predictions(noise(60_000, 5))[1_000:]
    assert found.noise == pytest.approx(float(np.var(q)), rel=0.06)


def test_a_level_of_vectors_is_followed_and_noise_is_not() -> None:
    random = np.random.default_rng(6)
    walk = np.cumsum(random.standard_normal((400, 8)) * 0.3, axis=0)
    still = random.standard_normal((400, 8))
    assert fit_level(walk + still, 0.02, 1.0).gain in LEVEL_GAIN
    assert fit_level(still, 0.02, 1.0) == Filter()
