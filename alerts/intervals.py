"""Whether a moment lies in a time interval."""

from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from config.routing import Kind, TimeInterval, parse_clock, parse_range

Intervals = Mapping[str, Sequence[TimeInterval]]


def covers(interval: TimeInterval, at: datetime) -> bool:
    """Whether a moment lies in an interval, in the interval's own time zone."""
    local = at.astimezone(ZoneInfo(interval.location))
    minute = local.hour * 60 + local.minute
    in_times = not interval.times or any(
        parse_clock(each.start_time) <= minute < parse_clock(each.end_time) for each in interval.times
    )
    return (
        in_times
        and _in("weekday", interval.weekdays, local.isoweekday() % 7)
        and _in_days(interval.days_of_month, local)
        and _in("month", interval.months, local.month)
        and _in("year", interval.years, local.year)
    )


def covering(intervals: Intervals, at: datetime) -> str | None:
    """The name of an interval that a moment lies in; None when it lies in none."""
    return next((name for name, parts in intervals.items() if any(covers(each, at) for each in parts)), None)


def _in(kind: Kind, ranges: Iterable[str], number: int) -> bool:
    spans = [parse_range(kind, text) for text in ranges]
    return not spans or any(first <= number <= last for first, last in spans)


def _in_days(ranges: Iterable[str], local: datetime) -> bool:
    """Days count from the end of the month where they are negative; a month has only the days that it has."""
    length = monthrange(local.year, local.month)[1]
    spans = [tuple(_day(number, length) for number in parse_range("day", text)) for text in ranges]
    return not spans or any(first <= local.day <= last for first, last in spans)


def _day(number: int, length: int) -> int:
    return number if number > 0 else length + 1 + number
