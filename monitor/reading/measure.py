"""Measuring: what the sample of one window says against a baseline, and what explains it."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from detectors.measurement import Key, Window
from detectors.sampling import Sample
from monitor.reading.place import Place
from monitor.reading.sitting import Sitting, seconds
from monitor.slots import EPOCH, ceil
from monitor.store import texts
from monitor.store.measurements import segment_text
from monitor.store.tables import BaselineRow, ScoreRow
from monitor.store.texts import TextMeasured

if TYPE_CHECKING:
    from detectors.baseline import Baseline
    from detectors.embedder import Embedded

FINDINGS = 5  # of each kind that are kept with a window

Stopping = Callable[[], bool]


def measure_due(sitting: Sitting, place: Place, row: BaselineRow, complete_until: datetime, stopping: Stopping) -> int:
    """Measures the windows that closed since the last look, each in a transaction of its own; returns how many."""
    baseline = sitting.desk.opened(row)
    if sitting.refusal(baseline):
        return 0
    length = timedelta(seconds=row.length_s)
    begin = start = ceil(row.read_until, length)
    while start + length <= complete_until and not stopping():
        window = Window(start, start + length)
        sample = sitting.draw(place, window, min(sitting.desk.settings.sample, baseline.sample_size))
        vectors = sitting.embed(sample.texts)
        measured = measure(baseline, place, sample, vectors)
        scores = list(_scores(baseline, place, sample, vectors))
        with sitting.house.database.transaction() as session:
            texts.save(session, [measured])
            texts.save_scores(session, scores)
            key = (row.source, row.segment, row.stream, row.version)
            session.get_one(BaselineRow, key).read_until = window.end
        start = window.end
        sitting.desk.tell(f"reading the {place}", (start - begin) / (complete_until - begin))
    return (start - begin) // length


def measure(baseline: "Baseline", place: Place, sample: Sample, vectors: "Embedded") -> TextMeasured:
    """Everything that one window's sample says."""
    from detectors import effects, summary
    from detectors.change import change
    from detectors.descriptors import retries
    from detectors.explain import explain
    from detectors.fitting import FitSample

    at = seconds(sample)
    described = summary.summarise(sample.texts, retries(sample.texts, sample.users, sample.sessions, at))
    values = effects.measure(baseline, sample.texts, vectors, at) | summary.values(described)
    found = explain(baseline, FitSample(sample.texts, vectors, at, sample.ids), sample.population)
    changes = [each._asdict() for each in change(described, baseline.summary) if each.strength > 0]
    findings = {
        "population": sample.population,
        "grown": [asdict(each) for each in found.grown[:FINDINGS]],
        "shrunk": [asdict(each) for each in found.shrunk[:FINDINGS]],
        "new": [asdict(each) for each in found.new[:FINDINGS]],
        "descriptors": changes[:FINDINGS],
    }
    labelled = {of_stream(key, place.stream): value for key, value in values.items()}
    return TextMeasured(place.source, place.segment, place.stream, sample.window, baseline.version, labelled, findings)


def of_stream(key: Key, stream: str) -> Key:
    """The key with the stream among its labels."""
    return Key(key.name, tuple(sorted((*key.labels, ("stream", stream)))))


def _scores(baseline: "Baseline", place: Place, sample: Sample, vectors: "Embedded") -> Iterator[ScoreRow]:
    from detectors import ood

    scores = ood.score_texts(baseline.scorer, vectors)
    p_values = ood.p_values(scores, baseline.calibration)
    for call, at, score, p in zip(sample.ids, sample.ended_us, scores.tolist(), p_values.tolist(), strict=True):
        yield ScoreRow(
            source=place.source,
            stream=place.stream,
            call_id=call,
            at=EPOCH + timedelta(microseconds=at),
            segment=segment_text(place.segment),
            score=score,
            p=p,
        )
