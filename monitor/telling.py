"""Who is told what: what fires is compared with what every receiver was told, and becomes messages."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from alerts.notifier import AlertView
from alerts.pipeline import ACTIONS, Active, Group, decide, group_key, identity, is_active, labels_of, message, view
from alerts.rules import ACTIVE
from monitor.decision import Decision
from monitor.health import RESERVED
from monitor.house import House
from monitor.identities import beside

# Whether a decision speaks for the alert with these labels.
Speaks = Callable[[Mapping[str, str]], bool]


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


def is_built_in(labels: Mapping[str, str]) -> bool:
    """Whether the alert with these labels is one of a built-in rule."""
    return labels["rule"] in RESERVED
