"""How the judging is doing, for everything that shows it. No text of a call is in it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from config.judge import Judge as Settings
from monitor.house import House
from monitor.judging import comparing, rising, trusting
from monitor.judging.account import left
from monitor.judging.alarm import in_words
from monitor.judging.crew import is_current
from monitor.snapshot import JudgeStatus, OneJudgeStatus
from monitor.store import judging
from monitor.store.database import Session
from monitor.store.judge_tables import JudgeSeriesRow
from monitor.store.measurements import segment_of

NEWEST_WITHIN = timedelta(days=3)  # older windows are not the present of anything
MOST_STARVED = 20


def judge_status(house: House, session: Session, now: datetime) -> JudgeStatus | None:
    """The judging at `now`; None when there is no judge."""
    settings = house.settings.judge
    if settings is None:
        return None
    newest = (each for name in house.sources for each in judging.newest(session, name, now - NEWEST_WITHIN))
    return JudgeStatus(
        judges=tuple(_judges(session, settings)),
        budget_usd=settings.budget_usd_per_day,
        spent_usd=judging.spent(session, now).day,
        left_usd=left(session, settings, now),
        waiting=judging.waiting(session),
        measured=tuple(newest),
        starved=tuple(_starved(house, session))[:MOST_STARVED],
        findings=(*_findings(house, session, now), *_compared(house, session)),
    )


def _judges(session: Session, settings: Settings) -> Iterator[OneJudgeStatus]:
    states, known = judging.states(session), judging.canaries(session)
    for name, each in settings.judges.items():
        row = states.get(name)
        said = [trusting.said(result) for (voice, _), result in sorted(known.items()) if voice == name]
        yield OneJudgeStatus(
            name=name,
            model=each.model,
            state="unused" if row is None else "failing" if row.problem else "ok",
            problem="" if row is None else row.problem,
            failing_since=None if row is None else row.failing_since,
            answered_at=None if row is None else row.answered_at,
            canaries=tuple(said),
        )


def _starved(house: House, session: Session) -> Iterator[str]:
    for name in house.sources:
        window = judging.last_window(session, name)
        for each in () if window is None else window.facts["starved"]:
            where = " / ".join([name, *(value for _, value in segment_of(each["segment"]).labels)])
            why = "it has no more calls" if each["why"] == "traffic" else "the budget is too small for all segments"
            yield f"{where}: {each['expected']:.1f} of at least {each['least']:.1f} verdicts a window; {why}"


def _learning(row: JudgeSeriesRow) -> str:
    words = f"learning what is usual, {len(row.facts['days'])} of {rising.LEAST_DAYS} days"
    if "accepted" in row.facts:
        at = datetime.fromtimestamp(row.facts["accepted"], UTC)
        words += f", accepted as the new normal on {at:%Y-%m-%d %H:%M} UTC"
    return words


def _compared(house: House, session: Session) -> Iterator[str]:
    for name in house.sources:
        yield from comparing.findings(session, house, name)


def _findings(house: House, session: Session, now: datetime) -> Iterator[str]:
    settings = house.settings.judge
    for row in judging.series(session) if settings is not None else ():
        if settings is None or not is_current(row, settings) or row.source not in house.sources:
            continue
        if row.alarm is not None:
            yield f"{row.source}: {in_words(house, session, row, now)}"
        elif row.facts["usual"] is None:
            yield f"{row.source}: {row.criterion}: {_learning(row)}"
        until = datetime.fromtimestamp(row.facts["until"], UTC) if row.facts["until"] else None
        if until is not None and now - until > NEWEST_WITHIN:
            yield f"{row.source}: {row.criterion}: no window has been fully judged since {until:%Y-%m-%d %H:%M} UTC"
