"""What the outcomes of a run say: rates with intervals, agreement with people, win rates, and how that was before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np

from detectors.judge.agreement import Agreement, agreement
from detectors.judge.estimate import Corrected, JudgeOnly, estimate
from detectors.judge.judged import FAIL, NONE, PASS, Judged
from detectors.judge.paired import Paired, Shift, paired, shift
from detectors.judge.unknown import Unknown
from detectors.judge.weighted import share
from detectors.judge.winrate import PositionBias, WinRate, position_bias, win_rate
from detectors.measurement import Floats
from detectors.neighbours import Indices
from monitor.clean import clean_text
from monitor.evaluate.values import Measure, Outcome, Row

UNASKED: Final = ("budget", "outage", "stopped")
SHOWN: Final = 50  # cases of a measure; all of them are in the folder

Method = Literal["labels", "judge-only, uncorrected", "exact"]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share that passes, or a mean score, with its 95 % interval and what it rests on."""

    value: float
    lower: float
    upper: float
    n: int
    method: Method


@dataclass(frozen=True, slots=True)
class Case:
    """A row that people should look at, and whether it passed in the earlier run."""

    row: Row
    outcome: Outcome
    before: bool | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """How it was in an earlier run, on the same rows.

    Attributes:
        passing: the difference of the shares that pass.
        score: the difference of the mean scores, where nothing passes or fails.
        other: whether another rubric, judge or check decided then: the difference is theirs too.
    """

    passing: Paired | None
    score: Shift | None
    other: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """What is known of one measure.

    Attributes:
        rows: that it was asked of.
        known: that have a verdict.
        unasked: that nobody was asked about: no money, no endpoint, broken off.
        problems: why there is none, by reason.
        details: of these reasons, what was said of the first row that has it.
        passing: the share that passes; None where nothing does, and `why` says why.
        judge_only: what the judge alone says, where `passing` rests on labels.
        score: the mean score.
        agreement: with people, where rows are labelled.
        win, bias: of pairs: how often the first answer is better, and what the place does.
        compared: with an earlier run.
        cases: that fail or lose, the ones that passed before first.
    """

    measure: Measure
    rows: int
    known: int
    unasked: int
    problems: Mapping[str, int]
    details: Mapping[str, str] = field(default_factory=dict)
    passing: Rate | None = None
    why: str = ""
    judge_only: Rate | None = None
    score: Rate | None = None
    agreement: Agreement | None = None
    win: WinRate | None = None
    bias: PositionBias | None = None
    compared: Compared | None = None
    cases: tuple[Case, ...] = ()

    @property
    def lower(self) -> float | None:
        """The limit that `--fail-under` looks at: of the share that passes, the wins, else the score; None: unknown."""
        best = self.passing or self.win or self.score
        return None if best is None else best.lower


def finding(
    measure: Measure,
    rows: Sequence[Row],
    outcomes: Sequence[Outcome],
    earlier: Mapping[Measure, Mapping[str, Outcome]] | None = None,
) -> Finding:
    """What the outcomes of one measure say.

    Args:
        measure: what was found out.
        rows: of the run.
        outcomes: one for each, in their order.
        earlier: of an earlier run.
    """
    reasons = [_reason(measure, each) for each in outcomes]
    problems = Counter(each for each in reasons if each)
    unasked = sum(problems[each] for each in UNASKED)
    before, other = _before(measure, earlier)
    found = Finding(
        measure=measure,
        rows=len(rows),
        known=sum(not each for each in reasons),
        unasked=unasked,
        problems=dict(problems.most_common()),
        details=_details(outcomes),
        compared=_compared(outcomes, before, other) if before is not None else None,
        cases=_cases(rows, outcomes, before or {}),
    )
    return _OF_KIND[measure.kind](found, rows, outcomes)


def _reason(measure: Measure, outcome: Outcome) -> str:
    """Why a row has no verdict, in a word; a judge that cannot tell has given none."""
    if outcome.problem:
        return outcome.problem.partition(":")[0]
    return outcome.said if measure.kind == "criterion" and outcome.passed is None else ""


def _details(outcomes: Sequence[Outcome]) -> dict[str, str]:
    """What was said of the first row with each reason, where something was."""
    found: dict[str, str] = {}
    for each in outcomes:
        reason, _, detail = each.problem.partition(":")
        if detail.strip():
            found.setdefault(reason, clean_text(detail.strip(), 200))
    return found


def _of_criterion(found: Finding, rows: Sequence[Row], outcomes: Sequence[Outcome]) -> Finding:
    asked = [(row, each) for row, each in zip(rows, outcomes, strict=True) if each.asked]
    if not asked:
        return _with(found, why="the judge has said nothing")
    name = found.measure.name
    judged = Judged.of(
        [NONE if each.passed is None else PASS if each.passed else FAIL for _, each in asked],
        [np.nan if name not in row.labels else float(not row.labels[name]) for row, _ in asked],
        probabilities=(1.0, [row.chances.get(name, 1.0) for row, _ in asked]),
        clusters=_clusters([row for row, _ in asked]),
    )
    estimates = estimate(judged)
    only = _rate(estimates.judge_only)
    best = _rate(estimates.preferred)
    scores = np.array([np.nan if each.score is None else each.score for _, each in asked])
    mean = _share(scores[~np.isnan(scores)], "judge-only, uncorrected")
    return _with(
        found,
        passing=best,
        why="" if best is not None else _why(estimates.preferred),
        judge_only=only if best is not None and best.method == "labels" else None,
        score=mean,
        agreement=agreement(judged) if len(judged.labelled) else None,
    )


def _of_check(found: Finding, rows: Sequence[Row], outcomes: Sequence[Outcome]) -> Finding:
    asked = [(row, each) for row, each in zip(rows, outcomes, strict=True) if each.score is not None]
    clusters = _clusters([row for row, _ in asked])
    numbers = None if clusters is None else np.unique(clusters, return_inverse=True)[1]
    scores = _share(np.array([each.score for _, each in asked], np.float64), "exact", numbers)
    passes = [float(each.passed) for _, each in asked if each.passed is not None]
    passing = _share(np.array(passes), "exact", numbers) if passes else None
    why = "" if passing is not None else "nothing could be checked" if not asked else "a score without a limit"
    return _with(found, passing=passing, why=why, score=scores)


def _of_pair(found: Finding, rows: Sequence[Row], outcomes: Sequence[Outcome]) -> Finding:
    clusters = _clusters(rows)
    numbers = None if clusters is None else np.unique(clusters, return_inverse=True)[1]
    win = win_rate([each.score for each in outcomes], numbers)
    both = [each for each in outcomes if each.consistent is not None]
    places = Counter(each.position for each in both)
    bias = position_bias(places["a"], places["b"], sum(bool(each.consistent) for each in both), len(both))
    return _with(
        found,
        win=None if isinstance(win, Unknown) else win,
        why=_why(win),
        bias=None if isinstance(bias, Unknown) else bias,
    )


_OF_KIND: Final = {"criterion": _of_criterion, "check": _of_check, "pair": _of_pair}


def _with(found: Finding, **more: object) -> Finding:
    return replace(found, **more)  # type: ignore[arg-type]


def _rate(said: Corrected | JudgeOnly | Unknown) -> Rate | None:
    """The share that passes, of a share that fails."""
    if isinstance(said, Unknown):
        return None
    if isinstance(said, JudgeOnly):
        return Rate(1 - said.flagged, 1 - said.upper, 1 - said.lower, said.judged, "judge-only, uncorrected")
    return Rate(1 - said.value, 1 - said.upper, 1 - said.lower, said.judged, "labels")


def _share(values: Floats, method: Method, clusters: Indices | None = None) -> Rate | None:
    if not len(values):
        return None
    found = share(values, np.ones(len(values)), clusters)
    return None if isinstance(found, Unknown) else Rate(found.value, found.lower, found.upper, len(values), method)


def _clusters(rows: Sequence[Row]) -> list[str] | None:
    """Conversations by name, where any has more than one row."""
    names = [f"in {row.cluster}" if row.cluster is not None else f"row {row.item.id}" for row in rows]
    return names if len(set(names)) < len(names) else None


def _why(said: object) -> str:
    return str(said.why).replace("_", " ") if isinstance(said, Unknown) else ""


def _before(
    measure: Measure, earlier: Mapping[Measure, Mapping[str, Outcome]] | None
) -> tuple[Mapping[str, Outcome] | None, bool]:
    """The outcomes of the same measure in the earlier run, and whether something else decided then."""
    for known, outcomes in (earlier or {}).items():
        if (known.name, known.kind) == (measure.name, measure.kind):
            return outcomes, known.identity != measure.identity
    return None, False


def _compared(outcomes: Sequence[Outcome], before: Mapping[str, Outcome], other: bool) -> Compared:
    both = [(before[each.id], each) for each in outcomes if each.id in before]
    passing = paired([one.passed for one, _ in both], [each.passed for _, each in both])
    score = shift([one.score for one, _ in both], [each.score for _, each in both])
    return Compared(
        None if isinstance(passing, Unknown) else passing,
        None if isinstance(score, Unknown) or not isinstance(passing, Unknown) else score,
        other,
    )


def _cases(rows: Sequence[Row], outcomes: Sequence[Outcome], before: Mapping[str, Outcome]) -> tuple[Case, ...]:
    cases = []
    for row, each in zip(rows, outcomes, strict=True):
        is_bad = each.passed is False or (each.passed is None and each.score is not None and each.score < 0.5)
        if is_bad:
            earlier = before.get(each.id)
            cases.append(Case(row, each, None if earlier is None else earlier.passed))
    cases.sort(key=lambda case: (case.before is not True, 1.0 if case.outcome.score is None else case.outcome.score))
    return tuple(cases[:SHOWN])
