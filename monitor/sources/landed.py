"""A stream of line files: read once, by offset, and landed."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from monitor.landing import Landed, Step
from monitor.sources.base import SourceError
from monitor.sources.cursor import Cursor
from monitor.sources.mapping import Mapper
from monitor.sources.reader import Reader
from monitor.sources.reading import Chunk
from monitor.sources.stream import MOST_NOTED, Found, Stopping, StreamSettings
from monitor.store.manifest import Landing, Quarantined
from monitor.stretches import Stretches
from monitor.upkeep import compact, drop_orphans, expire, unlink_retired

BATCH_RECORDS = 50_000
BATCH_BYTES = 64 << 20
MOST_SHOWN = 5  # files that an error names

# A row of the cursor table that is no file's: the canonical columns that were seen in the files.
COLUMNS = "__columns__"


@dataclass(slots=True)
class _Batch:
    """What is landed in one step."""

    texts: list[Any] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    bad: list[tuple[int, int, str]] = field(default_factory=list)
    cursors: dict[str, Cursor] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    records: int = 0
    size: int = 0

    @property
    def full(self) -> bool:
        return self.records >= BATCH_RECORDS or self.size >= BATCH_BYTES

    def add(self, path: str, chunk: Chunk, mapper: Mapper) -> None:
        if chunk.records or chunk.bad:
            if not self.places or self.places[-1] != path:
                self.places.append(path)
            place = len(self.places) - 1
            self.bad += [(place, position, reason) for position, reason in chunk.bad]
            self.texts.append(mapper.texts(chunk.records, place))
        self.cursors[chunk.cursor.name] = chunk.cursor
        self.names.update(*(record.keys() for _, record in chunk.records))
        self.records += len(chunk.records)
        self.size += chunk.size


class LandedStream:
    """See `monitor.sources.stream.Stream`."""

    def __init__(self, settings: StreamSettings, landed: Landed, mapper: Mapper, explicit: frozenset[str]) -> None:
        self._found = Found()
        self._settings = settings
        self._landed = landed
        self._mapper = mapper
        self._explicit = explicit
        self._implicit = frozenset(settings.canonical.names) - explicit
        self._seen: frozenset[str] | None = None
        self._started = False

    @property
    def columns(self) -> frozenset[str]:
        """Those that are mapped, and those that some record had under its canonical name."""
        if self._seen is None:
            self._seen = frozenset((self._landed.manifest.cursor(COLUMNS) or {"seen": []})["seen"])
        return self._explicit | self._seen

    def poll(self, now: datetime, closed_until: datetime | None, stopping: Stopping) -> bool:
        """Reads every file to its end and lands what is new, batch by batch."""
        if not self._started:
            drop_orphans(self._landed)
            self._started = True
        known = self._cursors()
        reader = Reader(self._settings, known)
        batch = _Batch()
        for path, chunk in reader.chunks(now):
            batch.add(path, chunk, self._mapper)
            if batch.full:
                self._land(batch, known, now, closed_until)
                batch = _Batch()
                if stopping():
                    return False
        batch.cursors.update(reader.gone(now))
        self._land(batch, known, now, closed_until)
        if reader.problems:
            raise SourceError("; ".join(reader.problems[:MOST_SHOWN]))
        return True

    def take(self) -> Found:
        """See `Stream`."""
        taken, self._found = self._found, Found()
        return taken

    def query(self, since: datetime, until: datetime) -> str:
        """Over the parts that overlap the stretch."""
        return self._landed.query(since, until)

    def span(self) -> tuple[datetime, datetime] | None:
        """From the manifest."""
        parts = self._landed.parts().values()
        if not parts:
            return None
        return min(part.first_started for part in parts), max(part.last_at for part in parts)

    def late(self) -> Stretches:
        """From the manifest."""
        return self._landed.late.stretches()

    def forget_late(self, now: datetime) -> None:
        """In the manifest."""
        self._landed.late.forget(now)

    def maintain(self, now: datetime) -> None:
        """Retention, compaction, unlinking; forgets the files that have been gone for longer than the retention."""
        oldest = now - self._settings.retention
        expire(self._landed, oldest, now)
        compact(self._landed, now)
        unlink_retired(self._landed, now)
        gone = {name: None for name, cursor in self._cursors().items() if cursor.gone_before(oldest)}
        if gone:
            self._landed.manifest.commit(Landing(cursors=gone), now)

    def close(self) -> None:
        """Lets the mapping's engine go."""
        self._mapper.close()

    def _cursors(self) -> dict[str, Cursor]:
        bodies = self._landed.manifest.cursors()
        return {name: Cursor.of(name, body) for name, body in bodies.items() if not name.startswith("__")}

    def _land(self, batch: _Batch, known: dict[str, Cursor], now: datetime, closed_until: datetime | None) -> None:
        rows = self._settings.canonical.schema.empty_table()
        bad, unreadable = batch.bad, Counter[str]()
        if batch.texts:
            mapped = self._mapper.map(batch.texts)
            rows, bad, unreadable = mapped.rows, bad + mapped.bad, mapped.unreadable
        cursors = {name: cursor.body() for name, cursor in batch.cursors.items() if known.get(name) != cursor}
        seen = self.columns | (batch.names & self._implicit)
        if seen != self.columns:
            cursors[COLUMNS] = {"seen": sorted(seen - self._explicit)}
        quarantined = [Quarantined(batch.places[place], position, reason) for place, position, reason in bad]
        if rows.num_rows or cursors or quarantined:
            step = Step(rows, cursors, quarantined[:MOST_NOTED])
            try:
                self._found.rows += self._landed.land(step, now, closed_until)
            except OSError as error:
                raise SourceError(f"{self._landed.directory}: landing failed: {error.strerror or error}") from error
        self._found.quarantined.update(each.reason for each in quarantined)
        self._found.unreadable.update(unreadable)
        self._seen = seen - self._explicit
        known.update(batch.cursors)
