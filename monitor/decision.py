"""What one stretch of slots, or one look at the service's own health, changes: saved in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.grouping import Group, fingerprint
from alerts.notifier import Message
from alerts.rules import ACTIVE, Alert, AlertId, Step, is_memory
from alerts.silences import Silence
from alerts.steps import Acknowledgement
from alerts.verdicts import Verdict
from alerts.view import labels_of
from monitor.store import events, groups, history, outbox, states
from monitor.store.database import Session


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What holds beside the alerts when a decision is taken.

    Attributes:
        happened: deployments, other models: told beside the alerts that they may explain.
        silences: those that hold.
        acknowledged: the alerts that somebody has taken on, by fingerprint.
        behind: the sources that are catching up.
    """

    happened: Sequence[events.Event] = ()
    silences: Sequence[Silence] = ()
    acknowledged: Mapping[str, Acknowledgement] = field(default_factory=dict)
    behind: frozenset[str] = frozenset()


@dataclass(slots=True)
class Decision:
    """What changes: alerts, their history, groups and messages to them, and what became of each alert on its way."""

    alerts: dict[AlertId, Alert] = field(default_factory=dict)
    changed: set[AlertId] = field(default_factory=set)
    history: list[outbox.Change] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)
    regrouped: set[str] = field(default_factory=set)  # keys of the groups that changed
    messages: list[tuple[Group, Message]] = field(default_factory=list)
    verdicts: list[tuple[Verdict, int | None]] = field(default_factory=list)  # each with its place among the messages
    around: Surroundings = Surroundings()

    def apply(self, alert_id: AlertId, after: Step, held: str | None, ids: tuple[str, ...] = ()) -> None:
        """Takes one step of one alert over."""
        known = self.alerts.get(alert_id)
        if after.alert != known:
            self.alerts[alert_id] = after.alert
            # What is inactive and stays so has no row: hundreds of calm segments must not cost a statement each.
            if is_memory(after.alert) or (known is not None and is_memory(known)):
                self.changed.add(alert_id)
        if after.transition is not None:
            self.history.append(outbox.Change(alert_id, after.transition, held, ids))

    def hold_what_is_over(self, why: str) -> None:
        """Notes of what began among these changes, and is over by now, that nobody was told of it."""
        begun = {each.alert_id for each in self.history if each.transition.after in ACTIVE}
        first = {each.alert_id: each.transition for each in reversed(self.history)}
        over = {each for each in begun if not {first[each].before, self.alerts[each].state} & {*ACTIVE}}
        self.history = [replace(each, held=why) if each.alert_id in over else each for each in self.history]

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
        over = [each.alert_id for each in self.history if each.transition.after not in ACTIVE]
        if over:
            history.end_acknowledgements(session, (fingerprint(labels_of(each)) for each in over), now)
        rows = [outbox.enqueue(session, group, each, now) for group, each in self.messages]
        groups.save(session, (self.groups[key] for key in sorted(self.regrouped)))
        session.flush()
        for verdict, number in self.verdicts:
            history.keep(session, verdict, None if number is None else rows[number].id, now)
