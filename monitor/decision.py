"""What one stretch of slots, or one look at the service's own health, changes: saved in one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alerts.notifier import Message
from alerts.pipeline import Group
from alerts.rules import Alert, AlertId, Step, is_memory
from monitor.store import events, outbox, states
from monitor.store.database import Session


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
