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
from monitor.sources.casts import cast, present

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
        return self.explicit.get(column.name, _quoted(column))

    def mentioned(self) -> list[str]:
        """The log's own columns that are needed: those in the user's expressions and those with canonical names.

        Names that differ only in case are one column in DuckDB, so they are given once, as the user wrote them.

        Raises:
            SourceError: an expression is no SQL.
        """
        names: dict[str, str] = {}
        for column, expression in self.explicit.items():
            try:
                tree = sqlglot.parse_one(expression, read="duckdb")
            except SqlglotError as error:
                raise SourceError(f"{self.key}.{column} is not an SQL expression: {_first_line(str(error))}") from error
            for found in tree.find_all(exp.Column):
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
        there = {str(row[0]).lower() for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}
        types = {}
        for column in self.canonical.columns:
            if column.name not in self.explicit and column.name not in there:
                continue
            try:
                described = connection.execute(f"DESCRIBE SELECT ({self.of(column)}) AS v FROM {relation}").fetchall()
            except duckdb.Error as error:
                raise SourceError(f"{self.key}.{column.name}: {shown(error)}") from error
            types[column.name] = str(described[0][1])
        return types

    def select(self, types: Mapping[str, str], relation: str, carry: Sequence[str] = ()) -> str:
        """A query that gives the canonical columns, and beside each, as `<column>!`, whether its value was unreadable.

        Args:
            types: what `types` found.
            relation: SQL of the log's table.
            carry: further columns of the relation that come first in the result, unchanged.
        """
        inner, outer = [*carry], [*carry]
        for number, column in enumerate(self.canonical.columns):
            if column.name not in types:
                outer.append(f"CAST(NULL AS {DUCKDB_TYPES[column.type]}) AS {_quoted(column)}")
                continue
            # An expression that fails gives no struct; one that gives NULL gives a struct that holds NULL.
            inner.append(f"TRY({{'v': ({self.of(column)})}}) AS c{number}")
            value, given = f"c{number}.v", types[column.name]
            result = cast(value, given, column.type, self.zone)
            unreadable = f"c{number} IS NULL OR ({present(value, given, column.type)} AND ({result}) IS NULL)"
            outer.append(f'{result} AS {_quoted(column)}, ({unreadable}) AS "{column.name}!"')
        return f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(inner)} FROM {relation})"


def shown(error: Exception) -> str:
    """DuckDB's message on one line, without the query that it repeats."""
    message, _, _ = str(error).partition("\nLINE ")
    return clean_text(" ".join(message.split()), _LONGEST_MESSAGE)


def _first_line(message: str) -> str:
    return clean_text(message.partition("\n")[0], _LONGEST_MESSAGE)


def _quoted(column: Column) -> str:
    return f'"{column.name}"'  # `at`, `key` and `source` are words of SQL
