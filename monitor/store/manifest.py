"""The manifest of landed calls: parts, cursors and quarantine, changed together in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import col, delete, select

from monitor.failpoints import hit
from monitor.store.database import Database
from monitor.store.tables import CursorRow, PartRow, ProgressRow, QuarantineRow


@dataclass(frozen=True, slots=True)
class Part:
    """One immutable Parquet file. `first_at`, `last_at` are event times; `id` is None until it is in the manifest."""

    path: str
    rows: int
    bytes: int
    first_started: datetime
    last_started: datetime
    first_at: datetime
    last_at: datetime
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """A record that was kept aside: in which file (or page), at which byte (or row), and why."""

    place: str
    position: int
    reason: str


@dataclass(frozen=True, slots=True)
class Landing:
    """What one step of reading changes, all at once."""

    add: Sequence[Part] = ()
    remove: Sequence[Part] = ()
    cursors: Mapping[str, Mapping[str, Any] | None] = field(default_factory=dict)
    quarantined: Sequence[Quarantined] = ()


class Manifest:
    """The manifest of one stream (calls or feedback) of one source."""

    def __init__(self, database: Database, source: str, stream: str) -> None:
        self._database = database
        self._source = source
        self._stream = stream

    def parts(self) -> list[Part]:
        """All parts, oldest landing first."""
        query = select(PartRow).where(PartRow.source == self._source, PartRow.stream == self._stream)
        with self._database.reading() as session:
            rows = session.exec(query.order_by(col(PartRow.id))).all()
        return [Part(**row.model_dump(exclude={"source", "stream"})) for row in rows]

    def cursors(self) -> dict[str, dict[str, Any]]:
        """The cursor of each file or page, by name."""
        query = select(CursorRow).where(CursorRow.source == self._source, CursorRow.stream == self._stream)
        with self._database.reading() as session:
            return {row.name: row.body for row in session.exec(query)}

    def cursor(self, name: str) -> dict[str, Any] | None:
        """One cursor, or None when there is none of that name."""
        with self._database.reading() as session:
            row = session.get(CursorRow, (self._source, self._stream, name))
            return None if row is None else row.body

    def commit(self, landing: Landing, now: datetime) -> None:
        """Adds and removes parts, moves cursors (None forgets one) and notes the quarantine, in one transaction."""
        with self._database.transaction() as session:
            removed = [part.id for part in landing.remove]
            if removed:
                session.exec(delete(PartRow).where(col(PartRow.id).in_(removed)))
            for part in landing.add:
                row = PartRow(source=self._source, stream=self._stream, **_columns(part))
                session.add(row)
            for name, body in landing.cursors.items():
                key = {"source": self._source, "stream": self._stream, "name": name}
                if body is None:
                    session.exec(delete(CursorRow).where(col(CursorRow.name) == name, *self._mine(CursorRow)))
                else:
                    session.merge(CursorRow(**key, body=dict(body)))
            for each in landing.quarantined:
                session.add(
                    QuarantineRow(
                        source=self._source,
                        stream=self._stream,
                        place=each.place,
                        position=each.position,
                        reason=each.reason,
                        at=now,
                    )
                )
            hit("landing.before_commit")
        hit("landing.after_commit")

    def closed_until(self) -> datetime | None:
        """How far the source was complete when that was last saved: windows up to then may have been measured."""
        query = select(ProgressRow.complete_until).where(ProgressRow.source == self._source)
        with self._database.reading() as session:
            return session.exec(query).first()

    def forget_quarantine(self, before: datetime) -> None:
        """Forgets what was quarantined before a time."""
        with self._database.transaction() as session:
            session.exec(delete(QuarantineRow).where(col(QuarantineRow.at) < before, *self._mine(QuarantineRow)))

    def _mine(self, table: Any) -> tuple[Any, Any]:
        return table.source == self._source, table.stream == self._stream


def _columns(part: Part) -> dict[str, Any]:
    names = ("path", "rows", "bytes", "first_started", "last_started", "first_at", "last_at")
    return {name: getattr(part, name) for name in names}
