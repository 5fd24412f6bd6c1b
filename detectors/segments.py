"""Segments: which combinations of a grouping's values are watched by name, and which calls belong to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import ibis

from detectors.anchored import Anchored, ask
from detectors.measurement import NONE, OTHER, Segment, Window
from detectors.protocols import Calls
from detectors.windows import Shape, Windows

if TYPE_CHECKING:
    import ibis.expr.types as ir

LABEL_LENGTH = 128  # longer values are cut: a label goes to Prometheus, Slack and URLs
SEPARATOR = chr(31)  # between the values of a key; taken out of the values themselves

# Combinations that `seen` reports of a window at most, largest first: a column that holds ids must not fill memory.
MOST_SEEN = 1_000


def measurable(grouping: Sequence[str], columns: frozenset[str]) -> bool:
    """Whether a source that has these columns can be split by a grouping."""
    return columns.issuperset(grouping)


def other(columns: Sequence[str]) -> Segment:
    """The segment of all calls of a grouping that were not admitted."""
    return Segment(tuple((column, OTHER) for column in columns))


def label(column: "ir.StringColumn") -> "ir.StringColumn":
    """A column's value as a label: trimmed, cut, `__none__` where there is none."""
    value = column.cast("string").replace(SEPARATOR, " ").strip().left(LABEL_LENGTH).strip()
    return ibis.ifelse(value == "", ibis.null("string"), value).fill_null(NONE)


def combination(table: "ir.Table", columns: Sequence[str]) -> "ir.StringValue":
    """The labels of the columns as one string; see `segment_of`."""
    return reduce(lambda text, column: text + SEPARATOR + column, (label(table[column]) for column in columns))


def segment_of(combination: str, columns: Sequence[str]) -> Segment:
    """The segment that a combination stands for."""
    return Segment(tuple(zip(columns, combination.split(SEPARATOR), strict=True)))


def combination_of(segment: Segment) -> str:
    """The combination that stands for a segment."""
    return SEPARATOR.join(value for _, value in segment.labels)


def assign(table: "ir.Table", columns: Sequence[str], first: Mapping[Segment, int]) -> "ir.Table":
    """The rows with their segment in the column `segment`: its combination, or `__other__` if it is not admitted.

    Args:
        table: rows with the column `window`.
        columns: the grouping, not empty.
        first: the admitted segments with the first window in which each is one.
    """
    table = table.mutate(segment=combination(table, columns))
    since: dict[int, list[str]] = {}
    for segment, window in first.items():
        if is_other(segment):
            continue
        since.setdefault(window, []).append(combination_of(segment))
    admitted = [
        table.segment.isin(names) & (table.window >= window if window > 0 else True) for window, names in since.items()
    ]
    if not admitted:
        return table.mutate(segment=ibis.literal(OTHER))
    return table.mutate(segment=ibis.ifelse(reduce(or_, admitted), table.segment, OTHER))


def seen(
    log: Calls, windows: Sequence[Window], columns: tuple[str, ...], max_duration: timedelta
) -> list[dict[Segment, int]]:
    """How many calls each combination has in each window: one query, one mapping for each window.

    Of more than `MOST_SEEN` combinations in a window the largest are reported.
    """
    batch = Windows.of(windows)
    result: list[dict[Segment, int]] = [{} for _ in windows]
    frame = ask(log, batch.start, _Seen(batch.shape, columns, max_duration))
    for window, name, number in zip(frame["window"], frame["combination"], frame["calls"], strict=True):
        segment = segment_of(name, columns) if columns else Segment()
        result[int(window)][segment] = int(number)
    return result


@dataclass(frozen=True, slots=True)
class _Seen:
    """The query of `seen`."""

    shape: Shape
    columns: tuple[str, ...]
    max_duration: timedelta

    def __call__(self, log: Anchored) -> "ir.Table":
        calls = log.ended(timedelta(0), self.shape.span, self.max_duration, self.columns)
        name = combination(calls, self.columns) if self.columns else ibis.literal("")
        calls = self.shape.assign(calls.mutate(combination=name), "at_us")
        counts = calls.group_by("window", "combination").agg(calls=lambda table: table.count())
        order = [counts.calls.desc(), counts["combination"].asc()]
        rank = ibis.row_number().over(group_by=counts.window, order_by=order)
        return counts.mutate(rank=rank).filter(lambda table: table["rank"] < MOST_SEEN)


def admit(
    admitted: Mapping[Segment, datetime],
    windows: Sequence[Window],
    seen: Sequence[Mapping[Segment, int]],
    limit: int,
) -> dict[Segment, datetime]:
    """The admitted segments after some windows, each with the start of the window in which it was admitted.

    Windows are read in order. In each, new combinations take the free places, larger volume first, ties by name; an
    admitted segment stays. When places ran out, `__other__` is admitted too, without taking a place.
    """
    result = dict(admitted)
    places = limit - sum(1 for segment in result if not is_other(segment))
    for window, counts in zip(windows, seen, strict=True):
        new = sorted((segment for segment in counts if segment not in result), key=lambda s: (-counts[s], s))
        for segment in new:
            if places > 0 and not is_other(segment):
                result[segment] = window.start
                places -= 1
            else:
                result.setdefault(other(segment.columns), window.start)
    return result


def is_other(segment: Segment) -> bool:
    """Whether the segment is what was not admitted."""
    return bool(segment.labels) and segment == other(segment.columns)
