"""`replay` and `backfill` of texts: past windows read against the baselines that are in use, as the service reads them.

Nothing is learnt here: learning reads a hundred thousand texts, and another baseline would give other numbers. So the
cost is that of the sample of each window, and the vectors that the live store has are not made anew.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

from detectors.measurement import Measured, Window
from detectors.sampling import PAIRS
from monitor.drifting import MEASURE
from monitor.house import House, Watched
from monitor.reading.alarming import EFFECTS
from monitor.reading.measure import measured_window, read_next
from monitor.reading.place import Place
from monitor.reading.sitting import Sitting
from monitor.slots import ceil
from monitor.store import baselines, texts
from monitor.store.baselines import StoredBaseline
from monitor.store.database import Database
from monitor.store.texts import TextMeasured
from monitor.textstatus import labelled

Told = Callable[[Sequence[Measured]], None]


def nobody(_: Sequence[Measured]) -> None:
    """Tells nobody of what was measured of texts."""


@contextmanager
def lent(live: Database, house: House) -> Iterator[None]:
    """A scratch store with the baselines in use, none of them read against yet, and the vectors of the live one."""
    with live.reading() as session:
        rows = baselines.unread(session)
    with house.database.transaction() as session:
        session.add_all(rows)
    house.desk.lender = live
    try:
        yield
    finally:
        house.desk.lender = None


def reread(
    house: House, watched: Watched, span: Window, now: datetime, step: Callable[[datetime], None]
) -> Iterator[Measured]:
    """Reads the windows of a source up to the end of a span, all streams in step, and gives those in it.

    Windows before the span are read too, back to the end of each baseline: a drift detector knows what came before.

    Args:
        house: with a scratch store that was `lent` baselines.
        watched: the source, complete up to the end of the span.
        span: event time.
        now: the time.
        step: is called after all windows that end at a time were read.
    """
    if not house.desk.settings.enabled:
        return
    sitting = Sitting.at(house, watched, now)
    used = _in_use(house, watched)
    first = min((each.read_until for each in used), default=span.end)
    while used:
        with house.database.reading() as session:
            known = {each.key: each for each in baselines.in_use(session, watched.name)}
        used = [known[each.key] for each in used if not sitting.refusal(each)]
        due = [(_next(each).end, each) for each in used if _next(each).end <= span.end]
        if not due:
            return
        end = min(at for at, _ in due)
        for at, stored in due:
            if at != end:
                continue
            measured = read_next(sitting, _place(stored), stored, _next(stored))
            if measured.window.start >= span.start:
                yield Measured(measured.source, measured.segment, measured.window, labelled(measured, stored))
        house.desk.tell(f"reading the texts of {watched.name}", (end - first) / (span.end - first))
        if end > span.start:
            step(end)


def rewrite(house: House, watched: Watched, span: Window, now: datetime) -> int:
    """Writes what the texts of past windows say into the live store, of windows after the end of each baseline: never
    the state of a drift detector, and the evidence that it gave stays; returns how many windows."""
    if not house.desk.settings.enabled:
        return 0
    sitting, written = Sitting.at(house, watched, now), 0
    for stored in _in_use(house, watched):
        if sitting.refusal(stored):
            continue
        length = timedelta(seconds=stored.length_s)
        first = start = ceil(max(span.start, stored.fitted_until), length)
        while start + length <= span.end:
            window = Window(start, start + length)
            measured, scores = measured_window(sitting, _place(stored), stored, window)
            with house.database.transaction() as session:
                texts.save(session, [_with_evidence(measured, texts.against(session, stored.key, start, window.end))])
                texts.save_scores(session, scores)
            start, written = window.end, written + 1
            house.desk.tell(f"reading the {_place(stored)}", (start - first) / (span.end - first))
    return written


def _with_evidence(measured: TextMeasured, before: Sequence[TextMeasured]) -> TextMeasured:
    """With the evidence that a detector gave when it read the window: decisions are taken once."""
    if not before:
        return measured
    evidence = {key: value for key, value in before[0].values.items() if key.name == MEASURE}
    effects = {name: found for name, found in before[0].findings.items() if name == EFFECTS}
    return replace(measured, values={**measured.values, **evidence}, findings={**measured.findings, **effects})


def _in_use(house: House, watched: Watched) -> list[StoredBaseline]:
    with house.database.reading() as session:
        found = baselines.in_use(session, watched.name)
    columns = watched.source.columns
    return [each for each in found if each.stream == PAIRS or each.stream in columns]


def _place(stored: StoredBaseline) -> Place:
    return Place(stored.source, stored.segment, stored.stream)


def _next(stored: StoredBaseline) -> Window:
    length = timedelta(seconds=stored.length_s)
    start = ceil(stored.read_until, length)
    return Window(start, start + length)
