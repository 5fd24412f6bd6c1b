"""Groups of alerts in the store: what their receivers were told, what they wait for."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session, col, delete, or_, select

from alerts.grouping import Group
from alerts.notifier import AlertView
from monitor.store.tables import GroupRow

_VIEWS = TypeAdapter(tuple[AlertView, ...])


def group(session: Session, key: str, receiver: str) -> Group:
    """One group; a new one for a key that was never seen."""
    row = session.get(GroupRow, key)
    return Group(key, receiver) if row is None else _group(row)


def open_groups(session: Session) -> list[Group]:
    """All groups that are open at their receiver, as far as we told it."""
    return [_group(row) for row in session.exec(select(GroupRow).where(col(GroupRow.is_open)))]


def all_that_matter(session: Session, told_since: datetime) -> dict[str, Group]:
    """The groups that are open, that want to tell something, or whose last message is too fresh for another one."""
    matter = or_(
        col(GroupRow.is_open), col(GroupRow.waiting_since).is_not(None), col(GroupRow.told_at) >= told_since, _wants()
    )
    return {row.key: _group(row) for row in session.exec(select(GroupRow).where(matter))}


def save(session: Session, groups: Iterable[Group]) -> None:
    """Writes groups; what closing them needs stays as it is."""
    for each in groups:
        row = session.get(GroupRow, each.key) or GroupRow(key=each.key, receiver=each.receiver, is_open=each.is_open)
        row.is_open, row.digest, row.acknowledged = each.is_open, each.digest, each.acknowledged
        row.told, row.wanted = _json(each.told), _json(each.wanted) or None
        row.waiting_since, row.told_at, row.kept = each.waiting_since, each.told_at, dict(each.kept)
        session.add(row)


def expire(session: Session, now: datetime, keep: timedelta) -> None:
    """Forgets groups that were closed long ago."""
    session.exec(
        delete(GroupRow).where(
            col(GroupRow.is_open).is_(False), col(GroupRow.waiting_since).is_(None), col(GroupRow.told_at) < now - keep
        )
    )


def _wants() -> Any:
    return col(GroupRow.wanted).is_not(None)


def _json(views: tuple[AlertView, ...] | None) -> Any:
    return None if views is None else _VIEWS.dump_python(views, mode="json")


def _group(row: GroupRow) -> Group:
    told, wanted = (
        None if each is None else _VIEWS.validate_python(each, strict=False) for each in (row.told, row.wanted)
    )
    return Group(
        key=row.key,
        receiver=row.receiver,
        is_open=row.is_open,
        told=told or (),
        wanted=wanted,
        waiting_since=row.waiting_since,
        told_at=row.told_at,
        digest=row.digest,
        acknowledged=row.acknowledged,
        kept=row.kept or {},
    )
