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

from alerts.notifier import Action, AlertView, Link, Message
from alerts.rules import ACTIVE, Alert, AlertId, condition
from config.alerts import Rule, Severity
from detectors.measurement import OTHER


@dataclass(frozen=True, slots=True)
class Active:
    """An alert that people should know of, with the rule that made it."""

    id: AlertId
    rule: Rule
    alert: Alert
    exemplars: tuple[str, ...] = ()

    def labels(self) -> dict[str, str]:
        """All labels of the alert: they route, group and name it."""
        own = {"rule": self.id.rule, "source": self.id.source, "severity": self.rule.severity}
        return own | self.id.segment.as_dict() | dict(self.id.labels)


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
    value = active.alert.value
    name = active.rule.measure + "".join(f" {label} {text}" for label, text in active.id.labels)
    number = "" if value is None or value.value is None else f" is {value.value:.4g}"
    return AlertView(
        labels=active.labels(),
        summary=active.rule.summary or f"{name}{number} ({condition(active.rule)})",
        state=active.alert.state.value,  # type: ignore[arg-type]
        since=active.alert.since or active.alert.read_until,  # type: ignore[arg-type]
        value=None if value is None else value.value,
        lower=None if value is None else value.lower,
        upper=None if value is None else value.upper,
        n=None if value is None else value.n,
        condition=condition(active.rule),
        exemplars=active.exemplars,
    )


def message(
    group: Group, outcome: Outcome, active: Sequence[AlertView], at: datetime, links: Iterable[Link]
) -> Message:
    """The message of a decision; a resolve tells of the alerts that the receiver was told of."""
    alerts = tuple(active)
    if outcome is not Outcome.FIRST:
        still = {tuple(sorted(each.labels.items())) for each in active}
        gone = [
            each for each in group.told if tuple(sorted(each.labels.items())) not in still and each.state != "resolved"
        ]
        alerts += tuple(replace(each, state="resolved", ended=at) for each in gone)
    return Message(
        key=group.key,
        action=ACTIONS[outcome],
        title=_title(outcome, alerts),
        severity=_worst(alerts),
        alerts=alerts,
        at=at,
        links=tuple(links),
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
    place = " / ".join(
        value
        for name, value in first.items()
        if name not in ("rule", "severity", "percentile", "type") and value and value != OTHER
    )
    word = {"resolved": "Resolved", "no_data": "No data", "error": "Broken rule", "firing": "Firing"}[
        "resolved" if outcome is Outcome.RESOLVED else alerts[0].state
    ]
    more = f" and {len(alerts) - 1} more" if len(alerts) > 1 else ""
    return f"{word}: {first['rule']} on {place}{more}"
