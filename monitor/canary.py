"""The canary: a marked synthetic incident that goes through the running service, to every receiver and back.

The command writes an event into the store. The service's own health check makes the built-in alert `canary` of it, its
own pipeline and delivery tell the receivers, and the command reads from the store how far each of them is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.grouping import fingerprint
from alerts.rules import AlertId
from alerts.view import labels_of
from config.alerts import OwnRule, Rule
from config.settings import Settings
from detectors.measurement import Segment, Value
from monitor.store import canaries, outbox
from monitor.store.database import Database, Session

CANARY = "canary"
SUMMARY = "This is a test of the way from an alert to its receivers (canary): nothing is wrong."

FINISHED = ("sent", "failed", "superseded")


def canary_rule(settings: Settings, alert: AlertId) -> Rule | None:
    """The rule behind an alert of the canary; it goes to the receivers that the alert's labels name."""
    if alert.rule != CANARY:
        return None
    wanted = dict(alert.labels).get("receivers", "").split(",")
    receivers = [name for name in wanted if name in settings.receivers]
    return OwnRule(measure=CANARY, above=0.5, severity="info", receiver=receivers, summary=SUMMARY)


def observe(session: Session, now: datetime) -> Iterator[tuple[AlertId, Value]]:
    """What the rule reads at `now`: 1 while a run goes on, 0 once it is over."""
    for run in canaries.recent(session, now):
        yield alert_of(run.id, run.receivers), Value(1.0 if run.goes_on else 0.0)


def alert_of(run: str, receivers: Sequence[str]) -> AlertId:
    """The alert of a run: one of its own, so that its messages are never taken for those of another."""
    return AlertId(CANARY, canaries.SOURCE, Segment(), (("receivers", ",".join(receivers)), ("run", run)))


@dataclass(frozen=True, slots=True)
class Leg:
    """How far one receiver is; the times are of the wall clock, None for what has not happened.

    Attributes:
        made: when the message that it fires was put into the outbox.
        sent: when the receiver took it.
        refs: what the receiver gave for later messages: a receipt beyond its good answer.
        over: when the receiver took the message that it has ended.
        problem: why a message will not be sent, or what went wrong at the last try.
        lost: whether a message will not be sent any more.
    """

    receiver: str
    made: datetime | None = None
    sent: datetime | None = None
    refs: bool = False
    over: datetime | None = None
    problem: str = ""
    lost: bool = False


@dataclass(slots=True)
class Canary:
    """One run, as the command follows it.

    Attributes:
        database: of the running service.
        run: its id.
        receivers: who is to be told.
        fired: when the service decided that the alert fires.
        resolved: when it decided that it has ended.
        legs: how far each receiver is.
    """

    database: Database
    run: str
    receivers: tuple[str, ...]
    begun: datetime
    ended: datetime | None = None
    fired: datetime | None = None
    resolved: datetime | None = None
    legs: dict[str, Leg] = field(default_factory=dict)

    @classmethod
    def begin(cls, database: Database, run: str, receivers: Sequence[str], now: datetime) -> "Canary":
        """Opens the incident."""
        made = cls(database, run, tuple(receivers), now, legs={name: Leg(name) for name in receivers})
        with database.transaction() as session:
            canaries.begin(session, run, made.receivers, now)
        return made

    def look(self, now: datetime) -> bool:
        """Reads how far everything is, and ends the incident once every receiver was told that it fires.

        Returns:
            whether there is nothing more to wait for.
        """
        with self.database.reading() as session:
            self._read(session)
        told = all(leg.sent is not None or leg.lost for leg in self.legs.values())
        if self.ended is None and self.fired is not None and told:
            self.end(now)
        return told and self.resolved is not None and all(leg.over or leg.lost for leg in self.legs.values())

    def end(self, now: datetime) -> None:
        """Ends the incident, if it goes on."""
        if self.ended is None:
            with self.database.transaction() as session:
                canaries.end(session, self.run, now)
            self.ended = now

    def finish(self, now: datetime) -> list[str]:
        """Ends what goes on and keeps the outcome.

        Returns:
            what went wrong, a line each; nothing where all of it came through.
        """
        self.end(now)
        problems = list(self._problems())
        with self.database.transaction() as session:
            canaries.note(session, self.run, now, None if problems else (now - self.begun).total_seconds())
        return problems

    def _problems(self) -> Iterator[str]:
        if self.fired is None:
            yield "the service did not make an alert of it: does its health check run?"
            return
        for leg in self.legs.values():
            why = f": {leg.problem}" if leg.problem else ""
            if leg.made is None:
                yield f"{leg.receiver}: no message was made{why}"
            elif leg.sent is None:
                yield f"{leg.receiver}: the message was not delivered{why}"
            elif leg.over is None:
                yield f"{leg.receiver}: its end was not delivered{why}"
        if self.resolved is None and self.ended is not None:
            yield "the service did not resolve the alert"

    def _read(self, session: Session) -> None:
        alert = fingerprint(labels_of(alert_of(self.run, self.receivers)))
        for row in canaries.transitions(session, alert):
            if row.to_state == "firing":
                self.fired = row.decided_at
            elif self.fired is not None and row.to_state == "inactive":
                self.resolved = row.decided_at
        for name in self.receivers:
            leg = self._leg(session, name)
            verdicts = canaries.verdicts(session, alert, name) if leg.made is None else []
            # What was given for later messages is forgotten with the end of the incident.
            refs = leg.refs or self.legs[name].refs
            self.legs[name] = replace(leg, problem=leg.problem or (verdicts[-1] if verdicts else ""), refs=refs)

    def _leg(self, session: Session, receiver: str) -> Leg:
        leg = Leg(receiver)
        for row in canaries.messages(session, receiver, self.begun):
            mine = [each for each in outbox.message_of(row).alerts if each.labels.get("run") == self.run]
            if not mine:
                continue
            done = row.finished_at if row.state == "sent" else None
            problem = "" if done else f"{row.failure or row.state}" + (f": {row.detail}" if row.detail else "")
            if mine[0].state == "resolved":
                leg = replace(leg, over=leg.over or done)
            else:
                refs = bool(outbox.refs_of(session, row.key)) or leg.refs
                leg = replace(leg, made=leg.made or row.created_at, sent=leg.sent or done, refs=refs)
            if not leg.lost:  # what follows a message that was lost is not the reason
                leg = replace(leg, problem=problem, lost=row.state in FINISHED and done is None)
        return leg
