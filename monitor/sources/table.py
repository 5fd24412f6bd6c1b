"""A log in a database table, queried where it lies."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import ibis
import pandas as pd

from config.sources.table import TableSource
from detectors.derived import microseconds, microseconds_of
from monitor.canonical import CALLS, EPOCH, FEEDBACK, Canonical, moment
from monitor.sources.base import Poll, SourceError
from monitor.sources.engines import open_engine
from monitor.sources.engines.base import EngineError
from monitor.sources.introspect import culprit, introspect, settled
from monitor.sources.projection import Place, Projection

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from monitor.sources.registry import SourceContext

# The newest call is searched among those that started this long before the newest start: calls end out of order.
_OVERLAP = timedelta(minutes=1)
# After a longer outage, rows without an id are counted from here on only.
_COUNTED_BACK = timedelta(days=1)
Found = TypeVar("Found")

_LONGEST_S = 31 * 86400.0  # a longer latency is an error of the log


class TableLog:
    """A table, view or query of PostgreSQL, DuckDB or another engine of Ibis, as a source.

    The tables that `calls` and `feedback` give raise SourceError when they are run and the database fails.
    `cancel` may be called from any thread.

    Raises:
        SourceError: the settings cannot work; nothing is connected yet.
    """

    def __init__(self, name: str, settings: TableSource, context: "SourceContext") -> None:
        self.name = name
        self._settings = settings
        self._places = _places(name, settings)
        self._projections: dict[Canonical, Projection] = {}
        self._asked: dict[Canonical, tuple[datetime, datetime]] = {}  # the last ranges, to explain an error
        self._counted_until: datetime | None = None
        self._newest_start: datetime | None = None
        self._newest: datetime | None = None
        self._complete_until: datetime | None = None
        try:
            url = settings.url.get_secret_value()
            self._engine = open_engine(url, settings.statement_timeout, settings.timezone, context.folder)
        except EngineError as error:
            raise SourceError(f"sources.{name}.url: {error}") from None
        self._engine.explain = self._explained

    @property
    def columns(self) -> frozenset[str]:
        """The canonical columns of calls that the table has or the settings map."""
        return frozenset(self._projection(CALLS).expressions)

    @property
    def feedback_columns(self) -> frozenset[str]:
        """The canonical columns of feedback; none: there is no feedback."""
        return frozenset(self._projection(FEEDBACK).expressions if FEEDBACK in self._places else ())

    def poll(self, now: datetime, stopping: Callable[[], bool]) -> Poll:
        """Proves that the tables can be read, and counts recent rows without an identity, each once.

        When it stops before it ever read anything, `complete_until` is 1970.
        """
        if stopping():
            return Poll(self._complete_until or EPOCH, newest=self._newest)
        self._engine.wake()
        complete_until = now - self._settings.lateness
        earliest = complete_until - (_COUNTED_BACK if self._counted_until else self._settings.max_duration)
        counted_from = max(self._counted_until or earliest, earliest)
        quarantined = {"missing_id": self._look_at_calls(counted_from, complete_until, now)}
        if FEEDBACK in self._places:
            quarantined["missing_call_id"] = self._look_at_feedback(counted_from, complete_until)
        self._counted_until = max(counted_from, complete_until)
        self._complete_until = complete_until
        found = {reason: count for reason, count in quarantined.items() if count}
        return Poll(complete_until, quarantined=found, newest=self._newest)

    def calls(self, since: datetime, until: datetime) -> "ir.Table":
        """The calls that started in `[since, until)` and have an id; with `latest_by` one row an id."""
        table = self._table(CALLS, since, until)
        by = self._settings.latest_by
        if by is None:
            return table
        order = [ibis.desc(table[by], nulls_first=False), ibis.desc(table["started_at"])]
        ranked = table.mutate(_rank=ibis.row_number().over(group_by=table["id"], order_by=order))
        return ranked.filter(ranked["_rank"] == 0).drop("_rank")

    def feedback(self, since: datetime, until: datetime) -> "ir.Table":
        """The feedback given in `[since, until)` that names its call."""
        return self._table(FEEDBACK, since, until)

    def oldest(self) -> datetime | None:
        """Start of the oldest call, or None while there is none."""
        query = self._projection(CALLS).oldest()
        oldest = self._engine.table(query, {"oldest": "timestamp('UTC')"}).execute()["oldest"][0]
        return None if pd.isna(oldest) else oldest.to_pydatetime().astimezone(UTC)

    def maintain(self, now: datetime) -> None:
        """Nothing: what is queried in place keeps nothing of its own."""

    def look(self, at: Callable[[Projection], Found]) -> Found:
        """What a function finds when it looks at the table of calls itself.

        Raises:
            SourceError: the table cannot be read.
        """
        self._asked.pop(CALLS, None)
        try:
            return at(self._projection(CALLS))
        except EngineError as error:
            raise self._explained(error) from None

    def cancel(self) -> None:
        """Stops the query that runs now, where the engine can; whoever waits for it gets a SourceError."""
        self._engine.cancel()

    def close(self) -> None:
        """Lets the connection go."""
        self._engine.close()

    def _look_at_calls(self, counted_from: datetime, counted_to: datetime, now: datetime) -> int:
        since = min(counted_from, now, self._newest_start or now) - _OVERLAP
        self._asked[CALLS] = (since, now)
        calls = self._projection(CALLS).part(("id", "started_at", "ended_at", "latency_s"), since, now)
        started = microseconds_of(calls["started_at"])
        at = _event_time(calls, started)
        counted = (started >= microseconds(counted_from)) & (started < microseconds(counted_to))
        row = _row(
            calls.aggregate(
                newest=at.max(where=at <= microseconds(now)),
                newest_start=started.max(),
                missing=calls.count(where=_blank(calls["id"]) & counted),
            )
        )
        self._newest = _latest(self._newest, row["newest"])
        self._newest_start = _latest(self._newest_start, row["newest_start"])
        return int(row["missing"])

    def _look_at_feedback(self, counted_from: datetime, counted_to: datetime) -> int:
        counted_to = max(counted_from, counted_to)
        self._asked[FEEDBACK] = (counted_from, counted_to)
        feedback = self._projection(FEEDBACK).part(("call_id",), counted_from, counted_to)
        return int(_row(feedback.aggregate(missing=feedback.count(where=_blank(feedback["call_id"]))))["missing"])

    def _table(self, canonical: Canonical, since: datetime, until: datetime) -> "ir.Table":
        self._asked[canonical] = (since, until)
        return self._projection(canonical).table(since, until)

    def _projection(self, canonical: Canonical) -> Projection:
        if canonical not in self._projections:
            self._introspect()
        return self._projections[canonical]

    def _introspect(self) -> None:
        try:
            found = {canonical: introspect(self._engine, place) for canonical, place in self._places.items()}
        except EngineError as error:
            key = f"sources.{self.name}"
            raise settled(key, error, self._settings.statement_timeout) or SourceError(f"{key}: {error}") from None
        by = self._settings.latest_by
        if by is not None and by not in found[CALLS].expressions:
            raise SourceError(f"sources.{self.name}.latest_by: the table has no {by}; map it in columns")
        self._projections = found

    def _explained(self, error: EngineError) -> SourceError:
        key = f"sources.{self.name}"
        told = settled(key, error, self._settings.statement_timeout)
        if told is not None:
            return told
        projections, self._projections = self._projections, {}  # perhaps the table is another one now
        for canonical, (since, until) in self._asked.items():
            if canonical in projections and (told := culprit(projections[canonical], error, since, until)):
                return told
        return SourceError(f"{key}: {error}")


def _places(name: str, settings: TableSource) -> dict[Canonical, Place]:
    key, feedback = f"sources.{name}", settings.feedback
    places = {CALLS: Place(key, CALLS, settings.table, settings.query, settings.where, settings.columns)}
    if feedback is not None:
        key = f"{key}.feedback"
        places[FEEDBACK] = Place(key, FEEDBACK, feedback.table, feedback.query, None, feedback.columns)
    return places


def _blank(identity: "ir.StringColumn") -> "ir.BooleanColumn":
    return identity.isnull() | (identity.strip() == "")


def _event_time(calls: "ir.Table", started: "ir.IntegerColumn") -> "ir.IntegerColumn":
    latency = ibis.ifelse(calls["latency_s"].between(0, _LONGEST_S), calls["latency_s"], ibis.null("float64"))
    by_latency = started + (latency * 1e6).floor().cast("int64")
    return ibis.coalesce(microseconds_of(calls["ended_at"]), by_latency, started)


def _row(table: "ir.Table") -> dict[str, Any]:
    """The only row of an answer."""
    return {str(name): value for name, value in table.execute().iloc[0].items()}


def _latest(known: datetime | None, microseconds_: Any) -> datetime | None:
    if pd.isna(microseconds_):
        return known
    found = moment(microseconds_)
    return found if known is None else max(known, found)
