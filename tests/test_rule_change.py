"""Change against a baseline: which windows are compared, and how surely."""

from datetime import timedelta
from math import inf, isclose, isnan

import numpy as np
import pytest
from conditions_kit import DAY, HOUR, NOW, WEEK, a_rule, fires, firing, ratio, reading
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import chi2

from alerts.conditions.statistic import COUNTS, GOOD_RATIOS, has_interval, pooled, statistic_of, with_interval
from config.alerts import Rule
from detectors.catalogue import BY_NAME
from detectors.feedback import METRICS as FEEDBACK
from detectors.intervals import Z, difference_of, newcombe, poisson_of, ratio_of, wilson_of
from detectors.measurement import Key, Reason, Value, Window
from detectors.traces import METRICS as TRACES
from detectors.traffic import METRICS as TRAFFIC

shares = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def estimate(k: float, n: float) -> tuple[float, float, float]:
    return (k / n, *wilson_of(k, n))


# Intervals


@pytest.mark.parametrize("k", [0, 1, 2, 5, 20, 300, 10_000])
def test_a_count_has_nearly_the_exact_interval(k: int) -> None:
    lower, upper = poisson_of(k)
    exact = (chi2.ppf(0.025, 2 * k) / 2 if k else 0.0), chi2.ppf(0.975, 2 * k + 2) / 2
    # Of one event the approximation is wide, on the safe side.
    assert lower == pytest.approx(exact[0], rel=0.08, abs=0.015)
    assert lower <= exact[0] * 1.01
    assert upper == pytest.approx(exact[1], rel=0.01)


@given(shares, shares)
def test_the_difference_of_two_shares_is_newcombes(one: tuple[int, int], other: tuple[int, int]) -> None:
    assert difference_of(estimate(*one), estimate(*other)) == pytest.approx(newcombe(*one, *other), abs=1e-12)


@given(shares, shares)
def test_the_ratio_lies_in_its_interval_and_turned_round_it_is_the_inverse(
    one: tuple[int, int], other: tuple[int, int]
) -> None:
    assume(one[0] and other[0])
    a, b = estimate(*one), estimate(*other)
    lower, upper = ratio_of(a, b)
    assert lower <= a[0] / b[0] * (1 + 1e-9)
    assert upper >= a[0] / b[0] * (1 - 1e-9)
    inverse = ratio_of(b, a)
    assert isclose(inverse[0], 1 / upper, rel_tol=1e-6)
    assert isclose(inverse[1], 1 / lower, rel_tol=1e-6)


def test_a_ratio_to_nothing_has_a_least_and_no_most() -> None:
    lower, upper = ratio_of(estimate(30, 100), estimate(0, 100))
    assert lower > 3
    assert upper == inf
    assert all(map(isnan, ratio_of((1, 0.5, 2), (0, 0, 0))))


@pytest.mark.parametrize(("p", "q", "n", "m"), [(0.02, 0.02, 200, 2000), (0.1, 0.05, 50, 500), (0.3, 0.1, 30, 30)])
def test_the_interval_of_a_ratio_of_shares_covers(p: float, q: float, n: int, m: int) -> None:
    dice = np.random.default_rng(7)
    ks, ls = dice.binomial(n, p, 1500), dice.binomial(m, q, 1500)
    found = [ratio_of(estimate(k, n), estimate(j, m)) for k, j in zip(ks.tolist(), ls.tolist(), strict=True)]
    assert np.mean([lower <= p / q <= upper for lower, upper in found]) >= 0.935


@pytest.mark.parametrize(("mean", "other"), [(3, 30), (40, 20), (200, 900)])
def test_the_interval_of_a_ratio_of_counts_covers(mean: float, other: float) -> None:
    dice = np.random.default_rng(8)
    pairs = zip(dice.poisson(mean, 1500).tolist(), dice.poisson(other, 1500).tolist(), strict=True)
    found = [ratio_of((k, *poisson_of(k)), (j, *poisson_of(j))) for k, j in pairs]
    assert np.mean([lower <= mean / other <= upper for lower, upper in found]) >= 0.94


# Kinds of numbers


def test_every_measurement_has_the_statistic_that_it_is_made_by() -> None:
    kinds = {"count": "count", "total": "total", "ratio": "ratio", "mean": "mean"}
    for metric in (*TRAFFIC, *TRACES):
        for key, statistic in metric.statistics():
            expected = kinds.get(metric.how, "mean" if statistic == "mean" else "percentile")
            assert statistic_of(key) == expected, key
            if metric.rate is not None:
                assert statistic_of(Key(metric.rate, metric.labels)) == (
                    "rate" if expected == "count" else "total_rate"
                )
    for name, how, _ in FEEDBACK:
        assert statistic_of(Key.of(name, key="thumbs")) == kinds[how]
    assert set(COUNTS) | set(GOOD_RATIOS) <= BY_NAME.keys()


def test_what_has_no_interval_of_its_own_gets_one_only_if_it_is_a_count() -> None:
    assert with_interval(Value(9.0), Key("calls"), 60).upper == pytest.approx(poisson_of(9)[1])
    assert with_interval(Value(2.0), Key("calls_per_second"), 60).lower == pytest.approx(poisson_of(120)[0] / 60)
    assert with_interval(Value(9.0), Key("cost_usd"), 60) == Value(9.0)
    assert not has_interval(Key.of("latency_seconds", percentile="95"))


@given(st.lists(shares, min_size=1, max_size=8))
def test_pooled_ratios_are_the_ratio_of_all_calls(parts: list[tuple[int, int]]) -> None:
    found = pooled([ratio(k, n) for k, n in parts], Key("error_ratio"), 3600)
    assert found is not None
    assert found.value == pytest.approx(sum(k for k, _ in parts) / sum(n for _, n in parts))
    assert found.n == sum(n for _, n in parts)


def test_pooled_means_have_the_mean_and_interval_of_all_calls() -> None:
    dice = np.random.default_rng(3)
    parts = [dice.normal(5, 2, size) for size in (40, 200, 90)]
    halves = [Z * part.std(ddof=1) / np.sqrt(len(part)) for part in parts]
    values = [
        Value(part.mean(), part.mean() - half, part.mean() + half, len(part))
        for part, half in zip(parts, halves, strict=True)
    ]
    found, every = pooled(values, Key("cost_usd_per_call"), 3600), np.concatenate(parts)
    assert found is not None
    assert found.upper is not None
    assert found.value == pytest.approx(every.mean())
    assert found.upper - found.value == pytest.approx(Z * every.std(ddof=1) / np.sqrt(len(every)), rel=0.1)


def test_percentiles_of_several_windows_are_no_percentile() -> None:
    key = Key.of("latency_seconds", percentile="95")
    assert pooled([Value(1.0, n=9), Value(2.0, n=9)], key, 3600) is None
    assert pooled([Value(1.0, n=9)], key, 3600) == Value(1.0, n=9)


# What is compared


def last_week(rule: Rule, now: Value | None, then: Value | None, asked: list[Window] | None = None) -> bool:
    """Whether a rule fires on a value now and another one a week ago."""

    def measure(window: Window) -> Value | None:
        if asked is not None:
            asked.append(window)
        return now if window.end == NOW else then

    return fires(rule, measure)


TWICE = a_rule(over="1h", above=1.5, change={})


def test_the_same_hour_last_week_is_asked_for() -> None:
    asked: list[Window] = []
    assert last_week(TWICE, ratio(60, 1000), ratio(20, 1000), asked)
    # Half past eleven lies in the window from eleven to twelve, a week before.
    assert asked == [Window(NOW - HOUR, NOW), Window(NOW - WEEK - HOUR, NOW - WEEK)]


def test_an_earlier_stretch_is_whole_history_windows_that_end_in_time() -> None:
    asked: list[Window] = []
    rule = a_rule(over="5m", above=1.5, change={"ago": "1d", "length": "3h"})
    last_week(rule, ratio(60, 1000), ratio(20, 1000), asked)
    assert [window.start for window in asked[1:]] == [NOW - DAY - hours * HOUR for hours in (3, 2, 1)]


def test_it_fires_on_the_interval_and_goes_on_by_the_value() -> None:
    few, many = ratio(6, 100), ratio(60, 1000)
    assert last_week(TWICE, many, ratio(20, 1000))
    assert not last_week(TWICE, few, ratio(20, 1000))
    assert fires(TWICE, lambda window: few if window.end == NOW else ratio(20, 1000), alert=firing())


def test_a_difference_clears_zero_by_its_interval() -> None:
    rule = a_rule(above=0.01, change={"how": "difference", "value": 0.02})
    assert not fires(rule, lambda _: ratio(5, 100))
    assert fires(rule, lambda _: ratio(50, 1000))
    read = reading(rule, lambda _: ratio(50, 1000))
    assert read.value is not None
    assert read.value.value == pytest.approx(0.03)
    assert read.said == "0.05 against 0.02 as set"


@pytest.mark.parametrize("then", [None, Value(None, n=0, reason=Reason.NO_CALLS)])
def test_without_a_baseline_nothing_fires_and_nothing_is_missing(then: Value | None) -> None:
    rule = a_rule(over="1h", above=1.5, change={}, no_data="alert")
    assert not last_week(rule, ratio(900, 1000), then)
    read = reading(rule, lambda window: ratio(1, 2) if window.end == NOW else then)
    assert read.value == Value(None, reason=Reason.TOO_FEW)


def test_a_baseline_of_zero_fires_by_the_least_ratio_that_is_sure() -> None:
    assert last_week(TWICE, ratio(300, 1000), ratio(0, 1000))
    assert not last_week(TWICE, ratio(1, 1000), ratio(0, 1000))


def test_counts_are_compared_as_rates() -> None:
    rule = a_rule(measure="calls", over="15m", above=1.5, change={})
    quarter, hour = timedelta(minutes=15), {"even": 4000.0, "low": 2000.0}

    def calls(then: float) -> bool:
        return fires(rule, lambda window: Value(1000.0 if window.length == quarter else then, n=1000))

    assert not calls(hour["even"])
    assert calls(hour["low"])


def test_few_calls_hardly_ever_fire_when_nothing_has_changed() -> None:
    dice = np.random.default_rng(11)
    then = ratio(40, 2000)
    fired = [last_week(TWICE, ratio(k, 30), then) for k in dice.binomial(30, 0.02, 1000).tolist()]
    assert np.mean(fired) <= 0.025


def test_a_percentile_is_compared_by_its_value_if_asked_to() -> None:
    rule = a_rule(
        measure="latency_seconds", labels={"percentile": 95}, over="1h", above=1.5, change={}, fires_on="value"
    )
    assert last_week(rule, Value(3.1, n=80), Value(2.0, n=80))
    assert not last_week(rule, Value(2.9, n=80), Value(2.0, n=80))


def test_a_missing_column_is_an_error_and_not_a_missing_baseline() -> None:
    read = reading(TWICE, lambda _: Value(None, reason=Reason.MISSING_COLUMN))
    assert read.value is not None
    assert read.value.reason is Reason.MISSING_COLUMN
