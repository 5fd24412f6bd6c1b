"""From the records of a log to canonical rows: the user's expressions, types, and what could not be used."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import sqlglot
from sqlglot import exp

from config.calls import Column
from monitor.canonical import Canonical
from monitor.clean import clean_text
from monitor.sources.base import SourceError
from monitor.sources.casts import cast, present
from monitor.sources.records import Record

PLACE, POSITION = "__watchkeeper_place", "__watchkeeper_position"

_LONGEST_MESSAGE = 400


@dataclass(frozen=True, slots=True)
class Expressions:
    """The expression of every canonical column, and the columns of the log that they speak of."""

    canonical: Canonical
    explicit: Mapping[str, str]
    key: str  # of the settings, for messages: `sources.chat.columns`
    zone: str

    def of(self, column: Column) -> str:
        """The user's expression, else the column under its canonical name."""
        return self.explicit.get(column.name, f'"{column.name}"')

    def types(self, connection: duckdb.DuckDBPyConnection, relation: str) -> dict[str, str]:
        """DuckDB's type of each expression over a relation; a column that the relation lacks has none.

        Raises:
            SourceError: an expression cannot work; the text names it and says why.
        """
        there = {str(row[0]).lower() for row in connection.execute(f"DESCRIBE SELECT * FROM {relation}").fetchall()}
        types = {}
        for column in self.canonical.columns:
            if column.name not in self.explicit and column.name.lower() not in there:
                continue
            try:
                described = connection.execute(f"DESCRIBE SELECT ({self.of(column)}) AS v FROM {relation}").fetchall()
            except duckdb.Error as error:
                raise SourceError(f"{self.key}.{column.name}: {shown(error)}") from error
            types[column.name] = str(described[0][1])
        return types

    def select(self, types: Mapping[str, str], relation: str, carry: Sequence[str] = ()) -> str:
        """A query that gives the canonical columns, and for each typed one whether a value was there but not readable."""
        inner = [*carry]
        outer = [*carry]
        for number, column in enumerate(self.canonical.columns):
            value, name = f"c{number}.v", f'"{column.name}"'
            if column.name not in types:
                outer.append(f"NULL::VARCHAR AS {name}")
                continue
            given = types[column.name]
            # A failing expression gives no struct at all; an expression that gives NULL gives a struct with NULL inside.
            inner.append(f"TRY({{'v': ({self.of(column)})}}) AS c{number}")
            result = cast(value, given, column.type, self.zone)
            outer.append(f"{result} AS {name}")
            outer.append(
                f"(c{number} IS NULL OR ({present(value, given, column.type)} AND ({result}) IS NULL)) "
                f'AS "{column.name}!"'
            )
        return f"SELECT {', '.join(outer)} FROM (SELECT {', '.join(inner)} FROM {relation})"


@dataclass(frozen=True, slots=True)
class Mapped:
    """Canonical rows, and what was left out: (place, position, reason); and unreadable values by column."""

    rows: Any
    bad: list[tuple[int, int, str]]
    unreadable: Counter[str]


class Mapping_:
    """Maps records of text to canonical rows."""
