"""Tables for tests: canonical logs in DuckDB files and in PostgreSQL, and the sample for the suite that every source passes."""

import itertools
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
from samples_sources import Record, SourceSample

from config.calls import CALL_COLUMNS, FEEDBACK_COLUMNS, Column
from config.sources.table import TableSource
from monitor.canonical import ARROW_TYPES
from monitor.sources.table import TableLog

POSTGRES_TYPES = {
    "string": "text",
    "json": "jsonb",
    "timestamp": "timestamptz",
    "float": "double precision",
    "integer": "bigint",
    "boolean": "boolean",
}
_numbers = itertools.count()


def open_table(url: str, folder: Path, **settings: Any) -> TableLog:
    """A table source named `app`."""
    context: Any = SimpleNamespace(folder=folder)
    return TableLog("app", TableSource.model_validate({"kind": "table", "url": url, **settings}), context)


class Postgres:
    """A PostgreSQL server that tests write to, and sources that read from it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.writer = psycopg.connect(url, autocommit=True)
        self._folder = folder
        self._opened: list[TableLog] = []

    def table(self, columns: str, *rows: Sequence[Any], name: str | None = None) -> str:
        """Creates a table from the SQL of its columns and fills it; its name."""
        name = name or f"log_{next(_numbers)}"
        self.run(f"CREATE TABLE {name} ({columns})")
        for row in rows:
            self.run(f"INSERT INTO {name} VALUES ({', '.join(['%s'] * len(row))})", *row)
        return name

    def canonical(self, rows: Sequence[Mapping[str, Any]], columns: Sequence[Column] = CALL_COLUMNS) -> str:
        """Creates a table of all canonical columns."""
        types = ", ".join(f"{column.name} {POSTGRES_TYPES[column.type]}" for column in columns)
        return self.table(types, *([row.get(column.name) for column in columns] for row in rows))

    def open(self, **settings: Any) -> TableLog:
        """A source over the server."""
        self._opened.append(open_table(settings.pop("url", self.url), self._folder, **settings))
        return self._opened[-1]

    def run(self, statement: str, *values: Any) -> Any:
        """Runs a statement as its writer."""
        return self.writer.execute(statement.encode(), values or None)

    def close(self) -> None:
        """Closes all connections."""
        for each in self._opened:
            each.close()
        self.writer.close()


def write_duckdb(
    path: Path, name: str, rows: Sequence[Mapping[str, Any]], columns: Sequence[Column] = CALL_COLUMNS
) -> None:
    """Adds canonical rows to a table of a DuckDB file, which is made if need be."""
    arrow = pa.table({c.name: pa.array([row.get(c.name) for row in rows], ARROW_TYPES[c.type]) for c in columns})
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.register("new_rows", arrow)
        connection.execute(f"CREATE TABLE IF NOT EXISTS {name} AS SELECT * FROM new_rows LIMIT 0")
        connection.execute(f"INSERT INTO {name} SELECT * FROM new_rows")


def rows_of(log: TableLog, since: datetime, until: datetime) -> list[dict[str, Any]]:
    """The calls of a source as dictionaries, in order of start and id."""
    table = log.calls(since, until)
    found: list[dict[str, Any]] = table.order_by(["started_at", "id"]).to_pyarrow().to_pylist()
    return found


def utc(*parts: int) -> datetime:
    """An aware UTC datetime."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type]


def _make(folder: Path, calls: list[Record]) -> TableLog:
    _add(folder, calls)
    _feed(folder, [])
    settings = {"table": "calls", "lateness": "1m", "feedback": {"table": "feedback"}}
    context: Any = SimpleNamespace(folder=folder)
    return TableLog("log", TableSource.model_validate({"kind": "table", "url": "duckdb://log.db", **settings}), context)


def _add(folder: Path, calls: list[Record]) -> None:
    write_duckdb(folder / "log.db", "calls", calls)


def _feed(folder: Path, feedback: list[Record]) -> None:
    write_duckdb(folder / "log.db", "feedback", feedback, FEEDBACK_COLUMNS)


def _destroy(folder: Path) -> None:
    (folder / "log.db").write_bytes(b"no database any more " * 1000)


TABLE = SourceSample("table", _make, _add, _feed, _destroy)
