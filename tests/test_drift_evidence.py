"""Ranks, bets on them and their sums: what makes the number of false alarms a promise."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors import ood
from detectors.drift.evidence import KAPPAS, discount, e_values, p_value, sums

finite = st.floats(-1e6, 1e6)
sizes = st.sampled_from([28, 42, 84, 112, 168, 336, 672])  # each new one draws its discount


def bets(k: int) -> np.ndarray:
    """(k + 1, 2): the e-values of all ranks."""
    return np.stack([e_values(rank / (k + 1), k) for rank in range(1, k + 2)])


@given(finite, st.lists(finite, max_size=30))
def test_p_values_lie_above_0_and_up_to_1(score: float, calibration: list[float]) -> None:
    p = p_value(score, np.sort(np.array(calibration)))
    assert 1 / (len(calibration) + 1) <= p <= 1


@given(st.integers(-1, 6), st.lists(st.integers(0, 5), max_size=20))
def test_a_p_value_counts_the_scores_that_are_at_least_as_high(score: int, calibration: list[int]) -> None:
    row = np.sort(np.array(calibration, np.float64))
    assert p_value(score, row) == (1 + sum(each >= score for each in calibration)) / (len(calibration) + 1)
    assert p_value(score, row) == ood.p_values(np.array([float(score)]), row)[0]


@given(st.lists(st.integers(0, 2), min_size=1, max_size=5), st.sampled_from([0.1, 0.25, 0.5, 0.75]))
def test_ties_make_p_values_larger_never_smaller(scores: list[int], level: float) -> None:
    orders = [np.array(order, np.float64) for order in permutations(scores)]
    assert np.mean([p_value(float(order[0]), np.sort(order[1:])) <= level for order in orders]) <= level


@given(st.lists(finite, min_size=1, max_size=25, unique=True))
def test_each_rank_of_exchangeable_scores_is_as_likely_as_the_others(scores: list[float]) -> None:
    found = [p_value(score, np.sort(np.array(scores[:i] + scores[i + 1 :]))) for i, score in enumerate(scores)]
    assert sorted(found) == [rank / len(scores) for rank in range(1, len(scores) + 1)]


@pytest.mark.parametrize(
    ("k", "half", "low"),
    [
        (84, 1.048, 0.702),
        (168, 1.045, 0.741),
        (336, 1.040, 0.771),
        (504, 1.036, 0.785),
        (672, 1.035, 0.798),
        (2_016, 1.024, 0.834),
    ],
)
def test_the_discount_is_that_of_the_published_table(k: int, half: float, low: float) -> None:
    """methods-2.md §1.3, item 5."""
    assert KAPPAS == (0.5, 0.15)
    assert [discount(k, kappa) for kappa in KAPPAS] == pytest.approx([half, low], abs=0.01)


@pytest.mark.parametrize("k", [84, 336])
def test_19_of_20_sets_of_calibration_scores_make_a_bet_fair_or_worse(k: int) -> None:
    """By other random numbers than the discount itself: next scores are uniform, sets are sorted uniform scores."""
    sets = np.sort(np.random.default_rng(1).uniform(size=(2_000, k)), axis=1)
    gaps = np.diff(sets, axis=1, prepend=0.0, append=1.0)[:, ::-1]
    assert (gaps @ bets(k) <= 1).mean(axis=0) == pytest.approx([0.95, 0.95], abs=0.02)


@given(sizes)
def test_a_bet_on_ranks_that_are_all_as_likely_gains_nothing(k: int) -> None:
    ranks = np.arange(1, k + 2) / (k + 1)
    plain = np.array([np.mean(kappa * ranks ** (kappa - 1)) for kappa in KAPPAS])
    assert (plain < 1).all()
    found = bets(k).mean(axis=0)
    assert found == pytest.approx(plain / [discount(k, kappa) for kappa in KAPPAS])
    assert (found <= 1).all()


@given(sizes)
def test_a_bet_is_worth_more_the_rarer_the_score(k: int) -> None:
    assert (np.diff(bets(k), axis=0) < 0).all()


@given(sizes, st.lists(st.floats(0, 1e6), min_size=2, max_size=2), st.floats(0, 30))
def test_the_sum_less_the_days_that_passed_is_a_supermartingale(k: int, before: list[float], days: float) -> None:
    """The exact expectation over all ranks of the next window, whatever the sum and the length of the window."""
    start, each = np.array(before), bets(k)
    expected = np.mean([sums(start, days, one) for one in each], axis=0)
    assert expected == pytest.approx((start + days) * each.mean(axis=0))
    assert (expected <= start + days + 1e-9).all()


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 5)), min_size=1, max_size=12))
def test_the_sum_is_that_of_all_bets_that_could_have_begun_earlier(windows: list[tuple[float, float]]) -> None:
    found = np.zeros(1)
    for days, bet in windows:
        found = sums(found, days, np.array([bet]))
    slow = sum(days * np.prod([bet for _, bet in windows[i:]]) for i, (days, _) in enumerate(windows))
    assert found[0] == pytest.approx(slow)


@given(st.floats(0, 1e3), st.floats(0, 10), st.floats(0, 1))
def test_two_parts_of_a_day_count_as_the_whole(before: float, days: float, share: float) -> None:
    start, even = np.array([before]), np.ones(1)
    parts = sums(sums(start, share * days, even), (1 - share) * days, even)
    assert parts == pytest.approx(sums(start, days, even))


@pytest.mark.parametrize(("k", "per_day"), [(84, 1), (84, 4), (336, 4)])
def test_the_mean_time_to_a_false_alarm_is_what_was_asked_for(k: int, per_day: int) -> None:
    """Over 400 sets of calibration scores, each read on for ten times as long; runs are cut off there."""
    days, random = 20.0, np.random.default_rng(k + per_day)
    ends = np.cumsum(random.dirichlet(np.ones(k + 1), 400), axis=1)
    found, run = np.zeros((400, 2)), np.full(400, 10 * days)
    table = bets(k)
    for window in range(int(10 * days * per_day)):
        rank = (ends < random.uniform(size=(400, 1))).sum(axis=1).clip(max=k)
        found = sums(found, 1 / per_day, table[rank])
        run = np.where(found.mean(axis=1) >= days, np.minimum(run, (window + 1) / per_day), run)
    assert run.mean() > days
