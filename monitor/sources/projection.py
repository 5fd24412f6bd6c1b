"""A user's table as a canonical one: the SELECT in the engine's own dialect."""

import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from config.calls import Column
from monitor.canonical import IBIS_TYPES, Canonical
from monitor.sources.engines.base import Engine, Given

if TYPE_CHECKING:
    import ibis.expr.types as ir

# No call is older or younger: zero and infinity stand for "unknown" in some logs.
FIRST = datetime(1970, 1, 2, tzinfo=UTC)
LAST = datetime(9000, 1, 1, tzinfo=UTC)

_END = re.compile(r";\s*(--[^\n]*\s*)*\Z")  # a semicolon and what may follow it


@dataclass(frozen=True, slots=True)
class Place:
    """Where one canonical table comes from, as the settings say.

    Attributes:
        key: of the settings, for messages: `sources.app` or `sources.app.feedback`.
        columns: expressions of the user, by canonical column.
    """

    key: str
    canonical: Canonical
    table: str | None
    query: str | None
    where: str | None
    columns: Mapping[str, str]

    @property
    def relation(self) -> str:
        """What follows FROM."""
        if self.table is not None:
            return f"{self.table} AS t"
        query = _END.sub("", self.query or "")
        return f"(\n{query}\n) AS t"

    @property
    def relation_key(self) -> str:
        """The setting behind `relation`."""
        return f"{self.key}.{'table' if self.table is not None else 'query'}"


@dataclass(frozen=True, slots=True)
class Projection:
    """A place that was looked at.

    Attributes:
        expressions: SQL of each canonical column that there is.
        types: what each expression gives.
    """

    engine: Engine
    place: Place
    expressions: Mapping[str, str]
    types: Mapping[str, Given]

    def table(self, since: datetime, until: datetime) -> "ir.Table":
        """The rows with a time in `[since, until)` and an identity that is not blank, with all canonical columns."""
        columns = self.place.canonical.columns
        return self.engine.table(self.select(since, until), _schema(columns))

    def select(self, since: datetime, until: datetime) -> str:
        """The SQL behind `table`."""
        return f"{self._select(self.place.canonical.columns, since, until)} AND TRIM({self._identity}) <> ''"

    def part(self, names: Container[str], since: datetime, until: datetime) -> "ir.Table":
        """Some columns of the rows with a time in `[since, until)`, whether they have an identity or not."""
        columns = [column for column in self.place.canonical.columns if column.name in names]
        return self.engine.table(self._select(columns, since, until), _schema(columns))

    def condition(self, since: datetime, until: datetime) -> str:
        """That a row's time lies in `[since, until)`, and the user's own condition."""
        expression, given = self._time
        return self._with_where(self.engine.within(expression, given, since, until), since, until)

    def oldest(self) -> str:
        """A query for the earliest time; an index on the time answers it at once."""
        expression, given = self._time
        if given.kind in ("moment", "naive"):
            value = self.engine.cast(f"MIN({expression})", "timestamp", given)
        else:
            value = f"MIN({self.engine.cast(expression, 'timestamp', given)})"
        condition = self._with_where(self.engine.near(expression, given, FIRST, LAST), FIRST, LAST)
        return f"SELECT {value} AS {self.engine.quote('oldest')} FROM {self.place.relation} WHERE {condition}"

    def cast(self, column: Column) -> str:
        """The column's expression as its canonical type."""
        if column.name not in self.expressions:
            return self.engine.null(column.type)
        return self.engine.cast(self.expressions[column.name], column.type, self.types[column.name])

    @property
    def _time(self) -> tuple[str, Given]:
        time = self.place.canonical.time
        return self.expressions[time], self.types[time]

    @property
    def _identity(self) -> str:
        return self.cast(self.place.canonical.columns[0])

    def _select(self, columns: Iterable[Column], since: datetime, until: datetime) -> str:
        selected = ",\n  ".join(f"{self.cast(column)} AS {self.engine.quote(column.name)}" for column in columns)
        return f"SELECT\n  {selected}\nFROM {self.place.relation}\nWHERE {self.condition(since, until)}"

    def _with_where(self, condition: str, since: datetime, until: datetime) -> str:
        if self.place.where is None:
            return condition
        first, last = self.engine.bounds(self._time[1], since, until)
        where = self.place.where.replace("{since}", first).replace("{until}", last)
        return f"({where}\n) AND {condition}"


def _schema(columns: Iterable[Column]) -> dict[str, str]:
    return {column.name: IBIS_TYPES[column.type] for column in columns}
