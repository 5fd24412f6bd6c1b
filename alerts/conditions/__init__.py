"""The kinds of conditions: what each reads at a slot end, as a pure function of measurements."""

from collections.abc import Callable, Mapping
from datetime import timedelta

from alerts.conditions import budget, burn, change, event, traffic_drop
from alerts.conditions.moment import Moment, Reading
from alerts.conditions.statistic import with_interval
from config.alerts import Kind, Rule
from config.types import format_duration

Read = Callable[[Rule, Moment], Reading]


def _threshold(rule: Rule, moment: Moment) -> Reading:
    window = moment.latest(rule.over or moment.slot)
    value = moment.ask([window])[0]
    return Reading(value and with_interval(value, moment.key, window.length_s))


READ: Mapping[Kind, Read] = {
    "threshold": _threshold,
    "change": change.read,
    "burn": burn.read,
    "traffic_drop": traffic_drop.read,
    "budget": budget.read,
    "event": event.read,
}


def read(rule: Rule, moment: Moment) -> Reading:
    """What a rule reads of one measurement of one segment at a slot end."""
    return READ[rule.kind](rule, moment)


def lengths(rule: Rule, slot: timedelta) -> frozenset[timedelta]:
    """The trailing windows that a rule needs; base and history windows are there anyway."""
    if rule.burn is not None:
        return burn.lengths(rule.burn) - {slot}
    return frozenset() if rule.over is None else frozenset({rule.over}) - {slot}


def due_every(rule: Rule, slot: timedelta, steps: Mapping[timedelta, timedelta]) -> timedelta:
    """How often a rule is read: when one of its windows closes; what costs weeks of history to say, less often."""
    if rule.budget is not None:
        return slot * -(-budget.EVERY // slot)
    if rule.traffic_drop is not None and rule.over is not None:
        return max(steps.get(rule.over, slot), slot * (rule.over // slot // 3))
    return min((steps.get(length, slot) for length in lengths(rule, slot)), default=slot)


def reach(rule: Rule) -> timedelta:
    """How far before a slot end the windows that a rule reads may begin."""
    week, day = timedelta(days=7), timedelta(days=1)
    if rule.change is not None:
        return rule.change.ago + (rule.change.length or day) + (rule.over or day)
    if rule.traffic_drop is not None:
        return rule.traffic_drop.weeks * week + 2 * day
    if rule.budget is not None:
        return timedelta(days=32) if rule.budget.per == "month" else week + 2 * day
    return 2 * max(lengths(rule, timedelta(0)), default=timedelta(hours=1))


def by_interval(rule: Rule) -> bool:
    """Whether a rule fires on the whole interval and not on the value."""
    if rule.fires_on is not None:
        return rule.fires_on == "interval"
    return rule.kind in ("change", "budget") or rule.measure.startswith("judge_")


def levels(rule: Rule) -> tuple[float | None, float | None]:
    """What the value must be above, and below, to fire."""
    return (rule.budget.amount, None) if rule.budget is not None else (rule.above, rule.below)


def condition(rule: Rule) -> str:
    """The rule in words: `above 0.05 (clears at 0.02) over 5m for 2m`."""
    words = _CONDITION[rule.kind](rule)
    if rule.clear is not None:
        words += f" (clears at {rule.clear:g})"
    if by_interval(rule) and rule.kind != "budget":
        words += " with its whole interval"
    if rule.over is not None:
        words += f" over {format_duration(rule.over)}"
    if rule.for_:
        words += f" for {format_duration(rule.for_)}"
    return words


def _level(rule: Rule) -> str:
    return f"above {rule.above:g}" if rule.above is not None else f"below {rule.below:g}"


_CONDITION: Mapping[Kind, Callable[[Rule], str]] = {
    "threshold": _level,
    "change": lambda rule: f"{_level(rule)} {change.words(rule)}",
    "burn": burn.words,
    "traffic_drop": traffic_drop.words,
    "budget": budget.words,
    "event": event.words,
}
