"""What the tests of conditions share: a past that is a function of the window, and a rule read against it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from alerts.conditions import read
from alerts.conditions.moment import Moment, Reading
from alerts.rules import Alert, State, step
from config.alerts import Rule
from detectors.intervals import wilson_of
from detectors.measurement import Key, Segment, Value, Window

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WEEK = 7 * DAY
# A Thursday.
NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)

ERRORS, WHOLE = Key("error_ratio"), Segment()

Measure = Callable[[Window], Value | None]


def a_rule(**settings: Any) -> Rule:
    """A rule on the error ratio unless it says something else."""
    return Rule.model_validate({"measure": "error_ratio"} | settings)


def ratio(k: float, n: int) -> Value:
    """k of n calls, with Wilson's interval."""
    return Value(k / n, *wilson_of(k, n), n)


def a_moment(
    measure: Measure, at: datetime = NOW, key: Key = ERRORS, segment: Segment = WHOLE, **changes: Any
) -> Moment:
    """The slot that ends at a time, where every window has what the function says."""

    def ask(windows: Sequence[Window]) -> list[Value | None]:
        assert all(window.end <= at for window in windows), "nobody knows the future"
        return [measure(window) for window in windows]

    return Moment("app", segment, key, at, MINUTE, HOUR, ask, **changes)


def reading(rule: Rule, measure: Measure, at: datetime = NOW, **changes: Any) -> Reading:
    """What a rule reads at a slot end."""
    labels: Mapping[str, str] = {name: text for name, text in rule.labels.items() if name != "service"}
    return read(rule, a_moment(measure, at, Key.of(rule.measure, **labels), **changes))


def fires(rule: Rule, measure: Measure, at: datetime = NOW, alert: Alert | None = None, **changes: Any) -> bool:
    """Whether an alert without `for` fires after a slot."""
    return step(rule, alert or Alert(), reading(rule, measure, at, **changes), at).alert.state is State.FIRING


def firing() -> Alert:
    """An alert that fires since an hour."""
    since = NOW - HOUR
    return Alert(State.FIRING, since=since, fired_at=since, read_until=since)
