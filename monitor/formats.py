"""Numbers and times for people, in one place, so that pages agree."""

import math
from datetime import UTC, datetime


def count(value: float) -> str:
    """A count or a rate: whole numbers whole, small ones with two digits that mean something."""
    if not math.isfinite(value):
        return "∞"
    return f"{value:,.0f}" if value == int(value) or abs(value) >= 10 else f"{value:.2g}"


def number(value: float) -> str:
    """Any number, with four digits that mean something."""
    return f"{value:.4g}"


def percent(value: float) -> str:
    """A ratio: `3.1 %`."""
    return f"{value * 100:.3g} %"


def seconds(value: float) -> str:
    """A latency: `320 ms`, `1.84 s`, `12.3 min`."""
    if value < 1:
        return f"{value * 1000:.0f} ms"
    return f"{value:.3g} s" if value < 100 else f"{value / 60:.3g} min"


def dollars(value: float) -> str:
    """An amount of US dollars: cents, or two digits that mean something below a cent."""
    return f"${value:,.2f}" if value >= 0.01 or value == 0 else f"${value:.2g}"


def duration(value: float) -> str:
    """A stretch of time, rounded to what matters: `45 s`, `12 min`, `3.5 h`, `2.1 d`."""
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if value >= 1.5 * length:
            amount = value / length
            return f"{amount:.0f} {unit}" if amount >= 10 else f"{amount:.2g} {unit}"
    return f"{max(value, 0):.0f} s"


def clock(at: datetime) -> str:
    """A moment in UTC, to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def ago(at: datetime, now: datetime) -> str:
    """How long a moment lies back (or ahead)."""
    passed = (now - at).total_seconds()
    return f"{duration(passed)} ago" if passed >= 0 else f"in {duration(-passed)}"
