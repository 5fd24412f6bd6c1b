"""The message that a decision leads to: which alerts it tells of, and its title."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import get_args

from alerts import digest
from alerts.grouping import Group, active, identity
from alerts.notifier import Action, AlertView, Message
from alerts.steps import Outcome
from config.alerts import Severity
from config.calls import GROUPING_COLUMNS
from detectors.measurement import OTHER

ACTIONS: Mapping[Outcome, Action] = {
    Outcome.FIRST: "trigger",
    Outcome.CHANGED: "update",
    Outcome.RESOLVED: "resolve",
    Outcome.REPEATED: "update",
    Outcome.ACKNOWLEDGED: "acknowledge",
}

_STATES = {"resolved": "Resolved", "no_data": "No data", "error": "Broken rule", "firing": "Firing"}
_NOT_PLACES = frozenset({"rule", "severity", "percentile", "type", "source", *GROUPING_COLUMNS})


def message(group: Group, outcome: Outcome, views: Sequence[AlertView], at: datetime) -> Message:
    """The message of a decision; a resolve tells of the alerts that the receiver was told of.

    Args:
        group: what the receiver was told until now; the calls behind an alert that goes on are told again.
        outcome: what was decided; one of `ACTIONS`.
        views: what is active, and what has ended as far as its end is known.
        at: when this was decided: the end of what was told and is not among the views.
    """
    told = group.told_active()
    alerts = []
    for each in active(views):
        before = told.pop(identity(each.labels), each)
        alerts.append(replace(each, exemplars=each.exemplars or before.exemplars))
    ended = {identity(each.labels): each for each in views if each.state == "resolved"}
    alerts += [ended.get(which) or replace(each, state="resolved", ended=at) for which, each in told.items()]
    alerts = sorted(alerts, key=_urgency) if group.digest else alerts
    return Message(
        key=group.key,
        action=ACTIONS[outcome],
        title=_title(group, outcome, alerts),
        severity=worst(alerts),
        alerts=tuple(alerts),
        at=at,
        reminder=outcome is Outcome.REPEATED,
    )


def worst(alerts: Sequence[AlertView]) -> Severity:
    """The severity of the worst of some alerts."""
    order: tuple[Severity, ...] = get_args(Severity)
    present = {each.labels.get("severity") for each in alerts}
    return next((severity for severity in order if severity in present), "warning")


def _urgency(alert: AlertView) -> tuple[object, ...]:
    """What fires before what has ended, the longest first."""
    return alert.state == "resolved", alert.since, sorted(alert.labels.items())


def _title(group: Group, outcome: Outcome, alerts: Sequence[AlertView]) -> str:
    if outcome is Outcome.ACKNOWLEDGED:
        word = f"Acknowledged by {', '.join(dict.fromkeys(each.acknowledged_by for each in active(alerts)))}"
    elif outcome is Outcome.REPEATED:
        word = f"Still {_STATES[alerts[0].state].lower()}"
    else:
        word = _STATES["resolved" if outcome is Outcome.RESOLVED else alerts[0].state]
    if group.digest:
        return f"{word}: {digest.said(alerts)}"
    first = alerts[0].labels
    values = [first.get(name, "") for name in ("source", *GROUPING_COLUMNS, *sorted(first.keys() - _NOT_PLACES))]
    place = " / ".join(value for value in values if value and value != OTHER)
    more = f" and {len(alerts) - 1} more" if len(alerts) > 1 else ""
    return f"{word}: {first['rule']} on {place}{more}"
