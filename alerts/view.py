"""An alert as people read it."""

from dataclasses import dataclass

from alerts.annotations import words_of
from alerts.notifier import AlertView
from alerts.rules import ACTIVE, Alert, AlertId, State, condition
from config.alerts import Rule


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


def is_active(alert: Alert) -> bool:
    """Whether people should know of the alert."""
    return alert.state in ACTIVE


def view(active: Active) -> AlertView:
    """One alert as a person should read it."""
    # The last number that was good is not what the rule reads now.
    value = active.alert.value if active.alert.state is State.FIRING else None
    name = active.rule.measure + "".join(f" {label} {text}" for label, text in active.id.labels)
    what = f": {active.alert.reason}" if value is None or value.value is None else f" is {value.value:.4g}"
    words = words_of(active.rule, labels_of(active.id), active.alert).texts
    return AlertView(
        labels=active.labels(),
        summary=words.get("summary") or f"{name}{what} ({condition(active.rule)})",
        state=active.alert.state.value,  # type: ignore[arg-type]
        since=active.alert.since or active.alert.read_until,  # type: ignore[arg-type]
        value=None if value is None else value.value,
        lower=None if value is None else value.lower,
        upper=None if value is None else value.upper,
        n=None if value is None else value.n,
        condition=condition(active.rule),
        reason=active.alert.reason,
        exemplars=active.exemplars,
        owner=active.rule.owner or "",
        description=words.get("description", ""),
        baseline="" if value is None else active.alert.said,
    )
