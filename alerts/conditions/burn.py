"""SLO burn rate: how many times faster than its objective allows a service fails, in a long and a short window.

Source: B. Beyer and others, "The Site Reliability Workbook" (2018), chapter 5, "Alerting on SLOs", approach 6 and table
5-8. Added is a guard for few calls: the lower Wilson limits must burn, not the shares that were seen.
"""

from datetime import timedelta
from math import inf
from typing import NamedTuple

from alerts.conditions.moment import BROKEN, Moment, Reading, Verdict, unknown
from alerts.conditions.statistic import GOOD_RATIOS
from config.alerts import Rule
from config.conditions import Burn, BurnWindow
from config.types import format_duration
from detectors.intervals import wilson_of
from detectors.measurement import Value


class Burning(NamedTuple):
    """How fast one window burns: 1 spends the error budget exactly over the period of the objective."""

    rate: float
    lower: float
    upper: float
    n: int
    enough: bool


def read(rule: Rule, moment: Moment) -> Reading:
    """The burn rate of the long window of the pair that is nearest to its alarm, or farthest beyond it."""
    assert rule.burn is not None
    pairs = []
    for pair in rule.burn.windows:
        found = moment.ask([moment.latest(pair.long), moment.latest(pair.short)])
        broken = next((each for each in found if each is not None and each.reason in BROKEN), None)
        if broken is not None:
            return Reading(broken)
        long, short = (burning(each, rule.burn, good=rule.measure in GOOD_RATIOS) for each in found)
        if long is not None and short is not None:
            pairs.append((pair, long, short))
    if not pairs:
        return Reading(unknown(moment.ask([moment.latest(rule.burn.windows[0].long)])[0]))
    pair, long, short = max(pairs, key=lambda each: _goes_on_at(*each))
    fires_at, goes_on_at = max(_fires_at(*each) for each in pairs), max(_goes_on_at(*each) for each in pairs)
    verdict = Verdict(fires_at > 1, goes_on_at > 1, fires_at, goes_on_at)
    said = (
        f"burns {long.rate:.3g} times its budget over {format_duration(pair.long)} and {short.rate:.3g} times over "
        f"{format_duration(pair.short)}; the alarm is at {pair.rate:g}"
    )
    return Reading(Value(long.rate, long.lower, long.upper, long.n), verdict, said + _spent(long))


def burning(value: Value | None, burn: Burn, *, good: bool) -> Burning | None:
    """The burn rate of a window with its interval; None without calls.

    Args:
        value: a ratio of calls.
        burn: the objective.
        good: whether it is the ratio of good calls.
    """
    if value is None or value.value is None or not value.n:
        return None
    bad = 1 - value.value if good else value.value
    failures = min(max(bad, 0.0), 1.0) * value.n
    lower, upper = wilson_of(round(failures), value.n)
    budget = 1 - burn.objective
    # 4.999999 of 50 are 5: the ratio was a quotient of whole numbers.
    enough = value.n >= burn.enough_calls or round(failures) >= burn.enough_failures
    return Burning(bad / budget, lower / budget, upper / budget, value.n, enough)


def lengths(burn: Burn) -> frozenset[timedelta]:
    """The trailing windows that must be measured."""
    return frozenset(length for pair in burn.windows for length in (pair.long, pair.short))


def words(rule: Rule) -> str:
    """The condition for people."""
    assert rule.burn is not None
    pairs = " or ".join(
        f"{each.rate:g} times over {format_duration(each.long)} and {format_duration(each.short)}"
        for each in rule.burn.windows
    )
    return f"error budget of {100 * (1 - rule.burn.objective):.4g} % burns more than {pairs}"


def _fires_at(pair: BurnWindow, long: Burning, short: Burning) -> float:
    """How many times its rate a pair of windows surely burns; over 1 it fires."""
    return min(each.lower if each.enough else -inf for each in (long, short)) / pair.rate


def _goes_on_at(pair: BurnWindow, long: Burning, short: Burning) -> float:
    return min(long.rate, short.rate) / pair.rate


def _spent(long: Burning) -> str:
    """How long the budget of 30 days would last."""
    if long.rate <= 0:
        return ""
    lasts = timedelta(days=30) / long.rate
    return f". At this rate the budget of 30 days is gone in {_roughly(lasts)}"


def _roughly(lasts: timedelta) -> str:
    hours = lasts / timedelta(hours=1)
    return f"{hours:.3g} hours" if hours < 72 else f"{hours / 24:.3g} days"
