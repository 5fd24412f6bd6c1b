"""PostgreSQL: read-only transactions, a statement time-out, the source's time zone."""

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
from ibis.backends.postgres import Backend
from psycopg import Connection
from psycopg.conninfo import conninfo_to_dict

from config.calls import ColumnType
from monitor.sources.engines.base import Cause, Engine, EngineError, Given, Kind
from monitor.sources.engines.secrets import scrubber

if TYPE_CHECKING:
    import ibis.expr.types as ir

# What a connection gets unless the URL says otherwise. A server that went without a word is noticed in a minute.
CONNECTION: Mapping[str, Any] = {
    "fallback_application_name": "watchkeeper",
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
VALIDATION_SINCE = 160000  # pg_input_is_valid came with PostgreSQL 16

_KINDS: Mapping[int, Kind] = {
    1184: "moment",
    1114: "naive",
    1082: "naive",
    **dict.fromkeys((25, 1043, 1042, 19, 705), "text"),
    **dict.fromkeys((114, 3802), "json"),
    1186: "interval",
    **dict.fromkeys((20, 21, 23), "integer"),
    **dict.fromkeys((700, 701, 1700), "number"),
    16: "boolean",
}

_TO_JSON = "CAST(to_json({value}) AS text)"
# Seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size, as in files.
_EPOCH = (
    "to_timestamp(CASE WHEN {value} < 1e8 THEN NULL WHEN {value} < 1e11 THEN {value} "
    "WHEN {value} < 1e14 THEN {value} / 1e3 WHEN {value} < 1e17 THEN {value} / 1e6 "
    "WHEN {value} < 1e19 THEN {value} / 1e9 END)"
)
_WHOLE = (
    "CASE WHEN {value} BETWEEN -9e18 AND 9e18 THEN CAST({value} AS bigint) END"  # NaN and infinities have no integer
)
_TRUTH = "CASE {value} WHEN 1 THEN true WHEN 0 THEN false END"
_FINITE = "NULLIF(NULLIF(NULLIF({number}, 'NaN'), 'Infinity'), '-Infinity')"

# Where a plain cast is impossible or means something else.
_CASTS: Mapping[tuple[Kind, ColumnType], str] = {
    ("nested", "json"): _TO_JSON,
    ("other", "json"): _TO_JSON,
    ("integer", "json"): _TO_JSON,
    ("number", "json"): _TO_JSON,
    ("boolean", "json"): _TO_JSON,
    ("interval", "float"): "CAST(EXTRACT(EPOCH FROM {value}) AS double precision)",
    ("integer", "timestamp"): _EPOCH,
    ("number", "timestamp"): _EPOCH,
    ("integer", "boolean"): _TRUTH,
    ("number", "boolean"): _TRUTH,
    ("number", "integer"): _WHOLE,
}

# Words of a failed connection's message (it has no SQLSTATE) and what to do. The first that matches wins.
_CONNECTION_HINTS = (
    (("authentication failed", "no password supplied"), "check user and password in the url"),
    (("no pg_hba.conf entry",), "the server does not let this user in from here, or asks for ?sslmode=require"),
    (
        ("translate host name", "resolve host", "not known", "name resolution", "no address associated"),
        "the host of the url is not known here",
    ),
    (("connection refused", "no such file"), "nothing listens there: check host and port, and that the server runs"),
    (("does not exist",), "check user and database in the url"),
    (("timeout",), "no answer: check host and port, and what stands between"),
    (("ssl",), "check sslmode and the certificates in the url"),
)

_TABLES = """
SELECT CASE WHEN n.nspname = ANY (current_schemas(false)) THEN '' ELSE quote_ident(n.nspname) || '.' END
       || quote_ident(c.relname)
FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
ORDER BY 1 LIMIT 1000
"""


class Postgres(Engine):
    """One connection, opened when it is needed and again when it broke.

    Raises:
        EngineError: the URL cannot be read.
    """

    name = "PostgreSQL"
    errors = (psycopg.Error,)
    types: Mapping[ColumnType, str] = {
        "string": "text",
        "timestamp": "timestamptz",
        "float": "double precision",
        "integer": "bigint",
        "boolean": "boolean",
        "json": "text",
    }

    def __init__(self, url: str, timeout: timedelta, zone: str) -> None:
        super().__init__(scrubber(url))
        try:
            given = conninfo_to_dict(f"postgresql://{url.partition('://')[2]}")
        except psycopg.Error:
            # The driver's message would quote the part that it cannot read, which may be the password.
            hint = "write postgresql://user:password@host:5432/database, with @ in a password as %40 and / as %2F"
            raise EngineError("connection", "the url cannot be read", hint) from None
        self._parameters = {**CONNECTION, **given}
        self._timeout = timeout
        self._zone = zone
        self._backend: Any = None
        self._connection: Connection[Any] | None = None
        self._cancelled = False

    def moment(self, value: datetime) -> str:
        return f"TIMESTAMPTZ '{value.isoformat(sep=' ')}'"

    def cast(self, expression: str, to: ColumnType, given: Given) -> str:
        value = f"({expression})"
        if given.kind == "text" and to != "string" and self._validates:
            read = self._read_text(value, to)
        else:
            read = _CASTS.get((given.kind, to), f"CAST({{value}} AS {self.types[to]})").format(value=value)
        return _FINITE.format(number=read) if to == "float" and given.kind in ("number", "text") else read

    def _read_text(self, value: str, to: ColumnType) -> str:
        """NULL where the text cannot be read; a text that is no JSON becomes a JSON string."""
        otherwise = f"CAST(to_json({value}) AS text)" if to == "json" else "NULL"
        target = "json" if to == "json" else self.types[to]
        read = f"CAST({value} AS {self.types[to]})"
        return f"CASE WHEN pg_input_is_valid({value}, '{target}') THEN {read} ELSE {otherwise} END"

    def within(self, expression: str, given: Given, since: datetime, until: datetime) -> str:
        # A time without a zone is compared as it is: a btree index on it serves, while its cast depends on the
        # session's time zone and so can have no index.
        comparable = given.kind in ("moment", "naive")
        return super().within(expression, Given("moment", given.name) if comparable else given, since, until)

    def describe(self, select: str) -> dict[str, Given]:
        with self._translated():
            cursor = self._execute(f"SELECT * FROM (\n{select}\n) AS probe LIMIT 0")
            return {column.name: _given(column) for column in cursor.description or []}

    def tables(self) -> list[str]:
        with self._translated():
            return [name for (name,) in self._execute(_TABLES).fetchall()]

    def table(self, query: str, schema: Mapping[str, Any]) -> "ir.Table":
        table: ir.Table = self._backend.sql(query, schema=schema)
        return table

    def wake(self) -> None:
        if self._connection is None or self._connection.closed:
            return
        try:
            self._run("SELECT 1")
        except psycopg.Error:
            self.close()

    def cancel(self) -> None:
        if self._connection is not None and not self._connection.closed:
            self._cancelled = True
            self._connection.cancel_safe(timeout=5)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

    @contextmanager
    def _session(self) -> Iterator[None]:
        if self._connection is None or self._connection.closed:
            self._connect()
        self._cancelled = False
        yield

    def _connect(self) -> None:
        # Prepared statements do not survive a pooler, and no statement comes twice.
        connection = psycopg.connect(autocommit=True, prepare_threshold=None, **self._parameters)
        with contextlib.ExitStack() as failed:
            failed.callback(connection.close)
            connection.read_only = True
            # Ibis sets its own time zone here, so ours comes after it.
            backend = self._guarded(Backend).from_connection(connection)
            milliseconds = max(1, self._timeout // timedelta(milliseconds=1))
            connection.execute(
                "SELECT set_config('statement_timeout', %s, false), set_config('TimeZone', %s, false), "
                "set_config('default_transaction_read_only', 'on', false)",
                (str(milliseconds), self._zone),
            )
            failed.pop_all()
        self._connection = connection
        if self._backend is None:
            self._backend = backend
        else:
            self._backend.con = connection  # tables that were made before stay usable

    def _execute(self, query: str) -> "psycopg.Cursor[Any]":
        assert self._connection is not None
        with self._connection.transaction():
            return self._connection.execute(query.encode())

    def _run(self, query: str) -> None:
        self._execute(query)

    @property
    def _validates(self) -> bool:
        return self._connection is not None and self._connection.info.server_version >= VALIDATION_SINCE

    def _failure(self, error: Exception) -> EngineError:
        assert isinstance(error, psycopg.Error)
        cause = self._cause(error)
        message = error.diag.message_primary or str(error) or type(error).__name__
        hint = error.diag.message_hint or ""
        if cause == "connection":
            hint = next((hint for words, hint in _CONNECTION_HINTS if any(w in message.lower() for w in words)), "")
        return EngineError(cause, self._shown(message, cause), self._shown(hint, cause))

    def _cause(self, error: psycopg.Error) -> Cause:
        state = error.sqlstate or ""
        broken = self._connection is None or self._connection.closed
        if broken or state[:2] in ("08", "28", "3D", "53") or state[:3] == "57P":
            return "connection"
        if state == "57014":
            return "cancelled" if self._cancelled else "timeout"
        if state in ("42P01", "42501", "3F000"):
            return "table"
        if state[:2] in ("42", "25", "0A"):
            return "expression"
        return "data" if state[:2] == "22" else "other"


def _given(column: Any) -> Given:
    name = str(column.type_display)
    return Given(_KINDS.get(column.type_code, "nested" if name.endswith("[]") else "other"), name)
