"""What was measured of texts in the store, scores of calls, and the cache of embeddings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, delete, func, select, update

from config.server import Retention
from detectors.measurement import Key, Reason, Segment, Value, Window
from monitor.store import baselines
from monitor.store.database import Database
from monitor.store.measurements import segment_of, segment_text
from monitor.store.tables import CacheRow, ScoreRow, TextRow
from monitor.store.upsert import upsert

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


def save(session: Session, measured: Iterable[TextMeasured]) -> None:
    """Writes what was measured; the same window measured again against the same baseline is replaced."""
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
    """The newest row of each segment, stream and baseline of a source that ended after `since`."""
    last = (
        select(TextRow.segment, TextRow.stream, TextRow.baseline, func.max(TextRow.end).label("end"))
        .where(TextRow.source == source, col(TextRow.end) > since)
        .group_by(col(TextRow.segment), col(TextRow.stream), col(TextRow.baseline))
        .subquery()
    )
    query = (
        select(TextRow)
        .where(TextRow.source == source)
        .join(
            last,
            (col(TextRow.segment) == last.c.segment)
            & (col(TextRow.stream) == last.c.stream)
            & (col(TextRow.baseline) == last.c.baseline)
            & (col(TextRow.end) == last.c.end),
        )
    )
    return [measured_of(row) for row in session.exec(query)]


def between(session: Session, source: str, start: datetime, end: datetime) -> list[TextMeasured]:
    """All rows of a source whose windows lie in `[start, end)`, in order."""
    query = select(TextRow).where(TextRow.source == source, col(TextRow.start) >= start, col(TextRow.end) <= end)
    return [measured_of(row) for row in session.exec(query.order_by(col(TextRow.start), col(TextRow.baseline)))]


def against(session: Session, key: tuple[str, str, str, str], start: datetime, end: datetime) -> list[TextMeasured]:
    """What was measured against one baseline (`StoredBaseline.key`) in windows that lie in `[start, end)`, in order."""
    source, segment, stream, baseline = key
    query = select(TextRow).where(
        TextRow.source == source,
        TextRow.segment == segment,
        TextRow.stream == stream,
        TextRow.baseline == baseline,
        col(TextRow.start) >= start,
        col(TextRow.end) <= end,
    )
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
    """Keeps how strange texts are; a call that is scored again by the same baseline has its newest score."""
    upsert(session, ScoreRow, [row.model_dump() for row in rows], ("at", "segment", "score", "p"))


def strange(session: Session, source: str, window: Window) -> dict[str, float]:
    """How strange the prompts of a window are that were read: the smallest p-value of each call, by its id."""
    query = select(ScoreRow.call_id, func.min(ScoreRow.p)).where(
        ScoreRow.source == source,
        ScoreRow.stream == "prompt",
        col(ScoreRow.at) >= window.start,
        col(ScoreRow.at) < window.end,
    )
    return {call: float(p) for call, p in session.exec(query.group_by(col(ScoreRow.call_id)))}


def of_new_topics(session: Session, source: str, window: Window) -> frozenset[str]:
    """Calls that stand for topics that the baseline does not have, of the text windows that touch a window."""
    query = select(TextRow.findings).where(
        TextRow.source == source, col(TextRow.end) > window.start, col(TextRow.start) < window.end
    )
    topics = (topic for findings in session.exec(query) for topic in (findings or {}).get("new", ()))
    return frozenset(call for topic in topics for call in topic.get("exemplars", ()))


def expire(session: Session, now: datetime, retention: Retention, cache_rows: int) -> None:
    """Forgets what is past its retention, baselines that retired long ago, and the least used embeddings beyond the
    bound."""
    session.exec(delete(TextRow).where(col(TextRow.end) < now - retention.long))
    session.exec(delete(ScoreRow).where(col(ScoreRow.at) < now - retention.short))
    baselines.expire(session, now - retention.short)
    oldest_kept = session.exec(
        select(CacheRow.used_at).order_by(col(CacheRow.used_at).desc()).offset(cache_rows).limit(1)
    ).first()
    if oldest_kept is not None:
        session.exec(delete(CacheRow).where(col(CacheRow.used_at) <= oldest_kept))


class StoredCache:
    """`detectors.protocols.Cache` in the store: what is asked for or put at `now` is the last to be forgotten.

    What the store does not have is looked up in the one that lends to it, which is only read.
    """

    def __init__(self, database: Database, now: datetime, lender: Database | None = None) -> None:
        self._database = database
        self._now = now
        self._lender = lender

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
            missing = [key for key in some if key not in found]
            if missing and self._lender is not None:
                with self._lender.reading() as session:
                    known = select(CacheRow.key, CacheRow.body).where(col(CacheRow.key).in_(missing))
                    found.update(session.exec(known).all())
        return found

    def put(self, items: Mapping[str, bytes]) -> None:
        """Remembers."""
        rows = [{"key": key, "used_at": self._now, "body": body} for key, body in items.items()]
        for first in range(0, len(rows), IN_A_QUERY):
            with self._database.transaction() as session:
                upsert(session, CacheRow, rows[first : first + IN_A_QUERY], ("used_at", "body"))
