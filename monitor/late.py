"""Late calls: closed windows are measured again for display; no decision is taken twice."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from detectors.measurement import Window
from monitor.failpoints import hit
from monitor.house import House, Watched
from monitor.slots import DAY, ceil, floor
from monitor.sources.base import Poll
from monitor.store import measurements, states
from monitor.store.tables import ProgressRow

LONGEST_TRAILING = timedelta(hours=6)


def remeasure(house: House, watched: Watched, row: ProgressRow, poll: Poll, now: datetime) -> None:
    """Measures the decided windows that late calls fall into once more and replaces the rows that changed."""
    if row.slot_end is None:
        return
    oldest = now - house.settings.allowed_lateness
    for window in [*poll.late, *_due_recheck(watched, row)]:
        for stretch in _stretches(house, window, oldest, row.slot_end):
            _revise(house, watched, stretch, row.slot_end, now)


def _due_recheck(watched: Watched, row: ProgressRow) -> Iterable[Window]:
    """A source that is queried in place cannot say which calls came late: it is measured once more after a while."""
    after = getattr(watched.settings, "recheck_after", None)
    if after is None or row.slot_end is None or row.rechecked_until is None:
        return
    until = floor(row.slot_end - after, after)
    if until > row.rechecked_until:
        yield Window(row.rechecked_until, until)


def _stretches(house: House, window: Window, oldest: datetime, slot_end: datetime) -> Iterable[Window]:
    """The part of a window that may still be revised, in whole slots, a day at a time."""
    start = floor(max(window.start, oldest), house.settings.window)
    end = min(ceil(window.end, house.settings.window), slot_end)
    while start < end:
        stop = min(end, ceil(start + house.settings.window, DAY))
        yield Window(start, stop)
        start = stop


def _revise(house: House, watched: Watched, stretch: Window, slot_end: datetime, now: datetime) -> None:
    meter = watched.meter
    with house.database.reading() as session:
        admitted = states.segments(session, watched.name)
    # A call at time t is part of every window that ends within one length after it. Trailing windows of days, as those
    # of a burn rate, are left as they are: they come anew many times a day, and no late call may cost days of the log.
    longest = max(length for length in meter.plan.steps if length <= max(meter.plan.history, LONGEST_TRAILING))
    last = min(stretch.end + longest, slot_end)
    readings = meter.read(watched.source, stretch.start + house.settings.window, last, admitted)
    rows = [
        row
        for row in measurements.kept(readings, house.settings.retention, now)
        if row.window.start < stretch.end and row.window.end <= slot_end
    ]
    with house.database.transaction() as session:
        changed = measurements.revise(session, rows)
        progress = states.progress(session, watched.name, now)
        progress.rechecked_until = max(progress.rechecked_until or stretch.end, stretch.end)
        hit("late.before_commit")
    hit("late.after_commit")
    house.counters.add("late_changed", amount=changed, source=watched.name)
