"""Intervals against numbers from elsewhere, and what must hold of any interval."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.intervals import Z, newcombe, normal, wilson, wilson_of


def test_wilson_gives_the_published_interval() -> None:
    """15 of 148: R. G. Newcombe, Statistics in Medicine 17 (1998), table I gives 0.0624 to 0.1605 (without correction)."""
    lower, upper = wilson(np.array([15.0, 81.0]), np.array([148.0, 263.0]))
    assert lower == pytest.approx([0.0624, 0.2553], abs=5e-5)
    assert upper == pytest.approx([0.1605, 0.3662], abs=5e-5)


@given(st.integers(1, 10**9).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_ratio_and_stays_between_0_and_1(pair: tuple[int, int]) -> None:
    k, n = (np.array([float(each)]) for each in pair)
    lower, upper = wilson(k, n)
    assert 0 <= lower[0] <= pair[0] / pair[1] <= upper[0] <= 1
    assert lower[0] < upper[0]


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilsons_ends_are_the_ratios_that_a_score_test_just_accepts(pair: tuple[int, int]) -> None:
    k, n = pair
    for end in np.concatenate(wilson(np.array([float(k)]), np.array([float(n)]))):
        deviation = np.sqrt(end * (1 - end) / n)
        if 0 < end < 1:
            assert abs(k / n - end) == pytest.approx(Z * deviation, rel=1e-6)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_of_one_pair_is_that_of_an_array(pair: tuple[int, int]) -> None:
    k, n = pair
    lower, upper = wilson(np.array([float(k)]), np.array([float(n)]))
    assert wilson_of(k, n) == pytest.approx((lower[0], upper[0]), abs=1e-12)


def test_nothing_tried_has_no_interval() -> None:
    assert np.isnan(wilson(np.zeros(1), np.zeros(1))).all()


def test_a_mean_of_one_has_no_interval() -> None:
    lower, upper = normal(np.array([2.0, 2.0]), np.array([np.nan, 3.0]), np.array([1.0, 9.0]))
    assert np.isnan([lower[0], upper[0]]).all()
    assert (lower[1], upper[1]) == pytest.approx((2 - Z, 2 + Z))


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((10, 10, 0, 20), (0.6791, 1.0)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
    ],
)
def test_newcombe_gives_the_published_intervals(
    counts: tuple[int, int, int, int], expected: tuple[float, float]
) -> None:
    """R. G. Newcombe, Statistics in Medicine 17 (1998), 873, table II, method 10."""
    assert newcombe(*counts) == pytest.approx(expected, abs=5e-5)


@given(
    st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.integers(0, 40), st.floats(1, 3)
)
def test_newcombe_holds_the_difference_and_turns_with_its_sides(pair: tuple[int, int], k: int, z: float) -> None:
    lower, upper = newcombe(*pair, k, 40, z)
    assert -1 - 1e-12 <= lower <= pair[0] / pair[1] - k / 40 + 1e-12
    assert pair[0] / pair[1] - k / 40 - 1e-12 <= upper <= 1 + 1e-12
    assert newcombe(k, 40, *pair, z) == pytest.approx((-upper, -lower))


def test_a_share_of_nothing_has_no_difference() -> None:
    assert all(map(math.isnan, newcombe(0, 0, 1, 2)))
