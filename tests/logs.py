"""Logs for tests: a few calls as dictionaries, in DuckDB or in PostgreSQL behind a read-only connection."""

import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pyarrow as pa
import pytest
from ibis.backends.duckdb import Backend as DuckDB
from ibis.backends.postgres import Backend as Postgres

from config.calls import CALL_COLUMNS, FEEDBACK_COLUMNS, Column
from monitor.sources.engines.backend import guarded

if TYPE_CHECKING:
    import ibis.expr.types as ir

Row = Mapping[str, Any]

_ARROW = {
    "string": pa.string(),
    "json": pa.string(),
    "timestamp": pa.timestamp("us", "UTC"),
    "float": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
}
_POSTGRES = {
    "string": "text",
    "json": "text",
    "timestamp": "timestamptz",
    "float": "double precision",
    "integer": "bigint",
    "boolean": "boolean",
}


@dataclass
class Log:
    """An implementation of `detectors.protocols.Calls` over two tables that hold everything."""

    name: str
    columns: frozenset[str]
    feedback_columns: frozenset[str]
    call_table: "ir.Table"
    feedback_table: "ir.Table"

    def calls(self, since: datetime, until: datetime) -> "ir.Table":
        """The calls that started in the stretch."""
        return self.call_table.filter(self.call_table.started_at >= since, self.call_table.started_at < until)

    def feedback(self, since: datetime, until: datetime) -> "ir.Table":
        """The feedback that was given in the stretch."""
        return self.feedback_table.filter(self.feedback_table["at"] >= since, self.feedback_table["at"] < until)


def columns_of(rows: Iterable[Row], required: set[str]) -> frozenset[str]:
    """The columns that some row has."""
    return frozenset(required.union(*(row.keys() for row in rows)))


def duckdb_log(calls: Sequence[Row], feedback: Sequence[Row] = (), columns: Iterable[str] | None = None) -> Log:
    """A log in an embedded DuckDB."""
    connection = guarded(DuckDB, nullcontext)().connect()
    connection.raw_sql("SET TimeZone = 'UTC'")
    tables = []
    for rows, schema in ((calls, CALL_COLUMNS), (feedback, FEEDBACK_COLUMNS)):
        data = {c.name: pa.array([row.get(c.name) for row in rows], _ARROW[c.type]) for c in schema}
        tables.append(connection.create_table(f"t{uuid.uuid4().hex}", pa.table(data)))
    return _log(calls, feedback, columns, *tables)


def postgres_log(
    url: str, calls: Sequence[Row], feedback: Sequence[Row] = (), columns: Iterable[str] | None = None
) -> Log:
    """A log in PostgreSQL; the connection that reads it cannot write, not even a temporary table."""
    import psycopg

    names = []
    with psycopg.connect(url) as writer:
        for rows, schema in ((calls, CALL_COLUMNS), (feedback, FEEDBACK_COLUMNS)):
            names.append(f"t{uuid.uuid4().hex}")
            _create(writer, names[-1], rows, schema)
    reader = read_only(url)
    return _log(calls, feedback, columns, *(reader.table(name) for name in names))


_readers: dict[str, Any] = {}


def read_only(url: str) -> Any:
    """One ibis connection for each server; a connection for each log would cost more than its queries."""
    if url not in _readers:
        parts = urlsplit(url)
        _readers[url] = guarded(Postgres, nullcontext)().connect(
            host=parse_qs(parts.query).get("host", [parts.hostname])[0],
            user=parts.username,
            password=parts.password or "",
            port=parts.port or 5432,
            database=parts.path.lstrip("/"),
            autocommit=True,
            options="-c default_transaction_read_only=on -c timezone=UTC",
        )
    return _readers[url]


def _create(writer: Any, name: str, rows: Sequence[Row], schema: Sequence[Column]) -> None:
    writer.execute(f"create table {name} ({', '.join(f'{c.name} {_POSTGRES[c.type]}' for c in schema)})")
    with writer.cursor().copy(f"copy {name} from stdin") as copy:
        for row in rows:
            copy.write_row([row.get(c.name) for c in schema])


def _log(
    calls: Sequence[Row],
    feedback: Sequence[Row],
    columns: Iterable[str] | None,
    call_table: "ir.Table",
    feedback_table: "ir.Table",
) -> Log:
    found = columns_of(calls, {"id", "started_at"}) if columns is None else frozenset(columns)
    given = columns_of(feedback, {"call_id", "at"}) if feedback else frozenset[str]()
    return Log("log", found, given, call_table, feedback_table)


ENGINES = ("duckdb", "postgres")


def log_maker(request: pytest.FixtureRequest) -> Callable[..., Log]:
    """`duckdb_log` or `postgres_log` with its server, for a fixture with `ENGINES` as its parameters."""
    if request.param == "duckdb":
        return duckdb_log
    return partial(postgres_log, request.getfixturevalue("postgres_url"))
