"""The drift detectors in the store: what each remembers, and what it says."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import defer
from sqlmodel import Session, col, delete, select

from monitor.store.baselines import StoredBaseline
from monitor.store.tables import BaselineRow, DriftRow


@dataclass(frozen=True, slots=True)
class DriftFacts:
    """What a detector says after the last window that it read.

    Attributes:
        key: of its baseline: source, segment, stream, version.
        until: end of that window.
        facts: see `monitor.reading.drift`.
    """

    key: tuple[str, str, str, str]
    until: datetime
    facts: Mapping[str, Any]


def state(session: Session, baseline: StoredBaseline) -> DriftRow | None:
    """What the detector against a baseline remembers; None before its first window."""
    return session.get(DriftRow, baseline.key)


def save(session: Session, row: DriftRow) -> None:
    """Remembers."""
    session.merge(row)


def all_facts(session: Session) -> list[DriftFacts]:
    """What every detector says, without what it remembers."""
    query = select(DriftRow).options(defer(DriftRow.body, raiseload=True))  # type: ignore[arg-type]
    rows = session.exec(query)
    return [DriftFacts((row.source, row.segment, row.stream, row.baseline), row.until, row.facts) for row in rows]


def expire(session: Session) -> None:
    """Forgets the detectors whose baseline has gone."""
    session.exec(delete(DriftRow).where(col(DriftRow.baseline).not_in(select(BaselineRow.version))))
