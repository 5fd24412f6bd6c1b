"""Intervals against numbers from elsewhere, and what must hold of any interval."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.intervals import Z, normal, wilson


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


def test_nothing_tried_has_no_interval() -> None:
    assert np.isnan(wilson(np.zeros(1), np.zeros(1))).all()


def test_a_mean_of_one_has_no_interval() -> None:
    lower, upper = normal(np.array([2.0, 2.0]), np.array([np.nan, 3.0]), np.array([1.0, 9.0]))
    assert np.isnan([lower[0], upper[0]]).all()
    assert (lower[1], upper[1]) == pytest.approx((2 - Z, 2 + Z))
