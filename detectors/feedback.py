"""Feedback: what people say of the answers, by what they rate."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import ibis
import numpy as np

from detectors.anchored import ORIGIN, Anchored, ask
from detectors.derived import MAX_AMOUNT, MICROSECOND, microseconds_of, only
from detectors.grid import Grid, first_windows, grid_of
from detectors.measurement import NONE, OTHER, Batch, Floats, Key, Reason, Segment, Series, Window
from detectors.protocols import Calls
from detectors.segments import assign, label
from detectors.statistic import How, aggregates, numbers
from detectors.windows import Shape, Windows

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pandas as pd

# The measurement, its statistic, and the column of a rating that it is made of.
METRICS: tuple[tuple[str, How, str], ...] = (
    ("feedbacks", "count", "given"),
    ("feedback_score", "mean", "score"),
    ("feedback_positive_ratio", "ratio", "positive"),
)


@dataclass(frozen=True, slots=True)
class Feedback:
    """The numbers of `METRICS` for the ratings that were given in each window, by key.

    What a model rated is left out: a judge is no user. In each window the `max_keys` keys with the most ratings are
    measured by name, and the rest as `__other__`; a key without a rating in a segment and window has nothing there.

    Attributes:
        lookback: how long before its rating a call can have started to be found for the rating's segment.
        positive_above: a score above this is positive.
        max_keys: how many keys are measured by name in a window.
    """

    lookback: timedelta
    positive_above: float
    max_keys: int

    @property
    def measures(self) -> frozenset[str]:
        """See `detectors.protocols.Aggregate`."""
        return frozenset(name for name, _, _ in METRICS)

    def measure(
        self,
        log: Calls,
        windows: Sequence[Window],
        columns: tuple[str, ...],
        segments: Mapping[Segment, datetime],
    ) -> Batch:
        """See `detectors.protocols.Aggregate`. A rating whose call is not found is `__none__` in each column."""
        batch = Windows.of(windows)
        first = first_windows(batch, columns, segments)
        query = _Ratings(self, batch.shape, columns, tuple(first.items()))
        answer = ask(log, batch.start, query)
        grid = grid_of(batch, columns, first, answer)
        series: dict[Key, Series] = {}
        for key in sorted(set(answer["key"])):
            series |= _series_of(key, log.feedback_columns, grid, answer)
        return Batch(log.name, grid.rows, series)


@dataclass(frozen=True, slots=True)
class _Ratings:
    """One row for each window, key and segment that has ratings: the aggregates of each metric under its name."""

    settings: Feedback
    shape: Shape
    columns: tuple[str, ...]
    first: tuple[tuple[Segment, int], ...]

    def __call__(self, log: Anchored) -> "ir.Table":
        rows = self.shape.assign(self._given(log), "at_us")
        by = ["window", "key"]
        if self.columns:
            rows = assign(rows, self.columns, dict(self.first))
            by.append("segment")
        rows = self._with_top_keys(rows)
        wanted: dict[str, ir.Scalar] = {}
        for name, how, column in METRICS:
            wanted |= aggregates(how, name, rows[column])
        return rows.group_by(by).agg(**wanted)

    def _given(self, log: Anchored) -> "ir.Table":
        """The ratings that people gave in the batch, with the labels of the calls that they are about."""
        given = log.feedback(timedelta(0), self.shape.span)
        score = given.score.cast("float64")
        given = given.filter(given.kind.fill_null("").strip().lower() != "model").select(
            "call_id",
            at_us=microseconds_of(given["at"]) - given[ORIGIN],
            key=label(given.key),
            score=only(score.between(-MAX_AMOUNT, MAX_AMOUNT), score),
        )
        given = given.filter(given.at_us >= 0, given.at_us < self.shape.span // MICROSECOND)
        given = given.mutate(given=given.at_us.notnull(), positive=given.score > self.settings.positive_above)
        if not self.columns:
            return given
        calls = self._calls_of(log, given)
        given = given.left_join(calls, ["call_id", "at_us"]).drop("call_id_right", "at_us_right")
        return given.mutate(**{column: given[column].fill_null(NONE) for column in self.columns})

    def _calls_of(self, log: Anchored, given: "ir.Table") -> "ir.Table":
        """The labels of the call for each rated id and time of a rating; of the latest call, where an id came again."""
        lookback, columns = self.settings.lookback, self.columns
        calls = log.calls(-lookback, self.shape.span)
        calls = calls.select(
            id=calls.id,
            started_us=microseconds_of(calls.started_at) - calls[ORIGIN],
            **{column: label(calls[column]) for column in columns},
        )
        rated = given.select("call_id", "at_us").distinct()
        found = rated.join(
            calls,
            [
                rated.call_id == calls.id,
                calls.started_us <= rated.at_us,
                calls.started_us >= rated.at_us - lookback // MICROSECOND,
            ],
        )
        latest = ibis.row_number().over(
            group_by=[found.call_id, found.at_us],
            order_by=[found.started_us.desc(), *(found[column].asc() for column in columns)],
        )
        found = found.mutate(_rank=latest)
        return found.filter(found._rank == 0).select("call_id", "at_us", *columns)

    def _with_top_keys(self, rows: "ir.Table") -> "ir.Table":
        counts = rows.group_by("window", "key").agg(ratings=rows.count())
        order = [counts.ratings.desc(), counts.key.length().asc(), counts.key.asc()]
        ranked = counts.mutate(_rank=ibis.row_number().over(group_by=counts.window, order_by=order))
        rows = rows.join(ranked.drop("ratings"), ["window", "key"])
        return rows.mutate(key=ibis.ifelse(rows._rank < self.settings.max_keys, rows.key, OTHER)).drop("_rank")


def _series_of(key: str, columns: frozenset[str], grid: Grid, answer: "pd.DataFrame") -> dict[Key, Series]:
    mine = (answer["key"] == key).to_numpy()
    grid, answer = Grid(grid.rows, grid.positions[mine]), answer[mine]
    series = {}
    for name, how, _ in METRICS:
        found: dict[str, Floats] = {
            column.removeprefix(f"{name}_"): grid.column(answer, column)
            for column in answer.columns
            if column.startswith(f"{name}_")
        }
        value, lower, upper, n = numbers(how, found)
        value = np.where(np.isnan(n), np.nan, value)
        missing = how != "count" and "score" not in columns
        reason = Reason.MISSING_COLUMN if missing else Reason.NO_VALUES
        series[Key.of(name, key=key)] = Series(value, lower, upper, n, reason, sparse=True)
    return series
