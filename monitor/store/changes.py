"""Which events a receiver was not told of yet."""

from datetime import datetime

from sqlmodel import Session, col, select

from alerts.grouping import Group
from alerts.notifier import Message
from monitor.store import outbox
from monitor.store.events import Event
from monitor.store.tables import EventRow, GroupRow, OutboxRow

MOST = 100  # events of one look: a script that marks thousands must not fill the outbox at once


def untold(session: Session, receiver: str, since: datetime, until: datetime) -> list[tuple[str, Event]]:
    """The events of a stretch, its ends included, without a message to the receiver: each with its message's key."""
    query = select(EventRow).where(col(EventRow.at) >= since, col(EventRow.at) <= until)
    rows = session.exec(query.order_by(col(EventRow.at), col(EventRow.id)).limit(MOST)).all()
    keys = {f"change-{receiver}-{row.id}": row for row in rows}
    told = set(session.exec(select(OutboxRow.key).where(col(OutboxRow.key).in_(list(keys)))))
    return [
        (key, Event(row.at, row.name, row.detail, row.source, row.service))
        for key, row in keys.items()
        if key not in told
    ]


def tell(session: Session, receiver: str, message: Message, now: datetime) -> None:
    """Puts a message about an event into the outbox. It opens nothing that would have to be closed."""
    outbox.enqueue(session, Group(message.key, receiver), message, now)
    session.flush()
    row = session.get_one(GroupRow, message.key)
    row.is_open, row.told, row.told_at = False, [], now
    session.add(row)
