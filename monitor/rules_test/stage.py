"""What stands in for sources and receivers in a test of rules; everything between them is the service's own code."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from alerts.watch import Grouping, Readings
from config.calls import CALL_COLUMNS
from config.settings import Settings
from config.sources import AnySource
from detectors.measurement import Batch, Floats, Key, Reason, Segment, Series, Window
from detectors.protocols import Calls
from monitor.house import applies, is_about_traffic
from monitor.meter import Admitted, Meter
from monitor.rules_test.file import START, InputSeries, RuleTest, source_of
from monitor.rules_test.times import is_of_traffic
from monitor.rules_test.values import value_at
from monitor.sources.base import Poll

if TYPE_CHECKING:
    import ibis.expr.types as ir


class EmptyLog:
    """A source without a call: the numbers are given, and no call is behind them."""

    columns: frozenset[str] = frozenset()
    feedback_columns: frozenset[str] = frozenset()

    def __init__(self, name: str) -> None:
        self.name = name
        self._table: ir.Table | None = None

    def poll(self, now: datetime, stopping: Callable[[], bool]) -> Poll:
        """Everything was read."""
        return Poll(now, newest=now)

    def calls(self, since: datetime, until: datetime) -> "ir.Table":
        """No calls, with all canonical columns."""
        if self._table is None:
            import ibis

            from monitor.canonical import IBIS_TYPES

            schema = ibis.schema({column.name: IBIS_TYPES[column.type] for column in CALL_COLUMNS})
            self._table = ibis.duckdb.connect().create_table("calls", schema=schema)
        return self._table

    feedback = calls

    def oldest(self) -> datetime | None:
        """There is no call."""
        return None

    def maintain(self, now: datetime) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Lets the empty table go."""
        if self._table is not None:
            self._table.get_backend().disconnect()


@dataclass(frozen=True, slots=True)
class Given:
    """One series of a test, as the rules read it."""

    key: Key
    segment: Segment
    over: timedelta | None
    series: InputSeries

    @classmethod
    def of(cls, series: InputSeries, groupings: Sequence[Grouping]) -> "Given":
        """The series, its segment in the order of the source's grouping."""
        columns = next((each for each in groupings if set(each) == set(series.segment)), tuple(series.segment))
        segment = Segment(tuple((column, series.segment[column]) for column in columns))
        return cls(Key.of(series.measure, **series.labels), segment, series.over, series)


def given_of(settings: Settings, source: str, series: Iterable[InputSeries]) -> tuple[Given, ...]:
    """The series of one source."""
    groupings = [tuple(each) for each in settings.sources[source].groupings]
    return tuple(Given.of(each, groupings) for each in series if source_of(each.source, settings) == source)


@dataclass(frozen=True, slots=True)
class GivenMeter(Meter):
    """Measures nothing: each window has the value that the test gives it."""

    given: tuple[Given, ...] = ()
    start: datetime = START

    @classmethod
    def of_test(cls, settings: Settings, source: str, series: Sequence[InputSeries], start: datetime) -> "GivenMeter":
        """The meter of one source under the settings of a test."""
        configured: AnySource = settings.sources[source]
        mine = [each for each in settings.rules.values() if applies(each, source) and is_about_traffic(each)]
        meter = Meter.of(settings, configured, mine)
        given = given_of(settings, source, filter(is_of_traffic, series))
        return cls(meter.plan, meter.source, meter.trailing, given, start)

    def admit(self, log: Calls, first: datetime, last: datetime, admitted: Admitted) -> Admitted:
        """The segments that have a series are watched from the start."""
        found: dict[Grouping, dict[Segment, datetime]] = {}
        for each in self.given:
            found.setdefault(each.segment.columns, {})[each.segment] = self.start
        return found

    def read(self, log: Calls, first: datetime, last: datetime, admitted: Admitted) -> Readings:
        """The windows that close at a slot end in `[first, last]`, of every length that is measured."""
        batches = {}
        for grouping in dict.fromkeys(each.segment.columns for each in self.given):
            for length in self.plan.steps:
                mine = [each for each in self.given if each.segment.columns == grouping and each.over in (None, length)]
                windows = self.plan.windows(length, first, last)
                if mine and windows:
                    batches[grouping, length] = self._batch(log.name, mine, windows)
        return Readings(log.name, self.plan.slot, batches, self.plan.history, self.plan.steps)

    def _batch(self, source: str, given: Sequence[Given], windows: Sequence[Window]) -> Batch:
        segments = list(dict.fromkeys(each.segment for each in given))
        rows = [(segment, window) for window in windows for segment in segments]
        index = {row: number for number, row in enumerate(rows)}
        series = {}
        for key in dict.fromkeys(each.key for each in given):
            columns = _Columns.empty(len(rows))
            for each in (one for one in given if one.key == key):
                for window in windows:
                    columns.put(index[each.segment, window], each, self._number(window))
            series[key] = columns.series()
        return Batch(source, rows, series)

    def _number(self, window: Window) -> int:
        """Which value of its series a window has."""
        return (window.end - self.start) // self.plan.slot


@dataclass(frozen=True, slots=True)
class _Columns:
    """The arrays of a series while they are filled."""

    value: Floats
    lower: Floats
    upper: Floats
    n: Floats
    reason: "np.ndarray[tuple[int], np.dtype[np.object_]]"

    @classmethod
    def empty(cls, rows: int) -> "_Columns":
        value, lower, upper, n = (np.full(rows, np.nan) for _ in range(4))
        reason = np.full(rows, Reason.NO_CALLS, dtype=object)
        return cls(value, lower, upper, n, reason)

    def put(self, row: int, given: Given, number: int) -> None:
        """Fills a row with one sample."""
        value = value_at(given.series, given.key, number)
        self.reason[row] = value.reason
        for name in ("value", "lower", "upper", "n"):
            known = getattr(value, name)
            getattr(self, name)[row] = np.nan if known is None else known

    def series(self) -> Series:
        return Series(self.value, self.lower, self.upper, self.n, self.reason)


def only(settings: Settings, test: RuleTest) -> Settings:
    """The settings with the rules that are tested: those named, or those whose measurement has a series or whose event
    happens."""
    measured, happening = {each.measure for each in test.series}, {each.name for each in test.events}
    tested: Mapping[str, object] = {
        name: rule
        for name, rule in settings.rules.items()
        if (
            name in test.rules
            if test.rules is not None
            else rule.measure in measured or (rule.event is not None and rule.event.name in happening)
        )
    }
    return settings.model_copy(update={"rules": tested})
