"""What the verdicts of windows say: rates as the judge has them and as people correct them, and the judge itself."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Final

import numpy as np

from config.judge import Judge as Settings
from detectors.intervals import wilson_of
from detectors.judge.verdict import Problem
from detectors.measurement import Key, Labels, Measured, Reason, Segment, Value, Window
from monitor.house import House, Watched, is_about_judge
from monitor.judging.asking import LEFT_OUT, NOTHING_SAID
from monitor.judging.crew import voices
from monitor.judging.drawing import RISKS
from monitor.store import judging, labels
from monitor.store.database import Session
from monitor.store.judge_tables import JudgeWindowRow, VerdictRow
from monitor.store.measurements import segment_of, segment_text

if TYPE_CHECKING:
    from detectors.judge.estimate import Corrected, JudgeOnly, JudgeScore
    from detectors.judge.judged import Judged
    from detectors.judge.unknown import Unknown, Why

MOST_SEGMENTS: Final = 20  # of the drawn ones, those with most calls
UNASKED = (Problem.BUDGET.value, Problem.STOPPED.value)
UNANSWERED = (Problem.OUTAGE.value, Problem.REJECTED.value)


@dataclass(frozen=True, slots=True)
class Look:
    """What one measurement is made of.

    Attributes:
        rows: of one voice and criterion, judged by one series.
        traffic: calls of each stratum; None where that is not known.
        earlier: judged calls of the time before that people have labelled.
        labelled: those of the window too.
        labels: what people said of the calls of the window, by id: whether it passes, and its probability.
    """

    rows: Sequence[VerdictRow]
    traffic: Sequence[float] | None = None
    earlier: "Judged | None" = None
    labelled: "Judged | None" = None
    labels: Mapping[str, tuple[bool, float]] | None = None


def measure(session: Session, house: House, watched: Watched, window: Window) -> list[Measured]:
    """What the verdicts say in the windows that end with this one: itself, and the longer ones that rules read."""
    settings = house.settings.judge
    assert settings is not None
    found: list[Measured] = []
    for length in lengths(house, watched, window.length):
        span = Window(window.end - length, window.end)
        drawn = judging.windows(session, watched.name, span.start, span.end)
        rows = judging.verdicts(session, watched.name, (span.start, span.end))
        known = {name: _known(session, settings, watched.name, name, span) for name in settings.criteria}
        for segment in (Segment(), *_segments(drawn)):
            values: dict[Key, Value] = {}
            for criterion, voice in ((name, each) for name in settings.criteria for each in voices(settings)):
                mine = [row for row in rows if (row.criterion, row.voice) == (criterion, voice)]
                current = series_of(mine)
                mine = of_series(mine, current)
                inside = [row for row in mine if not segment.labels or row.segment == segment_text(segment)]
                said, labelled = known[criterion]
                old, all_of_them = labelled(current, voice, span.start), labelled(current, voice, span.end)
                look = Look(inside, _traffic(drawn, segment, inside), old, all_of_them, said)
                who = (("criterion", criterion), ("judge", voice), ("series", short(current)))
                values |= dict(of_look(look, who))
            if not segment.labels:
                starved = [each for row in drawn for each in row.facts["starved"]]
                values[Key.of("judge_starved_segments")] = Value(float(len({each["segment"] for each in starved})))
            found.append(Measured(watched.name, segment, span, values))
    return found


def lengths(house: House, watched: Watched, window: timedelta) -> list[timedelta]:
    """The window itself, and what the user's rules read over."""
    wanted = {rule.over for rule in house.rules_of(watched.name, is_about_judge).values() if rule.over is not None}
    return [window, *sorted(each for each in wanted if each > window)]


Series = tuple[str, str, str]  # judge, rubric, and the model that the endpoint says it is


def series_of(rows: Sequence[VerdictRow]) -> Series:
    """The series of the newest window: verdicts of another judge, rubric or model are not counted together with it."""
    newest = next((row for row in reversed(rows) if row.rubric), None)
    return ("", "", "") if newest is None else (newest.judge, newest.rubric, _model_of(rows, newest.start))


def of_series(rows: Sequence[VerdictRow], series: Series) -> list[VerdictRow]:
    """The rows of a series, and those that were never asked; a window in which the model changed is of its commoner."""
    judge, rubric, model = series
    models = {start: _model_of(rows, start) for start in {row.start for row in rows}}
    mine = (row for row in rows if models[row.start] in ("", model))
    return [row for row in mine if not row.rubric or (row.judge, row.rubric) == (judge, rubric)]


def _model_of(rows: Sequence[VerdictRow], start: datetime) -> str:
    said = Counter(row.model for row in rows if row.start == start and row.model)
    return said.most_common(1)[0][0] if said else ""


def short(series: tuple[str, ...]) -> str:
    """A series as a label."""
    return sha256("\0".join(series).encode()).hexdigest()[:8]


def of_look(look: Look, who: Labels) -> Iterator[tuple[Key, Value]]:
    """Everything that verdicts of one voice on one criterion say."""
    yield from _rates(look, who)
    yield from _of_judge(look.rows, who)
    yield from _agreement(look, who)


def judged_of(rows: Sequence[VerdictRow], said: Mapping[str, tuple[bool, float]] | None = None) -> "Judged":
    """Verdicts as the statistics want them: who said nothing counts as such, who was not asked is not there."""
    from detectors.judge.judged import FAIL, NONE, PASS, Judged

    said = said or {}
    verdict = [NONE if row.passed is None else PASS if row.passed else FAIL for row in rows]
    label = [np.nan if row.call_id not in said else float(not said[row.call_id][0]) for row in rows]
    label_pi = [said.get(row.call_id, (True, 1.0))[1] for row in rows]
    clusters = [row.cluster for row in rows]
    return Judged.of(
        verdict,
        label,
        probabilities=([row.pi for row in rows], label_pi),
        strata=[row.stratum for row in rows],
        clusters=clusters if len(set(clusters)) < len(clusters) else None,
    )


def counts(row: VerdictRow) -> bool:
    """Whether a row is a judged call: it was answered, with a verdict or without one."""
    return row.state == judging.ANSWERED or row.state in NOTHING_SAID


def reason_of(why: "Why") -> Reason:
    """Why a measurement has no value, from why the statistics have none."""
    from detectors.judge.unknown import Why

    if why in (Why.NO_VERDICTS, Why.NO_LABELS, Why.NO_PAIRS):
        return Reason.NO_VALUES
    # A judge that cannot tell failures from good answers can never give a rate: a rule on it is broken.
    return Reason.ERROR if why is Why.JUDGE_TOO_WEAK else Reason.TOO_FEW


def unknown(found: "Unknown") -> Value:
    """No value."""
    return Value(None, n=found.n, reason=reason_of(found.why))


def share_of(part: int, whole: int) -> Value:
    """A share with Wilson's interval."""
    if not whole:
        return Value(None, n=0, reason=Reason.NO_VALUES)
    lower, upper = wilson_of(part, whole)
    return Value(part / whole, float(lower), float(upper), whole)


def _rates(look: Look, who: Labels) -> Iterator[tuple[Key, Value]]:
    from detectors.judge.estimate import Corrected, estimate, judge_score
    from detectors.judge.unknown import Unknown

    rows = [row for row in look.rows if counts(row)]
    now = judged_of(rows, look.labels)
    found = estimate(now, look.earlier, look.traffic if rows else None)
    best, why = found.preferred, found.by_period if look.earlier is None else found.by_earlier
    for corrected, each in (("no", found.judge_only), ("yes", best if isinstance(best, Corrected) else why)):
        fail = unknown(each) if isinstance(each, Unknown) else _value(each)
        yield _key("judge_fail_ratio", who, corrected), fail
        yield _key("judge_pass_ratio", who, corrected), _turned(fail)
    if isinstance(found.by_period, Corrected) and isinstance(found.by_earlier, Corrected):
        yield _key("judge_labels_shift", who), Value(found.moved or 0.0, n=found.by_period.labels)
    scores = np.array([np.nan if row.score is None else row.score for row in rows], np.float64)
    mean = judge_score(scores, now.pi, now.clusters)
    yield _key("judge_score", who, "no"), unknown(mean) if isinstance(mean, Unknown) else _value(mean)


def _value(found: "Corrected | JudgeOnly | JudgeScore") -> Value:
    value = getattr(found, "flagged", None)
    return Value(found.value if value is None else value, found.lower, found.upper, found.judged)  # type: ignore[union-attr]


def _turned(fail: Value) -> Value:
    if fail.value is None or fail.lower is None or fail.upper is None:
        return fail
    return Value(1 - fail.value, 1 - fail.upper, 1 - fail.lower, fail.n)


def _of_judge(rows: Sequence[VerdictRow], who: Labels) -> Iterator[tuple[Key, Value]]:
    """Of the judge: what it could not say, what it was not asked, what it cost."""
    asked = [row for row in rows if row.origin != "rule" and row.state != LEFT_OUT]
    replied = [row for row in asked if row.state in (judging.ANSWERED, Problem.UNPARSEABLE, Problem.REFUSED)]
    silent = [row for row in asked if row.state in UNANSWERED]
    unparsed = sum(row.state == Problem.UNPARSEABLE for row in replied)
    unsure = sum(row.state == Problem.REFUSED or (row.word is not None and row.passed is None) for row in replied)
    yield _key("judge_parse_failure_ratio", who), share_of(unparsed, len(replied))
    yield _key("judge_abstention_ratio", who), share_of(unsure, len(replied))
    yield _key("judge_error_ratio", who), share_of(len(silent), len(silent) + len(replied))
    yield _key("judge_skipped_ratio", who), share_of(sum(row.state in UNASKED for row in rows), len(rows))
    twice = [row.again for row in rows if row.again is not None]
    yield _key("judge_repeat_ratio", who), share_of(sum(map(bool, twice)), len(twice))
    yield _key("judge_cost_usd", who), Value(sum(row.usd for row in rows), n=len(rows))


def _agreement(look: Look, who: Labels) -> Iterator[tuple[Key, Value]]:
    """Judge and people beside each other, over all that people have labelled; nothing where that is nothing."""
    from detectors.judge.agreement import agreement
    from detectors.judge.unknown import Unknown

    if look.labelled is None or not len(look.labelled.labelled):
        return
    found = agreement(look.labelled)
    for name, each in (
        ("judge_kappa", found.kappa),
        ("judge_sensitivity", found.sensitivity),
        ("judge_specificity", found.specificity),
    ):
        is_known = not isinstance(each, Unknown)
        yield (
            _key(name, who),
            Value(each.value, each.lower, each.upper, found.labels) if is_known else unknown(each),  # type: ignore[union-attr,arg-type]
        )


def _key(name: str, who: Labels, corrected: str = "") -> Key:
    return Key.of(name, **dict(who), **({"corrected": corrected} if corrected else {}))


def _segments(drawn: Sequence[JudgeWindowRow]) -> list[Segment]:
    calls: dict[str, float] = {}
    for row in drawn:
        for name, each in row.facts["calls"].items():
            calls[name] = calls.get(name, 0.0) + sum(each)
    most = sorted(calls, key=lambda name: (-calls[name], name))[:MOST_SEGMENTS]
    return [found for name in most if (found := segment_of(name)).labels]


def _traffic(drawn: Sequence[JudgeWindowRow], segment: Segment, rows: Sequence[VerdictRow]) -> list[float] | None:
    """Calls of each stratum; None where some have no text to judge: of how many is then not known."""
    if any(row.state in (Problem.MISSING_TEXT, Problem.SAYS_NOTHING) for row in rows):
        return None
    total = np.zeros(RISKS)
    for row in drawn:
        for name, each in row.facts["calls"].items():
            if not segment.labels or name == segment_text(segment):
                total += each
    return total.tolist() if total.sum() > 0 else None


Labelled = Callable[[Series, str, datetime], "Judged | None"]


def _known(
    session: Session, settings: Settings, source: str, criterion: str, span: Window
) -> tuple[dict[str, tuple[bool, float]], Labelled]:
    """What people said of the calls of a span, and what a voice of a series said of all labelled calls until a time."""
    said = said_of(session, source, criterion, span.start, span.end)
    old = said_of(session, source, criterion, span.end - settings.labels.max_age, span.end)
    rows = [row for row in judging.of_calls(session, source, list(old), criterion) if counts(row)] if old else []

    def labelled(series: Series, voice: str, until: datetime) -> "Judged | None":
        of_voice = [row for row in rows if row.voice == voice and row.at < until and row.model in ("", series[2])]
        mine = [row for row in of_voice if (row.judge, row.rubric) == series[:2]]
        return judged_of(mine, old) if mine else None

    return said, labelled


def said_of(
    session: Session, source: str, criterion: str, since: datetime, until: datetime
) -> dict[str, tuple[bool, float]]:
    """What people said of the calls of a time, by id: whether each passes, and with which probability it was asked."""
    found = labels.labels_of(session, source, criterion, since, until)
    return {each.call_id: (each.passed, each.probability) for each in found}
