"""Who is told what: what fires goes into groups, and the groups through the pipeline."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from alerts import wording
from alerts.annotations import of_alert
from alerts.digest import claims
from alerts.grouping import Group, Way, active, group_key, identity, renewed
from alerts.inhibition import Inhibitor, unheard_source
from alerts.notifier import AlertView
from alerts.pipeline import run
from alerts.rules import ACTIVE, State
from alerts.steps import Moment
from alerts.view import Active, is_active, labels_of, view
from monitor.canary import CANARY
from monitor.decision import Decision
from monitor.health import RESERVED, SOURCE_FAILING, SOURCE_SILENT
from monitor.house import House
from monitor.identities import beside

# Whether a decision speaks for the alert with these labels.
Speaks = Callable[[Mapping[str, str]], bool]

REPLAY = "replay-"  # before the keys of a replay's groups


@dataclass(frozen=True, slots=True)
class When:
    """The two clocks: when it is decided (the end of a slot, or now), and the time by which messages are made."""

    at: datetime
    now: datetime


def tell(house: House, decision: Decision, when: When, speaks: Speaks) -> None:
    """Brings the groups up to date with what fires, sends them through the pipeline, and notes what comes of it.

    An alert that this decision does not speak for stays as it was wanted: its source may be catching up, and then
    nobody is to hear of it yet.
    """
    before = dict(decision.groups)
    groups = {
        key: renewed(decision.groups.get(key) or Group(key, receiver), views, when.at, _reasons(decision))
        for key, (receiver, views) in _views_by_group(house, decision, speaks).items()
    }
    done = run(groups, moment_of(house, decision, when.now), when.at, REPLAY if house.replay else "")
    places = {}
    for group, message in done.messages:
        places[group.key] = len(decision.messages)
        links = tuple(house.links(message.alerts))
        test = all(each.labels["rule"] == CANARY for each in message.alerts)
        decision.messages.append((group, replace(message, links=links, replay=house.replay, test=test)))
    decision.verdicts += [(each, places[each.key] if each.is_sent else None) for each in done.verdicts]
    for each in done.verdicts:
        house.counters.add("notifications", outcome=each.outcome)
    for key, group in done.groups.items():
        known = before.get(key)
        if known is None and group.is_idle and key not in places:
            continue
        decision.groups[key] = group
        if known is None or not group.says_as_much_as(known):
            decision.regrouped.add(key)


def _reasons(decision: Decision) -> Mapping[frozenset[tuple[str, str]], str]:
    """Why alerts have ended and what was read then, by identity."""
    return {
        identity(labels_of(each.alert_id)): wording.ending(each.transition)
        for each in decision.history
        if each.transition.after not in ACTIVE
    }


def moment_of(house: House, decision: Decision, now: datetime) -> Moment:
    """What the steps of the pipeline need to know."""
    settings = house.settings
    rules = [unheard_source((SOURCE_SILENT, SOURCE_FAILING)), *map(Inhibitor.of, settings.routing.inhibit)]
    firing = list(_firing(house, decision))
    return Moment(
        now=now,
        ways={name: Way.of(receiver, settings.routing) for name, receiver in settings.receivers.items()},
        inhibitors=[rule.among(firing) for rule in rules],
        silences=decision.around.silences,
        behind=decision.around.behind,
        own_rules=frozenset(RESERVED),
        prompt_rules=frozenset((CANARY,)),
        acknowledged=decision.around.acknowledged,
    )


def _firing(house: House, decision: Decision) -> Iterator[Mapping[str, str]]:
    """The labels of every alert that fires: what may hold others back."""
    for alert_id, alert in decision.alerts.items():
        rule = house.rule_of(alert_id) if alert.state is State.FIRING else None
        if rule is not None:
            labels = labels_of(alert_id)
            yield {"severity": of_alert(rule, labels).severity} | labels


def _views_by_group(house: House, decision: Decision, speaks: Speaks) -> Mapping[str, tuple[str, list[AlertView]]]:
    """What fires in every group, also in those in which nothing does any more; each with its receiver."""
    groups: dict[str, tuple[str, list[AlertView]]] = {
        key: (group.receiver, [each for each in active(group.members) if not speaks(each.labels)])
        for key, group in decision.groups.items()
    }
    joined = claims(decision.groups.values())
    for receiver, shown in _views(house, decision, speaks):
        key = joined.get((receiver, identity(shown.labels)))
        if key is None:
            group_by = house.settings.receivers[receiver].group_by
            key = group_key(receiver, shown.labels, group_by, REPLAY if house.replay else "")
        groups.setdefault(key, (receiver, []))[1].append(shown)
    return groups


def _views(house: House, decision: Decision, speaks: Speaks) -> Iterator[tuple[str, AlertView]]:
    """Every alert that people should know of and that is spoken for, once for each of its receivers."""
    ids = {each.alert_id: each.exemplars for each in decision.history if each.transition.after in ACTIVE}
    for alert_id, alert in sorted(decision.alerts.items(), key=lambda item: item[0]):
        rule = house.rule_of(alert_id) if is_active(alert) else None
        if rule is None or not speaks(labels_of(alert_id)):
            continue
        shown = view(Active(alert_id, of_alert(rule, labels_of(alert_id)), alert, ids.get(alert_id, ())))
        if events := beside(shown.labels, alert.fired_at or shown.since, decision.around.happened):
            shown = replace(shown, events=events)
        for receiver in house.receivers_of(alert_id, rule):
            yield receiver, shown


def is_built_in(labels: Mapping[str, str]) -> bool:
    """Whether the alert with these labels is one of a built-in rule."""
    return labels["rule"] in RESERVED
