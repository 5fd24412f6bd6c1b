"""How many segments of a rule may fire at once."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alerts.admission import admitted
from alerts.rules import ACTIVE, Alert, AlertId, State, step
from config.alerts import Rule
from detectors.measurement import Reason, Segment, Value

AT = datetime(2026, 3, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def a_rule(**settings: Any) -> Rule:
    return Rule.model_validate({"measure": "error_ratio", "above": 0.5, "by": ["service"], "max_alerts": 2} | settings)


def an_id(name: str) -> AlertId:
    return AlertId("errors", "app", Segment.of(service=name), ())


def after(rule: Rule, values: dict[str, float | None], alerts: dict[AlertId, Alert], minute: int = 0) -> Any:
    """One window of some segments."""
    read = {
        an_id(name): Value(None, reason=Reason.ERROR) if value is None else Value(value, n=9)
        for name, value in values.items()
    }
    steps = {each: step(rule, alerts.get(each, Alert()), value, AT + minute * MINUTE) for each, value in read.items()}
    found = admitted(rule, steps, alerts)
    alerts.update({each: told.alert for each, (told, _) in found.items()})
    return found


def firing(alerts: dict[AlertId, Alert]) -> set[str]:
    return {each.segment.as_dict()["service"] for each, alert in alerts.items() if alert.state in ACTIVE}


def test_the_worst_come_first_and_those_that_fire_stay() -> None:
    alerts: dict[AlertId, Alert] = {}
    found = after(a_rule(), {"a": 0.6, "b": 0.9, "c": 0.7, "d": 0.1}, alerts)
    assert firing(alerts) == {"b", "c"}
    assert [each.segment.as_dict()["service"] for each, (_, left_out) in found.items() if left_out] == ["a"]
    after(a_rule(), {"a": 1.0, "b": 0.9, "c": 0.6, "d": 1.0}, alerts, 1)
    assert firing(alerts) == {"b", "c"}
    after(a_rule(), {"a": 0.8, "b": 0.9, "c": 0.1, "d": 1.0}, alerts, 2)
    assert firing(alerts) == {"b", "d"}


def test_how_many_are_left_out_is_said_by_those_that_fire() -> None:
    alerts: dict[AlertId, Alert] = {}
    after(a_rule(), {"a": 0.6, "b": 0.9, "c": 0.7, "d": 0.8}, alerts)
    assert {alerts[an_id(name)].said for name in "bd"} == {"2 more are over it and left out (max_alerts is 2)"}
    after(a_rule(), {"a": 0.1, "b": 0.9, "c": 0.1, "d": 0.8}, alerts, 1)
    assert alerts[an_id("b")].said == ""


def test_below_the_lowest_are_the_worst() -> None:
    alerts: dict[AlertId, Alert] = {}
    after(a_rule(above=None, below=0.5), {"a": 0.4, "b": 0.1, "c": 0.2}, alerts)
    assert firing(alerts) == {"b", "c"}


def test_one_that_is_left_out_stays_pending_and_is_read_once() -> None:
    alerts: dict[AlertId, Alert] = {}
    for minute in range(3):
        after(a_rule(**{"for": "2m"}), {"a": 0.6, "b": 0.9, "c": 0.7}, alerts, minute)
    assert alerts[an_id("a")].state is State.PENDING
    assert alerts[an_id("a")].read_until == AT + 2 * MINUTE


def test_errors_come_after_what_has_a_value() -> None:
    alerts: dict[AlertId, Alert] = {}
    after(a_rule(max_alerts=1), {"a": None, "b": 0.6}, alerts)
    assert firing(alerts) == {"b"}


@given(st.lists(st.dictionaries(st.sampled_from("abcdef"), st.floats(0, 1), min_size=1), min_size=1, max_size=12))
def test_never_more_than_may_and_never_fewer_than_could(windows: list[dict[str, float]]) -> None:
    rule, alerts = a_rule(), dict[AlertId, Alert]()
    for minute, values in enumerate(windows):
        whole = dict.fromkeys("abcdef", 0.0) | values
        found = after(rule, dict(whole), alerts, minute)
        over = sum(value > 0.5 for value in whole.values())
        assert len(firing(alerts)) == min(over, 2)
        assert sum(left_out for _, left_out in found.values()) == max(0, over - 2)
