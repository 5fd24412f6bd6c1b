"""A measurement as an expression over rows, and the one query that measures a table of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from detectors.anchored import Anchored, Query, ask
from detectors.catalogue import BY_NAME, STATISTICS, AnyOf
from detectors.grid import Grid, first_windows, grid_of
from detectors.measurement import Batch, Floats, Key, Labels, Reason, Segment, Series
from detectors.protocols import Calls
from detectors.segments import assign
from detectors.statistic import How, aggregates, numbers
from detectors.windows import Shape, Windows

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True, slots=True)
class Metric:
    """One measurement, or one for each statistic of a distribution.

    Attributes:
        name: as in the catalogue.
        how: the kind of statistic.
        value: an expression over the table that is measured; NULL where a row is not counted in.
        labels: the measurement's own.
        rate: name of the measurement that is this one divided by the window's length.
        needs: where those of the catalogue are too coarse.
    """

    name: str
    how: How
    value: Callable[["ir.Table"], "ir.Value"]
    labels: Labels = ()
    rate: str | None = None
    needs: tuple[AnyOf, ...] | None = None

    def measurable(self, columns: frozenset[str]) -> bool:
        """Whether the source has the columns."""
        needs = BY_NAME[self.name].needs if self.needs is None else self.needs
        return all(columns.intersection(any_of) for any_of in needs)

    def statistics(self) -> Iterator[tuple[Key, str]]:
        """What is measured, each with the statistic that it is."""
        if self.how != "distribution":
            yield Key(self.name, self.labels), "mean"
            return
        for statistic in STATISTICS:
            yield Key(self.name, tuple(sorted((*self.labels, ("percentile", statistic))))), statistic


def names_of(metrics: Sequence[Metric]) -> frozenset[str]:
    """Names of the measurements that some metrics make."""
    return frozenset(name for metric in metrics for name in (metric.name, metric.rate) if name is not None)


def chosen(metrics: Sequence[Metric], names: frozenset[str]) -> list[Metric]:
    """The metrics that make one of the measurements, in their order."""
    return [metric for metric in metrics if names & names_of([metric])]


@dataclass(frozen=True, slots=True)
class _Rows:
    """The rows of a table with their window and, for a grouping that is not empty, their segment."""

    table: Query
    at: str
    shape: Shape
    grouping: tuple[str, ...]
    first: tuple[tuple[Segment, int], ...]

    def __call__(self, log: Anchored) -> "ir.Table":
        rows = self.shape.assign(self.table(log), self.at)
        return assign(rows, self.grouping, dict(self.first)) if self.grouping else rows


@dataclass(frozen=True, slots=True)
class _Aggregates:
    """One row for each window and segment that has rows: the aggregates of each metric under its prefix."""

    rows: _Rows
    metrics: tuple[tuple[str, Metric], ...]

    def __call__(self, log: Anchored) -> "ir.Table":
        rows = self.rows(log)
        by = ["window", "segment"] if self.rows.grouping else ["window"]
        values = rows.select(*by, **{prefix: metric.value(rows) for prefix, metric in self.metrics})
        wanted = {"rows": values.count()}
        for prefix, metric in self.metrics:
            wanted |= aggregates(metric.how, prefix, values[prefix])
        return values.group_by(by).agg(**wanted)


@dataclass(frozen=True, slots=True)
class Measuring:
    """How rows of a log are measured: in windows, by segment.

    Attributes:
        batch: the windows.
        grouping: columns of the table that make a segment.
        segments: the admitted ones and since when each is.
    """

    batch: Windows
    grouping: tuple[str, ...]
    segments: Mapping[Segment, datetime]

    def __call__(self, table: Query, at: str, metrics: Sequence[Metric], log: Calls) -> Batch:
        """Measures the rows of a table in one query, by the time in its column `at` (microseconds since the start).

        A log that lacks the columns of all metrics is not asked.
        """
        first = first_windows(self.batch, self.grouping, self.segments)
        possible = tuple((f"m{number}", each) for number, each in enumerate(metrics) if each.measurable(log.columns))
        if possible:
            rows = _Rows(table, at, self.batch.shape, self.grouping, tuple(first.items()))
            answer = ask(log, self.batch.start, _Aggregates(rows, possible))
        else:
            answer = pd.DataFrame(columns=["window", "segment"])
        grid = grid_of(self.batch, self.grouping, first, answer)
        return Batch(log.name, grid.rows, dict(self._series(metrics, grid, answer)))

    def _series(self, metrics: Sequence[Metric], grid: Grid, answer: pd.DataFrame) -> Iterator[tuple[Key, Series]]:
        rows = grid.column(answer, "rows", empty=0) if "rows" in answer else np.zeros(len(grid.rows))
        reason = np.where(rows > 0, Reason.NO_VALUES, Reason.NO_CALLS).astype(object)
        for number, metric in enumerate(metrics):
            prefix = f"m{number}_"
            columns = {
                name.removeprefix(prefix): grid.column(answer, name, empty=0 if name == f"{prefix}n" else np.nan)
                for name in answer.columns
                if name.startswith(prefix)
            }
            for key, statistic in metric.statistics():
                if not columns:
                    nothing = np.full(len(grid.rows), np.nan)
                    series = Series(nothing, reason=Reason.MISSING_COLUMN)
                else:
                    value, lower, upper, n = numbers(metric.how, columns, statistic)
                    if metric.how == "total":
                        value = np.where(rows > 0, value, 0.0)
                    series = Series(value, lower, upper, n, reason)
                yield key, series
                if metric.rate is not None:
                    yield Key(metric.rate, metric.labels), self._per_second(series)

    def _per_second(self, series: Series) -> Series:
        value: Floats = series.value / self.batch.length_s
        return Series(value, n=series.n, reason=series.reason)
