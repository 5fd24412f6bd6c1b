"""`replay` and `backfill`: the same code over past event time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from alerts.watch import Readings
from config.load import Loaded
from monitor.cycle import Stretch, advance
from monitor.deliver import Delivery
from monitor.house import House, Watched
from monitor.opening import has_live_store, open_notifiers, store_url
from monitor.slots import Pace, closing, floor
from monitor.sources.registry import SourceContext
from monitor.store import measurements, outbox, states
from monitor.store.database import Database, copy_rows
from monitor.store.tables import CursorRow, PartRow, TransitionRow

# What a scratch store starts with: which calls have landed, so that a log that rotated away can still be replayed.
LANDED = (PartRow, CursorRow)

Emit = Callable[[Readings, list[TransitionRow]], None]


@contextmanager
def scratch(loaded: Loaded) -> Iterator[House]:
    """A house with a store of its own that touches no live state; it reads what the live one has landed and no more."""
    with TemporaryDirectory(prefix="watchkeeper-replay-") as folder:
        database = Database.open(f"sqlite:///{folder}/replay.db")
        if has_live_store(loaded):
            live = Database.open(store_url(loaded))
            copy_rows(live, database, LANDED)
            live.close()
        context = SourceContext(loaded.folder, Path(folder) / "landed", database)
        house = House.open(loaded.settings, context, replay=True)
        try:
            yield house
        finally:
            house.close()


def replay(house: House, span: tuple[datetime, datetime], now: datetime, emit: Emit) -> None:
    """Measures and decides a span of event time, source by source, as if it were closing now.

    Raises:
        SourceError: a source could not be read.
    """
    for watched in house.sources.values():
        pace = Pace()
        for stretch in _stretches(house, watched, span, now, pace):
            readings = advance(house, watched, stretch, now)
            pace.note(readings.calls())
            emit(readings, _new_transitions(house))


def deliver_after(house: House, emit: Emit, clock: Callable[[], datetime], pause: Callable[[], object]) -> Emit:
    """The same, with every message sent, marked as a replay, before the next stretch is read.

    Args:
        clock: the wall clock, for retries.
        pause: waits a moment when nothing is due yet.
    """
    delivery = Delivery(house.database, open_notifiers(house.settings), house.counters)

    def emit_and_deliver(readings: Readings, transitions: list[TransitionRow]) -> None:
        emit(readings, transitions)
        while delivery.waiting():
            # In a replay every message matters: none is dropped because a later one covers it.
            if not delivery.step(clock(), overtake=False):
                pause()

    return emit_and_deliver


def backfill(house: House, span: tuple[datetime, datetime], now: datetime, *, poll: bool = True) -> int:
    """Writes the measurements of past windows into the live store: never states, transitions or messages.

    Args:
        house: the live one.
        span: event time.
        now: the time.
        poll: whether to read the sources first; not while a running service reads them.

    Returns:
        how many windows were written.

    Raises:
        SourceError: a source could not be read.
    """
    written = 0
    for watched in house.sources.values():
        pace = Pace()
        for stretch in _stretches(house, watched, span, now if poll else None, pace):
            with house.database.reading() as session:
                known = states.segments(session, watched.name)
            admitted = watched.meter.admit(watched.source, stretch.first, stretch.last, known)
            readings = watched.meter.read(watched.source, stretch.first, stretch.last, admitted)
            pace.note(readings.calls())
            with house.database.transaction() as session:
                for grouping, members in admitted.items():
                    states.admit(session, watched.name, grouping, members)
                rows = list(measurements.kept(readings, house.settings.retention, now))
                written += measurements.revise(session, rows)
    return written


def _stretches(
    house: House, watched: Watched, span: tuple[datetime, datetime], now: datetime | None, pace: Pace
) -> Iterator[Stretch]:
    if now is not None:
        watched.source.poll(now, lambda: False)
    start, end = span
    slot = house.settings.window
    for first, last in closing(floor(start, slot), end, slot, pace):
        yield Stretch(first, last)


def _new_transitions(house: House) -> list[TransitionRow]:
    """The transitions since the last call, oldest first; the scratch store keeps none that were emitted."""
    with house.database.transaction() as session:
        return outbox.take_transitions(session)
