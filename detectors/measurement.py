"""The values that everything above speaks of: window, segment, measurement."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

OTHER = "__other__"  # the segments that were not admitted, together
NONE = "__none__"  # calls that carry no value in the segment's column

Labels = tuple[tuple[str, str], ...]


class Reason(StrEnum):
    """Why a measurement has no value: unknown is not zero."""

    NO_CALLS = "no_calls"  # the window holds no call (or trace, or feedback) that the measurement is about
    NO_VALUES = "no_values"  # it holds calls, but none carries the column
    MISSING_COLUMN = "missing_column"  # the source has no such column at all
    TOO_FEW = "too_few"  # fewer calls than the measurement needs to mean anything
    ERROR = "error"  # it could not be computed


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """A half-open stretch `[start, end)` of event time; both ends are aware UTC datetimes."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window's ends must be timezone-aware")
        if self.end <= self.start:
            raise ValueError(f"a window must end after it starts: [{self.start}, {self.end})")

    @property
    def length(self) -> timedelta:
        """How long the window is."""
        return self.end - self.start

    @property
    def length_s(self) -> float:
        """How long the window is, in seconds."""
        return self.length.total_seconds()


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One combination of values of the columns of a grouping, in the grouping's order; empty is the whole source."""

    labels: Labels = ()

    @classmethod
    def of(cls, **labels: str) -> "Segment":
        """A segment from keyword arguments, in the order they are written."""
        return cls(tuple(labels.items()))

    @property
    def columns(self) -> tuple[str, ...]:
        """The grouping that the segment belongs to."""
        return tuple(column for column, _ in self.labels)

    def as_dict(self) -> dict[str, str]:
        """The segment as a JSON object."""
        return dict(self.labels)


class Key(NamedTuple):
    """What is measured: the name and the measurement's own labels, sorted."""

    name: str
    labels: Labels = ()

    @classmethod
    def of(cls, name: str, **labels: str) -> "Key":
        """A key from keyword arguments."""
        return cls(name, tuple(sorted(labels.items())))


@dataclass(frozen=True, slots=True)
class Value:
    """A number with its interval and the count it is based on, or None with the reason."""

    value: float | None
    lower: float | None = None
    upper: float | None = None
    n: int | None = None
    reason: Reason | None = None

    def __post_init__(self) -> None:
        if (self.value is None) != (self.reason is not None):
            raise ValueError("a value has either a number or a reason why there is none")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One measured number with its whole identity: what `replay --json` prints."""

    source: str
    segment: Segment
    window: Window
    key: Key
    value: Value

    def as_json(self) -> dict[str, Any]:
        """The public shape; see docs/measurements.md."""
        return {
            "type": "measurement",
            "source": self.source,
            "segment": self.segment.as_dict(),
            "length_s": self.window.length_s,
            "start": self.window.start.isoformat(),
            "end": self.window.end.isoformat(),
            "name": self.key.name,
            "labels": dict(self.key.labels),
            "value": self.value.value,
            "lower": self.value.lower,
            "upper": self.value.upper,
            "n": self.value.n,
            "reason": self.value.reason,
        }


@dataclass(frozen=True, slots=True)
class Measured:
    """All measurements of one segment and window: the row that the store keeps."""

    source: str
    segment: Segment
    window: Window
    values: Mapping[Key, Value]

    def __iter__(self) -> Iterator[Measurement]:
        for key, value in self.values.items():
            yield Measurement(self.source, self.segment, self.window, key, value)


Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Series:
    """One key over the rows of a batch; each array has the shape (rows,). NaN in `value` means: no value, see `reason`.

    A sparse series has nothing at all, not even a reason, in rows where `n` is NaN: its key comes from the log, and a
    row must not depend on which keys other rows of the batch have.
    """

    value: Floats
    lower: Floats | None = None
    upper: Floats | None = None
    n: Floats | None = None
    reason: Reason | NDArray[np.object_] = Reason.NO_CALLS
    sparse: bool = False

    def has(self, row: int) -> bool:
        """Whether the key was measured in a row."""
        return not self.sparse or (self.n is not None and not np.isnan(self.n[row]))

    def at(self, row: int) -> Value:
        """The value of one row."""
        n = None if self.n is None or np.isnan(self.n[row]) else int(self.n[row])
        number = float(self.value[row])
        if np.isnan(number):
            reason = self.reason if isinstance(self.reason, Reason) else self.reason[row]
            return Value(None, n=n, reason=reason)
        return Value(number, _number(self.lower, row), _number(self.upper, row), n)


def _number(values: Floats | None, row: int) -> float | None:
    return None if values is None or np.isnan(values[row]) else float(values[row])


@dataclass(frozen=True, slots=True)
class Batch:
    """Measurements of many windows and segments of one source, kept by column.

    A day of minutes is 1,440 rows a segment, of which rules read a few numbers and the store a few rows.

    `rows[i]` is the segment and window of row i; no two rows are equal.
    """

    source: str
    rows: Sequence[tuple[Segment, Window]]
    series: Mapping[Key, Series]
    _index: dict[tuple[Segment, Window], int] = field(init=False, repr=False, compare=False)
    _segments: dict[Window, list[Segment]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_index", {row: number for number, row in enumerate(self.rows)})
        object.__setattr__(self, "_segments", {})
        for segment, window in self.rows:
            self._segments.setdefault(window, []).append(segment)

    def segments(self, window: Window) -> Sequence[Segment]:
        """The segments that have a row in a window."""
        return self._segments.get(window, ())

    def has(self, segment: Segment, window: Window) -> bool:
        """Whether there is a row for a segment and window."""
        return (segment, window) in self._index

    def value(self, segment: Segment, window: Window, key: Key) -> Value | None:
        """The value of a key in a segment and window; None when the batch does not have it."""
        row = self._index.get((segment, window))
        series = self.series.get(key)
        return None if row is None or series is None or not series.has(row) else series.at(row)

    def measured(self, row: int) -> Measured:
        """One row with all its values."""
        segment, window = self.rows[row]
        values = {key: series.at(row) for key, series in self.series.items() if series.has(row)}
        return Measured(self.source, segment, window, values)

    def __iter__(self) -> Iterator[Measured]:
        for row in range(len(self.rows)):
            yield self.measured(row)

    def calls(self, of: Segment | None = None) -> float:
        """How many calls the rows hold together, or those of one segment."""
        series = self.series.get(Key("calls"))
        if series is None:
            return 0.0
        mine = [of is None or segment == of for segment, _ in self.rows]
        return float(np.nansum(series.value[mine]))

    def joined(self, other: "Batch") -> "Batch":
        """Both batches as one; a row that one of them lacks has no values there (reason no_calls)."""
        rows = list(dict.fromkeys([*self.rows, *other.rows]))
        series = {}
        for batch in (self, other):
            where = np.array([batch._index.get(row, -1) for row in rows], dtype=np.intp)
            for key, each in batch.series.items():
                series[key] = _take(each, where)
        return Batch(self.source, rows, series)


def _take(series: Series, where: NDArray[np.intp]) -> Series:
    missing = where < 0

    def floats(values: Floats | None) -> Floats | None:
        return None if values is None else np.where(missing, np.nan, values[where])

    value = floats(series.value)
    assert value is not None
    reason = series.reason
    if not isinstance(reason, Reason):
        reason = reason[where]
        reason[missing] = Reason.NO_CALLS
    return Series(value, floats(series.lower), floats(series.upper), floats(series.n), reason, series.sparse)
