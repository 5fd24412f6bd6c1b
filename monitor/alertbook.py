"""The alerts and their history as the command line, the API and the page show them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from alerts.annotations import of_alert
from alerts.conditions import condition
from alerts.grouping import fingerprint
from alerts.rules import ACTIVE, Alert, AlertId, State
from alerts.silences import Silence
from alerts.steps import Acknowledgement
from alerts.view import labels_of
from config.alerts import Rule
from config.settings import Settings
from detectors.measurement import Reason, Value
from monitor.canary import canary_rule
from monitor.drift_details import of_alert as drift_of
from monitor.drifting import DRIFT, rule_of
from monitor.golden.alarm import golden_rule
from monitor.health import health_rule
from monitor.store import history, outbox, states
from monitor.store.alert_tables import NoteRow, NotificationRow
from monitor.store.database import Session
from monitor.store.history import Asked
from monitor.store.tables import OutboxRow, TransitionRow

MOST_ROWS = 500  # of one alert that are looked at: the newest
_NOTHING = Value(None, reason=Reason.NO_VALUES)


class UnknownAlertError(Exception):
    """No alert has this id, or several; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One alert as it stands, or as it last was.

    Attributes:
        state: inactive where it is over.
        since: when it began; None where it is over.
        value, lower, upper, n: what its rule last read, the interval of that, and the calls behind it.
        compared: what the value was compared with, in words.
        ended: when it was over; None where it is not, or nobody remembers.
        outcomes: what became of it last at each receiver.
        taken_by: who has taken it on.
    """

    id: str
    alert: AlertId
    state: State
    severity: str
    condition: str
    since: datetime | None
    value: float | None
    ended: datetime | None
    outcomes: Mapping[str, str]
    taken_by: str
    lower: float | None = None
    upper: float | None = None
    n: int | None = None
    compared: str = ""

    def as_json(self) -> dict[str, Any]:
        """The public shape; see docs/alerting.md."""
        return {
            "id": self.id,
            "rule": self.alert.rule,
            "source": self.alert.source,
            "segment": self.alert.segment.as_dict(),
            "labels": dict(self.alert.labels),
            "state": self.state.value,
            "severity": self.severity,
            "condition": self.condition,
            "since": _spelled(self.since),
            "ended": _spelled(self.ended),
            "value": self.value,
            "lower": self.lower,
            "upper": self.upper,
            "n": self.n,
            "compared_with": self.compared or None,
            "acknowledged_by": self.taken_by or None,
            "receivers": dict(self.outcomes),
        }


@dataclass(frozen=True, slots=True)
class Book:
    """Everything that is kept about one alert, oldest first."""

    entry: Entry
    transitions: list[TransitionRow]
    notifications: list[NotificationRow]
    deliveries: Mapping[int, OutboxRow]
    notes: list[NoteRow]
    drift: Mapping[str, Any] | None = None  # what explains it, of an alert of the rule `drift`

    def as_json(self) -> dict[str, Any]:
        """The public shape; see docs/alerting.md."""
        return self.entry.as_json() | {
            "transitions": [
                outbox.transition_json(row)
                | {"compared_with": row.compared, "reason": row.reason, "exemplars": row.exemplars or []}
                for row in self.transitions
            ],
            "notifications": [self._notification(row) for row in self.notifications],
            "notes": [
                {"kind": row.kind, "by": row.author, "text": row.text, "at": row.at.isoformat()} for row in self.notes
            ],
            **({} if self.drift is None else {"drift": dict(self.drift)}),
        }

    def _notification(self, row: NotificationRow) -> dict[str, Any]:
        steps = [dict(zip(("step", "outcome", "text"), each, strict=True)) for each in row.steps]
        sent = self.deliveries.get(row.outbox or 0)
        return {
            "at": row.at.isoformat(),
            "receiver": row.receiver,
            "outcome": row.outcome,
            "steps": steps,
            "delivery": None if sent is None else _delivery(sent),
        }


def entries(session: Session, settings: Settings, asked: Asked, *, ended: bool = False) -> list[Entry]:
    """The alerts that are not inactive, the worst first; with `ended` also those that are over, the newest first.

    Args:
        asked: only these; `since` is about those that are over.
    """
    alerts = {each: alert for each, alert in states.alerts(session).items() if alert.state is not State.INACTIVE}
    chosen = {each: alert for each, alert in alerts.items() if _is_asked_for(each, asked)}
    over = dict(_over(history.find_transitions(session, asked), alerts)) if ended else {}
    names = [fingerprint(labels_of(each)) for each in (*chosen, *over)]
    beside = _Beside(history.newest_outcomes(session, names), history.acknowledged(session))
    made = [
        _entry(settings, each, alert, over.get(each), beside)
        for each, alert in (*sorted(chosen.items()), *((each, Alert()) for each in over))
    ]
    return sorted(made, key=_urgency)[: asked.limit]


def find(session: Session, beginning: str) -> str:
    """The id of the alert that is meant.

    Raises:
        UnknownAlertError: none begins so, or several do.
    """
    known = {fingerprint(labels_of(each)) for each in states.alerts(session)} | set(history.named(session, beginning))
    found = sorted(each for each in known if beginning and each.startswith(beginning))
    if len(found) != 1:
        problem = f"{', '.join(found)} all begin with {beginning!r}" if found else f"no alert has the id {beginning!r}"
        raise UnknownAlertError(f"{problem}: see watchkeeper alerts list --all")
    return found[0]


def active_labels(session: Session, alert: str) -> Mapping[str, str] | None:
    """The labels of an alert that people should know of now; None where it is none."""
    for each, state in states.alerts(session).items():
        if state.state in ACTIVE and fingerprint(labels_of(each)) == alert:
            return labels_of(each)
    return None


def book(session: Session, settings: Settings, alert: str) -> Book:
    """Everything that is kept about an alert, by its whole id.

    Raises:
        UnknownAlertError: nothing is.
    """
    changes = history.transitions_of(session, alert, MOST_ROWS)
    remembered = {fingerprint(labels_of(each)): each for each in states.alerts(session)}
    alert_id = remembered.get(alert) or (states.alert_id_of(changes[-1]) if changes else None)
    if alert_id is None:
        raise UnknownAlertError(f"no alert has the id {alert!r}: see watchkeeper alerts list --all")
    state = states.alerts(session, alert_id.source).get(alert_id, Alert())
    told = history.notifications(session, alert, MOST_ROWS)
    beside = _Beside({alert: {row.receiver: row.outcome for row in told}}, history.acknowledged(session))
    end = changes[-1] if changes and state.state is State.INACTIVE else None
    entry = _entry(settings, alert_id, state, end, beside)
    sent = history.deliveries(session, {row.outbox for row in told if row.outbox is not None})
    drifted = drift_of(session, alert_id) if alert_id.rule == DRIFT else None
    return Book(entry, changes, told, sent, history.notes(session, alert), drifted)


def rule_in(settings: Settings, alert: AlertId) -> Rule | None:
    """The rule behind an alert, as far as the settings alone know it."""
    rule = settings.rules.get(alert.rule)
    if rule is None and alert.rule == DRIFT:
        rule = rule_of(settings.drift, None)
    own = health_rule(settings, alert) or golden_rule(settings, alert, "") or canary_rule(settings, alert)
    return rule or own


def silence_json(silence: Silence, now: datetime) -> dict[str, Any]:
    """The public shape of a silence."""
    state = "over" if silence.ends_at <= now else "active" if silence.holds(now) else "pending"
    return {
        "id": silence.id,
        "state": state,
        "matchers": [str(each) for each in silence.matchers],
        "starts_at": silence.starts_at.isoformat(),
        "ends_at": silence.ends_at.isoformat(),
        "by": silence.author,
        "reason": silence.reason,
    }


def _entry(settings: Settings, alert_id: AlertId, alert: Alert, end: TransitionRow | None, beside: "_Beside") -> Entry:
    labels = labels_of(alert_id)
    rule, name = rule_in(settings, alert_id), fingerprint(labels)
    taken = beside.taken.get(name)
    read = alert.value if alert.value is not None and alert.state is not State.INACTIVE else _NOTHING
    return Entry(
        id=name,
        alert=alert_id,
        state=alert.state,
        severity=of_alert(rule, labels).severity if rule else "",
        condition=condition(rule) if rule else "",
        since=alert.since,
        value=read.value,
        ended=end.at if end is not None else None,
        outcomes=beside.outcomes.get(name, {}),
        taken_by=taken.by if taken else "",
        lower=read.lower,
        upper=read.upper,
        n=read.n,
        compared=alert.said if read.value is not None else "",
    )


@dataclass(frozen=True, slots=True)
class _Beside:
    """What is known of alerts beside their states: what became of them at each receiver, and who has taken them on."""

    outcomes: Mapping[str, Mapping[str, str]]
    taken: Mapping[str, Acknowledgement]


def _over(rows: Iterable[TransitionRow], current: Mapping[AlertId, Alert]) -> Iterator[tuple[AlertId, TransitionRow]]:
    """Alerts that people should have known of and that are over, each with its last change."""
    seen = set(current)
    for row in rows:
        alert_id = states.alert_id_of(row)
        if alert_id not in seen and row.from_state in ACTIVE:
            seen.add(alert_id)
            yield alert_id, row


def _is_asked_for(alert: AlertId, asked: Asked) -> bool:
    return asked.rule in ("", alert.rule) and asked.source in ("", alert.source)


def _urgency(entry: Entry) -> tuple[Any, ...]:
    order = [State.FIRING, State.ERROR, State.NO_DATA, State.PENDING, State.INACTIVE]
    ended = -(entry.ended.timestamp() if entry.ended else 0.0)
    severities = ("critical", "error", "warning", "info", "")
    return order.index(entry.state), ended, severities.index(entry.severity), entry.alert


def _delivery(row: OutboxRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "action": row.action,
        "state": row.state,
        "attempts": row.attempts,
        "finished_at": _spelled(row.finished_at),
        "failure": row.failure,
        "detail": row.detail,
    }


def _spelled(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
