"""How far the rules have read what is measured in windows of its own: a mark for each line of such windows."""

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, col, delete, select

from monitor.store.tables import CursorRow

RULES = "rules"  # instead of a stream of a log


def read_until(session: Session, source: str) -> dict[str, datetime]:
    """End of the last window of each line of a source that the rules have read, by the line's name."""
    rows = session.exec(select(CursorRow).where(CursorRow.source == source, CursorRow.stream == RULES))
    return {row.name: datetime.fromisoformat(row.body["until"]) for row in rows}


def move(session: Session, source: str, until: Mapping[str, datetime]) -> None:
    """Notes how far the rules have read."""
    for name, end in until.items():
        session.merge(CursorRow(source=source, stream=RULES, name=name, body={"until": end.isoformat()}))


def forget(session: Session) -> None:
    """Forgets how far the rules have read, in a store that was copied from another."""
    session.exec(delete(CursorRow).where(col(CursorRow.stream) == RULES))
