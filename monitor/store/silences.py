"""Silences in the store."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, delete, select

from alerts.silences import Silence
from config.matchers import Matcher
from monitor.store.alert_tables import SilenceRow


def add(session: Session, silence: Silence, now: datetime) -> int:
    """Adds a silence; the id that it has from now on."""
    row = SilenceRow(
        matchers=[list(each) for each in silence.matchers],
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        author=silence.author,
        reason=silence.reason,
        created_at=now,
    )
    session.add(row)
    session.flush()
    return int(row.id or 0)


def at(session: Session, now: datetime) -> list[Silence]:
    """Those that hold at a moment."""
    return [each for each in not_over(session, now) if each.holds(now)]


def not_over(session: Session, now: datetime) -> list[Silence]:
    """Those that hold or will, the one that ends first first."""
    query = select(SilenceRow).where(col(SilenceRow.ends_at) > now)
    query = query.order_by(col(SilenceRow.ends_at), col(SilenceRow.id))
    return [_silence(row) for row in session.exec(query)]


def newest(session: Session, limit: int) -> list[Silence]:
    """Those that were made last, over or not, the newest first."""
    query = select(SilenceRow).order_by(col(SilenceRow.id).desc()).limit(limit)
    return [_silence(row) for row in session.exec(query)]


def end(session: Session, silence_id: int, now: datetime) -> bool:
    """Ends a silence now; False when there is none that holds or will."""
    row = session.get(SilenceRow, silence_id)
    if row is None or row.ends_at <= now:
        return False
    row.ends_at, row.starts_at = now, min(row.starts_at, now)
    session.add(row)
    return True


def expire(session: Session, now: datetime, keep: timedelta) -> None:
    """Forgets what has long been over."""
    session.exec(delete(SilenceRow).where(col(SilenceRow.ends_at) < now - keep))


def _silence(row: SilenceRow) -> Silence:
    matchers: Sequence[Matcher] = [Matcher(*each) for each in row.matchers]
    return Silence(int(row.id or 0), tuple(matchers), row.starts_at, row.ends_at, row.author, row.reason)
