"""Queries that are compiled once and asked at any time.

Ibis takes several times longer to compile a query than an engine takes to answer it for a minute. So a query is written
relative to a moment, its origin: it knows no other time, and its compiled text serves every origin, log and minute.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, Protocol

import ibis
import sqlglot as sg
import sqlglot.expressions as sge

from detectors.derived import MICROSECOND, completed, derive, microseconds
from detectors.engine import fetch, nested
from detectors.protocols import Calls

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd
    from ibis.expr.schema import Schema

Stream = Literal["calls", "feedback"]

# The column of an anchored log that holds the origin, in microseconds since 1970.
ORIGIN = "_origin"

MOST_KEPT = 256  # compiled queries; one is some tens of kilobytes


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a log that a query reads."""

    stream: Stream
    since: timedelta
    until: timedelta

    def of(self, log: Calls, origin: datetime) -> "ir.Table":
        read = log.calls if self.stream == "calls" else log.feedback
        return read(origin + self.since, origin + self.until)

    @property
    def name(self) -> str:
        """What stands for the part in a compiled query, until it is asked."""
        return f"_{self.stream}_{self.since // MICROSECOND}_{self.until // MICROSECOND}"


class Anchored:
    """A log for queries that tell times from an origin, without saying where the origin is.

    Its tables stand for those that the real log will give; they have the column `ORIGIN` too.
    """

    def __init__(self, log: Calls, origin: datetime) -> None:
        self._log, self._origin = log, origin
        self.parts: dict[_Part, Schema] = {}

    def calls(self, since: timedelta, until: timedelta) -> "ir.Table":
        """At least the calls that started in the stretch."""
        return self._part(_Part("calls", since, until))

    def feedback(self, since: timedelta, until: timedelta) -> "ir.Table":
        """At least the feedback given in the stretch."""
        return self._part(_Part("feedback", since, until))

    def ended(self, start: timedelta, end: timedelta, max_duration: timedelta, columns: Sequence[str]) -> "ir.Table":
        """The derived calls with event time in `[start, end)`, with some of the canonical columns.

        A call that took longer than `max_duration` is left out always, not only where the log is not read far enough
        back: what is measured must not depend on how windows are batched. `started_us` and `at_us` are counted from the
        origin.
        """
        since = start - max_duration
        calls = self.calls(since, end)
        derived = derive(calls, columns, calls[ORIGIN])
        return completed(derived, (since // MICROSECOND, start // MICROSECOND, end // MICROSECOND), max_duration)

    def _part(self, part: _Part) -> "ir.Table":
        self.parts[part] = part.of(self._log, self._origin).schema()
        table: ir.Table = ibis.table({**self.parts[part], ORIGIN: "int64"}, name=part.name)
        return table


class Query(Protocol):
    """A query; a value, so that equal ones are compiled once. Whatever it depends on is part of it."""

    def __call__(self, log: Anchored, /) -> "ir.Table":
        """The query over an anchored log."""
        ...

    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A query in the dialect of an engine, and the columns that it gives."""

    sql: str
    schema: "Schema"


@dataclass(slots=True)
class _Known:
    """What is known of a query: the parts that it reads, and its text for engines and the columns of these parts."""

    parts: tuple[_Part, ...]
    compiled: dict[tuple[Any, ...], _Compiled] = field(default_factory=dict)


_known: OrderedDict[Query, _Known] = OrderedDict()
_lock = Lock()


def ask(log: Calls, origin: datetime, query: Query) -> "pd.DataFrame":
    """The rows of a query over a log, its times counted from an origin."""
    known = _remembered(query, log, origin)
    tables = [part.of(log, origin) for part in known.parts]
    backend = tables[0].get_backend()
    of = (backend.name, *(table.schema() for table in tables))
    if of not in known.compiled:
        table = query(Anchored(log, origin))
        with nested():
            known.compiled[of] = _Compiled(backend.compile(table), table.schema())
    compiled = known.compiled[of]
    sql = compiled.sql
    for part, table in zip(known.parts, tables, strict=True):
        name = _quoted(part.name).sql(backend.dialect)
        sql = sql.replace(name, _with_origin(backend, table, origin))
    return fetch(backend.sql(sql, schema=compiled.schema))


def _remembered(query: Query, log: Calls, origin: datetime) -> _Known:
    with _lock:
        if query in _known:
            _known.move_to_end(query)
            return _known[query]
    anchored = Anchored(log, origin)
    query(anchored)
    with _lock:
        known = _known.setdefault(query, _Known(tuple(anchored.parts)))
        while len(_known) > MOST_KEPT:
            _known.popitem(last=False)
        return known


def _with_origin(backend: Any, table: "ir.Table", origin: datetime) -> str:
    """The SQL of a table of the log, with the origin as a column of it."""
    with nested():
        sql = backend.compile(table)
    rows = sge.Subquery(this=sge.Var(this=f"\n{sql}\n"), alias=sge.TableAlias(this=_quoted("log")))
    column = sge.Literal.number(microseconds(origin)).as_(ORIGIN, quoted=True)
    return sg.select(sge.Star(), column).from_(rows).subquery().sql(backend.dialect)


def _quoted(name: str) -> sge.Identifier:
    return sg.to_identifier(name, quoted=True)
