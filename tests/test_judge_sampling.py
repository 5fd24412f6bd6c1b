"""Which calls are judged, with which probability, and what the sample says of all of them."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.judge.sampling import Odds, Signs, draw, odds, probabilities, queue, uniform
from detectors.judge.strata import Starved, plan
from detectors.judge.unknown import Unknown, Why
from detectors.judge.weighted import Share, design_effect, hajek, horvitz_thompson, kish, share

weights = st.lists(st.floats(1, 20), min_size=1, max_size=60)


def signs(*rows: tuple[float, bool, bool, bool]) -> Signs:
    p, feedback, topic, error = zip(*rows, strict=True)
    return Signs(np.array(p), np.array(feedback), np.array(topic), np.array(error))


def test_signs_of_risk_raise_the_odds_and_add_up_to_a_limit() -> None:
    calm, strange, unread, disliked, everything = odds(
        signs(
            (0.5, False, False, False),
            (0.01, False, False, False),
            (np.nan, False, False, False),
            (0.5, True, False, False),
            (0.01, True, True, True),
        ),
        Odds(),
    )
    assert (calm, strange, unread, disliked, everything) == (1, 6, 1, 8, 20)
    with pytest.raises(ValueError, match="1 or more"):
        Odds(error=0.5)


@given(weights, st.floats(0, 80))
def test_probabilities_sum_to_what_is_expected_and_follow_the_odds(given_odds: list[float], expected: float) -> None:
    array = np.array(given_odds)
    pi = probabilities(array, expected)
    assert ((pi >= 0) & (pi <= 1)).all()
    assert pi.sum() == pytest.approx(min(expected, len(array)))
    free = pi < 1 - 1e-9
    if free.any() and expected > 0:
        ratio = pi[free] / array[free]
        assert ratio == pytest.approx(ratio[0])
        assert (array[~free] >= array[free].max() - 1e-6).all()


def test_the_same_calls_are_drawn_again_and_a_larger_budget_draws_them_too() -> None:
    ids = [f"call-{number}" for number in range(2_000)]
    numbers = uniform(ids, "judge")
    assert (uniform(ids[::-1], "judge")[::-1] == numbers).all()
    small, large = (draw(probabilities(np.ones(2_000), budget), numbers).taken for budget in (100, 300))
    assert (large | ~small).all()
    assert 250 < large.sum() < 350


def test_numbers_are_even_and_those_of_two_purposes_are_independent() -> None:
    ids = [f"call-{number}" for number in range(4_000)]
    one, other = uniform(ids, "sample"), uniform(ids, "judge")
    assert np.quantile(one, [0.1, 0.5, 0.9]) == pytest.approx([0.1, 0.5, 0.9], abs=0.03)
    assert abs(np.corrcoef(one, other)[0, 1]) < 0.05
    assert uniform(["\ud800 half a character"], "judge")[0] < 1


@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0.05, 1)), min_size=1, max_size=7),
    st.integers(0, 3),
)
def test_horvitz_and_thompsons_mean_and_its_variance_are_without_bias(
    calls: list[tuple[float, float]], more: int
) -> None:
    """Over every sample that could be drawn from a small population."""
    values, pi = (np.array(column) for column in zip(*calls, strict=True))
    population = len(calls)
    mean = second = variance = 0.0
    for drawn in product([False, True], repeat=population):
        taken = np.array(drawn)
        chance = float(np.prod(np.where(taken, pi, 1 - pi)))
        found = horvitz_thompson(values[taken], pi[taken], population)
        mean += chance * found.value
        second += chance * found.value**2
        variance += chance * found.variance
    assert mean == pytest.approx(values.mean(), abs=1e-9)
    assert variance == pytest.approx(second - mean**2, abs=1e-9)


def test_running_out_of_money_leaves_estimates_without_bias() -> None:
    """A quarter as many verdicts as were drawn: the mean over many draws is that of the population."""
    random = np.random.default_rng(0)
    values, given_odds = (random.random(40) < 0.3) * 1.0, np.where(random.random(40) < 0.3, 8.0, 1.0)
    pi = probabilities(given_odds, 20)
    found = []
    for _ in range(3_000):
        drawn = draw(pi, random.random(40), most=5)
        assert drawn.taken.sum() <= 5
        found.append(horvitz_thompson(values[drawn.taken], drawn.pi[drawn.taken], 40).value)
    assert np.mean(found) == pytest.approx(values.mean(), abs=4 * np.std(found) / 3_000**0.5)


def test_calls_are_judged_in_an_order_in_which_money_may_end_anywhere() -> None:
    numbers = uniform([f"call-{number}" for number in range(200)], "judge")
    pi = probabilities(np.where(np.arange(200) % 10 == 0, 8.0, 1.0), 50)
    order = queue(pi, numbers)
    assert set(order) == set(np.flatnonzero(draw(pi, numbers).taken))
    for most in (0, 1, 7, len(order)):
        drawn = draw(pi, numbers, most)
        assert set(np.flatnonzero(drawn.taken)) == set(order[:most])
        assert (drawn.pi <= pi).all()


def test_without_money_nothing_is_drawn() -> None:
    pi, numbers = probabilities(np.ones(5), 0.0), np.array([0.0, 0.1, 0.2, 0.3, 0.4])
    assert not draw(pi, numbers).taken.any()
    assert len(queue(pi, numbers)) == 0
    assert len(draw(np.ones(0), np.ones(0)).taken) == 0


@given(
    st.lists(st.tuples(st.floats(1, 20), st.integers(0, 4)), min_size=1, max_size=80),
    st.floats(0, 100),
    st.floats(0, 20),
)
def test_no_segment_gets_less_than_the_least_unless_it_is_said_why(
    calls: list[tuple[float, int]], expected: float, least: float
) -> None:
    given_odds, segments = np.array([each[0] for each in calls]), np.array([each[1] for each in calls])
    found = plan(given_odds, segments, expected, least)
    assert ((found.pi >= 0) & (found.pi <= 1)).all()
    assert found.pi.sum() == pytest.approx(min(expected, len(calls)), abs=1e-6)
    starved = {each.segment: each for each in found.starved}
    for segment in np.unique(segments):
        got, count = float(found.pi[segments == segment].sum()), int(np.sum(segments == segment))
        if segment in starved:
            assert starved[segment].expected == pytest.approx(got, abs=1e-6)
            assert starved[segment].why == ("traffic" if got >= count * (1 - 1e-9) else "budget")
        else:
            assert got >= least * (1 - 1e-6)


def test_a_small_segment_without_risk_is_not_starved_by_a_large_one_with_risk() -> None:
    segments = np.repeat([0, 1, 2], [10_000, 300, 5])
    given_odds = np.where(segments == 0, 8.0, 1.0)
    alone = np.bincount(segments, probabilities(given_odds, 300))
    assert alone[1] < 2
    found = plan(given_odds, segments, 300, least=20)
    assert np.bincount(segments, found.pi) == pytest.approx([275, 20, 5])
    assert found.starved == [Starved(2, 5.0, 20, "traffic")]
    poor = plan(given_odds, segments, 30, least=20)
    assert {each.why for each in poor.starved} == {"budget"}
    assert len(poor.starved) == 3


@given(st.lists(st.tuples(st.booleans(), st.floats(1, 20)), min_size=1, max_size=60))
def test_a_weighted_share_lies_in_its_interval(calls: list[tuple[bool, float]]) -> None:
    flags, given_weights = (np.array(column, np.float64) for column in zip(*calls, strict=True))
    found = share(flags, given_weights)
    assert isinstance(found, Share)
    assert 0 <= found.lower <= found.value + 1e-12
    assert found.value <= found.upper + 1e-12
    assert found.upper <= 1
    assert 1 - 1e-9 <= found.effective <= len(calls) + 1e-9
    assert found.value == pytest.approx(hajek(flags, 1 / given_weights).value)


def test_nothing_drawn_has_no_share() -> None:
    assert share(np.array([]), np.array([])) == Unknown(Why.NO_VERDICTS)
    assert share(np.ones(2), np.ones(2), np.zeros(2, np.intp)) == Unknown(Why.ONE_CLUSTER, 1)
    assert kish(np.array([])) == 0


def test_equal_calls_of_a_conversation_are_worth_one() -> None:
    residuals = np.repeat(np.random.default_rng(0).standard_normal(200), 5)
    assert design_effect(residuals, np.repeat(np.arange(200), 5)) == pytest.approx(5, rel=0.06)
    apart = design_effect(residuals, np.arange(1_000))
    assert 1 <= apart < 1.02


def test_few_conversations_with_all_the_failures_say_little() -> None:
    one = np.zeros(300)
    one[:5] = 1.0
    spread = np.zeros(300)
    spread[::60] = 1.0
    clusters = np.repeat(np.arange(60), 5)
    assert design_effect(one - one.mean(), clusters) > 5 * design_effect(spread - spread.mean(), clusters)
