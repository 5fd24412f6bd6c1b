"""Gathering: one sample of the stretch, everything that it says against its baseline, and what explains it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING

from detectors.measurement import Window
from detectors.sampling import PAIRS, Sample
from monitor.clean import clean_text
from monitor.house import House
from monitor.reading.sitting import seconds
from monitor.report.drift_values import PairPart
from monitor.report.evidence import drift_of
from monitor.report.judged import judged_parts
from monitor.report.pairs import pair_part
from monitor.report.plain import beginning
from monitor.report.question import Question, Task, tasks
from monitor.report.values import (
    Described,
    Evidently,
    Exemplar,
    Learnt,
    LeftOut,
    NewTopic,
    Part,
    Report,
    ReportError,
    TopicShift,
)

if TYPE_CHECKING:
    from detectors.effects import Placed
    from detectors.explain import Explanation, TopicChange

SAMPLE = 2_000  # texts of the window
REFERENCE = 1_000  # texts of the baseline's own stretch, for shares of segments and for Evidently
SHOWN = 10  # topics of each kind, and descriptors
STRANGEST = 5  # texts
FORGOTTEN = "The log no longer has the stretch that the baseline was learnt from: shares before are unknown."

Tell = Callable[[str, float], None]
_STEPS = {"drawing a sample": 0.0, "embedding": 0.05, "measuring": 0.6, "looking at segments": 0.75, "Evidently": 0.85}


def gather(house: House, question: Question, now: datetime, tell: Tell = lambda _what, _share: None) -> Report:
    """A report.

    Args:
        house: the service, or what a command opened; sources are not polled.
        question: what is asked.
        now: the wall clock.
        tell: is told what is being done and the share of all that is done.

    Raises:
        ReportError: there is nothing to report.
        SourceError: the source could not be read.
        detectors.embedder.EmbeddingError: the texts could not be embedded.
    """
    found, left_out = tasks(house, question, now)
    parts: list[Part] = []
    pairs: list[PairPart] = []
    for number, task in enumerate(found):

        def step(what: str, inside: float = 0.0, number: int = number, task: Task = task) -> None:
            done = _STEPS[what] + 0.5 * inside
            tell(f"{what}, {task.place}", (number + done) / len(found))

        part: Part | PairPart | None
        if task.place.stream == PAIRS:
            part = pair_part(task, partial(_learnt, task), step)
        else:
            part = _part(task, step, evidently=question.evidently)
        if part is None:
            left_out.append(LeftOut(str(task.place), "the window has no text of this stream"))
        elif isinstance(part, PairPart):
            pairs.append(part)
        else:
            parts.append(part)
    if not parts and not pairs:
        raise ReportError("; ".join(f"{each.place}: {each.reason}" for each in left_out))
    return Report(
        version=version("watchkeeper"),
        made_at=now,
        parts=tuple(parts),
        left_out=tuple(left_out),
        pairs=tuple(pairs),
        judged=judged_parts(house, {task.place.source: task.window for task in found}),
    )


def _part(task: Task, step: Callable[..., None], *, evidently: bool) -> Part | None:
    from detectors import effects
    from detectors.change import surely_changed
    from detectors.explain import explain
    from detectors.fitting import FitSample
    from detectors.summary import summarise, with_sentiment
    from monitor.report import words
    from monitor.report.contributions import contributions
    from monitor.report.evidently_part import LOG_NUMBERS
    from monitor.report.picture import draw

    sitting, place, row = task.sitting, task.place, task.baseline
    baseline = sitting.opened(row)
    step("drawing a sample")
    numbers = sitting.there(LOG_NUMBERS) if evidently else ()
    sample = sitting.draw(place, task.window, SAMPLE, sitting.cuts, numbers)
    if not sample.ids:
        return None
    vectors = sitting.desk.embedder.embed(sample.texts, sitting.cache, lambda share: step("embedding", share))
    step("measuring")
    at = seconds(sample)
    placed = effects.place(baseline, FitSample(sample.texts, vectors, at, sample.ids))
    assert placed is not None  # there is a text
    found_effects = tuple(words.effects(baseline, placed, effects.measure(baseline, placed)))
    found = explain(baseline, placed, sample.population)
    described = summarise(sample.texts, sitting.retries(place, task.window))
    if baseline.summary.has_sentiment:
        described = with_sentiment(described, sample.texts)
    beside = None if baseline.familiar is None else baseline.familiar.beside(placed.texts)
    changes = surely_changed(baseline, described, beside)
    step("looking at segments")
    reference = sitting.draw(place, Window(row.fitted_from, row.fitted_until), REFERENCE, sitting.cuts, numbers)
    before = reference.columns if reference.ids else None
    changed = frozenset(each.name for each in found_effects if each.changed)
    shares, same = contributions(baseline, placed, sample.columns, before, changed)
    shown = {
        key: Exemplar(clean_text(key, 200), beginning(text)) for key, text in zip(sample.ids, sample.texts, strict=True)
    }
    return Part(
        source=place.source,
        segment=place.segment.as_dict(),
        stream=place.stream,
        start=task.window.start,
        end=task.window.end,
        baseline=_learnt(task, baseline.texts, len(baseline.topics)),
        population=sample.population,
        read=len(sample.ids),
        compared=len(placed.rows),
        effects=found_effects,
        strangest=tuple(shown[key] for key in _strangest(placed)),
        new=_new(found, shown),
        grown=tuple(_shift(each, shown) for each in found.grown[:SHOWN]),
        shrunk=tuple(_shift(each, shown) for each in found.shrunk[:SHOWN]),
        descriptors=tuple(
            Described(each.name, each.kind, _meaning(each.name, each.kind), *each[2:]) for each in changes[:SHOWN]
        ),
        contributions=shares,
        same=same,
        map=draw(baseline, placed, found, dict(zip(sample.ids, vectors.mean, strict=True))),
        notes=task.notes if reference.ids else (*task.notes, FORGOTTEN),
        evidently=_evidently(task, step, sample, reference) if evidently else None,
        drift=drift_of(task, None if baseline.drift is None else baseline.drift.hindsight, shown),
    )


def _evidently(task: Task, step: Callable[..., None], now: Sample, before: Sample) -> Evidently:
    from monitor.report.evidently_part import Side, compare

    step("Evidently")
    sitting, baseline = task.sitting, task.sitting.opened(task.baseline)
    first, second = (Side(each.texts, sitting.embed(each.texts).mean, each.numbers) for each in (before, now))
    return compare(first, second, baseline.reservoir)


def _learnt(task: Task, texts: int, topics: int) -> Learnt:
    row = task.baseline
    return Learnt(row.version, row.state, row.role, row.fitted_from, row.fitted_until, texts, topics)


def _strangest(placed: "Placed") -> list[str]:
    """Calls with the strangest texts among those out of distribution; of equally strange ones by their ids."""
    from detectors.ood import LEVEL

    scores = placed.all_scores[placed.rows]
    order = sorted(range(len(scores)), key=lambda row: (-scores[row], placed.ids[row]))
    return [placed.ids[row] for row in order if placed.p[row] <= LEVEL][:STRANGEST]


def _new(found: "Explanation", shown: Mapping[str, Exemplar]) -> tuple[NewTopic, ...]:
    return tuple(
        NewTopic(
            clean_text(each.name, 80),
            each.n,
            each.share,
            each.expected,
            each.strange,
            each.per_hour_before,
            each.per_hour,
            tuple(shown[key] for key in each.exemplars),
            tuple(clean_text(term, 80) for term in each.terms),
        )
        for each in found.new[:SHOWN]
    )


def _shift(each: "TopicChange", shown: Mapping[str, Exemplar]) -> TopicShift:
    return TopicShift(
        name=clean_text(each.topic.name, 80),
        exemplars=tuple(shown[key] for key in each.exemplars),
        usual=tuple(beginning(text) for text in each.topic.exemplars),
        **each.numbers(),
    )


def _meaning(name: str, kind: str) -> str:
    from detectors.descriptors import DESCRIPTORS, FAMILIAR, SENTIMENT

    if kind == "language":
        return "Share of the texts in this language, by its ISO code."
    return next((each.meaning for each in (*DESCRIPTORS, *FAMILIAR, SENTIMENT) if each.name == name), "")
