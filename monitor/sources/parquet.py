"""The SQL of Parquet files: canonical rows, and what is to be known of a file."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from monitor.canonical import LONGEST_LATENCY_S, MINUTE
from monitor.sources.casts import NAIVE
from monitor.sources.expressions import Expressions, described, quoted
from monitor.stretches import Stretches, union

Schema = Mapping[str, str]
Span = tuple[datetime, datetime]

_FIRST, _LAST = "TIMESTAMPTZ '1970-01-02 00:00:00+00'", "TIMESTAMPTZ '2262-01-01 00:00:00+00'"
# A local time and its instant differ by less than this.
_ZONES = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Facts:
    """What one file holds.

    Attributes:
        rows: usable ones.
        bounds: first and last time, first and last event time, in microseconds since 1970; None when no row is usable.
        bad: rows that are not usable, by reason.
        unreadable: values that do not fit their column, by column.
    """

    rows: int
    bounds: tuple[int | None, int | None, int | None, int | None]
    bad: Counter[str]
    unreadable: Counter[str]


class Parquet:
    """Queries over Parquet files that need not all have the same columns."""

    def __init__(
        self, expressions: Expressions, connection: duckdb.DuckDBPyConnection, latest_by: str | None = None
    ) -> None:
        self._expressions = expressions
        self._canonical = expressions.canonical
        self._connection = connection
        self._latest_by = latest_by
        self._typed: tuple[Schema, dict[str, str]] = ({}, {})

    def joined_schema(self, schema: Schema, path: Path) -> Schema:
        """The columns of the files so far and of one more, with the types that DuckDB gives them together.

        Raises:
            duckdb.Error: the file is no whole Parquet file, or its types do not go with the others'.
        """
        own = described(self._connection, f"SELECT * FROM {_read([path])}")
        if schema and all(schema.get(name) == given for name, given in own.items()):
            return schema
        if not schema:
            return own
        return described(self._connection, f"{_empty(schema)} UNION ALL BY NAME SELECT * FROM {_read([path])}")

    def rows(self, paths: Sequence[Path], schema: Schema, span: Span | None) -> str:
        """A query of the usable rows, of `[since, until)` or of all time."""
        names = ", ".join(quoted(name) for name in self._canonical.names)
        latest = ""
        if self._latest_by:
            identity = ", ".join(quoted(name) for name in self._canonical.identity)
            order = f"{quoted(self._latest_by)} DESC NULLS LAST, {quoted(self._canonical.time)} DESC"
            latest = f" QUALIFY row_number() OVER (PARTITION BY {identity} ORDER BY {order}) = 1"
        usable = " AND ".join(self._usable(name) for name in self._canonical.required)
        query = f"SELECT {names} FROM ({self._mapped(paths, schema, span)}) WHERE {usable}{latest}"
        if span is None:
            return query
        time = quoted(self._canonical.time)
        return f"SELECT * FROM ({query}) WHERE {time} >= {_literal(span[0])} AND {time} < {_literal(span[1])}"

    def facts(self, path: Path, schema: Schema) -> Facts:
        """Counts and bounds of a file.

        Raises:
            SourceError: an expression cannot work.
            duckdb.Error: the file cannot be read.
        """
        identity, time = self._canonical.required
        has_identity, usable = self._usable(identity), f"{self._usable(identity)} AND {self._usable(time)}"
        bounds = [f"{f}({x}) FILTER ({usable})" for x in (quoted(time), self._at()) for f in ("min", "max")]
        columns = self._expressions.converted(self._types(schema))
        unreads = [_count(f'"{name}!" AND {quoted(name)} IS NULL') for name in columns]
        row = self._connection.execute(
            f"SELECT {_count(usable)}, {_count(f'NOT ({has_identity})')}, "
            f"{_count(f'{has_identity} AND NOT ({self._usable(time)})')}, "
            + ", ".join(f"epoch_us({bound})" for bound in bounds)
            + "".join(f", {unread}" for unread in unreads)
            + f" FROM ({self._mapped([path], schema, None)})"
        ).fetchone()
        assert row is not None
        bad = Counter({f"missing_{identity}": row[1], f"missing_{time}": row[2]})
        unreadable = Counter(dict(zip(columns, row[7:], strict=True)))
        return Facts(row[0], (row[3], row[4], row[5], row[6]), +bad, +unreadable)

    def minutes(self, path: Path, schema: Schema, before: datetime) -> Stretches:
        """The minutes of a file's event times that lie before a time."""
        found = self._connection.execute(
            f"SELECT DISTINCT epoch_us({self._at()}) // {MINUTE} FROM ({self.rows([path], schema, None)}) "
            f"WHERE {self._at()} < {_literal(before)}"
        ).fetchall()
        return union([(minute, minute + 1) for (minute,) in found], [])

    def _types(self, schema: Schema) -> dict[str, str]:
        if self._typed[0] != schema or not schema:
            self._typed = (dict(schema), self._expressions.types(self._connection, f"({_empty(schema)})"))
        return self._typed[1]

    def _mapped(self, paths: Sequence[Path], schema: Schema, span: Span | None) -> str:
        types = self._types(schema)
        relation = f"({_empty(schema)})"
        if paths:
            relation = f"({_empty(schema)} UNION ALL BY NAME SELECT * FROM {_read(paths)})"
        time = next(column for column in self._canonical.columns if column.name == self._canonical.time)
        if span is not None and types.get(time.name) in NAIVE and self._expressions.plain(time):
            # Turning local times into instants hides the column from the files' statistics; this does not.
            first, last = (
                (moment + shift).replace(tzinfo=None) for moment, shift in zip(span, (-_ZONES, _ZONES), strict=True)
            )
            value = self._expressions.of(time)
            relation += f" WHERE {value} >= TIMESTAMP '{first}' AND {value} < TIMESTAMP '{last}'"
        return self._expressions.select(types, relation)

    def _usable(self, name: str) -> str:
        if name == self._canonical.time:
            return f"coalesce({quoted(name)} >= {_FIRST} AND {quoted(name)} < {_LAST}, false)"
        return f"coalesce(trim({quoted(name)}), '') <> ''"

    def _at(self) -> str:
        """Event time, as `Canonical.event_times` has it."""
        if len(self._canonical.times) == 1:
            return quoted(self._canonical.time)
        latency = f"CASE WHEN latency_s BETWEEN 0 AND {LONGEST_LATENCY_S} THEN latency_s END"
        return (
            f"coalesce(ended_at, started_at + to_microseconds(CAST(round({latency} * 1000000) AS BIGINT)), started_at)"
        )


def _count(condition: str) -> str:
    # count_if gives NULL where there is no row.
    return f"count(*) FILTER ({condition})"


def _read(paths: Sequence[Path]) -> str:
    listed = ", ".join("'" + str(path).replace("'", "''") + "'" for path in paths)
    return f"read_parquet([{listed}], union_by_name = true)"


def _empty(schema: Schema) -> str:
    """No row, with the columns of all files, so that a query over some files knows the columns of the others."""
    columns = ", ".join(f"CAST(NULL AS {given}) AS {quoted(name)}" for name, given in schema.items())
    return f"SELECT {columns or 'NULL AS nothing'} WHERE false"


def _literal(moment: datetime) -> str:
    return f"TIMESTAMPTZ '{moment.isoformat()}'"
