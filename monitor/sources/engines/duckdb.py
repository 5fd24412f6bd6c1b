"""A DuckDB file, open only while a statement runs, so that whoever writes it gets in between."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote
from zoneinfo import ZoneInfo

import duckdb

from config.calls import ColumnType
from monitor.canonical import DUCKDB_TYPES
from monitor.sources.casts import cast, plausible, prepared
from monitor.sources.engines.base import Cause, Engine, EngineError, Given, Kind
from monitor.sources.engines.bound_once import BoundOnce
from monitor.sources.engines.secrets import scrubber

if TYPE_CHECKING:
    import ibis.expr.types as ir

# A local time and its instant differ by the zone's offset, which jumps by less than this.
_OFFSET_JUMP = timedelta(hours=3)

_KINDS: Mapping[str, Kind] = {
    "TIMESTAMP WITH TIME ZONE": "moment",
    **dict.fromkeys(("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "DATE"), "naive"),
    "VARCHAR": "text",
    "JSON": "json",
    "INTERVAL": "interval",
    **dict.fromkeys(("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"), "integer"),
    **dict.fromkeys(("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", "UHUGEINT"), "integer"),
    **dict.fromkeys(("FLOAT", "DOUBLE"), "number"),
    "BOOLEAN": "boolean",
}
_LOCKED = "another process has the file open for writing; it must close it between its writes"


class DuckDB(Engine):
    """A database file that is attached for each statement, or none at all (`duckdb://`, for queries over other files).

    Raises:
        EngineError: the URL cannot be read.
    """

    name = "DuckDB"
    errors = (duckdb.Error,)
    types = DUCKDB_TYPES

    def __init__(self, url: str, timeout: timedelta, zone: str, folder: Path) -> None:
        super().__init__(scrubber(url))
        location, _, parameters = url.partition("://")[2].partition("?")
        self._path = None if location in ("", ":memory:") else folder / unquote(location)
        self._config: dict[str, Any] = {**dict(parse_qsl(parameters)), "temp_directory": _spill()}
        self._timeout = timeout
        self._zone = zone
        self._backend: Any = None
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._cancelled = False

    def moment(self, value: datetime) -> str:
        return f"TIMESTAMPTZ '{value.isoformat(sep=' ')}'"

    def cast(self, expression: str, to: ColumnType, given: Given) -> str:
        value = prepared(f"({expression})", given.name, to)
        return plausible(f"({cast(value, given.name, to, self._zone)})", to)

    def within(self, expression: str, given: Given, since: datetime, until: datetime) -> str:
        exact = super().within(expression, given, since, until)
        return f"{self.near(expression, given, since, until)} AND {exact}" if given.kind == "naive" else exact

    def near(self, expression: str, given: Given, since: datetime, until: datetime) -> str:
        # Turning a local time into an instant costs DuckDB a microsecond a row and hides the column's statistics.
        if given.kind != "naive":
            return super().within(expression, given, since, until)
        first, last = self.bounds(given, since, until)
        return f"({expression}) >= {first} AND ({expression}) < {last}"

    def bounds(self, given: Given, since: datetime, until: datetime) -> tuple[str, str]:
        if given.kind != "naive":
            return super().bounds(given, since, until)
        return f"TIMESTAMP '{self._local(since) - _OFFSET_JUMP}'", f"TIMESTAMP '{self._local(until) + _OFFSET_JUMP}'"

    def describe(self, select: str) -> dict[str, Given]:
        with self._translated():
            columns = self._open().execute(f"DESCRIBE SELECT * FROM (\n{select}\n) AS probe").fetchall()
            return {name: Given(_kind(type_), type_) for name, type_, *_ in columns}

    def tables(self) -> list[str]:
        query = (
            "SELECT schema_name, table_name FROM duckdb_tables() WHERE NOT internal "
            "UNION ALL SELECT schema_name, view_name FROM duckdb_views() WHERE NOT internal ORDER BY ALL LIMIT 1000"
        )
        with self._translated():
            found = self._open().execute(query).fetchall()
        return [
            self._written(table) if schema == "main" else f"{self._written(schema)}.{self._written(table)}"
            for schema, table in found
        ]

    def table(self, query: str, schema: Mapping[str, Any]) -> "ir.Table":
        table: ir.Table = self._backend.sql(query, schema=schema)
        return table

    def cancel(self) -> None:
        if self._connection is not None:
            self._cancelled = True
            self._connection.interrupt()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @contextmanager
    def _session(self) -> Iterator[None]:
        connection = self._open()
        self._cancelled = False
        limit = Timer(self._timeout.total_seconds(), connection.interrupt)
        limit.daemon = True
        attached = self._attach(connection)
        limit.start()
        try:
            yield
        finally:
            limit.cancel()
            if attached:
                self._detach(connection, attached)

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            connection = duckdb.connect(config=self._config)
            # Ibis sets the session to UTC, and so it must stay: in another zone its epochs would be local.
            backend = self._guarded(BoundOnce).from_connection(connection)
            self._connection = connection
            if self._backend is None:
                self._backend = backend
            else:
                self._backend.con = connection
        return self._connection

    def _attach(self, connection: duckdb.DuckDBPyConnection) -> str | None:
        if self._path is None:
            return None
        if not self._path.is_file():
            hint = (
                "duckdb:///data/calls.db is absolute, duckdb://data/calls.db starts at the configuration file's folder"
            )
            raise EngineError("connection", f"there is no file {self._path}", hint)
        # The name that DuckDB itself would give: views of the file may speak of it.
        name = self._path.name.partition(".")[0]
        name = "log" if name in ("", "memory", "system", "temp") else name
        location = str(self._path).replace("'", "''")
        connection.execute(f"ATTACH '{location}' AS {self.quote(name)} (READ_ONLY)")
        connection.execute(f"USE {self.quote(name)}")
        return name

    def _detach(self, connection: duckdb.DuckDBPyConnection, name: str) -> None:
        try:
            connection.execute("USE memory")
            connection.execute(f"DETACH {self.quote(name)}")
        except duckdb.Error:
            self.close()  # the file must not stay locked; the next statement opens a new connection

    def _run(self, query: str) -> None:
        self._open().execute(query).fetchall()

    def _local(self, moment: datetime) -> datetime:
        return moment.astimezone(ZoneInfo(self._zone)).replace(tzinfo=None)

    def _written(self, name: str) -> str:
        return name if name.isidentifier() and name.islower() else self.quote(name)

    def _failure(self, error: Exception) -> EngineError:
        cause = self._cause(error)
        if isinstance(error, duckdb.FatalException | duckdb.InternalException):
            with suppress(duckdb.Error):  # nothing more can be asked of this connection, perhaps not even to close
                self.close()
        message, _, _ = str(error).partition("\nLINE ")
        hint = _LOCKED if cause == "connection" and "lock" in message.lower() else ""
        return EngineError(cause, self._shown(message, cause), hint)

    def _cause(self, error: Exception) -> Cause:
        match error:
            case duckdb.InterruptException():
                return "cancelled" if self._cancelled else "timeout"
            case duckdb.IOException() | duckdb.ConnectionException():
                return "connection"
            case duckdb.CatalogException():
                return "table"
            case duckdb.BinderException() | duckdb.ParserException() | duckdb.NotImplementedException():
                return "expression"
            case duckdb.DataError() | duckdb.InvalidInputException():
                return "data"
        return "other"


def _kind(type_: str) -> Kind:
    if type_.startswith("DECIMAL"):
        return "number"
    if type_.endswith("]") or type_.startswith(("STRUCT", "MAP", "UNION")):
        return "nested"
    return _KINDS.get(type_, "other")


def _spill() -> str:
    # By default DuckDB would spill into the working directory, which may be read-only.
    return os.path.join(tempfile.gettempdir(), f"watchkeeper-{os.getpid()}")
