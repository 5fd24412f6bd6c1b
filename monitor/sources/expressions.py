"""The user's expressions as one query that gives the canonical columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from config.calls import Column
from monitor.canonical import DUCKDB_TYPES, Canonical
from monitor.clean import clean_text
from monitor.sources.base import SourceError
from monitor.sources.casts import cast, direct, plausible, prepared

_LONGEST_MESSAGE = 400


@dataclass(frozen=True, slots=True)
class Expressions:
    """What gives each canonical column of one stream.

    Attributes:
        canonical: the stream.
        explicit: the user's expressions, by column.
        key: where they stand in the settings, for messages: `sources.chat.columns`.
        zone: of times that carry none.
    """

    canonical: Canonical
    explicit: Mapping[str, str]
    key: str
    zone: str

    def of(self, column: Column) -> str:
        """The user's expression, passed on as it is, else the column under its canonical name."""
        return self.explicit.get(column.name, quoted(column.name))

    def mentioned(self) -> list[str]:
        """The log's own columns that are needed: those in the user's expressions and those with canonical names.

        Names that differ only in case are one column in DuckDB, so they are given once, as the user wrote them.

        Raises:
            SourceError: an expression is no SQL.
        """
        names: dict[str, str] = {}
        for column, expression in self.explicit.items():
            for found in self._parsed(column, expression).find_all(exp.Column):
                first = found.parts[0].name
                names.setdefault(first.lower(), first)
        for each in self.canonical.columns:
            if each.name not in self.explicit:
                names.setdefault(each.name, each.name)
        return list(names.values())

    def types(self, connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
        """DuckDB's type of each expression over a relation; a canonical column that the relation lacks has none.

        Raises:
            SourceError: an expression cannot work; the text names it and says why.
        """
        there = {name.lower() for name in described(connection, f"SELECT * FROM {relation}")}
        columns = {
            column.name: f"({self.of(column)}\n) AS {quoted(column.name)}"
            for column in self.canonical.columns
            if column.name in self.explicit or column.name in there
        }
        if not columns:
            return {}
        try:
            return described(connection, f"SELECT {', '.join(columns.values())} FROM {relation}")
        except duckdb.Error as failure:
            # One of them cannot work; which one is found out only now.
            for name, expression in columns.items():
                try:
                    described(connection, f"SELECT {expression} FROM {relation}")
                except duckdb.Error as error:
                    raise SourceError(f"{self.key}.{name}: {shown(error)}") from error
            raise SourceError(f"{self.key}: {shown(failure)}") from failure

    def select(self, types: Mapping[str, str], relation: str, carry: Sequence[str] = ()) -> str:
        """A query that gives the canonical columns, and for each that is converted, as `<column>!`, whether there was a
        value; NULL in the one and true in the other is a value that cannot be read.

        Args:
            types: what `types` found.
            relation: SQL of the log's table.
            carry: further columns of the relation that come first in the result, unchanged.
        """
        stages: list[list[str]] = [[*carry] for _ in range(4)]
        for number, column in enumerate(self.canonical.columns):
            value = f"c{number}"
            given = types.get(column.name)
            if given is None:
                last = [f"CAST(NULL AS {DUCKDB_TYPES[column.type]}) AS {quoted(column.name)}"]
                steps = [[], [], [], last]
            elif self.plain(column) and direct(given, column.type, filtered=column.name == self.canonical.time):
                steps = [[f"{self.of(column)} AS {value}"], [value], [value], [f"{value} AS {quoted(column.name)}"]]
            else:
                steps = self._converted(column, given, value)
            for stage, step in zip(stages, steps, strict=True):
                stage.extend(step)
        for stage in stages:
            relation = f"(SELECT {', '.join(stage) or 'NULL'} FROM {relation})"
        return relation[1:-1]

    def converted(self, types: Mapping[str, str]) -> list[str]:
        """The columns for which `select` says whether there was a value."""
        return [
            column.name
            for column in self.canonical.columns
            if column.name in types
            and not (
                self.plain(column)
                and direct(types[column.name], column.type, filtered=column.name == self.canonical.time)
            )
        ]

    def _converted(self, column: Column, given: str, value: str) -> list[list[str]]:
        there = f"{value}_there"
        # An expression that fails gives no struct; one that gives NULL gives a struct that holds NULL.
        first = [f"TRY({{'v': ({self.of(column)}\n)}}) AS {value}"]
        ready = prepared(f"{value}.v", given, column.type)
        second = [f"{ready} AS {value}", f"({value} IS NULL OR ({ready}) IS NOT NULL) AS {there}"]
        third = [f"{cast(value, given, column.type, self.zone)} AS {value}", there]
        last = [f"{plausible(value, column.type)} AS {quoted(column.name)}", f'{there} AS "{column.name}!"']
        return [first, second, third, last]

    def plain(self, column: Column) -> bool:
        """Whether the expression is a column of the log and nothing more."""
        expression = self.explicit.get(column.name)
        return expression is None or isinstance(self._parsed(column.name, expression), exp.Column)

    def _parsed(self, column: str, expression: str) -> exp.Expression:
        try:
            return sqlglot.parse_one(expression, read="duckdb")
        except SqlglotError as error:
            message = clean_text(str(error).partition("\n")[0], _LONGEST_MESSAGE)
            raise SourceError(f"{self.key}.{column} is not an SQL expression: {message}") from error


def shown(error: Exception) -> str:
    """DuckDB's message on one line, without the query that it repeats."""
    message, _, _ = str(error).partition("\nLINE ")
    return clean_text(" ".join(message.split()), _LONGEST_MESSAGE)


def described(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    """The columns of a query with DuckDB's types of them; no row is read."""
    return {str(row[0]): str(row[1]) for row in connection.execute(f"DESCRIBE {query}").fetchall()}


def quoted(name: str) -> str:
    """An identifier: `at`, `key` and `source` are words of SQL."""
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
