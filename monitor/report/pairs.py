"""Responses given their prompts in a report: how far they moved, and what is answered to like prompts, then and now."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from detectors.intervals import Z, wilson_of
from detectors.measurement import Window
from detectors.neighbours import Numbers
from detectors.sampling import Sample
from monitor.clean import clean_text
from monitor.formats import percent
from monitor.reading.pairs import embedded
from monitor.report.drift_values import Matched, Moved, PairPart
from monitor.report.evidence import drift_of
from monitor.report.plain import beginning
from monitor.report.question import Task
from monitor.report.values import Effect, Exemplar, Learnt

if TYPE_CHECKING:
    from detectors.drift.conditional import PairCalibration
    from detectors.drift.judged import Judged
    from detectors.drift.pair_baseline import PairBaseline, PairSample

SAMPLE = 1_000  # pairs of the stretch
REFERENCE = 1_000  # pairs of the baseline's own stretch, among which the like prompts are looked for
EXAMPLES = 3  # of each side
VALUES = 8  # of a column
LEAST_PAIRS = 30  # of a segment, to say how far it moved
USUAL = 0.01  # of responses lie beyond what one in a hundred of the baseline's lies beyond
FORGOTTEN = "The log no longer has the stretch that the baseline was learnt from: its answers cannot be shown."
TOO_FEW = "Too few pairs of the window have a prompt that the baseline knows, or the baseline has too few windows."


def pair_part(task: Task, learnt: Callable[[int, int], Learnt], step: Callable[..., None]) -> PairPart | None:
    """The part of a stream of pairs; None where the stretch has none.

    Args:
        task: with a baseline of pairs.
        learnt: the baseline in words, from its texts and topics.
        step: is told what is being done.
    """
    sitting, place, row = task.sitting, task.place, task.baseline
    baseline = sitting.desk.opened_pairs(row, sitting.house.database)
    step("drawing a sample")
    sample = sitting.draw(place, task.window, SAMPLE, sitting.cuts)
    if not sample.ids:
        return None
    step("embedding")
    pairs = embedded(sitting, sample)
    step("measuring")
    judged = baseline.judge(task.window.start, pairs)
    calibration = None if baseline.drift is None else _of_these_hours(baseline.drift, pairs.at[judged.rows])
    step("looking at segments")
    reference = sitting.draw(place, Window(row.fitted_from, row.fitted_until), REFERENCE)
    shown = [
        Exemplar(clean_text(key, 200), beginning(text)) for key, text in zip(sample.ids, sample.texts, strict=True)
    ]
    notes = task.notes if reference.ids else (*task.notes, FORGOTTEN)
    effects: tuple[Effect, ...] = ()
    examples: tuple[Matched, ...] = ()
    segments: tuple[Moved, ...] = ()
    if calibration is not None and judged.n >= 3:
        effects = tuple(_effects(judged, calibration))
        chosen = _chosen(baseline, judged, calibration, pairs)
        then = embedded(sitting, reference) if reference.ids else None
        examples = tuple(_matched(chosen, (sample, pairs), (reference, then), shown))
        segments = tuple(_segments(judged, calibration, sample))
    hindsight = None if baseline.drift is None else baseline.drift.hindsight
    return PairPart(
        source=place.source,
        segment=place.segment.as_dict(),
        start=task.window.start,
        end=task.window.end,
        baseline=learnt(baseline.count, 0),
        population=sample.population,
        read=len(sample.ids),
        compared=judged.n,
        effects=effects,
        examples=examples,
        segments=segments,
        drift=drift_of(task, hindsight, {each.id: each for each in shown}),
        notes=notes if effects else (*notes, TOO_FEW),
    )


def _of_these_hours(calibration: "PairCalibration", at: Numbers) -> "PairCalibration":
    """With what is usual at the hours of the pairs together: a stretch is longer than a window."""
    from detectors.drift.expected import cell_of
    from detectors.drift.pair_usual import Usually

    if not len(at):
        return calibration
    cells = [calibration.cells[cell_of(float(each))] for each in at]
    usual = Usually(
        float(np.mean([each.surprise for each in cells])),
        np.mean([each.rest for each in cells], axis=0),
        float(np.mean([each.noise for each in cells])),
        float(np.mean([each.leant for each in cells])),
    )
    return replace(calibration, cells=[usual] * len(calibration.cells))


def _effects(judged: "Judged", calibration: "PairCalibration") -> Iterator[Effect]:
    from detectors.drift.moved import add, effect, shift, unusual
    from detectors.drift.pair_usual import Counted

    moved = shift(judged, calibration)
    sure = moved.lower is not None and moved.upper is not None and not moved.lower <= 0 <= moved.upper
    yield Effect(
        "model_drift",
        "Moved",
        "deviations",
        moved.value,
        moved.lower,
        moved.upper,
        judged.n,
        sure,
        TOO_FEW if moved.value is None else _moved(moved.value, sure=sure),
    )
    found = unusual(judged, calibration)
    lower, upper = wilson_of(found.share * judged.n, judged.n)
    yield Effect(
        "standing_out",
        "Stand out",
        "ratio",
        found.share,
        lower,
        upper,
        judged.n,
        lower > USUAL,
        f"{percent(found.share)} of the responses are {found.side} than 99 % of the baseline's; 1 % is usual.",
    )
    style = effect(add(Counted(), judged, calibration), "style", calibration)
    words = "in the same way, further than stretches of the baseline do" if style.clears else "in no way of their own"
    yield Effect(
        "style",
        "Style",
        "distance",
        style.value,
        None,
        None,
        judged.n,
        style.clears,
        f"The responses differ from what was answered to like prompts {words}.",
    )


def _moved(value: float, *, sure: bool) -> str:
    if not sure:
        return "The responses lie as far from what was answered to like prompts as usual: the interval holds zero."
    way = "farther from" if value > 0 else "nearer to"
    return (
        f"The responses lie {way} what the baseline answered to like prompts, in standard deviations of one response."
    )


def _chosen(
    baseline: "PairBaseline", judged: "Judged", calibration: "PairCalibration", pairs: "PairSample"
) -> list[tuple[str, int]]:
    """Rows of the sample that show best what has changed, and what each shows."""
    from detectors.drift.moved import add, effect, unusual
    from detectors.drift.pair_usual import Counted
    from detectors.influence import pair_influence

    found = unusual(judged, calibration, EXAMPLES)
    chosen: list[tuple[str, int]] = [(found.side, row) for row in found.rows]
    if not effect(add(Counted(), judged, calibration), "style", calibration).clears:
        return chosen
    parts = pair_influence(baseline.pairs, calibration, judged, pairs.vectors, "style")
    if parts is not None:
        most = judged.rows[np.argsort(-parts, kind="stable")]
        known = {row for _, row in chosen}
        chosen += [("style", int(row)) for row in most if int(row) not in known][:EXAMPLES]
    return chosen


def _matched(
    chosen: Sequence[tuple[str, int]],
    now: "tuple[Sample, PairSample]",
    then: "tuple[Sample, PairSample | None]",
    shown: Sequence[Exemplar],
) -> Iterator[Matched]:
    (sample, pairs), (reference, known) = now, then
    for side, row in chosen:
        found = Matched(side, shown[row], beginning(sample.answers[row]))
        if known is not None:
            near: Numbers = np.asarray(known.vectors[0], np.float64) @ np.asarray(pairs.vectors[0][row], np.float64)
            best = int(near.argmax())
            found = replace(
                found,
                like=float(near[best]),
                prompt_then=beginning(reference.texts[best]),
                response_then=beginning(reference.answers[best]),
            )
        yield found


def _segments(judged: "Judged", calibration: "PairCalibration", sample: Sample) -> Iterator[Moved]:
    """What each value of the log's columns moved by, those with most pairs first."""
    off = (judged.surprise - calibration.usual(judged.start).surprise) / calibration.spread
    total = float(off.sum())
    reach = Z * float(off.std(ddof=1)) / len(off) ** 0.5
    is_sure = abs(total / len(off)) > reach
    for column, values in _columns(sample.columns, judged.rows).items():
        names, counts = np.unique(values, return_counts=True)
        if len(names) < 2:
            continue
        for name, n in sorted(zip(names.tolist(), counts.tolist(), strict=True), key=lambda each: -each[1])[:VALUES]:
            if n < LEAST_PAIRS:
                break
            mine = off[values == name]
            half = Z * float(mine.std(ddof=1)) / n**0.5
            mean = float(mine.mean())
            part = float(mine.sum()) / total if is_sure else None
            yield Moved(column, clean_text(name, 80), n, n / len(off), mean, mean - half, mean + half, part)


def _columns(columns: Mapping[str, Sequence[str | None]], rows: NDArray[np.intp]) -> dict[str, NDArray[np.object_]]:
    from monitor.reading.shares import NO_VALUE

    return {
        name: np.array([NO_VALUE if values[row] is None else str(values[row]) for row in rows], object)
        for name, values in columns.items()
    }
