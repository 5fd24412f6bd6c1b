"""What a rule may know beside the windows that have just closed: earlier measurements, and what happened."""

from dataclasses import replace
from datetime import timedelta

from alerts.watch import Readings
from config.alerts import Rule
from monitor.house import House, Watched
from monitor.past import StoredPast
from monitor.store import events
from monitor.store.database import Database

MOST_EVENTS = 2_000  # that rules about events look at, the newest


def with_past(house: House, watched: Watched, readings: Readings) -> Readings:
    """The measurements of a stretch with what was before them, as far as the rules of the source need it."""
    rules = house.rules_of(watched.name)
    past = house.pasts.get(watched.name)
    if past is None:
        past = house.pasts[watched.name] = StoredPast.of(house.database, watched.name, rules.values())
    plan = watched.meter.plan
    lasts = [rule.event.lasts for rule in rules.values() if rule.event is not None]
    happened = _happened(house, readings, max(lasts)) if lasts else ()
    return replace(readings, history=plan.history, steps=plan.steps, past=past, happened=happened)


def lend(house: House, live: Database) -> None:
    """Lets a replay know what the live store knows of the time before it."""
    for name in house.sources:
        house.pasts[name] = StoredPast.of(house.database, name, house.rules_of(name).values(), live)


def remember(house: House, readings: Readings) -> None:
    """Keeps what was decided on for the decisions that follow."""
    if (past := house.pasts.get(readings.source)) is not None:
        past.learn(readings)


def length_behind(rule: Rule, slot: timedelta) -> timedelta:
    """The length of the window in which the calls behind an alert are looked for."""
    if rule.burn is not None:
        return min(pair.long for pair in rule.burn.windows)
    return rule.over or (timedelta(hours=1) if rule.budget is not None else slot)


def _happened(house: House, readings: Readings, lasts: timedelta) -> tuple[events.Event, ...]:
    windows = [window for batch in readings.batches.values() for _, window in batch.rows]
    if not windows:
        return ()
    since, until = min(each.start for each in windows) - lasts, max(each.end for each in windows)
    with house.database.reading() as session:
        return tuple(events.between(session, since, until, MOST_EVENTS))
