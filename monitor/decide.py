"""Decisions: every rule reads every window once, in slot order; what people should know becomes messages.

Nothing here writes. A `Decision` is what one stretch of slots (or one look at the service's own health) changes, and is
saved in one transaction with the measurements that it was made from.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.notifier import AlertView, Message
from alerts.pipeline import (
    ACTIONS,
    Active,
    Group,
    decide,
    group_key,
    identity,
    is_active,
    labels_of,
    message,
    view,
)
from alerts.rules import ACTIVE, Alert, AlertId, State, Step, close, is_memory, step
from alerts.watch import Readings, restless_ends, watch
from alerts.watch import Watched as RuleStep
from detectors.exemplars import Search, exemplars
from detectors.measurement import Key, Value, Window
from monitor.drifting import DRIFT, alarms
from monitor.golden import alarm as golden
from monitor.health import RESERVED, observe
from monitor.house import House, Watched
from monitor.identities import beside
from monitor.store import baselines, drift, events, outbox, states
from monitor.store.database import Session

STALE = "stale"
EVENTS = 200  # the newest, among which those are that an alert may name
GONE = "its rule, segment, source or receiver is no longer configured"

# Whether a decision speaks for the alert with these labels.
Speaks = Callable[[Mapping[str, str]], bool]


@dataclass(slots=True)
class Decision:
    """What changes: alerts, their history, and messages with the groups that they speak to."""

    alerts: dict[AlertId, Alert] = field(default_factory=dict)
    changed: set[AlertId] = field(default_factory=set)
    history: list[outbox.Change] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)
    messages: list[tuple[Group, Message]] = field(default_factory=list)
    happened: Sequence[events.Event] = ()  # deployments, other models: told beside the alerts that they may explain

    def apply(self, alert_id: AlertId, after: Step, held: str | None, ids: tuple[str, ...] = ()) -> None:
        """Takes one step of one alert over."""
        if after.alert != self.alerts.get(alert_id):
            self.alerts[alert_id] = after.alert
            self.changed.add(alert_id)
        if after.transition is not None:
            self.history.append(outbox.Change(alert_id, after.transition, held, ids))

    def remembers(self, rule: str, source: str) -> bool:
        """Whether an alert of a rule on a source is more than inactive."""
        return any(
            each.rule == rule and each.source == source and is_memory(alert) for each, alert in self.alerts.items()
        )

    def save(self, session: Session, now: datetime) -> None:
        """Writes everything into the open transaction."""
        states.save_alerts(session, ((alert_id, self.alerts[alert_id]) for alert_id in sorted(self.changed)))
        for change in self.history:
            outbox.record(session, change, now)
        for group, each in self.messages:
            outbox.enqueue(session, group, each, now)


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
            tell(house, decision, end, lambda labels: labels["source"] == watched.name and not _is_built_in(labels))
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
        return _is_built_in(labels) or not is_known or identity(labels) in orphans

    tell(house, decision, now, speaks)
    return decision


def tell(house: House, decision: Decision, at: datetime, speaks: Speaks) -> None:
    """Compares what fires with what every receiver was told, and makes the messages that are due.

    An alert that this decision does not speak for stays as it was told: its source may be catching up, and then nobody
    is to hear of it yet.
    """
    by_group = _views_by_group(house, decision, speaks)
    reasons = {
        identity(labels_of(each.alert_id)): each.transition.reason
        for each in decision.history
        if each.transition.after not in ACTIVE
    }
    for key in sorted(by_group.keys() | decision.groups.keys()):
        receiver, views = by_group.get(key, ("", []))
        group = decision.groups.get(key) or Group(key, receiver)
        outcome = decide(group, views)
        if outcome not in ACTIONS:
            continue
        links = tuple(house.links(views or group.told))
        told = replace(message(group, outcome, views, at, reasons), links=links, replay=house.replay)
        decision.messages.append((group, told))
        decision.groups[key] = Group(key, group.receiver, ACTIONS[outcome] != "resolve", told.alerts)


def _views_by_group(house: House, decision: Decision, speaks: Speaks) -> Mapping[str, tuple[str, list[AlertView]]]:
    groups: dict[str, tuple[str, list[AlertView]]] = {}
    ids = {each.alert_id: each.exemplars for each in decision.history if each.transition.after in ACTIVE}
    for alert_id, alert in sorted(decision.alerts.items(), key=lambda item: item[0]):
        rule = house.rule_of(alert_id) if is_active(alert) else None
        if rule is None or not speaks(labels_of(alert_id)):
            continue
        active = Active(alert_id, rule, alert, ids.get(alert_id, ()))
        shown = view(active)
        shown = replace(shown, events=beside(shown.labels, alert.fired_at or shown.since, decision.happened))
        for receiver in house.receivers_of(alert_id, rule):
            group_by = house.settings.receivers[receiver].group_by
            key = group_key(receiver, active.labels(), group_by, "replay-" if house.replay else "")
            groups.setdefault(key, (receiver, []))[1].append(shown)
    for key, group in decision.groups.items():
        unspoken = [each for each in group.told if each.state != "resolved" and not speaks(each.labels)]
        if unspoken:
            groups.setdefault(key, (group.receiver, []))[1].extend(unspoken)
    return groups


def _is_built_in(labels: Mapping[str, str]) -> bool:
    return labels["rule"] in RESERVED


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
