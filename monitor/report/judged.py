"""What the judge says of a stretch: how often answers fail, as it says and as people correct it, and which calls."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from config.judge import Judge as Settings
from detectors.measurement import Key, Reason, Segment, Value, Window
from monitor.clean import clean_text
from monitor.house import House, Watched
from monitor.judging.crew import voices
from monitor.judging.measuring import measure
from monitor.redact import Redactor
from monitor.report.plain import beginning
from monitor.report.values import Exemplar
from monitor.store import judging
from monitor.store.judge_tables import VerdictRow

SHOWN: Final = 5  # failing calls of a criterion
_NO_LABELS: Final = "nobody has labelled calls of this time or earlier ones"
_REASONS: Final[Mapping[Reason | None, str]] = {
    Reason.TOO_FEW: "too few labels to correct it",
    Reason.ERROR: "on labelled calls the judge cannot tell good from bad",
}


@dataclass(frozen=True, slots=True)
class JudgedShare:
    """A share of the calls with its 95 % interval; without a value `why` says why."""

    value: float | None
    lower: float | None
    upper: float | None
    n: int
    why: str = ""


@dataclass(frozen=True, slots=True)
class JudgedCriterion:
    """What one judge, or the jury, says by one criterion.

    Attributes:
        corrected: how often answers fail, by the labels of people.
        alone: how often the judge says so: no failure rate.
        kappa: its agreement with people.
        unsaid: the share of the questions that have no answer: never asked for lack of money, or the judge was down.
        failing: the newest calls that it fails, with the words that it quotes.
    """

    criterion: str
    judge: str
    corrected: JudgedShare
    alone: JudgedShare
    kappa: JudgedShare
    unsaid: Mapping[str, float]
    failing: tuple[Exemplar, ...]


@dataclass(frozen=True, slots=True)
class JudgedPart:
    """What is known of one source.

    Attributes:
        start, end: of the judged windows that lie in the stretch; they are the stretch where there is none.
        windows: how many there are.
    """

    source: str
    start: datetime
    end: datetime
    windows: int
    criteria: tuple[JudgedCriterion, ...]


def judged_parts(house: House, stretches: Mapping[str, Window]) -> tuple[JudgedPart, ...]:
    """What the judge says of the windows that lie in the stretch of each source; nothing where there is no judge."""
    settings = house.settings.judge
    if settings is None:
        return ()
    return tuple(_part(house, settings, house.sources[name], stretch) for name, stretch in stretches.items())


def _part(house: House, settings: Settings, watched: Watched, stretch: Window) -> JudgedPart:
    with house.database.reading() as session:
        drawn = judging.windows(session, watched.name, stretch.start, stretch.end)
        if not drawn:
            return JudgedPart(watched.name, stretch.start, stretch.end, 0, ())
        span = Window(drawn[0].start, drawn[-1].end)
        rows = judging.verdicts(session, watched.name, (span.start, span.end))
        measured = measure(session, house, watched, span)
    values = next(each.values for each in measured if each.window == span and each.segment == Segment())
    redact = Redactor.always(watched.settings.redact)
    return JudgedPart(watched.name, span.start, span.end, len(drawn), tuple(_criteria(settings, values, rows, redact)))


def _criteria(
    settings: Settings, values: Mapping[Key, Value], rows: list[VerdictRow], redact: Redactor
) -> Iterator[JudgedCriterion]:
    for criterion in settings.criteria:
        for voice in voices(settings):
            mine = {
                (key.name, dict(key.labels).get("corrected", "")): value
                for key, value in values.items()
                if (dict(key.labels).get("criterion"), dict(key.labels).get("judge")) == (criterion, voice)
            }
            failed = [row for row in rows if (row.criterion, row.voice, row.passed) == (criterion, voice, False)]
            failed.sort(key=lambda row: (row.at, row.call_id), reverse=True)
            yield JudgedCriterion(
                criterion=criterion,
                judge=voice,
                corrected=_share(mine.get(("judge_fail_ratio", "yes")), _NO_LABELS),
                alone=_share(mine.get(("judge_fail_ratio", "no")), "the judge has said nothing"),
                kappa=_share(mine.get(("judge_kappa", "")), _NO_LABELS),
                unsaid=_unsaid(mine),
                failing=tuple(_shown(row, redact) for row in failed[:SHOWN]),
            )


def _share(value: Value | None, nothing: str) -> JudgedShare:
    if value is None:
        return JudgedShare(None, None, None, 0, nothing)
    why = "" if value.value is not None else _REASONS.get(value.reason, nothing)
    return JudgedShare(value.value, value.lower, value.upper, value.n or 0, why)


def _unsaid(mine: Mapping[tuple[str, str], Value]) -> dict[str, float]:
    """The questions without an answer, by reason, where there are some."""
    named = (
        ("without money", "judge_skipped_ratio"),
        ("judge down", "judge_error_ratio"),
        ("reply without verdict", "judge_parse_failure_ratio"),
        ("cannot tell", "judge_abstention_ratio"),
    )
    found = {word: mine[name, ""].value for word, name in named if (name, "") in mine}
    return {word: share for word, share in found.items() if share}


def _shown(row: VerdictRow, redact: Redactor) -> Exemplar:
    return Exemplar(clean_text(row.call_id, 200), beginning(redact.redact(row.evidence)) if row.evidence else None)
