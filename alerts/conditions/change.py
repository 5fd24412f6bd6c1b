"""Change against a baseline: the value over, or less, what was measured before, with the interval of that."""

from dataclasses import replace
from datetime import timedelta
from math import isfinite

from alerts.conditions.moment import Moment, Reading, floor, unknown
from alerts.conditions.statistic import pooled, statistic_of, with_interval
from config.alerts import Rule
from config.conditions import Change
from config.types import format_duration
from detectors.intervals import Estimate, difference_of, ratio_of
from detectors.measurement import Reason, Value, Window

WEEK = timedelta(days=7)


def read(rule: Rule, moment: Moment) -> Reading:
    """The ratio to the baseline, or the difference from it."""
    assert rule.change is not None
    window = moment.latest(rule.over or moment.slot)
    found = moment.ask([window])[0]
    if found is None or found.value is None:
        return Reading(found)
    value = with_interval(found, moment.key, window.length_s)
    base, when = baseline(rule.change, moment, window)
    if base is None or base.value is None:
        return Reading(unknown(base), said=f"too little was measured {when}")
    base = _of_length(base, moment, window) if rule.change.value is None else base
    said = f"{found.value:.4g} against {base.value:.4g} {when}"
    return Reading(compared(value, base, rule.change.how), said=said if base.n is None else f"{said} (n = {base.n})")


def baseline(change: Change, moment: Moment, window: Window) -> tuple[Value | None, str]:
    """The baseline of a window with its interval, None where too little was measured; and which one it is."""
    if change.value is not None:
        return Value(change.value, change.value, change.value), "as set"
    history = moment.history
    if change.length is None:
        # The history window in which the middle of the value's own window was then.
        start = floor(window.end - change.ago - window.length / 2, history)
        end = start + history
    else:
        end = floor(window.end - change.ago, history)
        start = end - change.length
    windows = moment.past(start, end)
    found = [each for each in moment.ask(windows) if each is not None]
    when = f"in the {format_duration(end - start)} from {start:%Y-%m-%d %H:%M} UTC"
    known = [each for each in found if each.value is not None]
    if 2 * len(found) < len(windows) or not known:
        return None, when
    return pooled(known, moment.key, history.total_seconds()), when


def compared(value: Value, base: Value, how: str) -> Value:
    """The ratio of two values, or their difference, with its interval where both have one.

    A ratio to a baseline of 0 is infinite: then the least that it can be stands for it, where that is more than 0.
    """
    assert value.value is not None
    assert base.value is not None
    one, other = _estimate(value), _estimate(base)
    lower = upper = None
    if one is not None and other is not None:
        limits = difference_of(one, other) if how == "difference" else ratio_of(one, other)
        lower, upper = (each if isfinite(each) else None for each in limits)
    if how == "difference":
        number = value.value - base.value
    elif base.value > 0:
        number = value.value / base.value
    elif lower:
        number = lower
    else:
        return Value(None, n=value.n, reason=Reason.TOO_FEW)
    return Value(number, lower, upper, value.n)


def words(rule: Rule) -> str:
    """What the levels are about: `times the value in the same hour last week`."""
    assert rule.change is not None
    change = rule.change
    if change.value is not None:
        what = f"{change.value:g}"
    elif change.length is None:
        what = "the same hour last week" if change.ago == WEEK else f"the value {format_duration(change.ago)} before"
    else:
        what = f"the {format_duration(change.length)} until {format_duration(change.ago)} before"
    return f"times {what}" if change.how == "ratio" else f"more than {what}"


def _of_length(base: Value, moment: Moment, window: Window) -> Value:
    """A count or a sum of a history window, as it would be in a window of another length."""
    if statistic_of(moment.key) not in ("count", "total"):
        return base
    share = window.length / moment.history
    scaled = [None if each is None else each * share for each in (base.value, base.lower, base.upper)]
    return replace(base, value=scaled[0], lower=scaled[1], upper=scaled[2])


def _estimate(value: Value) -> Estimate | None:
    if value.value is None or value.lower is None or value.upper is None:
        return None
    return value.value, value.lower, value.upper
