"""Budgets: what a period is, what is spent in it, and whether the forecast comes true."""

from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from conditions_kit import DAY, HOUR, MINUTE, NOW, WEEK, Measure, a_moment, a_rule, fires, reading
from hypothesis import given
from hypothesis import strategies as st

from alerts.conditions import condition
from alerts.conditions.budget import pace_of, period, ratio_estimate, spent_since
from config.alerts import Rule
from detectors.measurement import Key, Reason, Value, Window

Rate = Callable[[datetime], float]  # dollars an hour


def a_budget(amount: float, per: str = "month", **settings: object) -> Rule:
    return a_rule(measure="cost_usd", budget={"amount": amount, "per": per} | settings)


def spending(rate: Rate, since: datetime = NOW - 90 * DAY) -> Measure:
    """A log that spends evenly within each hour, measured since a time."""

    def measure(window: Window) -> Value | None:
        if window.start < since:
            return None
        return Value(rate(window.start) * (window.length / HOUR), n=10)

    return measure


def weekly(at: datetime) -> float:
    """Dollars an hour that repeat every week: office hours."""
    return 5.0 if at.weekday() < 5 and 8 <= at.hour < 18 else 1.0


def truly(rate: Rate, start: datetime, end: datetime) -> float:
    hours = (end - start) // HOUR
    return sum(rate(start + number * HOUR) for number in range(hours))


@given(st.integers(0, 5 * 366 * 24 * 60))
def test_periods_are_those_of_the_calendar(minutes: int) -> None:
    at = datetime(2024, 1, 1, tzinfo=UTC) + minutes * MINUTE
    midnight = datetime(at.year, at.month, at.day, tzinfo=UTC)
    assert period(at, "day") == (midnight, midnight + DAY)
    first = midnight.replace(day=1)
    assert period(at, "month") == (first, first + monthrange(at.year, at.month)[1] * DAY)
    start, end = period(at, "week")
    assert (start.isoweekday(), end - start, start <= at < end) == (1, WEEK, True)


def test_what_is_spent_is_hours_and_the_minutes_after_them() -> None:
    at = NOW + 37 * MINUTE
    spent = spent_since(a_moment(spending(weekly), at, Key("cost_usd")), NOW - 12 * HOUR)
    assert spent.amount == pytest.approx(truly(weekly, NOW - 12 * HOUR, NOW) + 5.0 * 37 / 60)
    assert (spent.windows, spent.unknown) == (12 + 37, 0)


@pytest.mark.parametrize("per", ["day", "week", "month"])
def test_a_log_that_repeats_every_week_is_forecast_exactly(per: str) -> None:
    start, end = period(NOW, per)
    truth = truly(weekly, start, end)
    read = reading(a_budget(1.0, per), spending(weekly))
    assert read.value is not None
    assert read.value.value == pytest.approx(truth)
    assert read.value.lower == pytest.approx(truth)
    assert not fires(a_budget(truth + 1, per), spending(weekly))
    assert fires(a_budget(truth - 1, per), spending(weekly))


def test_twice_the_spending_since_a_day_is_twice_what_is_left() -> None:
    def doubled(at: datetime) -> float:
        return weekly(at) * (2 if at >= NOW - DAY else 1)

    start, end = period(NOW, "month")
    read = reading(a_budget(1.0), spending(doubled))
    assert read.value is not None
    assert read.value.value == pytest.approx(truly(doubled, start, NOW) + 2 * truly(weekly, NOW, end))


def test_it_says_when_the_budget_runs_out() -> None:
    read = reading(a_budget(100.0, "day"), spending(lambda _: 5.0))
    assert read.said == (
        "60 of 100 spent since 2026-03-05 (60%); forecast 120 by 2026-03-06, runs out about 2026-03-05 21:00 UTC"
    )


def test_what_is_spent_fires_whatever_the_forecast() -> None:
    assert fires(a_budget(50.0, "day", forecast=False), spending(lambda _: 5.0))
    assert not fires(a_budget(70.0, "day", forecast=False), spending(lambda _: 5.0))
    assert fires(a_budget(70.0, "day"), spending(lambda _: 5.0))


def test_a_forecast_of_hours_that_vary_fires_only_when_it_is_sure() -> None:
    def spiky(at: datetime) -> float:
        return 60.0 if at.hour == 3 and at.day % 2 else 1.0

    rule = a_budget(2_000.0)
    read = reading(rule, spending(spiky))
    assert read.value is not None
    assert read.value.lower is not None
    assert read.value.value is not None
    assert read.value.lower < read.value.value
    assert not fires(rule, spending(spiky)) or read.value.lower > 2_000


def test_without_a_week_each_hour_costs_the_mean_of_the_last_day() -> None:
    young = spending(lambda _: 2.0, since=NOW - 30 * HOUR)
    pace = pace_of(a_moment(young, key=Key("cost_usd")))
    assert pace is not None
    assert (pace.level, pace.error, pace.week) == (2.0, 0.0, {})


def test_without_a_day_there_is_no_forecast_and_it_says_so() -> None:
    young = spending(lambda _: 2.0, since=NOW - 5 * HOUR)
    read = reading(a_budget(15.0, "day"), young)
    assert read.value == Value(10.0, 10.0, 10.0)
    assert "as far as is known: 7 of 12 windows were not measured" in read.said
    assert read.said.endswith("no forecast: not every hour of the last day is known")
    assert not fires(a_budget(15.0, "day"), young)
    assert fires(a_budget(9.0, "day"), young)


def test_nothing_measured_is_unknown_and_not_free() -> None:
    read = reading(a_budget(15.0, "day"), lambda _: None)
    assert read.value == Value(None, reason=Reason.NO_VALUES)
    broken = Value(None, reason=Reason.MISSING_COLUMN)
    assert reading(a_budget(15.0), lambda _: broken).value == broken


def test_the_last_slot_of_a_period_belongs_to_it() -> None:
    midnight = datetime(2026, 3, 6, tzinfo=UTC)
    last, first = (
        reading(a_budget(1.0, "day"), spending(lambda _: 1.0), midnight + late) for late in (0 * DAY, MINUTE)
    )
    assert "24 of 1 spent since 2026-03-05" in last.said
    assert "since 2026-03-06" in first.said


@given(st.lists(st.tuples(st.floats(0.1, 10), st.floats(0.1, 10)), min_size=2, max_size=24))
def test_the_level_is_the_ratio_of_sums_with_cochrans_error(pairs: list[tuple[float, float]]) -> None:
    costs, usual = [cost for cost, _ in pairs], [each for _, each in pairs]
    level, error = ratio_estimate(costs, usual)
    assert level == pytest.approx(sum(costs) / sum(usual))
    n, mean = len(pairs), sum(usual) / len(pairs)
    variance = sum((cost - level * each) ** 2 for cost, each in pairs) / (n - 1) / n / mean**2
    assert error == pytest.approx(variance**0.5, abs=1e-12)


def test_a_budget_says_its_condition() -> None:
    assert condition(a_budget(500.0)) == "above the budget of 500 a month, spent or forecast"
    assert condition(a_budget(500.0, "day", forecast=False)) == "above the budget of 500 a day"
