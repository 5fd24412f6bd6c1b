"""State that advances with the windows: progress of the sources, admitted segments, alerts, the lease."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import orjson
from pydantic import TypeAdapter
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, select, update

from alerts.rules import Alert, AlertId, is_memory
from detectors.measurement import Segment
from monitor.store.measurements import segment_of, segment_text
from monitor.store.tables import AlertRow, LeaseRow, ProgressRow, SegmentRow, TransitionRow
from monitor.store.upsert import upsert

_ALERT = TypeAdapter(Alert)


def progress(session: Session, source: str, now: datetime) -> ProgressRow:
    """How far a source is; a new row for a source that was never seen."""
    row = session.get(ProgressRow, source)
    if row is None:
        row = ProgressRow(source=source, watched_since=now)
        session.add(row)
    return row


def all_progress(session: Session) -> dict[str, ProgressRow]:
    """The progress of every source that was ever watched."""
    return {row.source: row for row in session.exec(select(ProgressRow))}


def segments(session: Session, source: str) -> dict[tuple[str, ...], dict[Segment, datetime]]:
    """The admitted segments of each grouping and since when each is."""
    admitted: dict[tuple[str, ...], dict[Segment, datetime]] = {}
    for row in session.exec(select(SegmentRow).where(SegmentRow.source == source)):
        grouping = tuple(orjson.loads(row.grouping))
        admitted.setdefault(grouping, {})[segment_of(row.segment)] = row.admitted_at
    return admitted


def admit(session: Session, source: str, grouping: tuple[str, ...], members: Mapping[Segment, datetime]) -> None:
    """Notes the admitted segments of a grouping; those known already stay as they are."""
    text = orjson.dumps(grouping).decode()
    for segment, at in members.items():
        key = (source, text, segment_text(segment))
        if session.get(SegmentRow, key) is None:
            session.add(SegmentRow(source=key[0], grouping=key[1], segment=key[2], admitted_at=at))


def alerts(session: Session, source: str | None = None) -> dict[AlertId, Alert]:
    """The memory of the alerts of one source, or of all."""
    query = select(AlertRow)
    if source is not None:
        query = query.where(AlertRow.source == source)
    return {alert_id_of(row): _ALERT.validate_python(row.body, strict=False) for row in session.exec(query)}


def save_alerts(session: Session, changed: Iterable[tuple[AlertId, Alert]]) -> None:
    """Remembers alerts; one that is no memory is forgotten."""
    rows: list[dict[str, Any]] = []
    over: list[dict[str, Any]] = []
    for alert_id, alert in changed:
        (rows if is_memory(alert) else over).append(_columns(alert_id, alert))
    upsert(session, AlertRow, rows, ("body",))
    for row in over:
        keys = ("rule", "source", "segment", "labels")
        session.exec(delete(AlertRow).where(*(col(getattr(AlertRow, key)) == row[key] for key in keys)))


def take_lease(session: Session, name: str, holder: str, now: datetime, length: timedelta) -> bool:
    """Takes or renews a lease by compare-and-set.

    Returns:
        whether `holder` has it until `now + length`.
    """
    free = (col(LeaseRow.holder) == holder) | (col(LeaseRow.until) < now)
    taken = session.exec(
        update(LeaseRow).where(col(LeaseRow.name) == name, free).values(holder=holder, until=now + length)
    )
    if taken.rowcount == 1:
        return True
    if session.get(LeaseRow, name) is not None:
        return False
    try:
        with session.begin_nested():
            session.add(LeaseRow(name=name, holder=holder, until=now + length))
    except IntegrityError:
        return False
    return True


def holder_of(session: Session, name: str, now: datetime) -> str | None:
    """Who holds a lease at `now`."""
    row = session.get(LeaseRow, name)
    return row.holder if row is not None and row.until >= now else None


def drop_lease(session: Session, name: str, holder: str) -> None:
    """Gives a lease back, so that the next service need not wait for its end."""
    session.exec(delete(LeaseRow).where(col(LeaseRow.name) == name, col(LeaseRow.holder) == holder))


def _columns(alert_id: AlertId, alert: Alert) -> dict[str, Any]:
    return {
        "rule": alert_id.rule,
        "source": alert_id.source,
        "segment": segment_text(alert_id.segment),
        "labels": orjson.dumps(alert_id.labels).decode(),
        "body": _ALERT.dump_python(alert, mode="json", exclude_none=True),
    }


def alert_id_of(row: AlertRow | TransitionRow) -> AlertId:
    """The alert that a row is about."""
    labels = tuple((name, value) for name, value in orjson.loads(row.labels))
    return AlertId(row.rule, row.source, segment_of(row.segment), labels)
