"""One cycle of one source: how a call becomes an alert, on one page."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from alerts.watch import Readings
from detectors.measurement import Window
from monitor.decide import decide_slots
from monitor.failpoints import hit
from monitor.house import House, Watched
from monitor.identities import notice
from monitor.late import remeasure
from monitor.progress import count_read, note_success
from monitor.slots import Pace, closing
from monitor.store import measurements, states

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
    3. For every stretch of slots up to `complete_until`: note which models answered, admit segments, measure, step the
       rules, save in one transaction.

    Raises:
        SourceError: the source could not be read.
    """
    poll = watched.source.poll(now, stopping)
    count_read(house.counters, watched.name, poll)
    row = note_success(house, watched, poll, now)
    remeasure(house, watched, row, poll, now)
    pace = Pace()
    for first, last in closing(row.slot_end or now, poll.complete_until, house.settings.window, pace):
        if stopping():
            return
        readings = advance(house, watched, Stretch(first, last), now)
        pace.note(readings.calls())
        for grouping, calls in readings.other_calls().items():
            house.counters.add("other_calls", amount=calls, source=watched.name, grouping=",".join(grouping))
        if told is not None:
            told(readings, last)


def advance(house: House, watched: Watched, stretch: Stretch, now: datetime) -> Readings:
    """Measures and decides one stretch, and saves it in one transaction."""
    notice(house, watched, Window(stretch.first - house.settings.window, stretch.last))
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
