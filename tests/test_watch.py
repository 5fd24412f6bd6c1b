"""Rules meet measurements: which alerts a rule has, and what each of them reads at a slot end."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.rules import Alert, AlertId, State, is_memory
from alerts.watch import Readings, Watched, covers, restless_windows, split_labels, watch
from config.alerts import Rule
from detectors.measurement import Batch, Key, Reason, Segment, Series, Window

MINUTE = timedelta(minutes=1)
END = datetime(2026, 3, 5, 12, tzinfo=UTC)
A, B = Segment.of(service="a"), Segment.of(service="b")
WHOLE = Segment()

Numbers = Mapping[Key, float]


def a_batch(rows: Mapping[Segment, Numbers], length: timedelta = MINUTE, end: datetime = END) -> Batch:
    """One window of some segments; a key that a segment lacks has no value there."""
    keys = dict.fromkeys(key for numbers in rows.values() for key in numbers)
    series = {
        key: Series(np.array([numbers.get(key, np.nan) for numbers in rows.values()]), reason=Reason.NO_VALUES)
        for key in keys
    }
    return Batch("app", [(segment, Window(end - length, end)) for segment in rows], series)


def readings(*batches: tuple[tuple[str, ...], Batch], length: timedelta = MINUTE) -> Readings:
    """The batches of some groupings, of one length."""
    return Readings("app", MINUTE, {(grouping, length): batch for grouping, batch in batches})


def a_rule(**settings: Any) -> Rule:
    """A rule on the error ratio."""
    return Rule.model_validate({"measure": "error_ratio", "above": 0.5} | settings)


def stepped(rule: Rule, read: Readings, alerts: Mapping[AlertId, Alert] | None = None) -> dict[AlertId, Watched]:
    """Every alert of the rule after the window that ends at `END`."""
    found = list(watch("errors", rule, read, alerts or {}, END))
    assert len({each.id for each in found}) == len(found)
    return {each.id: each for each in found}


def firing(segment: Segment = WHOLE, **labels: str) -> dict[AlertId, Alert]:
    """An alert of the rule that fires since an hour."""
    since = END - timedelta(hours=1)
    alert = Alert(State.FIRING, since=since, fired_at=since, read_until=END - MINUTE)
    return {AlertId("errors", "app", segment, Key.of("", **labels).labels): alert}


ERRORS = Key.of("error_ratio")
P50, P95 = (Key.of("latency_seconds", percentile=each) for each in ("50", "95"))


def test_each_segment_of_the_grouping_is_an_alert_of_its_own() -> None:
    read = readings(
        (("service",), a_batch({A: {ERRORS: 0.9}, B: {ERRORS: 0.1}})), ((), a_batch({WHOLE: {ERRORS: 0.9}}))
    )
    found = stepped(a_rule(by=["service"]), read)
    assert {each.segment: watched.step.alert.state for each, watched in found.items()} == {
        A: State.FIRING,
        B: State.INACTIVE,
    }


def test_without_by_the_whole_source_is_watched() -> None:
    read = readings((("service",), a_batch({A: {ERRORS: 0.9}})), ((), a_batch({WHOLE: {ERRORS: 0.9}})))
    assert list(stepped(a_rule(), read)) == [AlertId("errors", "app", WHOLE, ())]


def test_labels_that_leave_some_open_give_one_alert_for_each_series() -> None:
    read = readings(((), a_batch({WHOLE: {P50: 1, P95: 9}})))
    found = stepped(a_rule(measure="latency_seconds", above=5), read)
    assert {each.labels: watched.step.alert.state for each, watched in found.items()} == {
        (("percentile", "50"),): State.INACTIVE,
        (("percentile", "95"),): State.FIRING,
    }


def test_labels_choose_the_series() -> None:
    read = readings(((), a_batch({WHOLE: {P50: 9, P95: 9}})))
    rule = a_rule(measure="latency_seconds", above=5, labels={"percentile": "95"})
    assert [each.labels for each in stepped(rule, read)] == [(("percentile", "95"),)]


@pytest.mark.parametrize("by", [["service", "model"], ["model", "service"]])
def test_by_may_name_the_columns_in_any_order(by: list[str]) -> None:
    segment = Segment.of(service="a", model="m")
    found = stepped(a_rule(by=by), readings((("service", "model"), a_batch({segment: {ERRORS: 0.9}}))))
    assert [each.segment for each in found] == [segment]


def test_labels_of_segment_columns_choose_the_segment() -> None:
    read = readings((("service",), a_batch({A: {ERRORS: 0.9}, B: {ERRORS: 0.9}})))
    assert [each.segment for each in stepped(a_rule(by=["service"], labels={"service": "b"}), read)] == [B]


def test_labels_are_taken_apart() -> None:
    rule = a_rule(labels={"service": "a", "percentile": "95"}, by=["service"])
    assert split_labels(rule) == ({"service": "a"}, {"percentile": "95"})


def test_a_rule_reads_the_trailing_window_that_it_names() -> None:
    five = 5 * MINUTE
    batches: dict[tuple[tuple[str, ...], timedelta], Batch] = {
        ((), MINUTE): a_batch({WHOLE: {ERRORS: 0.9}}),
        ((), five): a_batch({WHOLE: {ERRORS: 0.1}}, five),
    }
    read = Readings("app", MINUTE, batches)
    assert [each.step.alert.state for each in stepped(a_rule(), read).values()] == [State.FIRING]
    assert [each.step.alert.state for each in stepped(a_rule(over="5m"), read).values()] == [State.INACTIVE]


def test_only_the_window_that_ends_at_the_slot_is_read() -> None:
    before = a_batch({WHOLE: {ERRORS: 0.9}}, end=END - MINUTE)
    assert stepped(a_rule(), readings(((), before))) == {}


def test_a_grouping_that_the_log_cannot_give_is_an_error_alert() -> None:
    found = stepped(a_rule(by=["model"], labels={"percentile": "95"}), readings(((), a_batch({WHOLE: {ERRORS: 0.9}}))))
    ((alert_id, watched),) = found.items()
    assert alert_id == AlertId("errors", "app", WHOLE, (("percentile", "95"),))
    assert watched.step.alert.state is State.ERROR


def test_the_error_alert_ends_when_the_grouping_can_be_measured() -> None:
    rule = a_rule(by=["model"], no_data="alert")
    broken = {each: watched.step.alert for each, watched in stepped(rule, readings()).items()}
    before = {each: replace(alert, read_until=END - MINUTE) for each, alert in broken.items()}
    model = Segment.of(model="m")
    found = stepped(rule, readings((("model",), a_batch({model: {ERRORS: 0.9}}))), before)
    assert {each.segment: watched.step.alert.state for each, watched in found.items()} == {
        model: State.FIRING,
        WHOLE: State.INACTIVE,
    }


def test_a_segment_without_a_row_is_stepped_without_a_value() -> None:
    read = readings((("service",), a_batch({B: {ERRORS: 0.1}})))
    kept = stepped(a_rule(by=["service"]), read, firing(A))
    told = stepped(a_rule(by=["service"], no_data="alert"), read, firing(A))
    gone = stepped(a_rule(by=["service"], no_data="ok"), read, firing(A))
    states = [found[AlertId("errors", "app", A, ())].step.alert.state for found in (kept, told, gone)]
    assert states == [State.FIRING, State.NO_DATA, State.INACTIVE]


def test_alerts_of_other_rules_and_sources_are_left_alone() -> None:
    others = {
        AlertId("other", "app", WHOLE, ()): Alert(State.FIRING, since=END, fired_at=END),
        AlertId("errors", "elsewhere", WHOLE, ()): Alert(State.FIRING, since=END, fired_at=END),
    }
    assert stepped(a_rule(), readings(((), a_batch({WHOLE: {ERRORS: 0.1}}))), others).keys().isdisjoint(others)


@pytest.mark.parametrize(
    ("rule_settings", "alerts"),
    [
        ({"by": ["service", "model"]}, firing(A)),
        ({"by": []}, firing(A)),
        ({"by": ["service"]}, firing(WHOLE)),
        ({"by": ["service"], "labels": {"service": "b"}}, firing(A)),
        ({"measure": "latency_seconds", "labels": {"percentile": "99"}}, firing(WHOLE, percentile="95")),
    ],
    ids=["a finer grouping", "the whole", "segments", "another segment", "another percentile"],
)
@pytest.mark.parametrize("no_data", ["keep", "alert", "ok"])
def test_an_alert_that_the_rule_cannot_have_any_more_is_closed_at_once_with_the_reason(
    rule_settings: dict[str, Any], alerts: dict[AlertId, Alert], no_data: str
) -> None:
    numbers = {ERRORS: 0.1, P95: 0.1, Key.of("latency_seconds", percentile="99"): 0.1}
    both = Segment.of(service="a", model="m")
    read = readings(
        ((), a_batch({WHOLE: numbers})),
        (("service",), a_batch({B: numbers})),
        (("service", "model"), a_batch({both: numbers})),
    )
    found = stepped(a_rule(no_data=no_data, **rule_settings), read, alerts)
    (alert_id,) = alerts
    transition = found[alert_id].step.transition
    assert transition is not None
    assert (transition.before, transition.after) == (State.FIRING, State.INACTIVE)
    assert "no longer watches" in transition.reason


@pytest.mark.parametrize(
    ("alert", "expected"),
    [
        (AlertId("errors", "app", A, ()), True),
        (AlertId("errors", "app", WHOLE, ()), True),
        (AlertId("errors", "app", B, ()), False),
        (AlertId("errors", "app", Segment.of(model="m"), ()), False),
        (AlertId("errors", "app", Segment.of(service="a", model="m"), ()), False),
    ],
)
def test_a_rule_covers_segments_of_its_grouping_and_labels(alert: AlertId, expected: bool) -> None:
    assert covers(a_rule(by=["service"], labels={"service": "a"}), alert) is expected


def test_a_segment_without_the_series_is_stepped_without_a_value() -> None:
    read = readings(((), a_batch({WHOLE: {ERRORS: 0.1}})))
    (alert_id,) = stepped(a_rule(measure="feedback_score", no_data="alert"), read)
    assert alert_id == AlertId("errors", "app", WHOLE, ())


def test_a_segment_that_went_away_while_all_was_well_is_forgotten() -> None:
    calm = {AlertId("errors", "app", A, ()): Alert(read_until=END - MINUTE)}
    read = readings((("service",), a_batch({B: {ERRORS: 0.1}})))
    assert [each.segment for each in stepped(a_rule(by=["service"], no_data="alert"), read, calm)] == [B]


# What a catch-up may pass over

REASONS = [Reason.NO_CALLS, Reason.NO_VALUES, Reason.TOO_FEW, Reason.ERROR, Reason.MISSING_COLUMN]
words = st.sampled_from([0.0, 0.3, 0.5, 0.6, 1.0, *REASONS])


def a_minute_by_minute(segments: Mapping[Segment, list[Any]]) -> Readings:
    """Many windows of some segments; a word is a number or the reason why there is none. Every third has few calls."""
    rows, values, n, reasons = [], [], [], []
    for segment, series in segments.items():
        for number, word in enumerate(series):
            rows.append((segment, Window(END + number * MINUTE, END + (number + 1) * MINUTE)))
            values.append(nan if isinstance(word, Reason) else word)
            n.append(3.0 if number % 3 == 0 else 100.0)
            reasons.append(word if isinstance(word, Reason) else Reason.NO_CALLS)
    given = np.empty(len(rows), dtype=object)
    given[:] = reasons
    batch = Batch("app", rows, {ERRORS: Series(np.array(values), n=np.array(n), reason=given)})
    return readings((("service",), batch))


def transitions(rule: Rule, read: Readings, count: int, *, skip: bool) -> list[Any]:
    """Every transition of the rule over some slots; with `skip` calm slots and segments are passed over."""
    alerts: dict[AlertId, Alert] = {}
    found = []
    restless = restless_windows(rule, read) if skip else None
    read = replace(read, restless={"errors": restless})
    for end in (END + (number + 1) * MINUTE for number in range(count)):
        if restless is None or end in restless or any(is_memory(alert) for alert in alerts.values()):
            for each in watch("errors", rule, read, alerts, end):
                alerts[each.id] = each.step.alert
                found += [(each.id, each.step.transition)] if each.step.transition else []
    return found


@given(
    st.lists(words, min_size=1, max_size=30),
    st.sampled_from([{"above": 0.5}, {"below": 0.5}, {"above": 0.5, "clear": 0.2}, {"below": 0.2, "clear": 0.4}]),
    st.sampled_from(["ok", "keep", "alert"]),
    st.integers(0, 3),
    st.sampled_from([0, 10]),
)
def test_a_catch_up_that_passes_over_calm_windows_decides_the_same(
    series: list[Any], threshold: dict[str, float], no_data: str, hold: int, few: int
) -> None:
    rule = a_rule(**{"by": ["service"], "above": None, "for": f"{hold}m"} | threshold, no_data=no_data, min_calls=few)
    read = a_minute_by_minute({A: series, B: series[::-1]})
    assert transitions(rule, read, len(series), skip=True) == transitions(rule, read, len(series), skip=False)


def test_calm_windows_are_passed_over() -> None:
    read = a_minute_by_minute({A: [0.1, Reason.NO_CALLS, 0.9, 0.1], B: [0.1] * 4})
    assert restless_windows(a_rule(by=["service"]), read) == {END + 3 * MINUTE: {A}}
    moments = {END + 2 * MINUTE: {A}, END + 3 * MINUTE: {A}}
    assert restless_windows(a_rule(by=["service"], no_data="alert"), read) == moments


def test_a_rule_whose_measurement_is_not_there_reads_every_window() -> None:
    read = a_minute_by_minute({A: [0.1]})
    assert restless_windows(a_rule(by=["model"]), read) is None
    assert restless_windows(a_rule(by=["service"], measure="feedback_score"), read) is None
