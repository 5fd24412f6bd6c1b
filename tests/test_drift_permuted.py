"""The sums of bets over windows in every order: less the days that passed, they do not grow on the average."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.drift.evidence import KAPPAS, e_values, p_value, sums


@settings(max_examples=12, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=6, max_size=6), st.lists(st.floats(0.04, 2), min_size=2, max_size=2))
def test_in_the_mean_over_all_orders_of_windows_the_sum_is_at_most_the_days(
    scores: list[int], days: list[float]
) -> None:
    """Four windows of a baseline and two after it, ties included, in each of their 720 orders."""
    total, orders = np.zeros(len(KAPPAS)), list(permutations(map(float, scores)))
    for order in orders:
        calibration, found = np.sort(order[:4]), np.zeros(len(KAPPAS))
        for score, length in zip(order[4:], days, strict=True):
            found = sums(found, length, e_values(p_value(score, calibration), 4))
        total += found
    assert (total / len(orders) <= sum(days) + 1e-9).all()


@pytest.mark.parametrize("k", [30, 168])
def test_nor_over_random_orders_of_a_long_baseline(k: int) -> None:
    random, windows, draws = np.random.RandomState(k), 12, 1_500
    ended = np.zeros((draws, len(KAPPAS)))
    for draw in range(draws):
        order = random.permutation(k + windows).astype(float)
        calibration, found = np.sort(order[:k]), np.zeros(len(KAPPAS))
        for score in order[k:]:
            found = sums(found, 1 / 24, e_values(p_value(score, calibration), k))
        ended[draw] = found
    error = ended.std(axis=0) / draws**0.5
    assert (ended.mean(axis=0) <= windows / 24 + 2 * error).all()
