"""`replay` and `backfill`: the same code over past event time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from alerts.watch import Readings
from config.load import Loaded
from detectors.measurement import Window
from monitor.cycle import Stretch, advance
from monitor.daemon import check_health
from monitor.deliver import Delivery
from monitor.hindsight import lend
from monitor.house import House, Watched
from monitor.illustrate import Illustrator
from monitor.opening import has_live_store, open_notifiers, store_url
from monitor.replay_texts import Told, lent, reread, rewrite
from monitor.slots import Pace, closing, floor
from monitor.sources.registry import SourceContext
from monitor.store import cursors, measurements, outbox, states
from monitor.store.database import Database, copy_rows
from monitor.store.tables import CursorRow, PartRow, TransitionRow
from monitor.textrules import decide_texts

# What a scratch store starts with: which calls have landed, so that a log that rotated away can still be replayed.
LANDED = (PartRow, CursorRow)

Emit = Callable[[Readings, list[TransitionRow]], None]


@contextmanager
def scratch(loaded: Loaded) -> Iterator[House]:
    """A house with a store of its own that touches no live state; it reads what the live one has landed and no more."""
    with TemporaryDirectory(prefix="watchkeeper-replay-") as folder:
        database = Database.open(f"sqlite:///{folder}/replay.db")
        live = Database.open(store_url(loaded)) if has_live_store(loaded) else None
        if live is not None:
            copy_rows(live, database, LANDED)
            with database.transaction() as session:
                cursors.forget(session)
        context = SourceContext(loaded.folder, Path(folder) / "landed", database)
        house = House.open(loaded.settings, context, replay=True)
        if live is not None:
            lend(house, live)
        try:
            with nullcontext() if live is None else lent(live, house):
                yield house
        finally:
            house.close()
            if live is not None:
                live.close()


def replay(house: House, span: tuple[datetime, datetime], now: datetime, emit: Emit, told: Told | None = None) -> None:
    """Measures and decides a span of event time, source by source, as if it were closing now.

    Args:
        house: with a scratch store.
        span: event time.
        now: the wall clock.
        emit: is told what each stretch came to.
        told: is told what was measured of texts; they are not read where it is None.

    Raises:
        SourceError: a source could not be read.
        detectors.embedder.EmbeddingError: the texts could not be embedded.
    """
    for watched in house.sources.values():
        pace = Pace()
        for stretch in _stretches(house, watched, span, now, pace):
            readings = advance(house, watched, stretch, now)
            pace.note(readings.calls())
            emit(readings, _new_transitions(house))
        if told is not None:
            _texts(house, watched, Window(*span), now, (emit, told))


def _texts(house: House, watched: Watched, span: Window, now: datetime, tell: tuple[Emit, Told]) -> None:
    """Reads the texts of a source after its traffic: what they say, and what rules and drift alarms make of it."""
    emit, told = tell

    def step(at: datetime) -> None:
        with house.database.transaction() as session:
            states.progress(session, watched.name, now).complete_until = at
        decide_texts(house, watched, at, since=span.start)
        check_health(house, at)
        transitions = _new_transitions(house)
        if transitions:
            emit(Readings(watched.name, house.settings.window, {}), transitions)

    for measured in reread(house, watched, span, now, step):
        told([measured])


def deliver_after(house: House, emit: Emit, clock: Callable[[], datetime], pause: Callable[[], object]) -> Emit:
    """The same, with every message sent, marked as a replay, before the next stretch is read.

    Args:
        clock: the wall clock, for retries.
        pause: waits a moment when nothing is due yet.
    """
    delivery = Delivery(house.database, open_notifiers(house.settings), house.counters, Illustrator(house))

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
        detectors.embedder.EmbeddingError: the texts could not be embedded.
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
        written += rewrite(house, watched, Window(*span), now)
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
