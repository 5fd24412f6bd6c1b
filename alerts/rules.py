"""The state machine of one alert: pure, with the time as an argument.

The states and their timing are Prometheus': a condition that holds for `for` fires, one that stopped fires on for
`keep_firing_for`. Added are hysteresis (`clear`), a guard for few calls, firing on the interval, and what a missing
value means (`no_data`). What a condition reads is the matter of `alerts.conditions`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from alerts.conditions import by_interval, condition, levels
from alerts.conditions.moment import BROKEN, Reading
from config.alerts import Rule
from detectors.measurement import Labels, Reason, Segment, Value


class State(StrEnum):
    """What an alert can be."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    NO_DATA = "no_data"
    ERROR = "error"


ACTIVE = (State.FIRING, State.NO_DATA, State.ERROR)  # the states that people are told of
_NOTHING = Value(None, reason=Reason.NO_VALUES)


class AlertId(NamedTuple):
    """One rule on one segment and one set of measurement labels."""

    rule: str
    source: str
    segment: Segment
    labels: Labels


@dataclass(frozen=True, slots=True)
class Alert:
    """The memory of one alert between two windows."""

    state: State = State.INACTIVE
    since: datetime | None = None  # when the condition began; kept while pending, firing, no_data or error
    fired_at: datetime | None = None  # when it fired; kept through no_data and error, so that firing goes on after them
    recovering_since: datetime | None = None  # first window in which the condition was gone while firing
    absent_since: datetime | None = None  # first window without a usable value, or the last that said "no data"
    read_until: datetime | None = None  # end of the last window read: an older one is refused
    value: Value | None = None  # the last usable value
    reason: str = ""  # why it is in no_data or error
    said: str = ""  # what the value was compared with, in words


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of state, decided at a slot end.

    `value` is what was read there, None where that was of no use. `lower`, `upper`, `n` and `said` say how sure that
    is, of how many calls, and what it was compared with.
    """

    before: State
    after: State
    at: datetime
    value: float | None
    reason: str = ""
    lower: float | None = None
    upper: float | None = None
    n: int | None = None
    said: str = ""


class Step(NamedTuple):
    """The alert after a window, and its change of state if there was one."""

    alert: Alert
    transition: Transition | None


def step(rule: Rule, alert: Alert, read: Reading | Value | None, at: datetime) -> Step:
    """Reads one window.

    Args:
        rule: the condition.
        alert: the memory so far.
        read: what the condition reads there: a value, None where the window has none, perhaps with a verdict.
        at: end of the window.

    Raises:
        ValueError: the window is not after the last one read; a window is read once.
    """
    if alert.read_until is not None and at <= alert.read_until:
        raise ValueError(f"window ending {at} was read already (read until {alert.read_until})")
    reading = read if isinstance(read, Reading) else Reading(read)
    value = reading.value
    alert = replace(alert, read_until=at)
    if value is not None and value.reason in BROKEN:
        broken = replace(alert, since=_since(alert, State.ERROR, at))
        return _to(broken, State.ERROR, at, f"cannot be evaluated: {value.reason}")
    if value is None or value.value is None or (value.n is not None and value.n < rule.min_calls):
        return _absent(rule, alert, value, at)
    alert = replace(alert, absent_since=None, value=value, said=reading.said)
    return _true(rule, alert, at) if holds(rule, alert, reading) else _false(rule, alert, at)


def holds(rule: Rule, alert: Alert, reading: Reading) -> bool:
    """Whether the condition holds.

    An alert that fires is measured against `clear`, and by its value: whether it fires may hang on the whole interval,
    but not whether it goes on, or it would flap whenever there are few calls.
    """
    fired, value = alert.fired_at is not None, reading.value
    if reading.verdict is not None:
        return reading.verdict.goes_on if fired else reading.verdict.fires
    assert value is not None
    above, below = levels(rule)
    sure = not fired and by_interval(rule)
    level = rule.clear if rule.clear is not None and fired else above if above is not None else below
    number = value.value if not sure else value.lower if above is not None else value.upper
    if number is None or level is None:
        return False
    return number > level if above is not None else number < level


def is_memory(alert: Alert) -> bool:
    """Whether the alert is worth keeping: an inactive one that misses no data is as good as none."""
    return alert.state is not State.INACTIVE or alert.absent_since is not None


def close(alert: Alert, at: datetime, reason: str) -> Step:
    """Ends an alert whose rule, segment or source has gone; nothing of it is remembered."""
    return _to(replace(alert, read_until=at, absent_since=None, value=None, said=""), State.INACTIVE, at, reason)


def _true(rule: Rule, alert: Alert, at: datetime) -> Step:
    alert = replace(alert, recovering_since=None)
    # The start of a stretch without data or of an error is not the start of the condition.
    counting = alert.state in (State.PENDING, State.FIRING) or alert.fired_at is not None
    since = alert.since if counting and alert.since is not None else at
    if alert.fired_at is not None or at - since >= rule.for_:
        return _to(replace(alert, since=since, fired_at=alert.fired_at or at), State.FIRING, at, "")
    return _to(replace(alert, since=since), State.PENDING, at, "")


def _false(rule: Rule, alert: Alert, at: datetime) -> Step:
    if alert.fired_at is None:
        return _to(alert, State.INACTIVE, at, "")
    recovering = alert.recovering_since or at
    if at - recovering < rule.keep_firing_for:
        return _to(replace(alert, recovering_since=recovering), State.FIRING, at, "")
    return _to(alert, State.INACTIVE, at, "recovered")


def _absent(rule: Rule, alert: Alert, value: Value | None, at: datetime) -> Step:
    """A window without a usable value: too few calls never count as missing data, they only say nothing."""
    too_few = value is not None and (value.value is not None or value.reason is Reason.TOO_FEW)
    if alert.state is State.INACTIVE and (too_few or rule.no_data != "alert"):
        return Step(replace(alert, absent_since=alert.absent_since if rule.no_data == "alert" else None), None)
    absent = alert.absent_since or at
    alert = replace(alert, absent_since=absent)
    if rule.no_data == "ok" and not too_few:
        return _false(rule, alert, at)
    if rule.no_data == "alert" and not too_few:
        if alert.state is State.NO_DATA or at - absent >= rule.for_:
            # Each window without data says so anew: the cap counts from the last one.
            empty = replace(alert, since=_since(alert, State.NO_DATA, absent), absent_since=at)
            return _to(empty, State.NO_DATA, at, "no data")
        return Step(alert, None)
    if at - absent >= rule.no_data_cap:
        return _to(alert, State.INACTIVE, at, "no usable data for too long")
    return Step(alert, None)


def _since(alert: Alert, state: State, at: datetime) -> datetime:
    """Since when there is no data or an error; over an alert that fired, its own start goes on."""
    begun = alert.fired_at is not None or alert.state is state
    return alert.since if begun and alert.since is not None else at


def _to(alert: Alert, state: State, at: datetime, reason: str) -> Step:
    if state == State.INACTIVE:
        after = Alert(read_until=alert.read_until, absent_since=alert.absent_since, value=alert.value, said=alert.said)
    else:
        after = replace(alert, state=state, reason=reason)
    if state == alert.state:
        return Step(after, None)
    usable = alert.absent_since is None and state is not State.ERROR
    read = alert.value if usable and alert.value is not None else _NOTHING
    said = alert.said if read.value is not None else ""
    sure = (read.lower, read.upper, read.n, said)
    return Step(after, Transition(alert.state, state, at, read.value, reason, *sure))


__all__ = [
    "ACTIVE",
    "Alert",
    "AlertId",
    "State",
    "Step",
    "Transition",
    "close",
    "condition",
    "holds",
    "is_memory",
    "step",
]
