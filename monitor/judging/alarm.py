"""What the built-in rules about the judge read, from the store."""

from collections.abc import Iterator
from datetime import datetime
from math import nextafter
from typing import Final

from alerts.rules import AlertId
from detectors.measurement import Segment, Value
from monitor.health import OWN_SOURCE
from monitor.house import House
from monitor.judged import JUDGE_FAILING, JUDGE_UNTRUSTED, JUDGED_WORSE, TRUSTED, JudgeAlarm
from monitor.judging import rising, trusting
from monitor.judging.crew import is_current
from monitor.store import judging
from monitor.store.database import Session
from monitor.store.judge_tables import JudgeSeriesRow

_LEAST: Final = nextafter(1.0, 2.0)


def observe(house: House, session: Session, now: datetime) -> Iterator[tuple[AlertId, JudgeAlarm]]:
    """What each of the rules reads at `now`; nothing without a judge."""
    settings = house.settings.judge
    if settings is None:
        return
    known = judging.states(session)
    for name in settings.judges:
        row = known.get(name)
        since = None if row is None else row.failing_since
        seconds = 0.0 if since is None else (now - since).total_seconds()
        words = (
            "" if row is None or since is None else f"The judge {name} fails: {row.problem}. Nothing is made up for it."
        )
        yield AlertId(JUDGE_FAILING, OWN_SOURCE, Segment(), (("judge", name),)), JudgeAlarm(Value(seconds), words)
    for (name, criterion), result in judging.canaries(session).items():
        if name in settings.judges and criterion in settings.criteria:
            value = trusting.trusted(result.facts)
            is_bad = value.value is not None and value.value < TRUSTED
            words = f"The judge gets wrong what is known: {trusting.said(result)}." if is_bad else ""
            labels = (("criterion", criterion), ("judge", name))
            yield AlertId(JUDGE_UNTRUSTED, OWN_SOURCE, Segment(), labels), JudgeAlarm(value, words)
    for series in judging.series(session):
        if is_current(series, settings) and series.source in house.sources:
            labels = (("criterion", series.criterion), ("judge", series.voice))
            yield AlertId(JUDGED_WORSE, series.source, Segment(), labels), _worse(house, session, series, now)


def _worse(house: House, session: Session, series: JudgeSeriesRow, now: datetime) -> JudgeAlarm:
    alarm = series.alarm
    if alarm is None:
        # While it learns what is usual nothing is bet, and so there is no evidence: an alarm from before is over.
        return JudgeAlarm(Value(min(float(series.facts["evidence"]), 1.0)))
    words = in_words(house, session, series, now)
    return JudgeAlarm(Value(max(float(alarm["evidence"]), _LEAST)), words, tuple(alarm["exemplars"]))


def in_words(house: House, session: Session, series: JudgeSeriesRow, now: datetime) -> str:
    """An alarm that goes on: what has risen, whether the judge is to be believed, how to take it for normal."""
    stayed = trusting.stayed(session, house, series.criterion, now)
    accept = f"watchkeeper judge accept {series.criterion} --source {series.source}"
    return f"{rising.said(series, series.alarm)}. {stayed} If that is the new normal: {accept}"
