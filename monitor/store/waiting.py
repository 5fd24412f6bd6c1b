"""What waits to be sent, without its content: this is asked for every second."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlmodel import Session, col, func, select

from monitor.store.outbox import UNFINISHED
from monitor.store.tables import GroupRow, OutboxRow


class Waiting(NamedTuple):
    """An unfinished message as far as it decides what is sent now.

    `is_open`: the receiver has the opening message of its group.
    """

    id: int
    key: str
    receiver: str
    action: str
    state: str
    due_at: datetime
    repeated: bool
    failure: str | None
    is_open: bool


def queue(session: Session, receiver: str) -> list[Waiting]:
    """The unfinished messages of a receiver, in the order they were made."""
    own = [getattr(OutboxRow, name) for name in Waiting._fields[:-1]]
    columns: Any = [*own, func.coalesce(GroupRow.delivered, False)]
    query = select(*columns)
    query = query.join(GroupRow, col(GroupRow.key) == col(OutboxRow.key), isouter=True)
    mine = (col(OutboxRow.receiver) == receiver, col(OutboxRow.state).in_(UNFINISHED))
    return [Waiting(*row) for row in session.exec(query.where(*mine).order_by(col(OutboxRow.id)))]
