"""What happened, by hand or by itself, and the models and fingerprints that sources were seen to use."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select

from detectors.identity import Known, Name
from monitor.store.tables import EventRow, IdentityRow


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened at a moment; without a source it is about everything, without a service about all."""

    at: datetime
    name: str
    detail: str = ""
    source: str = ""
    service: str = ""


def record(session: Session, events: Iterable[Event]) -> None:
    """Adds events."""
    for each in events:
        session.add(EventRow(at=each.at, name=each.name, detail=each.detail, source=each.source, service=each.service))


def newest(session: Session, limit: int) -> list[Event]:
    """The newest events, newest first."""
    order = (col(EventRow.at).desc(), col(EventRow.id).desc())
    return [_event(row) for row in session.exec(select(EventRow).order_by(*order).limit(limit))]


def between(session: Session, since: datetime, until: datetime, limit: int) -> list[Event]:
    """The newest events of a stretch, its ends included, newest first."""
    order = (col(EventRow.at).desc(), col(EventRow.id).desc())
    query = select(EventRow).where(col(EventRow.at) >= since, col(EventRow.at) <= until)
    return [_event(row) for row in session.exec(query.order_by(*order).limit(limit))]


def identities(session: Session, source: str) -> dict[Name, Known]:
    """The models and fingerprints that a source was seen to use."""
    rows = session.exec(select(IdentityRow).where(col(IdentityRow.source) == source))
    return {(row.column, row.service, row.value): Known(row.first_at, row.last_at, row.is_news) for row in rows}


def remember(session: Session, source: str, known: Mapping[Name, Known]) -> None:
    """Writes what is remembered of some of them, in place of what was."""
    for (column, service, value), each in known.items():
        session.merge(
            IdentityRow(
                source=source,
                column=column,
                service=service,
                value=value,
                first_at=each.first,
                last_at=each.last,
                is_news=each.is_news,
            )
        )


def expire(session: Session, now: datetime, keep: timedelta) -> None:
    """Forgets what is older than `keep`: events, and values that did not come again."""
    session.exec(delete(EventRow).where(col(EventRow.at) < now - keep))
    session.exec(delete(IdentityRow).where(col(IdentityRow.last_at) < now - keep))


def _event(row: EventRow) -> Event:
    return Event(row.at, row.name, row.detail, row.source, row.service)
