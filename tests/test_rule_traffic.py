"""Traffic drop: what is usual at an hour of the week, how much it varies, and what is far below it."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from math import cos, exp, lgamma, log, pi

import numpy as np
import pytest
from conditions_kit import DAY, HOUR, MINUTE, NOW, WEEK, Measure, a_moment, a_rule, fires, firing, reading

from alerts.conditions.moment import EPOCH
from alerts.conditions.traffic_drop import Usual, deviations, dispersion, expectation, silence
from detectors.measurement import Key, Reason, Value, Window

QUARTER = 15 * MINUTE
DROP = a_rule(measure="calls", over="15m", traffic_drop={})

Rate = Callable[[datetime], float]  # calls an hour


def daily(at: datetime) -> float:
    """A day with a night, and a weekend."""
    shape = 1 - 0.8 * cos(2 * pi * ((at - EPOCH) / DAY % 1))
    return 2_000 * shape * (0.5 if at.weekday() > 4 else 1.0)


def traffic(rate: Rate, spread: float = 0.0, seed: int = 5) -> Measure:
    """Counts with this rate: Poisson, or with a level that varies from window to window (standard deviation `spread`)."""

    @cache
    def measure(window: Window) -> Value:
        dice = np.random.default_rng([seed, int(window.start.timestamp()), int(window.length_s)])
        mean = rate(window.start + window.length / 2) * (window.length / HOUR)
        level = dice.gamma(1 / spread**2, spread**2) if spread else 1.0
        count = float(dice.poisson(mean * level))
        return Value(count, n=int(count))

    return measure


def since(start: datetime, factor: float, rate: Rate = daily) -> Rate:
    """The rate, changed by a factor from a time on."""
    return lambda at: rate(at) * (factor if at >= start else 1.0)


@pytest.mark.parametrize("spread", [0.0, 0.15])
def test_a_week_as_usual_fires_never(spread: float) -> None:
    measure = traffic(daily, spread)
    assert not any(fires(DROP, measure, NOW + number * 90 * MINUTE) for number in range(7 * 16))


@pytest.mark.parametrize("spread", [0.0, 0.15])
def test_a_drop_to_a_quarter_fires_in_the_second_window(spread: float) -> None:
    measure = traffic(since(NOW, 0.25), spread)
    assert not fires(DROP, measure, NOW)
    assert not fires(DROP, measure, NOW + QUARTER)
    assert fires(DROP, measure, NOW + 2 * QUARTER)


def test_silence_fires_at_once_where_there_should_be_many_calls() -> None:
    assert fires(DROP, traffic(since(NOW, 0)), NOW + QUARTER)


def test_a_quiet_service_never_fires_on_a_window_without_calls() -> None:
    measure = traffic(since(NOW, 0, lambda _: 20.0))
    assert not any(fires(DROP, measure, NOW + number * QUARTER) for number in range(1, 9))


@pytest.mark.parametrize("mean", [1.0, 4.0, 8.1, 9.0, 20.0, 100.0, 500.0])
def test_chance_goes_below_the_limit_once_in_three_thousand_windows_at_most(mean: float) -> None:
    """Exactly, from Poisson's probabilities; two windows in a row are then less than once in ten million."""
    chances = [exp(count * log(mean) - mean - lgamma(count + 1)) for count in range(int(mean) + 1)]
    below = sum(chance for count, chance in enumerate(chances) if deviations(count, Usual(mean, 1.0, 8)) < -4)
    assert below <= 1 / 3_000
    assert deviations(mean, Usual(mean, 1.0, 8)) == 0


def test_sixty_percent_are_no_drop_whatever_the_certainty() -> None:
    assert not fires(DROP, traffic(since(NOW, 0.6, lambda at: 50 * daily(at))), NOW + 3 * QUARTER)


def test_growth_is_no_reason_and_a_drop_after_it_is_seen() -> None:
    grown = since(NOW - 2 * DAY, 3)
    assert not any(fires(DROP, traffic(grown), NOW + hours * HOUR) for hours in range(24))
    # Forty percent of tripled traffic is more than was usual.
    assert fires(DROP, traffic(since(NOW, 0.4, grown)), NOW + 2 * QUARTER)


def test_a_week_of_holidays_in_the_past_is_not_what_is_usual() -> None:
    def holidays(at: datetime) -> float:
        return daily(at) * (0.1 if NOW - 3 * WEEK <= at < NOW - 2 * WEEK else 1.0)

    found = expectation(a_moment(traffic(holidays), key=Key("calls")), Window(NOW - QUARTER, NOW), 8)
    assert found is not None
    assert found.expected == pytest.approx(daily(NOW - QUARTER / 2) / 4, rel=0.05)


def test_fewer_than_four_known_weeks_say_nothing() -> None:
    measure = traffic(since(NOW, 0))

    def known(weeks: int) -> Measure:
        return lambda window: measure(window) if window.start >= NOW - weeks * WEEK - 2 * DAY else None

    assert reading(DROP, known(3), NOW + QUARTER).value == Value(None, reason=Reason.TOO_FEW)
    assert not fires(DROP, known(3), NOW + QUARTER)
    assert fires(DROP, known(4), NOW + QUARTER)


def test_between_hours_the_usual_goes_in_a_straight_line() -> None:
    def steep(at: datetime) -> float:
        return 1_000 + 4_000 * (at.hour >= 12)

    def expected(at: datetime) -> float:
        found = expectation(a_moment(traffic(steep), at, Key("calls")), Window(at - QUARTER, at), 4)
        assert found is not None
        return found.expected * 4

    early, late = expected(NOW + QUARTER), expected(NOW + 30 * MINUTE + QUARTER / 2)
    assert early == pytest.approx(1_000 + 4_000 * 0.625, rel=0.1)
    assert late == pytest.approx(5_000, rel=0.1)


@pytest.mark.parametrize(("spread", "expected"), [(0.0, 1.0), (0.2, 1 + 1_000 * 0.04)])
def test_the_dispersion_is_that_of_the_counts(spread: float, expected: float) -> None:
    dice = np.random.default_rng(2)
    level = dice.gamma(1 / spread**2, spread**2, (24, 8)) if spread else np.ones((24, 8))
    weeks = np.linspace(0.5, 1.5, 8)  # growth is no dispersion
    rows = dice.poisson(1_000 * level * weeks).astype(float).tolist()
    assert expected * 0.7 <= dispersion(rows) <= expected * 1.7
    assert dispersion([[None, None]]) == 1.0


def test_silence_is_less_sure_where_traffic_comes_in_bursts() -> None:
    assert silence(Usual(20, 1.0, 8)) == 20
    assert silence(Usual(20, 5.0, 8)) == pytest.approx(-np.log((1 / 5) ** (20 / 4)))


def test_a_firing_alert_goes_on_until_the_share_is_back() -> None:
    rule = a_rule(measure="calls", over="15m", traffic_drop={}, below=0.5, clear=0.8)
    for share, goes_on in ((0.6, True), (0.95, False)):
        at = NOW + 2 * QUARTER
        assert fires(rule, traffic(since(NOW, share)), at, firing()) is goes_on


def test_few_calls_are_the_alarm_and_no_reason_to_keep_quiet() -> None:
    rule = a_rule(measure="calls", over="15m", traffic_drop={}, min_calls=100)
    assert fires(rule, traffic(since(NOW, 0)), NOW + QUARTER)
    read = reading(rule, traffic(since(NOW, 0)), NOW + QUARTER)
    assert read.said.startswith("0 calls, usual are ")
    assert read.said.endswith(" at this hour of the week (8 weeks)")


def test_what_was_not_measured_is_no_drop() -> None:
    assert reading(DROP, lambda _: None).value is None
    assert reading(DROP, lambda w: None if w.end == NOW else Value(9.0)).value is None
