"""Runs of the canary in the store: events of Watchkeeper itself, which the service and the command exchange."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from monitor.store.alert_tables import NotificationRow
from monitor.store.events import Event, record
from monitor.store.tables import EventRow, OutboxRow, TransitionRow

SOURCE = "watchkeeper"
BEGUN, OVER, PASSED, FAILED = "canary", "canary over", "canary passed", "canary failed"

# A command that dies leaves its incident open no longer than this.
LONGEST = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class CanaryRun:
    """One synthetic incident: its id, the receivers that are to be told, since when, and whether it goes on."""

    id: str
    receivers: tuple[str, ...]
    begun_at: datetime
    goes_on: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run, and how long it took in seconds, where that is known."""

    at: datetime
    seconds: float | None


def begin(session: Session, run: str, receivers: tuple[str, ...], now: datetime) -> None:
    """Opens a synthetic incident; the service sees it at its next health check."""
    record(session, [Event(now, BEGUN, ",".join(receivers), SOURCE, run)])


def end(session: Session, run: str, now: datetime) -> None:
    """Ends it."""
    record(session, [Event(now, OVER, "", SOURCE, run)])


def note(session: Session, run: str, now: datetime, seconds: float | None) -> None:
    """Keeps what came of it: it passed in so many seconds, or (None) it failed."""
    name = FAILED if seconds is None else PASSED
    record(session, [Event(now, name, "" if seconds is None else f"{seconds:.3f}", SOURCE, run)])


def recent(session: Session, now: datetime) -> list[CanaryRun]:
    """The runs that began within the last quarter of an hour."""
    since = (col(EventRow.source) == SOURCE, col(EventRow.at) >= now - LONGEST)
    rows = list(session.exec(select(EventRow).where(*since, col(EventRow.name).in_([BEGUN, OVER]))))
    over = {row.service for row in rows if row.name == OVER}
    return [
        CanaryRun(row.service, tuple(row.detail.split(",")), row.at, row.service not in over)
        for row in rows
        if row.name == BEGUN
    ]


def last(session: Session, name: str) -> Outcome | None:
    """The last run that passed or failed."""
    mine = (col(EventRow.source) == SOURCE, col(EventRow.name) == name)
    row = session.exec(select(EventRow).where(*mine).order_by(col(EventRow.at).desc()).limit(1)).first()
    return None if row is None else Outcome(row.at, float(row.detail) if row.detail else None)


def transitions(session: Session, alert: str) -> list[TransitionRow]:
    """The changes of state of an alert, by its fingerprint, oldest first."""
    query = select(TransitionRow).where(col(TransitionRow.alert) == alert)
    return list(session.exec(query.order_by(col(TransitionRow.id))))


def messages(session: Session, receiver: str, since: datetime) -> list[OutboxRow]:
    """The messages to a receiver that were made since a moment, oldest first."""
    mine = (col(OutboxRow.receiver) == receiver, col(OutboxRow.created_at) >= since)
    return list(session.exec(select(OutboxRow).where(*mine).order_by(col(OutboxRow.id))))


def verdicts(session: Session, alert: str, receiver: str) -> list[str]:
    """What became of an alert on its way to a receiver, oldest first."""
    mine = (col(NotificationRow.alert) == alert, col(NotificationRow.receiver) == receiver)
    return [row.outcome for row in session.exec(select(NotificationRow).where(*mine).order_by(col(NotificationRow.id)))]
