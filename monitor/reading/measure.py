"""Measuring: what the sample of one window says against a baseline, and what explains it."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from detectors.measurement import Key, Window
from detectors.sampling import PAIRS, Sample
from monitor.reading.drift import advance
from monitor.reading.pairs import read_pairs
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
    read = partial(read_pairs if place.stream == PAIRS else _read, sitting, place, stored)
    length = timedelta(seconds=stored.length_s)
    begin = start = ceil(stored.read_until, length)
    until = min(complete_until, begin + A_LOOK * length)
    while start + length <= until and not stopping():
        window = Window(start, start + length)
        read(window)
        start = window.end
        sitting.desk.tell(f"reading the {place}", (start - begin) / (complete_until - begin))
    return (start - begin) // length


def _read(sitting: Sitting, place: Place, stored: StoredBaseline, window: Window) -> None:
    """Measures one window of texts: what it says is kept in the transaction that says that it was read."""
    baseline = sitting.opened(stored)
    sample = sitting.draw(place, window, min(sitting.desk.settings.sample, baseline.sample_size))
    measured, scores, placed = measure(baseline, place, sample, sitting.embed(sample.texts))
    with sitting.house.database.transaction() as session:
        texts.save(session, [advance(session, sitting, (stored, baseline), (measured, placed))])
        texts.save_scores(session, scores)
        baselines.note_read(session, stored, window.end)


def measure(
    baseline: "Baseline", place: Place, sample: Sample, vectors: "Embedded"
) -> "tuple[TextMeasured, list[ScoreRow], Placed | None]":
    """Everything that one window's sample says, how strange each of its texts is, and the texts beside the baseline."""
    from detectors import effects, summary
    from detectors.change import change
    from detectors.descriptors import retries
    from detectors.explain import explain
    from detectors.fitting import FitSample

    at = seconds(sample)
    described = summary.summarise(sample.texts, retries(sample.texts, sample.users, sample.sessions, at))
    if baseline.summary.has_sentiment:
        described = summary.with_sentiment(described, sample.texts)
    placed = effects.place(baseline, FitSample(sample.texts, vectors, at, sample.ids))
    values = effects.measure(baseline, placed) | summary.values(described)
    found = explain(baseline, placed, sample.population)
    changes = [each._asdict() for each in change(described, baseline.summary) if each.strength > 0]
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
