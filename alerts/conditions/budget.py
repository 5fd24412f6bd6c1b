"""A budget of a calendar period: what is spent, what will be, and when it runs out.

The forecast repeats the week before the last day, at the level of the last day: each history window to come costs what
the one at the same time of the week cost, times the last day's sum over the same day's sum a week ago. Without such a
week each costs the mean of the last day. Its interval is that of the ratio estimator (W. G. Cochran, "Sampling
Techniques", 1977, chapter 6): hours that vary much make it wide. A change of plans is not in it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import inf, isfinite, sqrt
from typing import NamedTuple

from alerts.conditions.moment import BROKEN, EPOCH, Moment, Reading, floor, unknown
from config.alerts import Rule
from config.conditions import Budget
from detectors.intervals import Z
from detectors.measurement import Reason, Value, Window

DAY = timedelta(days=1)
WEEK = timedelta(days=7)
# How often a budget is looked at: a sum over a month moves slowly.
EVERY = timedelta(minutes=5)


class Spent(NamedTuple):
    """What was spent in a period, and how many of its windows nobody measured."""

    amount: float
    unknown: int
    windows: int


class Pace(NamedTuple):
    """What a window to come costs: what is usual at its time of the week, times a level that has a standard error."""

    level: float
    error: float
    week: Mapping[timedelta, float]  # by time since the start of the week; without a known week each costs 1

    def usual(self, start: datetime) -> float:
        """The cost at level 1 of a window."""
        return self.week[_time_of_week(start)] if self.week else 1.0


def read(rule: Rule, moment: Moment) -> Reading:
    """The forecast for the end of the period, or what is spent; its lower limit is never below what is spent."""
    assert rule.budget is not None
    now = moment.ask([Window(moment.end - moment.slot, moment.end)])[0]
    if now is not None and now.reason in BROKEN:
        return Reading(now)
    # The slot that ends a period still belongs to it.
    start, end = period(moment.end - moment.slot, rule.budget.per)
    spent = spent_since(moment, start)
    if spent.unknown == spent.windows:
        return Reading(unknown(now, Reason.NO_VALUES))
    forecast = _forecast(moment, rule.budget, spent, end) if rule.budget.forecast else None
    if forecast is None:
        none = "no forecast: not every hour of the last day is known" if rule.budget.forecast else ""
        return Reading(Value(spent.amount, spent.amount, spent.amount), said=_said(rule.budget, spent, start, none))
    return Reading(forecast[0], said=_said(rule.budget, spent, start, forecast[1]))


def _forecast(moment: Moment, budget: Budget, spent: Spent, end: datetime) -> tuple[Value, str] | None:
    """What will be spent at the end of a period, with its interval, and when the budget runs out, in words."""
    pace = pace_of(moment)
    if pace is None:
        return None
    windows = ahead(moment, pace, end)
    left = sum(cost for _, cost in windows)
    wide = Z * pace.error * left if left else 0.0
    lower = spent.amount + max(0.0, pace.level * left - wide)
    upper = spent.amount + pace.level * left + wide
    value = Value(spent.amount + pace.level * left, lower, upper if isfinite(upper) else None)
    words = f"forecast {value.value:.6g} by {end:%Y-%m-%d}"
    runs_out = _runs_out(windows, pace.level, budget.amount - spent.amount)
    if spent.amount <= budget.amount and runs_out is not None:
        words += f", runs out about {runs_out:%Y-%m-%d %H:%M} UTC"
    return value, words


def period(at: datetime, per: str) -> tuple[datetime, datetime]:
    """Start and end in UTC of the day, week or month that holds a moment."""
    day = floor(at, DAY)
    if per == "day":
        return day, day + DAY
    if per == "week":
        start = day - day.weekday() * DAY
        return start, start + WEEK
    first = day.replace(day=1)
    return first, (first + 31 * DAY).replace(day=1)


def spent_since(moment: Moment, start: datetime) -> Spent:
    """What the closed windows since the start of a period have cost together."""
    hour = max(floor(moment.end, moment.history), start)
    windows = moment.past(start, hour)
    while hour < moment.end:
        windows.append(Window(hour, hour + moment.slot))
        hour += moment.slot
    costs = [None if each is None else each.value for each in moment.ask(windows)]
    known = [each for each in costs if each is not None]
    return Spent(sum(known), len(costs) - len(known), len(costs))


def pace_of(moment: Moment) -> Pace | None:
    """The pace of the last day; None where one of its windows is not known."""
    until = floor(moment.end, moment.history)
    windows = moment.past(until - DAY - WEEK, until)
    costs = [None if each is None else each.value for each in moment.ask(windows)]
    days = len(windows) // 8
    last = [each for each in costs[-days:] if each is not None]
    if len(last) < days:
        return None
    week = {_time_of_week(window.start): cost for window, cost in zip(windows, costs[:-days], strict=False)}
    known = {time: cost for time, cost in week.items() if cost is not None}
    usual = [known.get(_time_of_week(window.start), 0.0) for window in windows[-days:]]
    if len(known) < len(week) or sum(usual) <= 0:
        known, usual = {}, [1.0] * days
    return Pace(*ratio_estimate(last, usual), known)


def ratio_estimate(costs: Sequence[float], usual: Sequence[float]) -> tuple[float, float]:
    """The sum of the costs over the sum of the usual ones, with its standard error (infinite for one window)."""
    n, whole = len(costs), sum(usual)
    level = sum(costs) / whole
    if n < 2:
        return level, inf
    squares = sum((cost - level * each) ** 2 for cost, each in zip(costs, usual, strict=True))
    return level, sqrt(n / (n - 1) * squares) / whole


def ahead(moment: Moment, pace: Pace, end: datetime) -> list[tuple[datetime, float]]:
    """End and cost at level 1 of each window that is left of a period; the first is what is left of the present one."""
    windows = []
    start = floor(moment.end, moment.history)
    while start < end:
        left = (start + moment.history - max(start, moment.end)) / moment.history
        windows.append((start + moment.history, left * pace.usual(start)))
        start += moment.history
    return windows


def words(rule: Rule) -> str:
    """The condition for people."""
    assert rule.budget is not None
    budget = rule.budget
    return f"above the budget of {budget.amount:g} a {budget.per}{', spent or forecast' if budget.forecast else ''}"


def _time_of_week(at: datetime) -> timedelta:
    return (at - EPOCH) % WEEK


def _runs_out(windows: Sequence[tuple[datetime, float]], level: float, left: float) -> datetime | None:
    """The end of the window in which what is left of a budget is spent; None where the period ends before."""
    for end, cost in windows:
        left -= level * cost
        if left < 0:
            return end
    return None


def _said(budget: Budget, spent: Spent, start: datetime, forecast: str) -> str:
    said = f"{spent.amount:.6g} of {budget.amount:g} spent since {start:%Y-%m-%d} ({spent.amount / budget.amount:.0%})"
    if spent.unknown:
        said += f", as far as is known: {spent.unknown} of {spent.windows} windows were not measured"
    return f"{said}; {forecast}" if forecast else said
