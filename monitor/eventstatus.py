"""What happened and which models answer, for everything that shows it."""

from datetime import datetime

from detectors.measurement import NONE
from monitor.house import House
from monitor.snapshot import EventStatus, ModelStatus
from monitor.store import events
from monitor.store.database import Session

RECENT = 50  # events shown


def event_statuses(house: House, session: Session, now: datetime) -> tuple[EventStatus, ...]:
    """The newest events of what is watched, newest first; one that is announced for later is not there yet."""
    found = events.between(session, datetime.min.replace(tzinfo=now.tzinfo), now, RECENT)
    return tuple(
        EventStatus(each.at, each.name, each.detail, each.source, each.service)
        for each in found
        if not each.source or each.source in house.sources
    )


def model_statuses(house: House, session: Session) -> tuple[ModelStatus, ...]:
    """Every model and fingerprint that is remembered, by source, the one that came last first."""
    found = [
        ModelStatus(source, "" if service == NONE else service, column, value, each.first, each.last)
        for source in house.sources
        for (column, service, value), each in events.identities(session, source).items()
    ]
    found.sort(key=lambda each: (each.column, each.service, each.value))
    found.sort(key=lambda each: each.last, reverse=True)
    found.sort(key=lambda each: each.source)
    return tuple(found)
