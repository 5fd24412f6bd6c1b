"""The text half in the store: baselines, what was measured of texts, scores of calls, and the cache of embeddings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, delete, func, select, update

from config.server import Retention
from detectors.measurement import Key, Reason, Segment, Value, Window
from monitor.store.database import Database
from monitor.store.measurements import segment_of, segment_text
from monitor.store.tables import BaselineRow, CacheRow, ScoreRow, TextRow

CANDIDATE, ACCEPTED, RETIRED = "candidate", "accepted", "retired"
IN_A_QUERY = 500  # keys that are asked for at once


@dataclass(frozen=True, slots=True)
class TextMeasured:
    """What was measured of one stream of one segment in one window.

    Attributes:
        baseline: version that it was measured against.
        findings: what explains the numbers, for pages and reports: JSON.
    """

    source: str
    segment: Segment
    stream: str
    window: Window
    baseline: str
    values: Mapping[Key, Value]
    findings: Mapping[str, Any] = field(default_factory=dict)


def add_baseline(session: Session, row: BaselineRow) -> None:
    """Keeps a baseline; one that is kept already stays as it is."""
    if session.get(BaselineRow, (row.source, row.segment, row.stream, row.version)) is None:
        session.add(row)


def baselines(session: Session, source: str | None = None) -> list[BaselineRow]:
    """All baselines, oldest fit first."""
    query = select(BaselineRow).order_by(
        col(BaselineRow.source), col(BaselineRow.segment), col(BaselineRow.stream), col(BaselineRow.fitted_at)
    )
    return list(session.exec(query if source is None else query.where(BaselineRow.source == source)))


def accept(session: Session, row: BaselineRow) -> None:
    """Measures against this baseline from now on; the one before retires, unless it is pinned."""
    same = (
        col(BaselineRow.source) == row.source,
        col(BaselineRow.segment) == row.segment,
        col(BaselineRow.stream) == row.stream,
        col(BaselineRow.state) == ACCEPTED,
        col(BaselineRow.pinned).is_(False),
        col(BaselineRow.version) != row.version,
    )
    session.exec(update(BaselineRow).where(*same).values(state=RETIRED))
    row.state = ACCEPTED
    session.add(row)


def save(session: Session, measured: Iterable[TextMeasured]) -> None:
    """Writes what was measured; the same window measured again is replaced."""
    for each in measured:
        session.merge(
            TextRow(
                source=each.source,
                segment=segment_text(each.segment),
                stream=each.stream,
                length_s=int(each.window.length_s),
                start=each.window.start,
                end=each.window.end,
                baseline=each.baseline,
                body=[
                    [key.name, dict(key.labels), value.value, value.lower, value.upper, value.n, value.reason]
                    for key, value in each.values.items()
                ],
                findings=dict(each.findings),
            )
        )


def newest(session: Session, source: str, since: datetime) -> list[TextMeasured]:
    """The newest row of each segment and stream of a source that ended after `since`."""
    last = (
        select(TextRow.segment, TextRow.stream, func.max(TextRow.end).label("end"))
        .where(TextRow.source == source, col(TextRow.end) > since)
        .group_by(col(TextRow.segment), col(TextRow.stream))
        .subquery()
    )
    query = (
        select(TextRow)
        .where(TextRow.source == source)
        .join(
            last,
            (col(TextRow.segment) == last.c.segment)
            & (col(TextRow.stream) == last.c.stream)
            & (col(TextRow.end) == last.c.end),
        )
    )
    return [measured_of(row) for row in session.exec(query)]


def between(session: Session, source: str, start: datetime, end: datetime) -> list[TextMeasured]:
    """All rows of a source whose windows lie in `[start, end)`, in order."""
    query = select(TextRow).where(TextRow.source == source, col(TextRow.start) >= start, col(TextRow.end) <= end)
    return [measured_of(row) for row in session.exec(query.order_by(col(TextRow.start)))]


def measured_of(row: TextRow) -> TextMeasured:
    """A row as a value."""
    values = {
        Key(name, tuple(sorted(labels.items()))): Value(value, lower, upper, n, reason and Reason(reason))
        for name, labels, value, lower, upper, n, reason in row.body
    }
    window = Window(row.start, row.end)
    return TextMeasured(row.source, segment_of(row.segment), row.stream, window, row.baseline, values, row.findings)


def save_scores(session: Session, rows: Iterable[ScoreRow]) -> None:
    """Keeps how strange texts are; a call that is scored again has its newest score."""
    for row in rows:
        session.merge(row)


def expire(session: Session, now: datetime, retention: Retention, cache_rows: int) -> None:
    """Forgets what is past its retention, retired baselines that nothing was measured against, and the least used
    embeddings beyond the bound."""
    session.exec(delete(TextRow).where(col(TextRow.end) < now - retention.long))
    session.exec(delete(ScoreRow).where(col(ScoreRow.at) < now - retention.short))
    used = select(TextRow.baseline).distinct()
    unused = (col(BaselineRow.state) == RETIRED, col(BaselineRow.version).not_in(used))
    session.exec(delete(BaselineRow).where(*unused, col(BaselineRow.fitted_at) < now - retention.short))
    oldest_kept = session.exec(
        select(CacheRow.used_at).order_by(col(CacheRow.used_at).desc()).offset(cache_rows).limit(1)
    ).first()
    if oldest_kept is not None:
        session.exec(delete(CacheRow).where(col(CacheRow.used_at) <= oldest_kept))


class StoredCache:
    """`detectors.protocols.Cache` in the store: what is asked for or put at `now` is the last to be forgotten."""

    def __init__(self, database: Database, now: datetime) -> None:
        self._database = database
        self._now = now

    def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """What is known of the keys."""
        found: dict[str, bytes] = {}
        for first in range(0, len(keys), IN_A_QUERY):
            some = list(keys[first : first + IN_A_QUERY])
            with self._database.transaction() as session:
                rows = session.exec(select(CacheRow.key, CacheRow.body).where(col(CacheRow.key).in_(some))).all()
                found.update(rows)
                if rows:
                    session.exec(
                        update(CacheRow)
                        .where(col(CacheRow.key).in_([key for key, _ in rows]))
                        .values(used_at=self._now)
                    )
        return found

    def put(self, items: Mapping[str, bytes]) -> None:
        """Remembers."""
        entries = list(items.items())
        for first in range(0, len(entries), IN_A_QUERY):
            with self._database.transaction() as session:
                for key, body in entries[first : first + IN_A_QUERY]:
                    session.merge(CacheRow(key=key, used_at=self._now, body=body))
