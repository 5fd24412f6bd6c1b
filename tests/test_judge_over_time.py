"""Limits that may be looked at every day, and the test that says that the judge flags more."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.judge.judged import FAIL, NONE, PASS, Judged
from detectors.judge.mover import by_verdict
from detectors.judge.rise import LEAST_DAYS, Rise, Usual, usual, window_share
from detectors.judge.sequence import Flagged, Lasting, failure_rate, shares
from detectors.judge.unknown import Unknown, Why

counts = st.integers(0, 60)


@settings(max_examples=40)
@given(st.tuples(counts, counts, counts, counts, st.integers(0, 400), st.integers(0, 400)))
def test_limits_over_time_hold_the_rate_and_are_wider_than_those_of_one_look(numbers: tuple[int, ...]) -> None:
    bad_flagged, good_flagged, bad_passed, good_passed, more_flagged, more_passed = map(float, numbers)
    labels = np.array([bad_flagged + good_flagged, bad_passed + good_passed])
    flagged = labels[0] + more_flagged
    judged = flagged + labels[1] + more_passed
    if not labels.sum():
        return
    arguments = np.asarray(judged), np.asarray(flagged), labels, np.array([bad_flagged, bad_passed])
    always, once = failure_rate(*arguments), by_verdict(*arguments)
    assert 0 <= always.lower <= always.value <= always.upper <= 1
    assert always.value == pytest.approx(once.value)
    assert always.lower <= once.lower + 1e-6
    assert always.upper >= once.upper - 1e-6


def test_nothing_counted_may_be_anything() -> None:
    found = shares(np.zeros(1), np.zeros(1))
    assert np.isnan(found.value[0])
    assert (found.lower[0], found.upper[0]) == (0, 1)


def test_limits_that_are_looked_at_every_day_are_wrong_as_seldom_as_they_say() -> None:
    random, theta, q1, q0 = np.random.default_rng(0), 0.05, 0.8, 0.95
    p = theta * q1 + (1 - theta) * (1 - q0)
    flagged = random.binomial(10, p, (400, 30))
    failures = random.binomial(flagged, theta * q1 / p), random.binomial(10 - flagged, theta * (1 - q1) / (1 - p))
    found = failure_rate(
        np.broadcast_to(200.0 * np.arange(1, 31), (400, 30)),
        np.cumsum(flagged + random.binomial(190, p, (400, 30)), axis=1) * 1.0,
        np.cumsum(np.stack([flagged, 10 - flagged], -1), axis=1) * 1.0,
        np.cumsum(np.stack(failures, -1), axis=1) * 1.0,
    )
    assert ((found.lower > theta) | (found.upper < theta)).any(axis=1).mean() <= 0.05


def flags_by_risk(rate: float, random: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A tenth of the traffic is flagged four times as often and drawn eight times likelier."""
    risky = random.random(3_000) < 0.1
    pi = np.where(risky, 0.4, 0.05)
    drawn = random.random(3_000) < pi
    chance = np.where(risky, 4 * rate, rate * 0.6 / 0.9)
    return (random.random(drawn.sum()) < chance[drawn]) * 1.0, pi[drawn]


def test_flags_that_were_sought_out_do_not_raise_the_limits() -> None:
    random, state = np.random.default_rng(0), Flagged()
    for _ in range(40):
        flags, pi = flags_by_risk(0.05, random)
        state = state.step(flags, pi, 0.05)
    lower, upper = state.interval()
    assert 0.035 < lower < 0.05 < upper < 0.07


@settings(max_examples=20)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.1, 0.5, 1.0])), min_size=1, max_size=40))
def test_neither_order_nor_cut_of_verdicts_changes_the_limits(verdicts: list[tuple[bool, float]]) -> None:
    flags, pi = (np.array(column, np.float64) for column in zip(*verdicts, strict=True))
    half = len(flags) // 2
    together = Flagged().step(flags[::-1], pi[::-1], 0.1).interval()
    apart = Flagged().step(flags[:half], pi[:half], 0.1).step(flags[half:], pi[half:], 0.1).interval()
    assert together == apart
    assert 0 <= together[0] < together[1] <= 1


def month_of(random: np.random.Generator, days: int = 20) -> tuple[Lasting, Judged]:
    """Days of verdicts by risk of a judge that is wrong at times and at times says nothing; a third is labelled."""
    state, labelled = Lasting(), []
    for _ in range(days):
        failures, pi = flags_by_risk(0.05, random)
        flags = np.where(random.random(len(pi)) < 0.85, failures, 1 - failures)
        verdicts = np.where(random.random(len(pi)) < 0.05, NONE, np.where(flags == 1, FAIL, PASS))
        labels = np.where(random.random(len(pi)) < 1 / 3, failures, np.nan)
        state = state.step(Judged.of(verdicts, probabilities=(pi, 1.0)), 0.05)
        labelled.append((verdicts, labels, pi))
    verdicts, labels, pi = (np.concatenate(column) for column in zip(*labelled, strict=True))
    return state, Judged.of(verdicts, labels, probabilities=(pi, 1 / 3))


def test_labels_correct_a_month_that_was_drawn_by_risk() -> None:
    random = np.random.default_rng(0)
    found = [month.failing(labelled, 0.05 / 3) for month, labelled in (month_of(random) for _ in range(12))]
    assert all(each is not None and each.lower <= 0.05 <= each.upper for each in found)
    assert np.mean([float(each.value) for each in found if each is not None]) == pytest.approx(0.05, abs=0.01)
    assert np.mean([float(each.upper - each.lower) for each in found if each is not None]) < 0.25


def test_what_the_judge_says_of_a_month_is_open_by_its_replies_without_a_verdict() -> None:
    state, _ = month_of(np.random.default_rng(0))
    found = state.flagged
    assert found is not None
    said = 0.05 * 0.85 + 0.95 * 0.15
    assert found.lower < said < found.upper
    assert found.upper - found.lower > 0.05
    assert Lasting().flagged is None
    assert Lasting().failing(Judged.of([FAIL], [1.0]), 1.0) is None
    assert state.failing(Judged.of([FAIL, PASS]), 1.0) is None


@settings(max_examples=20)
@given(st.lists(st.tuples(st.sampled_from([PASS, FAIL, NONE]), st.sampled_from([0.0, 1.0, np.nan])), min_size=1))
def test_limits_of_a_month_hold_its_own_rate(calls: list[tuple[int, float]]) -> None:
    verdicts, labels = zip(*calls, strict=True)
    judged = Judged.of(verdicts, labels)
    month = Lasting().step(judged, 1.0)
    for found in (month.flagged, month.failing(judged, 1.0)):
        if found is not None:
            assert 0 <= found.lower <= found.value <= found.upper <= 1


def test_a_probability_below_the_least_is_refused() -> None:
    with pytest.raises(ValueError, match=r"least: 0\.5 is more than a probability of the window, 0\.2"):
        Flagged().step(np.ones(1), np.array([0.2]), 0.5)


def test_the_share_of_a_window_has_no_bias() -> None:
    random = np.random.default_rng(1)
    found = [window_share(*flags_by_risk(0.05, random), 3_000) for _ in range(1_000)]
    values, variances = np.array(found).T
    assert values.mean() == pytest.approx(0.05, abs=0.0015)
    assert variances.mean() == pytest.approx(values.var(), rel=0.15)


def test_what_is_usual_leaves_room_for_days_that_differ() -> None:
    random = np.random.default_rng(0)
    sampled, days = 0.01, 0.03 * random.standard_normal(28)
    calm = usual(0.1 + sampled * random.standard_normal(28), np.full(28, sampled**2))
    restless = usual(0.1 + days + sampled * random.standard_normal(28), np.full(28, sampled**2))
    assert isinstance(calm, Usual)
    assert isinstance(restless, Usual)
    assert calm.between < 0.005
    assert 0.015 < restless.between < 0.05
    assert calm.rate < calm.upper < restless.upper


def test_a_week_is_the_least_from_which_something_is_usual() -> None:
    days = LEAST_DAYS - 1
    assert usual(np.full(days, 0.1), np.full(days, 1e-4)) == Unknown(Why.TOO_FEW_DAYS, days)


USUAL = Usual(rate=0.05, between=0.0, upper=0.055)


def days_until(share: float, tolerated: float = 0.01, spread: float = 0.0) -> int | None:
    random, state = np.random.default_rng(0), Rise()
    for day in range(1, 101):
        for _ in range(6):
            state = state.step(max(0.0, share + spread * random.standard_normal()), USUAL, 1 / 6, tolerated)
        if state.evidence(60.0) >= 1:
            return day
    return None


def test_more_flags_raise_an_alarm_the_sooner_the_more_they_are() -> None:
    found = [days_until(share, spread=0.01) for share in (0.08, 0.1, 0.2)]
    assert all(found)
    assert found == sorted(found, reverse=True)  # type: ignore[type-var]


def test_what_is_tolerated_and_what_is_better_raise_none() -> None:
    assert days_until(0.06, spread=0.01) is None
    assert days_until(0.0) is None
    assert days_until(0.1, tolerated=0.1) is None


def test_a_judge_that_never_flagged_anything_needs_a_tolerance() -> None:
    never = usual(np.zeros(28), np.zeros(28))
    assert never == Usual(0.0, 0.0, 0.0)
    assert Rise().step(0.2, never, 1.0).evidence(60.0) > 0
    with pytest.raises(ValueError, match="tolerated: must be above 0"):
        Rise().step(0.2, never, 1.0, tolerated=0.0)


@given(st.lists(st.floats(0, 20), min_size=1, max_size=30), st.floats(0.01, 2))
def test_evidence_is_never_negative_and_rises_with_the_shares(found: list[float], days: float) -> None:
    state, higher = Rise(), Rise()
    for each in found:
        state, higher = state.step(each, USUAL, days), higher.step(each + 0.01, USUAL, days)
    assert 0 <= state.evidence(60.0) <= higher.evidence(60.0)


def test_the_mean_of_a_bet_on_nothing_is_what_its_time_is_worth() -> None:
    """Sums less the elapsed days are a martingale at the limit itself: no cut of the time helps an alarm."""
    random, limit = np.random.default_rng(0), USUAL.upper + 0.01
    ends = []
    for _ in range(800):
        state = Rise()
        for _ in range(4):
            state = state.step(float(random.choice([0.0, 2 * limit])), USUAL, 0.5)
        ends.append(state.sums.mean())
    assert np.mean(ends) == pytest.approx(2.0, abs=4 * np.std(ends) / 800**0.5)
