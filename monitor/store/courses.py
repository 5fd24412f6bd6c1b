"""How a measure went, read from what is kept: for charts of alerts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, func, select

from alerts.notifier import Message
from detectors.measurement import Segment
from monitor.store import outbox
from monitor.store.judge_tables import JudgeMeasurementRow
from monitor.store.measurements import segment_text
from monitor.store.tables import MeasurementRow, OutboxRow, TextRow

Course = list[tuple[datetime, float | None]]

MOST = 120  # points: more than a small picture shows


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose course.

    Attributes:
        measure: its name.
        labels: those of an alert: of the measure's keys, the one that shares most labels with them is meant.
    """

    source: str
    segment: Segment
    measure: str
    labels: Mapping[str, str]


def of_windows(session: Session, wanted: Wanted, length: timedelta, starts: Sequence[datetime]) -> Course:
    """End and value of the windows of a length that begin then and are kept, in order."""
    query = select(MeasurementRow).where(
        col(MeasurementRow.source) == wanted.source,
        col(MeasurementRow.segment) == segment_text(wanted.segment),
        col(MeasurementRow.length_s) == int(length.total_seconds()),
        col(MeasurementRow.start).in_(starts),
    )
    rows = session.exec(query.order_by(col(MeasurementRow.start)))
    return [(row.end, _value(row.body, wanted)) for row in rows]


def of_texts(session: Session, wanted: Wanted, stream: str, baseline: str, until: datetime) -> Course:
    """The same of what was measured of texts against a baseline, the last `MOST` windows."""
    query = select(TextRow).where(
        col(TextRow.source) == wanted.source,
        col(TextRow.segment) == segment_text(wanted.segment),
        col(TextRow.stream) == stream,
        col(TextRow.baseline) == baseline,
        col(TextRow.end) <= until,
    )
    rows = session.exec(query.order_by(col(TextRow.end).desc()).limit(MOST)).all()
    return [(row.end, _value(row.body, wanted)) for row in reversed(rows)]


def of_judge(session: Session, wanted: Wanted, length: timedelta | None, until: datetime) -> Course:
    """The same of what a judge has said, in windows of a length; unset is the shortest that there is."""
    mine = (
        col(JudgeMeasurementRow.source) == wanted.source,
        col(JudgeMeasurementRow.segment) == segment_text(wanted.segment),
        col(JudgeMeasurementRow.end) <= until,
    )
    shortest = select(func.min(JudgeMeasurementRow.length_s)).where(*mine).scalar_subquery()
    seconds = shortest if length is None else int(length.total_seconds())
    query = select(JudgeMeasurementRow).where(*mine, col(JudgeMeasurementRow.length_s) == seconds)
    rows = session.exec(query.order_by(col(JudgeMeasurementRow.end).desc()).limit(MOST)).all()
    return [(row.end, _value(_of_any_series(row.body, wanted), wanted)) for row in reversed(rows)]


def newest_message(session: Session, key: str) -> Message | None:
    """The newest message about a group, sent or not."""
    query = select(OutboxRow).where(col(OutboxRow.key) == key).order_by(col(OutboxRow.id).desc()).limit(1)
    row = session.exec(query).first()
    return None if row is None else outbox.message_of(row)


def _of_any_series(body: Sequence[Sequence[Any]], wanted: Wanted) -> list[list[Any]]:
    """Without the label of the series: a window has one of a judge and criterion, and a built-in rule names none."""
    if "series" in wanted.labels:
        return [list(each) for each in body]
    return [[name, {key: each[key] for key in each if key != "series"}, *rest] for name, each, *rest in body]


def _value(body: Sequence[Sequence[object]], wanted: Wanted) -> float | None:
    best: tuple[int, float | None] = (-1, None)
    for name, labels, value, *_ in body:
        if name == wanted.measure and isinstance(labels, dict):
            shared = labels.items() & wanted.labels.items()
            if len(shared) == len(labels) and len(shared) > best[0]:
                best = (len(shared), float(value) if isinstance(value, int | float) else None)
    return best[1]
