"""Win rates, ties, position bias, sample sizes, and Cohen's κ, against numbers from elsewhere."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from sklearn.metrics import cohen_kappa_score

from detectors.intervals import wilson_of
from detectors.judge.agreement import Kappa, kappa, table
from detectors.judge.unknown import Unknown, Why
from detectors.judge.weighted import Share
from detectors.judge.winrate import WinRate, pairs_needed, position_bias, sign_test, win_rate

scores = st.lists(st.sampled_from([0.0, 0.5, 1.0]) | st.floats(0, 1), min_size=1, max_size=60)


def rate(found: WinRate | Unknown) -> WinRate:
    assert isinstance(found, WinRate)
    return found


@given(scores)
def test_a_win_rate_lies_in_its_interval_and_turns_with_its_sides(given_scores: list[float]) -> None:
    found, turned = rate(win_rate(given_scores)), rate(win_rate([1 - each for each in given_scores]))
    assert 0 <= found.lower <= found.value <= found.upper <= 1
    assert found.lower < found.upper
    assert (turned.value, turned.lower, turned.upper) == pytest.approx(
        (1 - found.value, 1 - found.upper, 1 - found.lower)
    )
    assert found.wins + found.ties + found.losses == len(given_scores)


@given(st.integers(0, 60), st.integers(0, 60))
def test_without_ties_the_interval_is_wilsons(wins: int, losses: int) -> None:
    if not wins + losses:
        return
    found = rate(win_rate([1.0] * wins + [0.0] * losses))
    assert (found.lower, found.upper) == pytest.approx(wilson_of(wins, wins + losses), abs=1e-9)
    assert isinstance(found.decided, Share)
    assert found.decided[:3] == pytest.approx((found.value, found.lower, found.upper), abs=1e-9)


@given(scores)
def test_ties_make_an_interval_narrower_and_never_a_point(given_scores: list[float]) -> None:
    found = rate(win_rate(given_scores))
    lower, upper = wilson_of(found.value * len(given_scores), len(given_scores))
    assert found.lower >= lower - 1e-9
    assert found.upper <= upper + 1e-9


def test_a_judge_that_ties_every_pair_gives_a_half_and_no_decision() -> None:
    found = rate(win_rate([0.5] * 100))
    assert found.value == 0.5
    assert 0.48 < found.lower < 0.5 < found.upper < 0.52
    assert found.decided == Unknown(Why.NO_DECISIONS, 100)
    assert found.p_value is None


def test_a_pair_without_a_verdict_is_no_tie() -> None:
    found = rate(win_rate([1.0, None, 0.0, None, 1.0]))
    assert (found.wins, found.ties, found.losses, found.unknown) == (2, 0, 1, 2)
    assert win_rate([None, None]) == Unknown(Why.NO_PAIRS)
    assert win_rate([]) == Unknown(Why.NO_PAIRS)
    with pytest.raises(ValueError, match="scores"):
        win_rate([1.5])


def test_pairs_of_one_conversation_are_worth_less() -> None:
    given_scores = [float(number % 2) for number in range(40) for _ in range(5)]
    alone, together = (rate(win_rate(given_scores, clusters)) for clusters in (None, np.repeat(np.arange(40), 5)))
    assert together.upper - together.lower > 2 * (alone.upper - alone.lower)
    assert win_rate([1.0, 0.0], np.zeros(2, np.intp)) == Unknown(Why.ONE_CLUSTER, 1)


@given(st.integers(0, 80), st.integers(0, 80))
def test_the_sign_test_is_the_sum_of_what_is_no_likelier(wins: int, losses: int) -> None:
    n = wins + losses
    if not n:
        assert sign_test(wins, losses) is None
        return
    chances = binom.pmf(np.arange(n + 1), n, 0.5)
    assert sign_test(wins, losses) == pytest.approx(min(1.0, chances[chances <= chances[wins] * (1 + 1e-7)].sum()))


@pytest.mark.parametrize(("win_share", "least", "most"), [(0.6, 190, 215), (0.55, 770, 830), (0.75, 25, 40)])
def test_pairs_needed_are_about_those_of_the_normal_test_and_a_few_more(
    win_share: float, least: int, most: int
) -> None:
    found = pairs_needed(win_share)
    assert found is not None
    assert least <= found <= most
    assert pairs_needed(1 - win_share) == found
    with_ties = pairs_needed(win_share, ties=0.5)
    assert with_ties == 2 * found


def test_pairs_needed_are_enough_and_one_less_is_not() -> None:
    def power(n: int) -> float:
        wins = np.arange(n + 1)
        rejected = [(sign_test(int(each), n - int(each)) or 1.0) <= 0.05 for each in wins]
        return float(binom.pmf(wins, n, 0.8)[rejected].sum())

    found = pairs_needed(0.8)
    assert found is not None
    assert all(power(n) >= 0.8 for n in range(found, found + 5))
    assert power(found - 1) < 0.8


def test_no_difference_needs_no_number_of_pairs() -> None:
    assert pairs_needed(0.5) is None
    assert pairs_needed(0.5001) is None
    with pytest.raises(ValueError, match="between 0 and 1"):
        pairs_needed(1.0)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 20))
def test_position_bias_is_0_when_both_places_are_liked_alike(first: int, second: int, same: int, other: int) -> None:
    pairs = first + second + same + other
    found = position_bias(first, second, same, pairs)
    if not pairs:
        assert found == Unknown(Why.NO_PAIRS)
        return
    assert not isinstance(found, Unknown)
    assert -1 <= found.lower <= found.value + 1e-12
    assert found.value <= found.upper + 1e-12
    assert found.upper <= 1
    assert (found.value == pytest.approx(0)) == (first == second)
    assert found.consistent.value == same / pairs


def test_a_judge_that_always_says_first_is_seen_through() -> None:
    found = position_bias(first=200, second=0, consistent=0, pairs=200)
    assert not isinstance(found, Unknown)
    assert found.value == 1
    assert found.lower > 0.95
    assert found.consistent.value == 0


answers = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("abc")), min_size=1, max_size=80)


@given(answers)
def test_kappa_is_that_of_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    first, second = zip(*pairs, strict=True)
    found = kappa(table(first, second))
    if len({*first, *second}) == 1:
        assert found == Unknown(Why.ONE_CLASS, len(pairs))
        return
    assert isinstance(found, Kappa)
    assert found.value == pytest.approx(cohen_kappa_score(first, second))
    assert found.lower <= found.value + 1e-12
    assert found.value <= found.upper + 1e-12
    assert found.upper <= 1 + 1e-12
    assert found.lower < found.upper


@given(answers)
def test_kappa_does_not_care_who_is_first_or_what_answers_are_called(pairs: list[tuple[str, str]]) -> None:
    first, second = zip(*pairs, strict=True)
    found = kappa(table(first, second))
    assert kappa(table(second, first)) == (pytest.approx(found) if isinstance(found, Kappa) else found)
    renamed = kappa(table([each + "!" for each in first], [each + "!" for each in second]))
    assert renamed == (pytest.approx(found) if isinstance(found, Kappa) else found)


def test_kappas_interval_has_the_published_width() -> None:
    """Fleiss, Cohen and Everitt (1969): a joint distribution of three categories, whose κ and variance they print."""
    shares = np.array([[0.53, 0.05, 0.02], [0.11, 0.14, 0.05], [0.01, 0.06, 0.03]])
    found = kappa(shares * 200)
    assert isinstance(found, Kappa)
    assert found.value == pytest.approx(0.429, abs=5e-4)
    assert (found.upper - found.lower) / (2 * 1.96) == pytest.approx(0.002885**0.5, rel=0.03)


def test_perfect_agreement_of_a_few_is_not_certain() -> None:
    found = kappa(np.diag([5.0, 5.0]))
    assert isinstance(found, Kappa)
    assert found.value == 1
    assert 0.3 < found.lower < 0.7
    few = kappa(np.diag([5.0, 5.0]), effective=4.0)
    assert isinstance(few, Kappa)
    assert few.lower < found.lower
    assert kappa(np.zeros((2, 2))) == Unknown(Why.NO_LABELS)
