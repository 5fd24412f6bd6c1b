"""Two stretches of a log beside each other, once: what was asked, what was drawn, what each method says."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import numpy as np

from config.calls import GROUPING_COLUMNS
from detectors.comparison.finding import Finding
from detectors.measurement import Window
from detectors.sampling import Sample
from monitor.clean import clean_text
from monitor.daemon import LEASE
from monitor.house import House, Watched
from monitor.reading.place import Place
from monitor.reading.sitting import Sitting, seconds
from monitor.report.plain import plain
from monitor.store import states
from monitor.store.leading import leading

if TYPE_CHECKING:
    from detectors.comparison.stretch import Stretch

FEW = 50
HOLD = timedelta(hours=1)  # to read a source for the first time
NO_RATE = "No false-alarm rate"
EARTHQUAKE = "With fewer than 50 texts in a stretch only an earthquake is seen."


class ComparisonError(Exception):
    """The stretches cannot be compared; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: `now` is compared with `before`, of at most `sample` texts each."""

    place: Place
    before: Window
    now: Window
    sample: int


@dataclass(frozen=True, slots=True)
class Side:
    """One stretch: its texts in the log, and how many of them were read."""

    start: datetime
    end: datetime
    population: int
    read: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the methods say, and what a reader should know of how it was made."""

    source: str
    segment: dict[str, str]
    stream: str
    before: Side
    now: Side
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """One object."""
        found: dict[str, Any] = plain(asdict(self))
        return found


def compare_stretches(house: House, question: Question, now: datetime) -> Comparison:
    """Draws, embeds and compares; the same log gives the same numbers.

    Raises:
        ComparisonError: it cannot be done; the text says why.
        SourceError: the source could not be read.
        detectors.embedder.EmbeddingError: the texts could not be embedded.
    """
    from detectors.comparison.compare import compare

    place = question.place
    watched = _watched(house, place)
    # Which columns a source has is known once it was read.
    windows, notes = _complete(house, question, now)
    sitting = _sitting(house, watched, place, now)
    samples = [sitting.draw(place, window, question.sample) for window in windows]
    for window, sample in zip(windows, samples, strict=True):
        if not sample.ids:
            raise ComparisonError(f"{place}: there is no text {_span(window)}")
    before, later = (_stretch(sitting, place, sample, question.sample) for sample in samples)
    findings = compare(before, later, _context(place), lambda what: sitting.desk.tell(what, 0.9))
    sitting.desk.tell("Evidently", 0.95)
    findings += _evidently(before, later)
    return Comparison(
        source=place.source,
        segment=place.segment.as_dict(),
        stream=place.stream,
        before=_side(samples[0]),
        now=_side(samples[1]),
        findings=tuple(findings),
        notes=(*notes, *((EARTHQUAKE,) if min(len(each.ids) for each in samples) < FEW else ())),
    )


def _watched(house: House, place: Place) -> Watched:
    watched = house.sources.get(place.source)
    if watched is None:
        known = ", ".join(house.sources)
        raise ComparisonError(f"there is no source {clean_text(place.source, 100)!r}: configured are {known}")
    return watched


def _sitting(house: House, watched: Watched, place: Place, now: datetime) -> Sitting:
    if place.stream not in watched.source.columns:
        raise ComparisonError(f"sources.{place.source} has no column {place.stream}")
    for column in place.segment.columns:
        there = [each for each in GROUPING_COLUMNS if each in watched.source.columns]
        if column not in there:
            known = ", ".join(there) or "none"
            raise ComparisonError(f"{clean_text(column, 100)!r} is no column to choose calls by; there are: {known}")
    return Sitting.at(house, watched, now)


def _complete(house: House, question: Question, now: datetime) -> tuple[list[Window], tuple[str, ...]]:
    """The stretches as far as the log is complete."""
    windows = [question.before, question.now]
    if question.before.start < question.now.end and question.now.start < question.before.end:
        raise ComparisonError(
            f"the stretches overlap ({_span(question.now)}, {_span(question.before)}): a text in both would be compared"
            " with itself; choose two that do not"
        )
    complete = _read_until(house, question.place.source, now)
    if complete is None:
        raise ComparisonError(f"sources.{question.place.source} is being read for the first time: wait for the service")
    if max(each.start for each in windows) >= complete:
        raise ComparisonError(f"a stretch begins where the log is not complete yet ({complete:%Y-%m-%d %H:%M})")
    cut = [replace(each, end=min(each.end, complete)) for each in windows]
    note = f"The log is complete until {complete:%Y-%m-%d %H:%M:%S} UTC: a stretch ends there."
    return cut, (note,) if cut != windows else ()


def _stretch(sitting: Sitting, place: Place, sample: Sample, size: int) -> "Stretch":
    from detectors.comparison.conditional import hour_of_day
    from detectors.comparison.stretch import Stretch

    vectors = sitting.embed(sample.texts, f"embedding the {place}").mean
    at, start = seconds(sample), sample.window.start.timestamp()
    stretch = Stretch(start, sample.ids, at, vectors, hour_of_day(at)).ordered()
    if place.stream == "prompt":
        return stretch
    return replace(stretch, context=_prompts(sitting, place, sample.window, stretch.ids, size))


def _prompts(sitting: Sitting, place: Place, window: Window, ids: Sequence[str], size: int) -> Any:
    """(n, d) embeddings of the first prompts that are known, NaN for the other responses; None if none is.

    Only as many are embedded as are looked at. Both samples follow the hash of the id, so twice as many prompts hold
    those of the responses unless fewer than half of the calls succeeded.
    """
    from detectors.comparison.conditional import MOST

    if "prompt" not in sitting.watched.source.columns:
        return None
    asked = sitting.draw(replace(place, stream="prompt"), window, 2 * size)
    texts = dict(zip(asked.ids, asked.texts, strict=True))
    rows = [row for row, each in enumerate(ids) if each in texts][:MOST]
    if not rows:
        return None
    vectors = sitting.embed([texts[ids[row]] for row in rows], "embedding the prompts").mean
    context = np.full((len(ids), vectors.shape[1]), np.nan)
    context[rows] = vectors
    return context


def _context(place: Place) -> str:
    from detectors.comparison.conditional import HOUR, PROMPT

    return HOUR if place.stream == "prompt" else PROMPT


def _evidently(before: "Stretch", now: "Stretch") -> Iterator[Finding]:
    """Evidently's four methods over embeddings: thresholds without a false-alarm rate."""
    from monitor.report.evidently_part import of_embeddings
    from monitor.report.thresholds import EMBEDDINGS

    found, problem = of_embeddings(before.vectors, now.vectors)
    for row, (kind, title, threshold, meaning) in enumerate(EMBEDDINGS):
        result = None if problem else found[row].results[0]
        value = None if result is None or not np.isfinite(result.value) else result.value
        yield Finding(
            f"evidently_{kind.removesuffix('DriftMethod').lower()}",
            f"Evidently: {title.removesuffix(' of the embeddings')}",
            value,
            None,
            None,
            meaning if meaning.startswith(NO_RATE) else f"{NO_RATE}. {meaning}",
            problem or ("it has no number for these texts" if value is None else ""),
            {"threshold": threshold, "passed": None if value is None or result is None else result.drifted},
        )


def _side(sample: Sample) -> Side:
    return Side(sample.window.start, sample.window.end, sample.population, len(sample.ids))


def _read_until(house: House, source: str, now: datetime) -> datetime | None:
    """Until when a source is complete: as a service read it, else read now; None while a service reads it first.

    Raises:
        SourceError: the source could not be read.
    """
    with house.database.reading() as session:
        progress = states.all_progress(session).get(source)
    if progress is not None and progress.complete_until is not None:
        return progress.complete_until
    with leading(house.database, (LEASE, uuid4().hex), now, HOLD) as leads:
        return house.sources[source].source.poll(now, lambda: False).complete_until if leads else None


def _span(window: Window) -> str:
    return f"from {window.start:%Y-%m-%d %H:%M} to {window.end:%Y-%m-%d %H:%M}"
