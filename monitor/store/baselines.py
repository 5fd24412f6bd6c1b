"""Baselines in the store. Most questions about one are answered without what was fitted, which can be 25 MB."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy.orm import defer
from sqlmodel import Session, col, delete, select, update

from detectors.drift.budget import Stream
from detectors.measurement import Segment
from monitor.store.measurements import segment_of, segment_text
from monitor.store.tables import BaselineRow

CANDIDATE, ACCEPTED, RETIRED = "candidate", "accepted", "retired"
RETIRED_KEPT = 4  # of a stream: one that is learnt anew every week must not fill the store

Role = Literal["rolling", "pinned"]


@dataclass(frozen=True, slots=True)
class StoredBaseline:
    """A baseline without its facts and its body.

    Attributes:
        state: candidate, accepted or retired.
        pinned: whether it stays when another is accepted.
        automatic: whether the service accepted it of its own accord.
        fitted_at: wall clock.
        fitted_from, fitted_until: the stretch of the log that it was learnt from.
        length_s: of its windows.
        read_until: end of the last window that was measured against it.
    """

    source: str
    segment: Segment
    stream: Stream
    version: str
    state: str
    pinned: bool
    automatic: bool
    fitted_at: datetime
    fitted_from: datetime
    fitted_until: datetime
    length_s: int
    read_until: datetime

    @property
    def role(self) -> Role:
        """A stream has at most one in use of each."""
        return "pinned" if self.pinned else "rolling"

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Of its row."""
        return self.source, segment_text(self.segment), self.stream, self.version


def add(session: Session, row: BaselineRow) -> StoredBaseline:
    """Keeps a baseline; one that is kept already stays as it is."""
    key = (row.source, row.segment, row.stream, row.version)
    if session.exec(select(BaselineRow.version).where(*_is(key))).first() is None:
        session.add(row)
    return stored(row)


def stored(row: BaselineRow) -> StoredBaseline:
    """What there is to know of a row beside its facts and its body."""
    return StoredBaseline(
        source=row.source,
        segment=segment_of(row.segment) if row.segment else Segment(),
        stream=row.stream,  # type: ignore[arg-type]
        version=row.version,
        state=row.state,
        pinned=row.pinned,
        automatic=row.automatic,
        fitted_at=row.fitted_at,
        fitted_from=row.fitted_from,
        fitted_until=row.fitted_until,
        length_s=row.length_s,
        read_until=row.read_until,
    )


def known(session: Session, source: str | None = None) -> list[StoredBaseline]:
    """All baselines, oldest fit first."""
    query = select(BaselineRow).order_by(
        col(BaselineRow.source), col(BaselineRow.segment), col(BaselineRow.stream), col(BaselineRow.fitted_at)
    )
    query = query.options(*(defer(each, raiseload=True) for each in (BaselineRow.facts, BaselineRow.body)))  # type: ignore[arg-type]
    return [stored(row) for row in session.exec(query if source is None else query.where(BaselineRow.source == source))]


def in_use(session: Session, source: str | None = None) -> list[StoredBaseline]:
    """The accepted ones, those that are pinned first."""
    return sorted((each for each in known(session, source) if each.state == ACCEPTED), key=lambda each: not each.pinned)


def facts(session: Session, baseline: StoredBaseline) -> dict[str, Any]:
    """What a person should know of it."""
    found: dict[str, Any] = session.exec(select(BaselineRow.facts).where(*_is(baseline.key))).one()
    return found


def body(session: Session, baseline: StoredBaseline) -> bytes:
    """What `detectors.baseline.Baseline.from_bytes`, of pairs `PairBaseline.from_bytes`, reads."""
    return session.exec(select(BaselineRow.body).where(*_is(baseline.key))).one()


def unread(session: Session) -> list[BaselineRow]:
    """Copies of the accepted ones as they were before anything was measured against them, for another store."""
    rows = session.exec(select(BaselineRow).where(BaselineRow.state == ACCEPTED)).all()
    return [BaselineRow(**{**row.model_dump(), "read_until": row.fitted_until}) for row in rows]


def accept(session: Session, baseline: StoredBaseline, *, automatic: bool = False) -> None:
    """Measures against this baseline from now on; the one before retires, unless it is pinned."""
    _retire(session, baseline, pinned=False)
    _set(session, baseline, state=ACCEPTED, automatic=automatic)


def pin(session: Session, baseline: StoredBaseline) -> None:
    """Measures against this baseline until it is unpinned, whatever else is accepted; one pinned before it retires."""
    _retire(session, baseline, pinned=True)
    _set(session, baseline, state=ACCEPTED, pinned=True)


def unpin(session: Session, baseline: StoredBaseline) -> None:
    """Makes it the rolling one of its stream, or retires it where there is one already."""
    rest = [each for each in in_use(session, baseline.source) if not each.pinned and each.key[:3] == baseline.key[:3]]
    # A baseline that was only a candidate, or has retired, is not taken into use by this.
    state = baseline.state if not rest or baseline in rest else RETIRED
    _set(session, baseline, state=state, pinned=False)


def note_read(session: Session, baseline: StoredBaseline, until: datetime) -> None:
    """How far the log was measured against it."""
    _set(session, baseline, read_until=until)


def expire(session: Session, before: datetime) -> None:
    """Forgets retired baselines fitted before a time, but for the newest of each stream; what was measured against them
    stays."""
    kept: dict[tuple[str, str, str], int] = {}
    for each in reversed(known(session)):
        if each.state == RETIRED:
            kept[each.key[:3]] = kept.get(each.key[:3], 0) + 1
            if kept[each.key[:3]] > RETIRED_KEPT and each.fitted_at < before:
                session.exec(delete(BaselineRow).where(*_is(each.key)))


def _retire(session: Session, baseline: StoredBaseline, *, pinned: bool) -> None:
    source, segment, stream, version = baseline.key
    others = (
        col(BaselineRow.source) == source,
        col(BaselineRow.segment) == segment,
        col(BaselineRow.stream) == stream,
        col(BaselineRow.version) != version,
        col(BaselineRow.state) == ACCEPTED,
        col(BaselineRow.pinned).is_(pinned),
    )
    session.exec(update(BaselineRow).where(*others).values(state=RETIRED, pinned=False))


def _set(session: Session, baseline: StoredBaseline, **values: object) -> None:
    session.flush()  # of a row that was added just now
    session.exec(update(BaselineRow).where(*_is(baseline.key)).values(**values))


def _is(key: tuple[str, str, str, str]) -> tuple[Any, ...]:
    source, segment, stream, version = key
    return (
        col(BaselineRow.source) == source,
        col(BaselineRow.segment) == segment,
        col(BaselineRow.stream) == stream,
        col(BaselineRow.version) == version,
    )
