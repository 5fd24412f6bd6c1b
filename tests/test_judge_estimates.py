"""Failure rates from verdicts and labels: intervals, weights, conversations, old labels, and what is not known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from detectors.intervals import wilson
from detectors.judge.agreement import agreement
from detectors.judge.estimate import (
    Corrected,
    JudgeOnly,
    JudgeScore,
    by_earlier_labels,
    by_labels_of_the_period,
    estimate,
    judge_only,
    judge_score,
)
from detectors.judge.judged import FAIL, NONE, PASS, Judged
from detectors.judge.mover import by_verdict, jeffreys
from detectors.judge.old_labels import Counted, rogan_gladen
from detectors.judge.unknown import Unknown, Why
from detectors.judge.weighted import Share

counts = st.integers(0, 40)


def period(flagged: tuple[int, int, int], passed: tuple[int, int, int], times: int = 1) -> Judged:
    """Calls by verdict, each as (failures labelled, good ones labelled, not labelled)."""
    verdicts = np.repeat([FAIL, PASS], [sum(flagged), sum(passed)])
    labels = np.repeat([1.0, 0.0, np.nan] * 2, [*flagged, *passed])
    return Judged.of(np.tile(verdicts, times), np.tile(labels, times))


def rate_of(found: object) -> Corrected:
    assert isinstance(found, Corrected), found
    return found


def interval(found: object) -> tuple[float, float, float]:
    corrected = rate_of(found)
    return corrected.value, corrected.lower, corrected.upper


@given(st.tuples(counts, counts, counts), st.tuples(counts, counts, counts))
def test_an_estimate_lies_in_its_interval_and_that_between_0_and_1(
    flagged: tuple[int, int, int], passed: tuple[int, int, int]
) -> None:
    found = by_labels_of_the_period(period(flagged, passed))
    if sum(flagged[:2]) + sum(passed[:2]) == 0:
        assert found == Unknown(Why.NO_LABELS if sum(flagged) + sum(passed) else Why.NO_VERDICTS)
    else:
        value, lower, upper = interval(found)
        assert 0 <= lower <= value <= upper <= 1
        assert lower < upper


@given(st.tuples(counts, counts, counts), st.tuples(counts, counts, counts))
def test_one_more_labelled_failure_never_lowers_the_rate(
    flagged: tuple[int, int, int], passed: tuple[int, int, int]
) -> None:
    if flagged[1]:
        before = rate_of(by_labels_of_the_period(period(flagged, passed)))
        after = rate_of(by_labels_of_the_period(period((flagged[0] + 1, flagged[1] - 1, flagged[2]), passed)))
        assert after.value > before.value - 1e-12


@given(st.permutations(range(24)), st.integers(1, 5))
def test_neither_order_nor_names_of_strata_and_conversations_matter(order: list[int], shift: int) -> None:
    random = np.random.default_rng(0)
    verdicts, strata, clusters = (random.integers(0, top, 24) for top in (3, 2, 6))
    labels = np.where(random.random(24) < 0.6, random.integers(0, 2, 24), np.nan)
    pi = np.array([0.2, 0.5])[strata]

    def found(rows: list[int], groups: np.ndarray, names: np.ndarray) -> tuple[float, float, float]:
        return interval(
            by_labels_of_the_period(
                Judged.of(
                    verdicts[rows],
                    labels[rows],
                    probabilities=(pi[rows], 0.5),
                    strata=groups[rows],
                    clusters=names[rows],
                )
            )
        )

    plain = found(list(range(24)), strata, clusters)
    assert found(order, strata, clusters) == pytest.approx(plain)
    assert found(order, 1 - strata, (clusters * 7 + shift) % 41) == pytest.approx(plain)


def test_counts_of_many_periods_give_what_each_period_gives() -> None:
    periods = [((4, 6, 30), (2, 50, 200)), ((0, 3, 10), (0, 90, 10)), ((0, 0, 5), (3, 20, 40))]
    judged, flagged = ([float(sum(map(sum, each))) for each in periods], [float(sum(each[0])) for each in periods])
    labels = [[float(sum(part[:2])) for part in each] for each in periods]
    failures = [[float(part[0]) for part in each] for each in periods]
    together = by_verdict(*(np.array(each) for each in (judged, flagged, labels, failures)))
    for place, each in enumerate(periods):
        alone = interval(by_labels_of_the_period(period(*each)))
        assert alone == pytest.approx([float(column[place]) for column in together])


def test_a_judge_that_is_always_right_leaves_only_the_sample_of_verdicts_open() -> None:
    found = rate_of(by_labels_of_the_period(period((50, 0, 50), (0, 300, 600))))
    lower, upper = wilson(np.array([100.0]), np.array([1_000.0]))
    assert found.value == pytest.approx(0.1)
    assert found.upper - found.lower < 1.4 * float(upper[0] - lower[0])


def test_a_judge_that_knows_nothing_adds_nothing_to_the_labels() -> None:
    found = rate_of(by_labels_of_the_period(period((10, 90, 0), (10, 90, 0))))
    lower, upper = wilson(np.array([20.0]), np.array([200.0]))
    assert (found.value, found.lower, found.upper) == pytest.approx((0.1, float(lower[0]), float(upper[0])), abs=0.01)


def test_flags_that_nobody_labelled_leave_the_interval_open_by_their_share() -> None:
    found = rate_of(by_labels_of_the_period(period((0, 0, 100), (0, 300, 600))))
    assert found.value == 0  # as if all labels were of one kind
    assert 0.1 < found.upper < 0.11


def test_replies_without_a_verdict_count_as_calls_that_may_all_have_failed() -> None:
    verdicts = np.repeat([PASS, NONE], [900, 100])
    labels = np.where(np.arange(1_000) < 300, 0.0, np.nan)
    found = rate_of(by_labels_of_the_period(Judged.of(verdicts, labels)))
    assert found.upper > 0.1
    only = judge_only(Judged.of(verdicts))
    assert isinstance(only, JudgeOnly)
    assert (only.flagged, only.lower, only.judged, only.without_verdict) == (0, 0, 900, 100)
    assert 0.1 < only.upper < 0.13


def test_without_labels_there_is_only_what_the_judge_says_and_it_says_so() -> None:
    found = estimate(Judged.of([FAIL] * 30 + [PASS] * 70))
    assert found.by_period == Unknown(Why.NO_LABELS)
    assert found.by_earlier == Unknown(Why.NO_LABELS)
    assert isinstance(found.preferred, JudgeOnly)
    assert found.preferred.corrected is False
    assert found.preferred.flagged == pytest.approx(0.3)


def test_scores_have_a_mean_whose_interval_leaves_room_for_those_that_are_missing() -> None:
    pi = np.repeat([1.0, 0.1], [50, 50])
    scores = np.repeat([0.2, 0.8], [50, 50])
    found = judge_score(scores, pi)
    assert isinstance(found, JudgeScore)
    assert found.corrected is False
    assert found.value == pytest.approx((50 * 0.2 + 500 * 0.8) / 550)
    assert 0.65 < found.lower < found.value < found.upper < 0.85
    scores[-10:] = np.nan
    some = judge_score(scores, pi)
    assert isinstance(some, JudgeScore)
    assert (some.judged, some.without_score) == (90, 10)
    assert some.lower < found.lower - 0.1
    with pytest.raises(ValueError, match="scores: each must lie in 0 to 1"):
        judge_score(np.array([7.0]), np.ones(1))


def test_a_judge_that_said_nothing_is_unknown_and_not_a_zero() -> None:
    assert judge_only(Judged.of([])) == Unknown(Why.NO_VERDICTS)
    assert judge_only(Judged.of([NONE, NONE])) == Unknown(Why.NO_VERDICTS, 2)


def test_calls_that_were_sought_out_count_for_fewer() -> None:
    """A tenth of the traffic fails half the time and is judged always, the rest never fails and is judged sometimes."""
    strata = np.repeat([1, 0], [100, 90])
    verdicts = np.repeat([FAIL, PASS], [50, 140])
    labels = (verdicts == FAIL).astype(float)
    now = Judged.of(verdicts, labels, probabilities=(np.where(strata == 1, 1.0, 0.1), 1.0), strata=strata)
    assert rate_of(by_labels_of_the_period(now)).value == pytest.approx(0.05)
    assert rate_of(by_labels_of_the_period(now, traffic=[900, 100])).value == pytest.approx(0.05)
    assert rate_of(by_labels_of_the_period(now, traffic=[100, 100])).value == pytest.approx(0.25)


def test_a_stratum_of_which_nothing_was_judged_is_not_taken_for_a_good_one() -> None:
    now = Judged.of([PASS] * 200, [0.0] * 200)
    assert rate_of(by_labels_of_the_period(now, traffic=[800, 200])).upper > 0.2
    with pytest.raises(ValueError, match="traffic: 1 strata, but verdicts speak of 2"):
        by_labels_of_the_period(Judged.of([PASS] * 2, [0.0, 1.0], strata=[0, 1]), traffic=[800])


def test_calls_of_one_conversation_are_worth_less_than_calls_of_many() -> None:
    random = np.random.default_rng(1)
    bad = np.repeat(random.random(60) < 0.2, 5)
    verdicts = np.where(bad, FAIL, PASS)
    labels = np.where(random.random(300) < 0.05, 1.0, 0.0 + bad)
    widths = []
    for clusters in (None, np.arange(300), np.repeat(np.arange(60), 5)):
        _, lower, upper = interval(by_labels_of_the_period(Judged.of(verdicts, labels, clusters=clusters)))
        widths.append(upper - lower)
    assert widths[0] == pytest.approx(widths[1], rel=0.05)
    assert widths[2] > 1.5 * widths[0]


def test_labels_of_a_single_conversation_say_nothing_about_others() -> None:
    one = Judged.of([FAIL, PASS], [1.0, 0.0], clusters=["a", "a"])
    assert by_labels_of_the_period(one) == Unknown(Why.ONE_CLUSTER, 1)


def earlier(q1: float, q0: float, failures: int = 40, passes: int = 160) -> Judged:
    hits, right = round(q1 * failures), round(q0 * passes)
    return period((hits, passes - right, 0), (failures - hits, right, 0))


def test_old_labels_follow_a_rate_that_has_risen_since() -> None:
    now = period((0, 0, 250), (0, 0, 750))  # 0.9 θ + 0.1 (1 - θ) = 0.25
    found = rate_of(by_earlier_labels(now, earlier(0.9, 0.9)))
    assert found.method == "earlier_labels"
    assert found.value == pytest.approx(0.1875)
    assert found.lower > 0.1  # the labels themselves say 0.2, of their time
    assert (found.labels, found.failures) == (200, 40)


@given(st.floats(0, 1), st.floats(0.05, 1), st.floats(0.05, 1), st.integers(1, 200), st.integers(1, 200))
def test_a_corrected_rate_lies_in_its_interval_and_that_between_0_and_1(
    p: float, q1: float, q0: float, failures: int, passes: int
) -> None:
    numbers = (
        Counted(np.asarray(share), np.asarray(float(n))) for share, n in ((p, 500), (q1, failures), (q0, passes))
    )
    value, lower, upper = (float(each) for each in rogan_gladen(*numbers))
    if q0 + q1 - 1 > 0.1:
        assert 0 <= lower <= value <= upper <= 1
    else:
        assert math.isnan(value)


def test_old_labels_that_cannot_say_what_the_judge_does_give_a_reason() -> None:
    now = period((0, 0, 20), (0, 0, 80))
    assert by_earlier_labels(now, earlier(0.5, 0.5)) == Unknown(Why.JUDGE_TOO_WEAK, 200)
    assert by_earlier_labels(now, period((0, 5, 0), (0, 95, 0))) == Unknown(Why.NO_FAILURES_LABELLED)
    assert by_earlier_labels(now, period((5, 0, 0), (2, 0, 0))) == Unknown(Why.NO_PASSES_LABELLED)
    assert by_earlier_labels(now, period((0, 0, 5), (0, 0, 5))) == Unknown(Why.NO_LABELS)
    assert by_earlier_labels(Judged.of([]), earlier(0.9, 0.9)) == Unknown(Why.NO_VERDICTS)


def test_a_judge_that_has_changed_since_the_labels_is_noticed() -> None:
    now = period((60, 2, 200), (2, 60, 200))
    same = estimate(now, earlier(0.95, 0.95))
    assert same.moved is None
    assert same.preferred is same.by_period
    laxer = estimate(now, earlier(0.99, 0.6))
    assert laxer.moved is not None
    assert laxer.moved > 0.1


def test_a_handful_of_new_labels_does_not_replace_many_old_ones() -> None:
    found = estimate(period((5, 0, 200), (0, 5, 700)), earlier(0.9, 0.95))
    assert found.preferred is found.by_earlier
    assert rate_of(found.preferred).labels == 200


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"verdicts": [0, 3]}, "verdicts: each must be 0"),
        ({"verdicts": [0, 1], "labels": [0.5, 1]}, "labels: each must be 1"),
        ({"verdicts": [0, 1], "labels": [1]}, "labels: 1 values for 2 verdicts"),
        ({"verdicts": [0, 1], "probabilities": ([0.0, 1.0], 1.0)}, "pi: a probability must be above 0"),
        ({"verdicts": [0], "labels": [1], "probabilities": (1.0, 1.5)}, "label_pi: a probability"),
        ({"verdicts": [0], "strata": [-1]}, "strata: numbers must begin at 0"),
        ({"verdicts": [0, 1], "clusters": ["a"]}, "clusters: 1 values for 2 verdicts"),
    ],
)
def test_columns_that_make_no_sense_are_named(columns: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Judged.of(**columns)  # type: ignore[arg-type]


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.floats(0, n), st.just(float(n)))))
def test_jeffreys_interval_holds_the_rate(pair: tuple[float, float]) -> None:
    k, n = pair
    lower, upper = (float(each) for each in jeffreys(np.asarray(k), np.asarray(n)))
    assert 0 <= lower <= k / n <= upper <= 1
    assert lower < upper


def test_jeffreys_interval_is_the_middle_of_a_beta_distribution_except_at_the_ends() -> None:
    lower, upper = jeffreys(np.array([0.0, 1.0, 5.0, 10.0, 0.0]), np.array([10.0, 10.0, 10.0, 10.0, 0.0]))
    low, high = beta.ppf([0.025], [1.5, 5.5], [9.5, 5.5]), beta.ppf([0.975], [0.5, 1.5, 5.5], [10.5, 9.5, 5.5])
    assert lower[:4] == pytest.approx([0.0, *low, 1 - high[0]])
    assert upper[:4] == pytest.approx([*high, 1.0])
    assert (lower[4], upper[4]) == (0, 1)


@settings(max_examples=30)
@given(st.tuples(counts, counts, counts), st.tuples(counts, counts, counts))
def test_a_log_that_is_twice_as_long_is_known_better_and_says_the_same(
    flagged: tuple[int, int, int], passed: tuple[int, int, int]
) -> None:
    if all(sum(each[:2]) for each in (flagged, passed)):
        once, twice = (interval(by_labels_of_the_period(period(flagged, passed, times))) for times in (1, 2))
        assert twice[0] == pytest.approx(once[0])
        assert twice[2] - twice[1] < once[2] - once[1]


def test_intervals_hold_as_often_as_they_say() -> None:
    """2,000 periods at once; `python -m benchmarks.judge` measures many more kinds of them."""
    random, theta, q1, q0, n, judged = np.random.default_rng(0), 0.05, 0.8, 0.95, 100, 1_000
    p = theta * q1 + (1 - theta) * (1 - q0)
    flagged = random.binomial(n, p, 2_000)
    failures = random.binomial(flagged, theta * q1 / p), random.binomial(n - flagged, theta * (1 - q1) / (1 - p))
    labels = np.stack([flagged, n - flagged], -1) * 1.0
    found = by_verdict(
        np.full(2_000, float(judged)),
        flagged + random.binomial(judged - n, p, 2_000) * 1.0,
        labels,
        np.stack(failures, -1) * 1.0,
    )
    held = float(np.mean((found.lower <= theta) & (theta <= found.upper)))
    assert 0.93 <= held <= 0.985
    assert float(np.mean(found.value)) == pytest.approx(theta, abs=0.002)


def test_a_judge_is_measured_beside_people() -> None:
    now = period((8, 4, 10), (2, 36, 30))
    found = agreement(now)
    assert isinstance(found.sensitivity, Share)
    assert isinstance(found.specificity, Share)
    assert isinstance(found.agreement, Share)
    assert (found.sensitivity.value, found.specificity.value) == (0.8, 0.9)
    assert found.agreement.value == pytest.approx(44 / 50)
    assert (found.labels, found.failures, found.without_verdict) == (50, 10, 0)


def test_a_judge_that_gives_no_verdict_agrees_with_nobody() -> None:
    found = agreement(Judged.of([NONE, NONE, FAIL, PASS], [1.0, 0.0, 1.0, 0.0]))
    assert isinstance(found.agreement, Share)
    assert isinstance(found.sensitivity, Share)
    assert found.agreement.value == 0.5
    assert found.sensitivity.value == 0.5
    assert found.without_verdict == 2


def test_agreement_that_nothing_is_known_of_says_why() -> None:
    found = agreement(Judged.of([FAIL, PASS]))
    assert {found.agreement, found.kappa} == {Unknown(Why.NO_LABELS)}
    assert found.sensitivity == Unknown(Why.NO_FAILURES_LABELLED)
    one = agreement(Judged.of([PASS, FAIL], [0.0, 1.0], clusters=[7, 7]))
    assert {one.agreement, one.kappa, one.sensitivity} == {Unknown(Why.ONE_CLUSTER, 1)}
    found = agreement(Judged.of([PASS, PASS], [0.0, 0.0]))
    assert found.kappa == Unknown(Why.ONE_CLASS, 2)
    assert found.sensitivity == Unknown(Why.NO_FAILURES_LABELLED)
    assert isinstance(found.specificity, Share)
    assert found.specificity.value == 1


def test_agreement_is_weighted_to_the_traffic() -> None:
    now = Judged.of([FAIL, PASS, PASS], [1.0, 1.0, 0.0], probabilities=([1.0, 0.1, 0.5], 1.0))
    found = agreement(now)
    assert isinstance(found.sensitivity, Share)
    assert found.sensitivity.value == pytest.approx(1 / 11)
