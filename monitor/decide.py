"""Decisions: every rule reads every window once, in slot order; what people should know becomes messages.

Nothing here writes. A `Decision` is what one stretch of slots (or one look at the service's own health) changes, and is
saved in one transaction with the measurements that it was made from.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

from alerts.pipeline import identity, labels_of
from alerts.rules import Alert, State, close, step
from alerts.watch import Readings, restless_ends, watch
from alerts.watch import Watched as RuleStep
from detectors.exemplars import Search, exemplars
from detectors.measurement import Key, Value, Window
from monitor.decision import Decision
from monitor.drifting import DRIFT, alarms
from monitor.golden import alarm as golden
from monitor.health import observe
from monitor.house import House, Watched
from monitor.store import baselines, drift, events, outbox, states
from monitor.telling import is_built_in, tell

STALE = "stale"
EVENTS = 200  # the newest, among which those are that an alert may name
GONE = "its rule, segment, source or receiver is no longer configured"


def begin(house: House) -> Decision:
    """A decision that starts from what the store remembers."""
    with house.database.reading() as session:
        groups = {group.key: group for group in outbox.open_groups(session)}
        happened = events.newest(session, EVENTS)
        return Decision(alerts=states.alerts(session), groups=groups, happened=happened)


def decide_slots(
    house: House, watched: Watched, readings: Readings, ends: Iterable[datetime], now: datetime
) -> Decision:
    """Steps the rules of a source over slots, oldest first; tells people only of slots that are fresh."""
    decision = begin(house)
    rules = house.rules_of(watched.name)
    restless = {name: restless_ends(rule, readings) for name, rule in rules.items()}
    fresh_since = datetime.min.replace(tzinfo=now.tzinfo) if house.replay else watched.fresh_since(now)
    untold = True  # what fires since a catch-up must be told at the first fresh slot, although nothing changes there
    for end in ends:
        fresh = end >= fresh_since
        before = len(decision.history)
        for name, rule in rules.items():
            moments = restless[name]
            stirs = moments is None or end in moments or decision.remembers(name, watched.name)
            if stirs and watched.meter.plan.due(rule.over or readings.slot, end):
                for each in watch(name, rule, readings, decision.alerts, end):
                    ids = _behind(watched, each, readings, end) if fresh else ()
                    decision.apply(each.id, each.step, None if fresh else STALE, ids)
        if fresh and (untold or len(decision.history) > before):
            tell(house, decision, end, lambda labels: labels["source"] == watched.name and not is_built_in(labels))
            untold = False
    return decision


def decide_health(house: House, now: datetime) -> Decision:
    """Steps the built-in rules at `now`, and closes alerts of what has gone."""
    decision = begin(house)
    gone = {alert_id for alert_id in decision.alerts if house.rule_of(alert_id) is None}
    for alert_id in sorted(gone):
        decision.apply(alert_id, close(decision.alerts[alert_id], now, GONE), None)
    with house.database.reading() as session:
        progress, channels = states.all_progress(session), outbox.channels(session)
        asked = list(golden.observe(house.settings, session, now))
        drifting = alarms(drift.all_facts(session), baselines.in_use(session), progress)
    unread = {name: failure.since for name, failure in house.desk.failures.items()}
    house.alarms.update((each.id, each) for each in drifting)
    observed = dict(observe(house.settings, progress, channels, unread, now))
    observed |= {each: Value(0.0) for each in decision.alerts if each.rule == DRIFT and each not in gone}
    observed |= {each.id: each.value for each in drifting}
    observed |= {alert_id: value for alert_id, value, _ in asked}
    house.said.update((alert_id.rule, words) for alert_id, _, words in asked)
    for alert_id, value in observed.items():
        rule = house.rule_of(alert_id)
        alert = decision.alerts.get(alert_id, Alert())
        if rule is not None and (alert.read_until is None or alert.read_until < now):
            alarm = house.alarms.get(alert_id)
            ids = () if alarm is None else alarm.exemplars
            decision.apply(alert_id, step(rule, alert, value, now), None, ids)
    orphans = {identity(labels_of(alert_id)) for alert_id in gone}

    def speaks(labels: Mapping[str, str]) -> bool:
        is_known = labels["rule"] in house.settings.rules and labels["source"] in house.sources
        return is_built_in(labels) or not is_known or identity(labels) in orphans

    tell(house, decision, now, speaks)
    return decision


def _behind(watched: Watched, each: RuleStep, readings: Readings, end: datetime) -> tuple[str, ...]:
    """Ids of the calls behind an alert that starts to fire."""
    transition = each.step.transition
    if transition is None or transition.after is not State.FIRING:
        return ()
    window = Window(end - (each.rule.over or readings.slot), end)
    batch = readings.batch(each.rule)
    admitted = frozenset() if batch is None else frozenset(batch.segments(window))
    search = Search(max_duration=watched.settings.max_duration, admitted=admitted)
    return exemplars(watched.source, Key(each.rule.measure, each.id.labels), each.id.segment, window, search)
