"""One cycle of one source: how a call becomes an alert, on one page."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from alerts.watch import Readings
from monitor.decide import decide_slots
from monitor.failpoints import hit
from monitor.house import House, Watched
from monitor.late import remeasure
from monitor.slots import Pace, closing, floor
from monitor.sources.base import Poll
from monitor.store import measurements, states
from monitor.store.tables import ProgressRow

Stopping = Callable[[], bool]
Progress = Callable[[Readings, datetime], None]


@dataclass(frozen=True, slots=True)
class Stretch:
    """The slots that end in `[first, last]`, to be measured and decided together."""

    first: datetime
    last: datetime


def cycle(house: House, watched: Watched, now: datetime, stopping: Stopping, told: Progress | None = None) -> None:
    """Reads a source, measures the windows that closed, decides, and saves each stretch whole.

    1. Read what is new; a failing source raises and nothing advances.
    2. Measure again the closed windows that late calls changed: display only, never a decision.
    3. For every stretch of slots up to `complete_until`: admit segments, measure, step the rules, save in one
       transaction.

    Raises:
        SourceError: the source could not be read.
    """
    poll = watched.source.poll(now, stopping)
    row = note_success(house, watched, poll, now)
    remeasure(house, watched, row, poll, now)
    pace = Pace()
    for first, last in closing(row.slot_end or now, poll.complete_until, house.settings.window, pace):
        if stopping():
            return
        readings = advance(house, watched, Stretch(first, last), now)
        pace.note(readings.calls())
        if told is not None:
            told(readings, last)


def advance(house: House, watched: Watched, stretch: Stretch, now: datetime) -> Readings:
    """Measures and decides one stretch, and saves it in one transaction."""
    with house.database.reading() as session:
        known = states.segments(session, watched.name)
    admitted = watched.meter.admit(watched.source, stretch.first, stretch.last, known)
    readings = watched.meter.read(watched.source, stretch.first, stretch.last, admitted)
    with house.deciding:
        ends = watched.meter.plan.ends(stretch.first, stretch.last)
        decision = decide_slots(house, watched, readings, ends, now)
        with house.database.transaction() as session:
            for grouping, members in admitted.items():
                states.admit(session, watched.name, grouping, members)
            measurements.save(session, measurements.kept(readings, house.settings.retention, now))
            decision.save(session, now)
            states.progress(session, watched.name, now).slot_end = stretch.last
            hit("cycle.before_commit")
        hit("cycle.after_commit")
    return readings


def note_success(house: House, watched: Watched, poll: Poll, now: datetime) -> ProgressRow:
    """Notes how far the source is; on the first success, where its history begins."""
    with house.database.transaction() as session:
        row = states.progress(session, watched.name, now)
        row.last_success_at, row.failing_since, row.failure = now, None, None
        row.complete_until, row.newest = poll.complete_until, poll.newest or row.newest
        if row.slot_end is None:
            oldest = watched.source.oldest() or poll.complete_until
            row.slot_end = floor(max(oldest, now - house.settings.start), house.settings.window)
            row.rechecked_until = row.slot_end
        return row
