"""The month so far, with limits that hold however often it is looked at: kept verdict by verdict, beside the test for a
rise."""

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from detectors.judge.verdict import Problem
from detectors.measurement import Key, Labels, Reason, Value, Window
from monitor.house import House
from monitor.judging.asking import all_answered
from monitor.judging.crew import is_current
from monitor.judging.measuring import counts, judged_of, of_series, said_of, series_of, short
from monitor.store import judging
from monitor.store.database import Session
from monitor.store.judge_tables import JudgeSeriesRow, JudgeWindowRow, VerdictRow

if TYPE_CHECKING:
    from detectors.judge.mover import Interval
    from detectors.judge.sequence import Lasting

MONTH: Final = "month"  # where it stands in the facts of a series
_KEPT: Final = np.dtype("<f4")
Facts = Mapping[str, Any]


def month_of(facts: Facts) -> dict[str, Any]:
    """Of what a series remembers, what is about the month."""
    return {MONTH: facts[MONTH]} if MONTH in facts else {}


def advance(session: Session, house: House, drawn: JudgeWindowRow, rows: Sequence[VerdictRow]) -> None:
    """Adds a window to the month in which it began, in the transaction that closes it: each is added once.

    A window that was not all answered is left out, as by the test for a rise. So is one of a month that is over.
    """
    settings = house.settings.judge
    assert settings is not None
    for series in judging.series(session, drawn.source, for_update=True):
        if not is_current(series, settings):
            continue
        mine = [row for row in rows if (row.criterion, row.voice) == (series.criterion, series.voice)]
        current = series_of(mine)
        kept = series.facts.get(MONTH)
        since = judging.month_start(drawn.start).timestamp()
        if short(current) != series.series or (kept is not None and since < kept["since"]):
            continue
        before = _begun(since) if kept is None or kept["since"] < since else kept
        added = _added(before, drawn, of_series(mine, current))
        if added is not None:
            series.facts = {**series.facts, MONTH: added}
            session.add(series)


def values(session: Session, house: House, source: str, end: datetime) -> Iterator[tuple[Key, Value]]:
    """What the month says at the end of a window."""
    settings = house.settings.judge
    since = judging.month_start(end)
    for series in judging.series(session, source) if settings is not None else ():
        kept = series.facts.get(MONTH)
        if settings is None or not is_current(series, settings):
            continue
        if kept is not None and kept["since"] == since.timestamp():
            who = (("criterion", series.criterion), ("judge", series.voice), ("series", series.series))
            yield from _said(session, series, Window(since, end), who)


def _said(session: Session, series: JudgeSeriesRow, span: Window, who: Labels) -> Iterator[tuple[Key, Value]]:
    kept = series.facts[MONTH]
    month = _opened(kept)
    said = said_of(session, series.source, series.criterion, span.start, span.end)
    rows = judging.of_calls(session, series.source, list(said), series.criterion) if said else []
    mine = [row for row in rows if row.voice == series.voice and counts(row)]
    mine = of_series(mine, series_of(mine))
    corrected = None
    if mine and short(series_of(mine)) == series.series:
        labelled = judged_of(mine, said)
        chances = (labelled.pi * labelled.label_pi)[labelled.labelled]
        corrected = month.failing(labelled, min(float(chances.min()), kept["least"])) if len(chances) else None
    for word, found in (("no", month.flagged), ("yes", corrected)):
        yield Key.of("judge_month_fail_ratio", corrected=word, **dict(who)), _value(found, month.judged)


def _value(found: "Interval | None", judged: int) -> Value:
    if found is None:
        return Value(None, n=judged, reason=Reason.NO_VALUES)
    return Value(float(found.value), float(found.lower), float(found.upper), judged)


def _added(kept: Facts, drawn: JudgeWindowRow, rows: Sequence[VerdictRow]) -> dict[str, Any] | None:
    """The month with a window; None where the window was not all answered, or nobody was asked."""
    judged = [row for row in rows if counts(row)]
    if not judged or not all_answered(rows):
        return None
    verdicts = judged_of(judged)
    # Where the money ended, all probabilities were lowered by one factor (`asking.finish`), those of the others too.
    cut = min((row.rank for row in rows if row.state == Problem.BUDGET), default=1.0)
    least = min((drawn.facts.get("least") or 1.0) * cut, float(verdicts.pi.min()))
    return _closed(_opened(kept).step(verdicts, least), kept["since"], min(least, kept["least"]))


def _begun(since: float) -> dict[str, Any]:
    from detectors.judge.sequence import Lasting

    return _closed(Lasting(), since, 1.0)


def _opened(kept: Facts) -> "Lasting":
    from detectors.judge.sequence import Flagged, Lasting

    shape = Flagged().wealth.shape
    wealth = np.frombuffer(b64decode(kept["wealth"]), _KEPT).astype(np.float64).reshape(shape)
    return Lasting(Flagged(wealth), np.array(kept["weights"], np.float64), kept["judged"])


def _closed(month: "Lasting", since: float, least: float) -> dict[str, Any]:
    wealth = b64encode(month.flags.wealth.astype(_KEPT).tobytes()).decode()
    return {
        "since": since,
        "wealth": wealth,
        "weights": month.weights.tolist(),
        "judged": month.judged,
        "least": least,
    }
