"""Measuring: what the sample of one window says against a baseline, and what explains it."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from detectors.measurement import Key, Window
from detectors.sampling import PAIRS, Sample
from monitor.reading.drift import Columns, advance
from monitor.reading.pairs import measured_pairs, read_pairs
from monitor.reading.place import Place
from monitor.reading.sitting import Sitting, seconds
from monitor.slots import EPOCH, ceil
from monitor.store import baselines, texts
from monitor.store.baselines import StoredBaseline
from monitor.store.measurements import segment_text
from monitor.store.tables import ScoreRow
from monitor.store.texts import TextMeasured

if TYPE_CHECKING:
    from detectors.baseline import Baseline
    from detectors.effects import Placed
    from detectors.embedder import Embedded

FINDINGS = 5  # of each kind that are kept with a window
A_LOOK = 24  # windows of a stream and baseline at most, so that no stream waits for the past of another

Stopping = Callable[[], bool]


def measure_due(
    sitting: Sitting, place: Place, stored: StoredBaseline, complete_until: datetime, stopping: Stopping
) -> int:
    """Measures windows that closed since the last look, in order, each in a transaction of its own.

    Returns:
        how many it measured, at most `A_LOOK`.
    """
    if sitting.refusal(stored):
        return 0
    length = timedelta(seconds=stored.length_s)
    begin = start = ceil(stored.read_until, length)
    until = min(complete_until, begin + A_LOOK * length)
    while start + length <= until and not stopping():
        start = read_next(sitting, place, stored, Window(start, start + length)).window.end
        sitting.desk.tell(f"reading the {place}", (start - begin) / (complete_until - begin))
    return (start - begin) // length


def read_next(sitting: Sitting, place: Place, stored: StoredBaseline, window: Window) -> TextMeasured:
    """Measures the next window: what it says is kept in the transaction that says that it was read."""
    return (read_pairs if place.stream == PAIRS else _read)(sitting, place, stored, window)


def measured_window(
    sitting: Sitting, place: Place, stored: StoredBaseline, window: Window
) -> tuple[TextMeasured, list[ScoreRow]]:
    """What a window says, and how strange its texts are; nothing is kept, and no drift detector reads it."""
    if place.stream == PAIRS:
        return measured_pairs(sitting, place, stored, window)[0], []
    measured, scores, _, _ = _look(sitting, place, stored, window)
    return measured, scores


def _look(
    sitting: Sitting, place: Place, stored: StoredBaseline, window: Window
) -> "tuple[TextMeasured, list[ScoreRow], Placed | None, Columns]":
    baseline = sitting.opened(stored)
    size = min(sitting.desk.settings.sample, baseline.sample_size)
    sample = sitting.draw(place, window, size, sitting.cuts)
    retried = sitting.retries(place, window)
    return (*measure(baseline, place, sample, sitting.embed(sample.texts), retried), sample.columns)


def _read(sitting: Sitting, place: Place, stored: StoredBaseline, window: Window) -> TextMeasured:
    measured, scores, placed, columns = _look(sitting, place, stored, window)
    with sitting.house.database.transaction() as session:
        measured = advance(session, sitting, (stored, sitting.opened(stored)), (measured, placed, columns))
        texts.save(session, [measured])
        texts.save_scores(session, scores)
        baselines.note_read(session, stored, window.end)
    return measured


def measure(
    baseline: "Baseline",
    place: Place,
    sample: Sample,
    vectors: "Embedded",
    retried: tuple[int, int] | None = None,
) -> "tuple[TextMeasured, list[ScoreRow], Placed | None]":
    """Everything that one window's sample says, how strange each of its texts is, and the texts beside the baseline.

    `retried` counts the calls of the whole window that repeat one, and those of which it is known.
    """
    from detectors import effects, familiar, summary
    from detectors.change import surely_changed
    from detectors.explain import explain
    from detectors.fitting import FitSample

    at = seconds(sample)
    described = summary.summarise(sample.texts, retried)
    if baseline.summary.has_sentiment:
        described = summary.with_sentiment(described, sample.texts)
    placed = effects.place(baseline, FitSample(sample.texts, vectors, at, sample.ids))
    beside = None if baseline.familiar is None else baseline.familiar.beside([] if placed is None else placed.texts)
    values = effects.measure(baseline, placed) | summary.values(described) | familiar.values(beside)
    found = explain(baseline, placed, sample.population)
    changes = [each._asdict() for each in surely_changed(baseline, described, beside)]
    findings = {
        "population": sample.population,
        "grown": [asdict(each) for each in found.grown[:FINDINGS]],
        "shrunk": [asdict(each) for each in found.shrunk[:FINDINGS]],
        "new": [asdict(each) for each in found.new[:FINDINGS]],
        "descriptors": changes[:FINDINGS],
    }
    labelled = {of_stream(key, place.stream): value for key, value in values.items()}
    measured = TextMeasured(
        place.source, place.segment, place.stream, sample.window, baseline.version, labelled, findings
    )
    return measured, [] if placed is None else list(_scores(baseline, place, sample, placed)), placed


def of_stream(key: Key, stream: str) -> Key:
    """The key with the stream among its labels."""
    return Key(key.name, tuple(sorted((*key.labels, ("stream", stream)))))


def _scores(baseline: "Baseline", place: Place, sample: Sample, placed: "Placed") -> Iterator[ScoreRow]:
    known = zip(sample.ids, sample.ended_us, placed.all_scores.tolist(), placed.all_p.tolist(), strict=True)
    for call, at, score, p in known:
        yield ScoreRow(
            source=place.source,
            stream=place.stream,
            call_id=call,
            baseline=baseline.version,
            at=EPOCH + timedelta(microseconds=at),
            segment=segment_text(place.segment),
            score=score,
            p=p,
        )
