"""Burn rates: the table of the workbook, the time to detect, and no alarm from a handful of calls."""

from datetime import timedelta

import pytest
from conditions_kit import DAY, HOUR, MINUTE, NOW, Measure, a_rule, fires, firing, ratio, reading
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.conditions import condition, due_every, lengths
from config.alerts import Rule
from config.conditions import PAGING, Burn
from detectors.measurement import Reason, Value, Window

PAGE = a_rule(burn={"objective": 0.999})
TICKET = a_rule(burn={"objective": 0.999, "windows": [{"long": "3d", "short": "6h", "rate": 1}]})
CALLS_A_MINUTE = 2_000


def outage(share: float, minutes: int, ended: int = 0) -> Measure:
    """An outage in which a share of the calls fails, and how long ago it ended."""
    start, end = NOW - (minutes + ended) * MINUTE, NOW - ended * MINUTE

    def measure(window: Window) -> Value:
        inside = max(timedelta(0), min(window.end, end) - max(window.start, start)) / MINUTE
        calls = int(window.length / MINUTE) * CALLS_A_MINUTE
        return ratio(round(inside * CALLS_A_MINUTE * share), calls)

    return measure


def test_the_table_of_the_workbook_spends_2_5_and_10_percent_of_the_budget_of_30_days() -> None:
    assert TICKET.burn is not None
    pairs = (*PAGING, *TICKET.burn.windows)
    assert [pair.rate * (pair.long / (30 * DAY)) for pair in pairs] == pytest.approx([0.02, 0.05, 0.1])
    assert [pair.long / pair.short for pair in pairs] == [12, 12, 12]


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1, 0.02])
def test_the_time_to_detect_is_the_workbooks(share: float) -> None:
    """(1 - objective) / error ratio x long window x burn rate (chapter 5), whatever pair is first."""
    expected = min(0.001 / share * (pair.long / MINUTE) * pair.rate for pair in PAGING if share > 0.001 * pair.rate)
    found = next(minutes for minutes in range(1, 400) if fires(PAGE, outage(share, minutes)))
    assert expected <= found <= expected * 1.1 + 1


def test_a_rate_below_the_alarm_never_fires_and_one_above_does() -> None:
    assert not fires(PAGE, lambda window: ratio(0.0055 * 100_000, 100_000))
    assert fires(PAGE, lambda window: ratio(0.0075 * 100_000, 100_000))
    assert fires(TICKET, lambda window: ratio(0.0013 * 100_000, 100_000))


def test_the_short_window_ends_the_alert_soon_after_the_outage() -> None:
    fast = a_rule(burn={"objective": 0.999, "windows": [{"long": "1h", "short": "5m", "rate": 14.4}]})
    assert fires(fast, outage(1.0, 30))
    assert fires(fast, outage(1.0, 30, ended=4), alert=firing())
    assert not fires(fast, outage(1.0, 30, ended=5), alert=firing())


def test_both_windows_must_burn() -> None:
    def measure(bad: timedelta) -> bool:
        return fires(PAGE, lambda window: ratio(500 if window.length == bad else 0, 1000))

    assert not measure(HOUR)
    assert not measure(5 * MINUTE)


@given(st.integers(1, 49), st.integers(0, 4))
def test_fewer_than_fifty_calls_with_fewer_than_five_failures_never_fire(calls: int, failures: int) -> None:
    assert not fires(PAGE, lambda _: ratio(min(failures, calls), calls))


@given(st.integers(1, 5_000), st.data())
def test_it_fires_only_where_the_lower_limit_burns(calls: int, data: st.DataObject) -> None:
    value = ratio(data.draw(st.integers(0, calls)), calls)
    assert value.lower is not None
    if fires(PAGE, lambda _: value):
        assert value.lower > 0.001 * 6
        assert value.value is not None


@given(st.integers(1, 2_000), st.data())
def test_the_ratio_of_good_calls_burns_as_that_of_bad_ones(calls: int, data: st.DataObject) -> None:
    failures = data.draw(st.integers(0, calls))
    good = a_rule(measure="success_ratio", burn={"objective": 0.999})
    bad, turned = (
        reading(PAGE, lambda _: ratio(failures, calls)),
        reading(good, lambda _: ratio(calls - failures, calls)),
    )
    assert bad.verdict is not None
    assert turned.verdict is not None
    assert bad.verdict[:2] == turned.verdict[:2]
    assert bad.value is not None
    assert turned.value is not None
    assert turned.value.value == pytest.approx(bad.value.value, abs=1e-9)


def test_a_window_that_closes_seldom_is_the_last_that_has_closed() -> None:
    asked: list[Window] = []

    def measure(window: Window) -> Value:
        asked.append(window)
        return ratio(0, 100)

    at = NOW + 5 * MINUTE
    reading(PAGE, measure, at, steps={6 * HOUR: 6 * MINUTE, 30 * MINUTE: MINUTE})
    assert {window.end for window in asked if window.length == 6 * HOUR} == {NOW}
    assert {window.end for window in asked if window.length != 6 * HOUR} == {at}


def test_what_is_not_known_says_nothing_and_what_is_broken_is_an_error() -> None:
    empty = Value(None, n=0, reason=Reason.NO_CALLS)
    assert reading(PAGE, lambda _: empty).value == empty
    assert reading(PAGE, lambda _: None).value == Value(None, reason=Reason.TOO_FEW)
    broken = Value(None, reason=Reason.MISSING_COLUMN)
    assert reading(PAGE, lambda _: broken).value == broken
    assert reading(PAGE, lambda _: broken).verdict is None


def test_it_says_how_fast_it_burns_and_when_the_budget_is_gone() -> None:
    said = reading(PAGE, lambda _: ratio(200, 10_000)).said
    assert said == (
        "burns 20 times its budget over 6h and 20 times over 30m; the alarm is at 6. "
        "At this rate the budget of 30 days is gone in 36 hours"
    )
    assert (
        condition(PAGE) == "error budget of 0.1 % burns more than 14.4 times over 1h and 5m or 6 times over 6h and 30m"
    )


def test_its_windows_are_measured_and_it_is_read_when_the_shortest_closes() -> None:
    assert lengths(PAGE, MINUTE) == {HOUR, 6 * HOUR, 5 * MINUTE, 30 * MINUTE}
    assert due_every(PAGE, MINUTE, {6 * HOUR: 6 * MINUTE, HOUR: MINUTE}) == MINUTE
    assert due_every(TICKET, MINUTE, {3 * DAY: 72 * MINUTE, 6 * HOUR: 6 * MINUTE}) == 6 * MINUTE


@pytest.mark.parametrize(
    ("burn", "message"),
    [
        ({"objective": 0.9}, "a burn rate of 14.4 can never be reached with an objective of 0.9"),
        ({"objective": 99.9}, "less than 1"),
        ({"objective": 0.99, "windows": []}, "at least 1 item"),
        ({"objective": 0.99, "windows": [{"long": "5m", "short": "1h", "rate": 2}]}, "must be shorter than long"),
    ],
)
def test_an_alarm_that_could_never_fire_is_refused(burn: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Burn.model_validate(burn)


@pytest.mark.parametrize("key", ["above", "below", "clear", "over", "fires_on"])
def test_it_has_no_other_levels_and_windows(key: str) -> None:
    value = {"over": "5m", "fires_on": "value"}.get(key, 0.5)
    with pytest.raises(ValidationError, match=f"{key} has no meaning beside burn"):
        Rule.model_validate({"measure": "error_ratio", "burn": {"objective": 0.99}, key: value})
