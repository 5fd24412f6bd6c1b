"""Lower limits of shares that hold at all times at once."""

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import betaln, xlog1py, xlogy

from detectors.drift.sequences import lower_shares

counts = st.floats(1, 1e5).flatmap(lambda n: st.tuples(st.floats(0, n), st.just(n)))
levels = st.sampled_from([0.2, 0.05, 0.005, 1e-6])


def lower(k: float, n: float, level: float = 0.05) -> float:
    return float(lower_shares([k], n, level)[0])


@given(counts, levels)
def test_a_lower_limit_lies_below_the_share_and_not_below_0(pair: tuple[float, float], level: float) -> None:
    k, n = pair
    found = lower(k, n, level)
    assert 0 <= found <= k / n
    assert found < k / n or k / n < 1e-12


@given(counts, levels, st.floats(0, 1))
def test_a_lower_limit_rises_with_the_count(pair: tuple[float, float], level: float, more: float) -> None:
    k, n = pair
    assert lower(k + more * (n - k), n, level) >= lower(k, n, level) - 1e-7


@given(counts, levels)
def test_more_certainty_costs_a_lower_limit(pair: tuple[float, float], level: float) -> None:
    assert lower(*pair, level / 10) <= lower(*pair, level) + 1e-7


@given(counts, levels)
def test_the_limit_is_the_share_that_the_mixture_just_refutes(pair: tuple[float, float], level: float) -> None:
    k, n = pair
    found = lower(k, n, level)
    if found > 1e-4 and k / n - found > 1e-4:
        mixed = betaln(k + 0.5, n - k + 0.5) - betaln(0.5, 0.5)
        ratio = [mixed - xlogy(k, each) - xlog1py(n - k, -each) for each in (found - 1e-6, found + 1e-6)]
        assert ratio[1] < -log(level) < ratio[0]


@given(st.lists(counts, min_size=1, max_size=8))
def test_limits_of_many_counts_are_those_of_each(pairs: list[tuple[float, float]]) -> None:
    k, n = np.array(pairs).T
    assert lower_shares(k, n, 0.05).tolist() == [lower(*pair) for pair in pairs]


def test_nothing_counted_has_the_limit_0() -> None:
    assert lower_shares([0.0, 0.0], [1.0, 1_000.0], 0.05).tolist() == [0.0, 0.0]


def test_counts_need_not_be_whole() -> None:
    assert lower(5, 50) < lower(5.5, 50) < lower(6, 50)
    assert lower(5 / 1.3, 50 / 1.3) < lower(5, 50)


def test_a_limit_closes_in_on_the_share() -> None:
    found = [lower(0.1 * n, n) for n in (20, 200, 2_000, 200_000)]
    assert found == sorted(found)
    assert found[-1] == pytest.approx(0.1, abs=0.005)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5])
def test_limits_that_are_looked_at_after_every_window_are_wrong_as_seldom_as_they_say(share: float) -> None:
    """2,000 sequences of 120 windows of 20 texts; a limit at one time would be wrong somewhere in far more of them."""
    level, random = 0.05, np.random.default_rng(round(share * 100))
    k = np.cumsum(random.binomial(20, share, (2_000, 120)), axis=1)
    n = np.broadcast_to(20.0 * np.arange(1, 121), k.shape)
    wrong = (lower_shares(k, n, level) > share).any(axis=1).mean()
    assert wrong <= level
