"""Many rows written at once, each in place of the one with its key."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel


def upsert(session: Session, model: type[SQLModel], rows: Sequence[Mapping[str, Any]], replaced: Sequence[str]) -> None:
    """Writes rows in one statement. `Session.merge` would look for each row before it writes it, in two.

    Args:
        session: inside a transaction.
        model: of the table.
        rows: all columns of each by name; the later of two with one key stays.
        replaced: the columns that are written where a row with the key is there already.
    """
    if not rows:
        return
    table = model.__table__  # type: ignore[attr-defined]
    insert = postgresql.insert(table) if session.get_bind().dialect.name == "postgresql" else sqlite.insert(table)
    excluded = {name: insert.excluded[name] for name in replaced}
    session.connection().execute(
        insert.on_conflict_do_update(index_elements=list(table.primary_key), set_=excluded), list(rows)
    )
