"""A stream of Parquet files, queried where they are."""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from monitor.canonical import MINUTE, microseconds, moment
from monitor.latenotes import LateNotes
from monitor.sources.base import SourceError
from monitor.sources.expressions import Expressions, shown
from monitor.sources.parquet import Parquet
from monitor.sources.scan import Found as File
from monitor.sources.scan import scan
from monitor.sources.stream import Found, Stopping, StreamSettings
from monitor.store.manifest import Landing, Manifest, Quarantined
from monitor.stretches import Stretches, union

# A file that is no whole Parquet file is still being written, unless nobody has written to it for this long.
WRITTEN_AFTER = timedelta(seconds=60)
MOST_SHOWN = 5

# A row of the cursor table that is no file's: the columns that the files have together.
SCHEMA = "__schema__"


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of one file without opening it; times are microseconds since 1970, None when no row is usable."""

    device: int
    inode: int
    size: int
    changed: int
    rows: int
    first: int | None
    last: int | None
    first_at: int | None
    last_at: int | None

    def of(self, file: File) -> bool:
        """Whether the file is still the one that was looked at."""
        return (self.device, self.inode, self.size, self.changed) == (file.device, file.inode, file.size, file.changed)

    def minutes(self, before: datetime | None) -> Stretches:
        """The minutes of its event times that lie before a time."""
        if before is None or self.first_at is None or self.last_at is None:
            return []
        first, last = self.first_at // MINUTE, min(self.last_at, microseconds(before) - 1) // MINUTE
        return [(first, last + 1)] if first <= last else []


class ParquetStream:
    """See `monitor.sources.stream.Stream`. A file is looked at once, when it is new; later it is only opened when its
    times overlap what is asked for.

    Files that come, and files that are replaced, are late where they hold rows before `closed_until`. A file that goes
    is not: what was measured while it was there stays.
    """

    def __init__(
        self,
        settings: StreamSettings,
        manifest: Manifest,
        expressions: Expressions,
        connection: duckdb.DuckDBPyConnection,
    ) -> None:
        self._settings = settings
        self._manifest = manifest
        self._explicit = frozenset(expressions.explicit)
        self._parquet = Parquet(expressions, connection, settings.latest_by)
        self._late = LateNotes(manifest)
        self._found = Found()
        self._known_schema: dict[str, str] | None = None

    @property
    def columns(self) -> frozenset[str]:
        """Those that are mapped, and those that some file has under its canonical name."""
        there = {name.lower() for name in self._schema()}
        return self._explicit | (there & set(self._settings.canonical.names))

    def poll(self, now: datetime, closed_until: datetime | None, stopping: Stopping) -> bool:
        """Looks at the files that are new or changed."""
        problems: list[str] = []
        files = {str(file.path): file for file in scan(self._settings.patterns, self._settings.folder, problems)}
        known = self._profiles()
        if not files and not known and not problems:
            raise SourceError(f"{self._settings.key}.paths: no file matches {', '.join(self._settings.patterns)}")
        self._forget([path for path in known if path not in files], now)
        for path, file in files.items():
            before = known.get(path)
            if before is None or not before.of(file):
                if stopping():
                    return False
                try:
                    self._look_at(file, before, now, closed_until)
                except duckdb.Error as error:
                    quiet = timedelta(microseconds=microseconds(now) - file.changed // 1000)
                    if file.path.exists() and quiet >= WRITTEN_AFTER:
                        problems.append(f"{path}: {shown(error)}")
        if problems:
            raise SourceError("; ".join(problems[:MOST_SHOWN]))
        return True

    def take(self) -> Found:
        """See `Stream`."""
        taken, self._found = self._found, Found()
        return taken

    def query(self, since: datetime, until: datetime) -> str:
        """Over the files whose rows overlap the stretch."""
        start, end = microseconds(since), microseconds(until)
        paths = [
            Path(path)
            for path, profile in self._profiles().items()
            if profile.first is not None and profile.last is not None and profile.first < end and profile.last >= start
        ]
        there = [path for path in paths if path.exists()]
        return self._parquet.rows(there, self._schema(), (since, until))

    def span(self) -> tuple[datetime, datetime] | None:
        """From what is known of the files."""
        profiles = list(self._profiles().values())
        firsts = [profile.first for profile in profiles if profile.first is not None]
        lasts = [profile.last_at for profile in profiles if profile.last_at is not None]
        return (moment(min(firsts)), moment(max(lasts))) if firsts and lasts else None

    def late(self) -> Stretches:
        """From the manifest."""
        return self._late.stretches()

    def forget_late(self, now: datetime) -> None:
        """In the manifest."""
        self._late.forget(now)

    def maintain(self, now: datetime) -> None:
        """Nothing is landed; forgets what was quarantined long ago."""
        self._manifest.forget_quarantine(now - self._settings.retention)

    def close(self) -> None:
        """The engine belongs to the source."""

    def _profiles(self) -> dict[str, Profile]:
        bodies = self._manifest.cursors()
        return {name: Profile(**body) for name, body in bodies.items() if not name.startswith("__")}

    def _schema(self) -> dict[str, str]:
        if self._known_schema is None:
            self._known_schema = dict((self._manifest.cursor(SCHEMA) or {"columns": []})["columns"])
        return self._known_schema

    def _forget(self, gone: list[str], now: datetime) -> None:
        if gone:
            self._manifest.commit(Landing(cursors=dict.fromkeys(gone)), now)

    def _look_at(self, file: File, before: Profile | None, now: datetime, closed_until: datetime | None) -> None:
        schema = self._parquet.joined_schema(self._schema(), file.path)
        facts = self._parquet.facts(file.path, schema)
        profile = Profile(file.device, file.inode, file.size, file.changed, facts.rows, *facts.bounds)
        late = self._parquet.minutes(file.path, schema, closed_until) if closed_until else []
        if before is not None:
            late = union(late, before.minutes(closed_until))
        cursors = {
            str(file.path): asdict(profile),
            SCHEMA: {"columns": list(schema.items())},
            **self._late.noted(late),
        }
        # One row for each reason: the position is how many rows the file has of them.
        quarantined = [Quarantined(str(file.path), count, reason) for reason, count in facts.bad.items()]
        self._manifest.commit(Landing(cursors=cursors, quarantined=quarantined), now)
        self._known_schema = dict(schema)
        self._found.rows += max(0, profile.rows - (before.rows if before else 0))
        self._found.quarantined.update(facts.bad)
        self._found.unreadable.update(facts.unreadable)
