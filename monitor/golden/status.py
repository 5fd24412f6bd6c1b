"""How the golden set is doing, for everything that shows it."""

from dataclasses import replace
from datetime import datetime

from detectors.measurement import Measured, Segment, Window
from monitor.golden.alarm import level
from monitor.golden.facts import values_of
from monitor.health import OWN_SOURCE
from monitor.house import House
from monitor.snapshot import GoldenStatus
from monitor.store import golden
from monitor.store.database import Session
from monitor.store.golden_tables import GoldenRunRow


def golden_status(house: House, session: Session, now: datetime) -> GoldenStatus | None:
    """The golden set at `now`; None when there is none."""
    settings = house.settings.golden
    if settings is None:
        return None
    newest, done = golden.newest(session), golden.newest_done(session)
    status = GoldenStatus(
        model=settings.endpoint.model,
        state="unused" if newest is None else newest.state,  # type: ignore[arg-type]
        budget_usd=settings.budget_usd_per_day,
        spent_usd=golden.spent(session, now),
        level=level(settings),
    )
    if newest is None:
        return status
    is_done = newest.state == golden.DONE
    return replace(
        status,
        answers=len(golden.answers(session, int(newest.id or 0))),
        started_at=newest.started_at,
        finished_at=None if done is None else done.finished_at,
        next_at=newest.started_at + settings.every if is_done else None,
        problem=newest.problem,
        measured=None if done is None else _measured(house, done),
        moved=() if done is None else tuple(done.facts["moved"]),
    )


def _measured(house: House, done: GoldenRunRow) -> Measured | None:
    """The numbers of a run speak until the next one is due."""
    if house.settings.golden is None or done.finished_at is None:
        return None
    window = Window(done.finished_at - house.settings.golden.every, done.finished_at)
    return Measured(OWN_SOURCE, Segment(), window, values_of(done.facts))
