"""The one number of a rule that decides how often it fires, so that others can be tried in its place.

What a rule reads does not hang on that number, whatever kind it is: a ratio to last week, a forecast, how many times
faster than its windows allow a budget burns. So every kind but an event can be stepped as a threshold over what it has
read: its twin.
"""

from math import inf

from alerts.conditions import by_interval, levels
from alerts.conditions.moment import Reading
from alerts.conditions.traffic_drop import DEFAULT_SHARE
from config.alerts import Rule
from detectors.measurement import Reason, Value

# What the twin of a rule reads; a ratio, because these get no interval of their own.
COMPARED = "compared_ratio"

_ABOUT_THE_TWIN = {"burn": None, "budget": None, "traffic_drop": None, "change": None, "over": None, "min_calls": 0}


def is_above(rule: Rule) -> bool:
    """Whether a rule fires above its number."""
    return rule.kind in ("burn", "budget") or (rule.kind != "traffic_drop" and rule.above is not None)


def with_level(rule: Rule, level: float) -> Rule:
    """The rule with another number; `clear` keeps its place in proportion, or its distance from a number of 0.

    A threshold's and a change's is `above` or `below`, a traffic drop's `below`, a budget's the amount, and that of a
    burn rate is how many times higher the rates of all its windows are.
    """
    if rule.burn is not None:
        windows = [each.model_copy(update={"rate": each.rate * level}) for each in rule.burn.windows]
        return rule.model_copy(update={"burn": rule.burn.model_copy(update={"windows": windows})})
    if rule.budget is not None:
        return rule.model_copy(update={"budget": rule.budget.model_copy(update={"amount": level})})
    key = "above" if is_above(rule) else "below"
    changes: dict[str, float] = {key: level}
    if rule.clear is not None:
        old = _number(rule)
        moved = rule.clear * level / old if old and level / old > 0 else rule.clear + level - old
        changes["clear"] = min(moved, level) if key == "above" else max(moved, level)
    return rule.model_copy(update=changes)


def is_possible(rule: Rule, level: float) -> bool:
    """Whether a rule may have this number."""
    if rule.traffic_drop is not None:
        return 0 < level < 1
    is_ratio = rule.change is not None and rule.change.how == "ratio"
    return level > 0 or not (is_ratio or rule.kind in ("burn", "budget"))


def twin(rule: Rule) -> Rule:
    """The threshold rule that does over `compared` values what the rule does over its readings."""
    key = "above" if is_above(rule) else "below"
    changes = {**_ABOUT_THE_TWIN, "measure": COMPARED, "fires_on": "interval", "above": None, "below": None}
    return rule.model_copy(update={**changes, key: _number(rule)})


def compared(rule: Rule, read: Reading | Value | None) -> Value:
    """What a rule compares with its number: the value with which a firing alert goes on, its limits that with which one
    begins. Too few calls are no value."""
    reading = read if isinstance(read, Reading) else Reading(read)
    value = reading.value
    if value is None or value.value is None:
        return value or Value(None, reason=Reason.NO_VALUES)
    if value.n is not None and value.n < rule.min_calls:
        return Value(None, n=value.n, reason=Reason.TOO_FEW)
    if reading.verdict is not None:
        fires_at, goes_on_at = reading.verdict.fires_at, reading.verdict.goes_on_at
        return Value(goes_on_at, fires_at, fires_at, value.n)
    begins = value.value
    if by_interval(rule):
        found = value.lower if is_above(rule) else value.upper
        begins = found if found is not None else -inf if is_above(rule) else inf
    return Value(value.value, begins, begins, value.n)


def spelled(rule: Rule, level: float) -> str:
    """A number as a person writes it into the rule."""
    if rule.burn is not None:
        rates = ", ".join(f"{digits(each.rate * level)}" for each in rule.burn.windows)
        return f"burn.windows with {'the rates' if len(rule.burn.windows) > 1 else 'the rate'} {rates}"
    if rule.budget is not None:
        return f"budget.amount: {digits(level)}"
    return f"{'above' if is_above(rule) else 'below'}: {digits(level)}"


def digits(number: float) -> str:
    """A number with as many digits as it has."""
    short = f"{number:g}"
    return short if float(short) == number else repr(number)


def _number(rule: Rule) -> float:
    if rule.burn is not None:
        return 1.0
    above, below = levels(rule)
    number = below if above is None else above
    return DEFAULT_SHARE if number is None else number
