"""Decisions: every rule reads every window once, in slot order; what people should know becomes messages.

Nothing here writes. A `Decision` is what one stretch of slots (or one look at the service's own health) changes, and is
saved in one transaction with the measurements that it was made from.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from detectors.exemplars import exemplars
from sqlmodel import Session

from alerts.notifier import AlertView, Message
from alerts.pipeline import ACTIONS, Active, Group, decide, group_key, is_active, message, view
from alerts.rules import ACTIVE, Alert, AlertId, State, Step, close, step
from alerts.watch import Readings, watch
from alerts.watch import Watched as RuleStep
from detectors.measurement import Key, Window
from monitor.health import observe
from monitor.house import House, Watched
from monitor.store import outbox, states

STALE = "stale"
GONE = "its rule, segment, source or receiver is no longer configured"


@dataclass(slots=True)
class Decision:
    """What changes: alerts, their history, and messages with the groups that they speak to."""

    alerts: dict[AlertId, Alert] = field(default_factory=dict)
    changed: set[AlertId] = field(default_factory=set)
    history: list[outbox.Change] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)
    messages: list[tuple[Group, Message]] = field(default_factory=list)

    def apply(self, alert_id: AlertId, after: Step, held: str | None, ids: tuple[str, ...] = ()) -> None:
        """Takes one step of one alert over."""
        if after.alert != self.alerts.get(alert_id):
            self.alerts[alert_id] = after.alert
            self.changed.add(alert_id)
        if after.transition is not None:
            self.history.append(outbox.Change(alert_id, after.transition, held, ids))

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
        return Decision(alerts=states.alerts(session), groups=groups)


def decide_slots(
    house: House, watched: Watched, readings: Readings, ends: Iterable[datetime], now: datetime
) -> Decision:
    """Steps the rules of a source over slots, oldest first; tells people only of slots that are fresh."""
    decision = begin(house)
    rules = house.rules_of(watched.name)
    fresh_since = datetime.min.replace(tzinfo=now.tzinfo) if house.replay else watched.fresh_since(now)
    untold = True  # what fires since a catch-up must be told at the first fresh slot, although nothing changes there
    for end in ends:
        fresh = end >= fresh_since
        before = len(decision.history)
        for name, rule in rules.items():
            if watched.meter.plan.due(rule.over or readings.slot, end):
                for each in watch(name, rule, readings, decision.alerts, end):
                    ids = _behind(watched, each, end) if fresh else ()
                    decision.apply(each.id, each.step, None if fresh else STALE, ids)
        if fresh and (untold or len(decision.history) > before):
            tell(house, decision, end)
            untold = False
    return decision


def decide_health(house: House, now: datetime) -> Decision:
    """Steps the built-in rules at `now`, and closes alerts of what has gone."""
    decision = begin(house)
    for alert_id, alert in list(decision.alerts.items()):
        if house.rule_of(alert_id) is None:
            decision.apply(alert_id, close(alert, now, GONE), None)
    with house.database.reading() as session:
        progress, channels = states.all_progress(session), outbox.channels(session)
    for alert_id, value in observe(house.settings, progress, channels, now):
        rule = house.rule_of(alert_id)
        alert = decision.alerts.get(alert_id, Alert())
        if rule is not None and (alert.read_until is None or alert.read_until < now):
            decision.apply(alert_id, step(rule, alert, value, now), None)
    if decision.history:
        tell(house, decision, now)
    return decision


def tell(house: House, decision: Decision, at: datetime) -> None:
    """Compares what fires with what every receiver was told, and makes the messages that are due."""
    by_group = _views_by_group(house, decision)
    for key in sorted(by_group.keys() | decision.groups.keys()):
        receiver, views = by_group.get(key, ("", []))
        group = decision.groups.get(key) or Group(key, receiver)
        outcome = decide(group, views)
        if outcome not in ACTIONS:
            continue
        told = message(group, outcome, views, at, house.links(views or group.told))
        decision.messages.append((group, replace(told, replay=house.replay)))
        decision.groups[key] = Group(key, group.receiver, ACTIONS[outcome] != "resolve", told.alerts)


def _views_by_group(house: House, decision: Decision) -> Mapping[str, tuple[str, list[AlertView]]]:
    groups: dict[str, tuple[str, list[AlertView]]] = {}
    ids = {each.alert_id: each.exemplars for each in decision.history if each.transition.after in ACTIVE}
    for alert_id, alert in decision.alerts.items():
        rule = house.rule_of(alert_id) if is_active(alert) else None
        if rule is None:
            continue
        active = Active(alert_id, rule, alert, ids.get(alert_id, ()))
        for receiver in house.receivers_of(alert_id, rule):
            group_by = house.settings.receivers[receiver].group_by
            key = group_key(receiver, active.labels(), group_by, "replay-" if house.replay else "")
            groups.setdefault(key, (receiver, []))[1].append(view(active))
    return groups


def _behind(watched: Watched, each: RuleStep, end: datetime) -> tuple[str, ...]:
    """Ids of the calls behind an alert that starts to fire."""
    transition = each.step.transition
    if transition is None or transition.after is not State.FIRING:
        return ()
    window = Window(end - (each.rule.over or watched.meter.plan.slot), end)
    return exemplars(watched.source, Key(each.rule.measure, each.id.labels), each.id.segment, window)
