"""The course of the evidence as a small chart: on a logarithmic scale, because evidence is a product."""

from datetime import datetime, timedelta
from math import ceil, log10
from typing import NamedTuple

from monitor.report.drift_values import Drift

WIDTH, HEIGHT = 720, 240  # pixels
SIZE = WIDTH, HEIGHT
LEFT, RIGHT, TOP, BOTTOM = 72.0, 12.0, 14.0, 38.0
LEAST = 0.01  # of the scale: what lies below is drawn at its bottom
DAY = timedelta(days=1)
TICKS = 7


class Tick(NamedTuple):
    """A line of the grid: where it is, and what stands beside it."""

    at: float
    text: str


class Chart(NamedTuple):
    """The parts of the picture, in pixels.

    Attributes:
        line: data of an SVG path; a window without evidence is a gap.
        dots: likewise, windows with a gap on both sides.
        threshold: y of 1.
        band: x of the stretch of the report, and its width.
        raised, ended: x of the alarms of the time shown.
        happened: x of the events.
    """

    line: str
    dots: str
    threshold: float
    band: tuple[float, float]
    raised: tuple[float, ...]
    ended: tuple[float, ...]
    happened: tuple[float, ...]
    rows: tuple[Tick, ...]
    columns: tuple[Tick, ...]


def chart(drift: Drift, start: datetime, end: datetime) -> Chart:
    """The evidence from `drift.since` to the end of a stretch."""
    most = max([1.0, *(each.evidence or 0.0 for each in drift.evidence)])
    top = max(1, ceil(log10(most) + 0.05))
    bottom = round(log10(LEAST))

    def x(at: datetime) -> float:
        share = (at - drift.since) / max(end - drift.since, timedelta(seconds=1))
        return round(LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT), 1)

    def y(evidence: float) -> float:
        share = (log10(max(evidence, LEAST)) - bottom) / (top - bottom)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    line, dots, before = "", "", False
    for number, each in enumerate(drift.evidence):
        if each.evidence is not None:
            place = f"{x(each.at):g} {y(each.evidence):g}"
            after = number + 1 < len(drift.evidence) and drift.evidence[number + 1].evidence is not None
            line += f"{'L' if before else 'M'}{place}" if before or after else ""
            dots += "" if before or after else f"M{place}h0"
        before = each.evidence is not None
    # At most eight lines: evidence can grow by dozens of powers of ten.
    step = max(1, ceil((top - bottom) / 8))
    rows = tuple(Tick(y(10.0**power), _power(power)) for power in range(bottom, top + 1) if not power % step)
    left = x(max(start, drift.since))
    return Chart(
        line=line,
        dots=dots,
        threshold=y(1.0),
        band=(left, round(x(end) - left, 1)),
        raised=tuple(x(each.raised) for each in drift.alarms if each.raised >= drift.since),
        ended=tuple(x(each.ended) for each in drift.alarms if each.ended is not None and each.ended <= end),
        happened=tuple(x(each.at) for each in drift.happened),
        rows=rows,
        columns=tuple(Tick(x(at), f"{at:%b} {at.day}") for at in _days(drift.since, end)),
    )


def _power(power: int) -> str:
    return f"{10.0**power:g}" if -3 <= power <= 3 else f"1e{power}"


def _days(since: datetime, end: datetime) -> list[datetime]:
    """Midnights, so few that their names have room."""
    every = max(1, ceil((end - since) / DAY / TICKS))
    first = since.replace(hour=0, minute=0, second=0, microsecond=0)
    first += DAY * (first < since)
    days = []
    while first <= end - DAY / 4:
        days.append(first)
        first += every * DAY
    return days
