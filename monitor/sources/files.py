"""A log in files."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from config.sources.files import FilesFeedback, FilesSource
from monitor import stretches
from monitor.canonical import CALLS, EPOCH, FEEDBACK, Canonical
from monitor.landing import Landed
from monitor.redact import Redactor
from monitor.sources.base import Poll, SourceError
from monitor.sources.engines.backend import guarded
from monitor.sources.engines.bound_once import BoundOnce
from monitor.sources.engines.memory import connect
from monitor.sources.expressions import Expressions, shown
from monitor.sources.inplace import ParquetStream
from monitor.sources.landed import LandedStream
from monitor.sources.mapping import Mapper
from monitor.sources.registry import SourceContext
from monitor.sources.scan import format_of
from monitor.sources.stream import Stream, StreamSettings
from monitor.store.manifest import Manifest
from monitor.store.quarantine import IN_PLACE

if TYPE_CHECKING:
    import ibis.expr.types as ir


class FilesLog:
    """JSONL and CSV files are read once, as they grow, and landed; Parquet files are queried where they are.

    The texts of landed calls are redacted before anything is stored. Those of Parquet files are as the files have them:
    nothing of them is stored, and whoever samples text redacts it.

    Raises:
        SourceError: the settings cannot work.
    """

    def __init__(self, name: str, settings: FilesSource, context: SourceContext) -> None:
        self.name = name
        self._settings = settings
        self._context = context
        self._redactor = Redactor(settings.redact)
        self._connection = connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        self._backend = guarded(BoundOnce, self._explained).from_connection(self._connection)
        self._complete_until: datetime | None = None
        self._calls = self._stream(CALLS, settings)
        self._feedback = None if settings.feedback is None else self._stream(FEEDBACK, settings.feedback)

    @property
    def columns(self) -> frozenset[str]:
        """The canonical columns of calls that the log really has."""
        return self._calls.columns

    @property
    def feedback_columns(self) -> frozenset[str]:
        """The canonical columns of feedback that the log really has; none: there is no feedback."""
        return frozenset() if self._feedback is None else self._feedback.columns

    def poll(self, now: datetime, stopping: Callable[[], bool]) -> Poll:
        """See `monitor.sources.base.Source`.

        Late stretches are told again by every poll until the store shows that the service went on after it was told.
        When it stops early before it ever read everything, `complete_until` is 1970.
        """
        closed_until = self._closed_until(now)
        ended, errors = True, []
        for stream in self._streams():
            try:
                ended = ended and stream.poll(now, closed_until, stopping)
            except SourceError as error:
                errors.append(str(error))
        if errors:
            raise SourceError("; ".join(errors))
        complete_until = closed_until or EPOCH
        if ended:
            complete_until = self._complete_until = max(complete_until, now - self._settings.lateness)
        return self._told(complete_until, closed_until)

    def calls(self, since: datetime, until: datetime) -> "ir.Table":
        """The calls that started in `[since, until)`."""
        return self._table(self._calls, CALLS, since, until)

    def feedback(self, since: datetime, until: datetime) -> "ir.Table":
        """The feedback given in `[since, until)`."""
        if self._feedback is None:
            raise SourceError(f"sources.{self.name}.feedback is not set")
        return self._table(self._feedback, FEEDBACK, since, until)

    def oldest(self) -> datetime | None:
        """Start of the oldest call."""
        span = self._calls.span()
        return None if span is None else span[0]

    def maintain(self, now: datetime) -> None:
        """Retention and compaction of what was landed."""
        for stream in self._streams():
            stream.maintain(now)

    def close(self) -> None:
        """Lets the engine go."""
        for stream in self._streams():
            stream.close()
        self._connection.close()

    def _streams(self) -> list[Stream]:
        return [self._calls] if self._feedback is None else [self._calls, self._feedback]

    def _closed_until(self, now: datetime) -> datetime | None:
        """How far windows may have been measured; forgets the late stretches that were told and dealt with."""
        saved = Manifest(self._context.database, self.name, CALLS.stream).closed_until()
        told = self._complete_until
        if told is not None and saved in (None, told):
            for stream in self._streams():
                stream.forget_late(now)
        return saved or told

    def _told(self, complete_until: datetime, closed_until: datetime | None) -> Poll:
        late = stretches.union([], [])
        found = []
        for stream in self._streams():
            late = stretches.union(late, stream.late())
            found.append(stream.take())
        span = self._calls.span()
        quarantined, unreadable = Counter[str](), Counter[str]()
        for each in found:
            quarantined.update(each.quarantined)
            unreadable.update(each.unreadable)
        return Poll(
            complete_until,
            rows=found[0].rows,
            quarantined=dict(quarantined),
            unreadable=dict(unreadable),
            late=stretches.windows(late, closed_until),
            newest=None if span is None else span[1],
        )

    def _table(self, stream: Stream, canonical: Canonical, since: datetime, until: datetime) -> "ir.Table":
        table: ir.Table = self._backend.sql(stream.query(since, until), schema=canonical.ibis_schema)
        return table

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except duckdb.Error as error:
            raise SourceError(f"sources.{self.name}: {shown(error)}") from error

    def _stream(self, canonical: Canonical, files: FilesSource | FilesFeedback) -> Stream:
        key = f"sources.{self.name}" if canonical is CALLS else f"sources.{self.name}.feedback"
        settings = StreamSettings(
            key=key,
            canonical=canonical,
            patterns=tuple(files.paths),
            folder=self._context.folder,
            format=files.format,
            delimiter=self._settings.delimiter,
            retention=self._settings.retention,
            latest_by=self._settings.latest_by if canonical is CALLS else None,
        )
        expressions = Expressions(canonical, files.columns, f"{key}.columns", self._settings.timezone)
        manifest = Manifest(self._context.database, self.name, canonical.stream)
        if _is_parquet(settings):
            seen = Manifest(self._context.database, self.name, f"{canonical.stream}{IN_PLACE}")
            return ParquetStream(settings, seen, expressions, self._connection)
        directory = Path(os.path.abspath(self._context.directory)) / self.name / canonical.stream
        landed = Landed(manifest, directory, canonical, self._connection)
        mapper = Mapper(expressions, self._redactor, self._connection.cursor())
        return LandedStream(settings, landed, mapper, frozenset(files.columns))


def _is_parquet(settings: StreamSettings) -> bool:
    """By the format, or by the endings of the globs when that is auto.

    Raises:
        SourceError: some globs are for Parquet files and some are not.
    """
    if settings.format != "auto":
        return settings.format == "parquet"
    parquet = {format_of(Path(pattern).name.rstrip("*?")) == "parquet" for pattern in settings.patterns}
    if len(parquet) > 1:
        raise SourceError(f"{settings.key}.paths: Parquet files and line files need a source each")
    return parquet == {True}
