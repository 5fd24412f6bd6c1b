"""What is kept about alerts for people: what became of each on its way to a receiver, and what people said of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sqlmodel import Session, col, delete, func, or_, select, update

from alerts.steps import Acknowledgement
from alerts.verdicts import Verdict
from monitor.store.alert_tables import NoteRow, NotificationRow
from monitor.store.tables import OutboxRow, TransitionRow

_Row = TypeVar("_Row", NotificationRow, TransitionRow)

NOTE = "note"
ACKNOWLEDGE = "acknowledge"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which transitions somebody asks for; empty is any."""

    rule: str = ""
    source: str = ""
    since: datetime | None = None
    limit: int = 100


def keep(session: Session, verdict: Verdict, outbox: int | None, now: datetime) -> None:
    """Keeps what became of an alert, with the id of the message that tells of it."""
    session.add(
        NotificationRow(
            alert=verdict.alert,
            receiver=verdict.receiver,
            key=verdict.key,
            outcome=verdict.outcome,
            steps=[list(each) for each in verdict.steps],
            at=now,
            outbox=outbox,
        )
    )


def say(session: Session, alert: str, kind: str, said: tuple[str, str], now: datetime) -> None:
    """Adds what a person says of an alert.

    Args:
        said: who, and what.
    """
    session.add(NoteRow(alert=alert, kind=kind, author=said[0], text=said[1], at=now))


def acknowledged(session: Session) -> dict[str, Acknowledgement]:
    """The alerts that somebody has taken on; where several have, the first."""
    query = select(NoteRow).where(col(NoteRow.kind) == ACKNOWLEDGE, col(NoteRow.ended_at).is_(None))
    rows = session.exec(query.order_by(col(NoteRow.id).desc()))
    return {row.alert: Acknowledgement(row.author, row.at) for row in rows}


def end_acknowledgements(session: Session, alerts: Iterable[str], now: datetime) -> None:
    """Alerts that have ended are nobody's any more."""
    mine = (col(NoteRow.alert).in_(list(alerts)), col(NoteRow.ended_at).is_(None))
    session.exec(update(NoteRow).where(*mine).values(ended_at=now))


def notes(session: Session, alert: str) -> list[NoteRow]:
    """What people said of an alert, oldest first."""
    return list(session.exec(select(NoteRow).where(col(NoteRow.alert) == alert).order_by(col(NoteRow.id))))


def notifications(session: Session, alert: str, limit: int) -> list[NotificationRow]:
    """The newest things that became of an alert on its ways, oldest first."""
    return _newest(session, NotificationRow, alert, limit)


def newest_outcomes(session: Session, alerts: Iterable[str]) -> dict[str, dict[str, str]]:
    """What became last of each alert at each receiver."""
    newest = (
        select(func.max(NotificationRow.id))
        .where(col(NotificationRow.alert).in_(list(alerts)))
        .group_by(col(NotificationRow.alert), col(NotificationRow.receiver))
    )
    found: dict[str, dict[str, str]] = {}
    for row in session.exec(select(NotificationRow).where(col(NotificationRow.id).in_(newest))):
        found.setdefault(row.alert, {})[row.receiver] = row.outcome
    return found


def deliveries(session: Session, ids: Iterable[int]) -> Mapping[int, OutboxRow]:
    """Messages by id; those that were forgotten are left out."""
    rows = session.exec(select(OutboxRow).where(col(OutboxRow.id).in_(list(ids))))
    return {int(row.id or 0): row for row in rows}


def transitions_of(session: Session, alert: str, limit: int) -> list[TransitionRow]:
    """The newest changes of state of an alert, oldest first."""
    return _newest(session, TransitionRow, alert, limit)


def _newest(session: Session, table: type[_Row], alert: str, limit: int) -> list[_Row]:
    query = select(table).where(col(table.alert) == alert)
    return list(session.exec(query.order_by(col(table.id).desc()).limit(limit)))[::-1]


def find_transitions(session: Session, asked: Asked) -> list[TransitionRow]:
    """The newest changes of state that somebody asks for, newest first."""
    query = select(TransitionRow).order_by(col(TransitionRow.id).desc())
    if asked.rule:
        query = query.where(col(TransitionRow.rule) == asked.rule)
    if asked.source:
        query = query.where(col(TransitionRow.source) == asked.source)
    if asked.since is not None:
        query = query.where(col(TransitionRow.at) >= asked.since)
    return list(session.exec(query.limit(asked.limit)))


def named(session: Session, beginning: str) -> list[str]:
    """The alerts in the history whose fingerprint begins so; two are enough to say that it is not clear."""
    query = select(TransitionRow.alert).where(col(TransitionRow.alert).startswith(beginning, autoescape=True))
    return sorted(session.exec(query.distinct().limit(2)))


def expire(session: Session, now: datetime, keep_for: timedelta) -> None:
    """Forgets what is older than `keep_for`, but not that an alert is taken on."""
    session.exec(delete(NotificationRow).where(col(NotificationRow.at) < now - keep_for))
    over = or_(col(NoteRow.kind) == NOTE, col(NoteRow.ended_at).is_not(None))
    session.exec(delete(NoteRow).where(col(NoteRow.at) < now - keep_for, over))
