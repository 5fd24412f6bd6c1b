"""Measurements in the store: one JSON row for a segment and window, replaced by its next revision."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlmodel import Session, col, delete, func, select

from alerts.watch import Readings
from config.server import Retention
from detectors.measurement import Key, Measured, Reason, Segment, Value, Window
from monitor.slots import EPOCH
from monitor.store.tables import MeasurementRow
from monitor.store.upsert import upsert

HOUR_S = 3600
_AT_ONCE = 500  # values that one query names
_REPLACED = ("end", "revision", "body")


def segment_text(segment: Segment) -> str:
    """A segment as the text that keys its rows."""
    return orjson.dumps(segment.labels).decode()


def segment_of(text: str) -> Segment:
    """The segment of such a text."""
    return Segment(tuple((name, value) for name, value in orjson.loads(text)))


def save(session: Session, rows: Iterable[Measured]) -> None:
    """Writes rows for the first time, or replaces what an earlier run left of the same window."""
    upsert(session, MeasurementRow, [_columns(row, revision=0) for row in rows], _REPLACED)


def revise(session: Session, rows: Sequence[Measured]) -> int:
    """Replaces the rows whose numbers changed by their next revision.

    Returns:
        how many windows changed.
    """
    known = _stored(session, rows)
    changed = []
    for row in rows:
        fresh = _columns(row, revision=0)
        stored = known.get((row.source, fresh["segment"], fresh["length_s"], row.window.start))
        if stored is None:
            changed.append(fresh)
        elif stored[1] != fresh["body"]:
            changed.append(fresh | {"revision": stored[0] + 1})
    upsert(session, MeasurementRow, changed, _REPLACED)
    return len(changed)


def _stored(session: Session, rows: Iterable[Measured]) -> dict[tuple[str, str, int, datetime], tuple[int, Any]]:
    """Revision and body of what is stored of some windows, by key: with hundreds of segments a query for each row, or
    one that looks through all windows of a source, would take seconds."""
    starts: dict[tuple[str, str, int], list[datetime]] = {}
    for row in rows:
        line = (row.source, segment_text(row.segment), int(row.window.length_s))
        starts.setdefault(line, []).append(row.window.start)
    found: dict[tuple[str, str, int, datetime], tuple[int, Any]] = {}
    for (source, segment, length_s), mine in starts.items():
        for at in range(0, len(mine), _AT_ONCE):
            query = select(MeasurementRow.start, MeasurementRow.revision, MeasurementRow.body).where(
                MeasurementRow.source == source,
                MeasurementRow.segment == segment,
                MeasurementRow.length_s == length_s,
                col(MeasurementRow.start).in_(mine[at : at + _AT_ONCE]),
            )
            found |= {(source, segment, length_s, each[0]): (each[1], each[2]) for each in session.exec(query)}
    return found


def kept(readings: Readings, retention: Retention, now: datetime) -> Iterator[Measured]:
    """The rows that are worth writing: those that the next `expire` would not delete again."""
    for batch in readings.batches.values():
        for number, (_, window) in enumerate(batch.rows):
            keep = retention.long if is_long(window) else retention.short
            if window.end >= now - keep:
                yield batch.measured(number)


def is_long(window: Window) -> bool:
    """Whether a window is kept long: an hour or more, and aligned, so that trailing windows do not fill the store."""
    return window.length_s >= HOUR_S and not (window.start - EPOCH) % window.length


def newest(session: Session, source: str, length: timedelta, since: datetime) -> list[Measured]:
    """The newest row of every segment of a source that ended after `since`."""
    mine = (
        col(MeasurementRow.source) == source,
        col(MeasurementRow.length_s) == int(length.total_seconds()),
        col(MeasurementRow.end) > since,
    )
    ends = (
        select(col(MeasurementRow.segment), func.max(col(MeasurementRow.start)).label("start"))
        .where(*mine)
        .group_by(col(MeasurementRow.segment))
        .subquery()
    )
    query = (
        select(MeasurementRow)
        .join(ends, (col(MeasurementRow.segment) == ends.c.segment) & (col(MeasurementRow.start) == ends.c.start))
        .where(*mine)
    )
    return [_measured(row) for row in session.exec(query)]


def of_windows(
    session: Session, source: str, windows: Sequence[Window], names: frozenset[str]
) -> dict[Window, dict[Segment, dict[Key, Value]]]:
    """Some measurements of a source in windows, by segment; a window that is not kept is not there."""
    found: dict[Window, dict[Segment, dict[Key, Value]]] = {}
    by_length: dict[int, list[datetime]] = {}
    for window in windows:
        by_length.setdefault(int(window.length_s), []).append(window.start)
    for length_s, starts in by_length.items():
        for at in range(0, len(starts), _AT_ONCE):
            query = select(MeasurementRow).where(
                col(MeasurementRow.source) == source,
                col(MeasurementRow.length_s) == length_s,
                col(MeasurementRow.start).in_(starts[at : at + _AT_ONCE]),
            )
            for row in session.exec(query):
                values = {_key(each): _value(each) for each in row.body if each[0] in names}
                found.setdefault(Window(row.start, row.end), {})[segment_of(row.segment)] = values
    return found


def ends(session: Session, since: datetime) -> dict[tuple[str, int], datetime]:
    """End of the newest window after `since`, by source and length in seconds."""
    source, length, end = (col(MeasurementRow.source), col(MeasurementRow.length_s), col(MeasurementRow.end))
    query = select(source, length, func.max(end)).where(end > since).group_by(source, length)
    return {(name, seconds): newest for name, seconds, newest in session.exec(query)}


def expire(session: Session, now: datetime, retention: Retention) -> int:
    """Deletes rows that are past their retention.

    Returns:
        how many rows were deleted.
    """
    deleted = 0
    for kept_long, keep in ((False, retention.short), (True, retention.long)):
        past = (col(MeasurementRow.kept_long).is_(kept_long), col(MeasurementRow.end) < now - keep)
        deleted += session.exec(delete(MeasurementRow).where(*past)).rowcount
    return deleted


def body_of(row: Measured) -> list[list[Any]]:
    """The values of a row as JSON; what the source has no column for is left out."""
    return [
        [key.name, dict(key.labels), value.value, value.lower, value.upper, value.n, value.reason]
        for key, value in row.values.items()
        if value.reason is not Reason.MISSING_COLUMN
    ]


def _columns(row: Measured, revision: int) -> dict[str, Any]:
    return {
        "source": row.source,
        "segment": segment_text(row.segment),
        "length_s": int(row.window.length_s),
        "start": row.window.start,
        "end": row.window.end,
        "kept_long": is_long(row.window),
        "revision": revision,
        "body": body_of(row),
    }


def _measured(row: MeasurementRow) -> Measured:
    values = {_key(each): _value(each) for each in row.body}
    return Measured(row.source, segment_of(row.segment), Window(row.start, row.end), values)


def _key(item: Sequence[Any]) -> Key:
    return Key(item[0], tuple(item[1].items()))


def _value(item: Sequence[Any]) -> Value:
    _, _, value, lower, upper, n, reason = item
    return Value(value, lower, upper, n, None if reason is None else Reason(reason))
