"""From alerts to messages: group, compare with what the receiver was told, decide.

Pure functions; each decision has a named outcome.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import get_args

from alerts.notifier import Action, AlertView, Message
from alerts.rules import ACTIVE, Alert, AlertId, State, condition
from config.alerts import Rule, Severity
from config.calls import GROUPING_COLUMNS
from detectors.measurement import OTHER

Identity = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Active:
    """An alert that people should know of, with the rule that made it."""

    id: AlertId
    rule: Rule
    alert: Alert
    exemplars: tuple[str, ...] = ()

    def labels(self) -> dict[str, str]:
        """All labels of the alert: they route, group and name it."""
        return {"severity": self.rule.severity} | labels_of(self.id)


def labels_of(alert: AlertId) -> dict[str, str]:
    """The labels of an alert but its severity."""
    return {"rule": alert.rule, "source": alert.source} | alert.segment.as_dict() | dict(alert.labels)


def identity(labels: Mapping[str, str]) -> Identity:
    """Which alert some labels are of, whatever its severity."""
    return frozenset((name, value) for name, value in labels.items() if name != "severity")


@dataclass(frozen=True, slots=True)
class Group:
    """What a receiver was told about a group of alerts: open or not, and which alerts in which state."""

    key: str
    receiver: str
    is_open: bool = False
    told: tuple[AlertView, ...] = ()


class Outcome(StrEnum):
    """Why a message is or is not made."""

    FIRST = "first"
    CHANGED = "changed"
    RESOLVED = "resolved"
    UNCHANGED = "unchanged"
    NOTHING = "nothing"


ACTIONS: Mapping[Outcome, Action] = {
    Outcome.FIRST: "trigger",
    Outcome.CHANGED: "update",
    Outcome.RESOLVED: "resolve",
}


def decide(group: Group, active: Sequence[AlertView]) -> Outcome:
    """Compares what fires with what the receiver was told."""
    if not group.is_open:
        return Outcome.FIRST if active else Outcome.NOTHING
    if not active:
        return Outcome.RESOLVED
    return Outcome.UNCHANGED if _identity(active) == _identity(group.told) else Outcome.CHANGED


def group_key(receiver: str, labels: Mapping[str, str], group_by: Sequence[str] | None, prefix: str = "") -> str:
    """The deduplication key: a hash of the receiver and the group's labels.

    By default the group is all labels: one message an alert.
    """
    chosen = {name: value for name, value in labels.items() if group_by is None or name in group_by}
    digest = hashlib.sha256(json.dumps([receiver, sorted(chosen.items())]).encode()).hexdigest()
    return f"{prefix}watchkeeper-{digest[:32]}"


def view(active: Active) -> AlertView:
    """One alert as a person should read it."""
    # The last number that was good is not what the rule reads now.
    value = active.alert.value if active.alert.state is State.FIRING else None
    name = active.rule.measure + "".join(f" {label} {text}" for label, text in active.id.labels)
    what = f": {active.alert.reason}" if value is None or value.value is None else f" is {value.value:.4g}"
    return AlertView(
        labels=active.labels(),
        summary=active.rule.summary or f"{name}{what} ({condition(active.rule)})",
        state=active.alert.state.value,  # type: ignore[arg-type]
        since=active.alert.since or active.alert.read_until,  # type: ignore[arg-type]
        value=None if value is None else value.value,
        lower=None if value is None else value.lower,
        upper=None if value is None else value.upper,
        n=None if value is None else value.n,
        condition=condition(active.rule),
        reason=active.alert.reason,
        exemplars=active.exemplars,
    )


def message(
    group: Group, outcome: Outcome, active: Sequence[AlertView], at: datetime, reasons: Mapping[Identity, str]
) -> Message:
    """The message of a decision; a resolve tells of the alerts that the receiver was told of.

    Args:
        group: what the receiver was told until now; the calls behind an alert that goes on are told again.
        outcome: what was decided; one of `ACTIONS`.
        active: what fires.
        at: when this was decided.
        reasons: why alerts have ended, where that is known.
    """
    told = {identity(each.labels): each for each in group.told if each.state != "resolved"}
    alerts = []
    for each in active:
        before = told.pop(identity(each.labels), each)
        alerts.append(replace(each, exemplars=each.exemplars or before.exemplars))
    for which, each in told.items():
        alerts.append(replace(each, state="resolved", ended=at, reason=reasons.get(which, "")))
    return Message(
        key=group.key,
        action=ACTIONS[outcome],
        title=_title(outcome, alerts),
        severity=_worst(alerts),
        alerts=tuple(alerts),
        at=at,
    )


def is_active(alert: Alert) -> bool:
    """Whether people should know of the alert."""
    return alert.state in ACTIVE


def _identity(views: Iterable[AlertView]) -> set[tuple[object, ...]]:
    return {(each.state, *sorted(each.labels.items())) for each in views if each.state != "resolved"}


def _worst(alerts: Sequence[AlertView]) -> Severity:
    order: tuple[Severity, ...] = get_args(Severity)
    present = {each.labels.get("severity") for each in alerts}
    return next((severity for severity in order if severity in present), "warning")


def _title(outcome: Outcome, alerts: Sequence[AlertView]) -> str:
    first = alerts[0].labels
    own = sorted(first.keys() - {"rule", "severity", "percentile", "type", "source", *GROUPING_COLUMNS})
    values = [first.get(name, "") for name in ("source", *GROUPING_COLUMNS, *own)]
    place = " / ".join(value for value in values if value and value != OTHER)
    word = {"resolved": "Resolved", "no_data": "No data", "error": "Broken rule", "firing": "Firing"}[
        "resolved" if outcome is Outcome.RESOLVED else alerts[0].state
    ]
    more = f" and {len(alerts) - 1} more" if len(alerts) > 1 else ""
    return f"{word}: {first['rule']} on {place}{more}"
