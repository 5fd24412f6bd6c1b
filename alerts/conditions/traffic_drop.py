"""Traffic drop: far fewer calls than is usual at this hour of the week, or none where there should be many.

What is usual comes from the same hours of earlier weeks, at the level of the last 24 hours, so that growth and holidays
that began yesterday are not drops. How much it varies comes from the same table: traffic comes in bursts, and a Poisson
limit would call every quiet minute a drop.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from math import copysign, inf, log, sqrt
from statistics import median
from typing import NamedTuple

from alerts.conditions.moment import Moment, Reading, Verdict, floor, unknown
from config.alerts import Rule
from config.conditions import TrafficDrop
from detectors.measurement import Value, Window

WEEK = timedelta(days=7)
DAY = timedelta(days=1)
LEAST_WEEKS = 4
DEFAULT_SHARE = 0.5

Row = Sequence[float | None]  # the counts of one hour of the week, newest week first


class Usual(NamedTuple):
    """What is usual in a window: the expected number of calls, and their variance over it (1 is Poisson)."""

    expected: float
    dispersion: float
    weeks: int


class Expectation(NamedTuple):
    """The expected number of calls in a window, and the table that says how much it varies."""

    expected: float
    day: Sequence[Row]
    weeks: int

    def usual(self) -> Usual:
        """With the variance: worth computing only for a window that looks low."""
        return Usual(self.expected, dispersion(self.day), self.weeks)


def read(rule: Rule, moment: Moment) -> Reading:
    """The share of the usual traffic; both this window and the one before must be far under it, or this one silent."""
    assert rule.traffic_drop is not None
    window = moment.latest(rule.over or moment.slot)
    before = Window(window.start - window.length, window.start)
    now, last = moment.ask([window, before])
    if now is None or now.value is None:
        return Reading(now)
    found = expectation(moment, window, rule.traffic_drop.weeks)
    if found is None:
        weeks = min(LEAST_WEEKS, rule.traffic_drop.weeks)
        return Reading(unknown(None), said=f"fewer than {weeks} weeks of this hour are known")
    share = now.value / found.expected
    level = DEFAULT_SHARE if rule.below is None else rule.below
    counts = now.value, None if last is None else last.value
    fires_at = _fires_at(rule.traffic_drop, found.usual(), counts) if share < 1 else inf
    fires, goes_on = fires_at < level, share < (level if rule.clear is None else rule.clear)
    said = f"{now.value:.4g} calls, usual are {found.expected:.4g} at this hour of the week ({found.weeks} weeks)"
    n = now.n if now.n is not None else round(now.value)
    return Reading(
        Value(share, n=max(n, round(found.expected))), Verdict(fires, fires or goes_on, fires_at, share), said
    )


def _fires_at(settings: TrafficDrop, usual: Usual, counts: tuple[float, float | None]) -> float:
    """The share of the usual under which both windows are, or 0 where the newer one is empty and that cannot be chance;
    infinite where they are not far under the usual."""
    if counts[0] == 0 and silence(usual) >= settings.silence:
        return 0.0
    far = [each for each in counts if each is not None and deviations(each, usual) < -settings.deviations]
    return max(far) / usual.expected if len(far) == len(counts) else inf


def deviations(count: float, usual: Usual) -> float:
    """How many standard deviations a count is from the usual one: the signed root of the Poisson deviance.

    The difference of square roots says the same of large counts and too much of small ones: no call where four are
    usual would be four deviations, and has a chance of 1.8 %.

    Source: P. McCullagh and J. A. Nelder, "Generalized Linear Models" (1989), section 2.4.3.
    """
    mean = usual.expected
    half = mean - count + (count * log(count / mean) if count > 0 else 0.0)
    return copysign(sqrt(2 * max(0.0, half) / usual.dispersion), count - mean)


def silence(usual: Usual) -> float:
    """Minus the logarithm of the chance of no call at all, of a negative binomial count with this dispersion."""
    phi = usual.dispersion
    return usual.expected * (log(phi) / (phi - 1) if phi > 1 + 1e-9 else 1.0)


def expectation(moment: Moment, window: Window, weeks: int) -> Expectation | None:
    """What to expect in a window; None where fewer than four weeks (or all, if fewer are asked for) are known."""
    history = moment.history
    middle = window.start + window.length / 2
    own = floor(middle, history)
    # Between the middles of two history windows the expected number goes from one to the other in a straight line.
    share = (middle - own) / history - 0.5
    neighbour = own + history if share > 0 else own - history
    day_end = floor(window.start, history)
    starts = [own, neighbour, *(each.start for each in moment.past(day_end - DAY, day_end))]
    table = _table(moment, starts, weeks)
    least = min(LEAST_WEEKS, weeks)
    known = [sum(each is not None for each in row) for row in table]
    if min(known[0], known[1]) < least:
        return None
    day = [row for row, count in zip(table[2:], known[2:], strict=True) if count >= least]
    today = [each.value if each is not None else None for each in moment.ask(moment.past(day_end - DAY, day_end))]
    pairs = [
        (count, _typical(row))
        for row, count, enough in zip(table[2:], today, known[2:], strict=True)
        if count is not None and enough >= least
    ]
    expected_day = sum(typical for _, typical in pairs)
    if 2 * len(pairs) < len(today) or expected_day <= 0:
        return None
    level = sum(count for count, _ in pairs) / expected_day
    mean = (1 - abs(share)) * _typical(table[0]) + abs(share) * _typical(table[1])
    expected = mean * level * (window.length / history)
    return Expectation(expected, day, known[0]) if expected > 0 else None


def dispersion(rows: Sequence[Row]) -> float:
    """Pearson's dispersion of counts around the typical number of their hour at the level of their week; at least 1.

    The levels of the weeks are taken out, because the level of the present is known. Around medians it is a little too
    large, which is the safe side.
    """
    typical = [_typical(row) for row in rows]
    weeks = max((len(row) for row in rows), default=0)
    total, cells = 0.0, 0
    for week in range(weeks):
        pairs = [(row[week], usual) for row, usual in zip(rows, typical, strict=True) if usual > 0]
        known = [(count, usual) for count, usual in pairs if count is not None]
        level = sum(count for count, _ in known) / max(sum(usual for _, usual in known), 1e-9)
        if level > 0:
            total += sum((count - level * usual) ** 2 / (level * usual) for count, usual in known)
            cells += len(known)
    freedom = cells - sum(usual > 0 for usual in typical) - weeks + 1
    return max(1.0, total / freedom) if freedom > 0 else 1.0


def _table(moment: Moment, starts: Sequence[datetime], weeks: int) -> list[Row]:
    windows = [
        Window(start - week * WEEK, start - week * WEEK + moment.history)
        for start in starts
        for week in range(1, weeks + 1)
    ]
    values = [None if each is None else each.value for each in moment.ask(windows)]
    return [values[number : number + weeks] for number in range(0, len(values), weeks)]


def _typical(row: Row) -> float:
    return median([each for each in row if each is not None] or [0.0])


def words(rule: Rule) -> str:
    """The condition for people."""
    level = DEFAULT_SHARE if rule.below is None else rule.below
    return f"below {level:g} of the usual traffic at this hour of the week"
