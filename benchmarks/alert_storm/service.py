"""The service: cycles, health checks and deliveries on a clock of the story, from a store on disk."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch

import numpy as np

from alerts.grouping import Group
from alerts.notifier import Message
from alerts.rules import ACTIVE, Alert, AlertId, State
from alerts.watch import Readings
from benchmarks.alert_storm.ends import End, Killed
from benchmarks.alert_storm.story import APP, BEGIN, MINUTE, RECEIVERS, TAIL, Story, inside, restless
from detectors.measurement import Batch, Key, Reason, Segment, Series, Window
from monitor.counters import Counters
from monitor.decide import decide_health, decide_slots
from monitor.decision import Decision
from monitor.deliver import Delivery
from monitor.house import House, Watched
from monitor.meter import Meter
from monitor.progress import note_failure, note_success
from monitor.reading.desk import TextDesk
from monitor.slots import closing
from monitor.sources.base import Poll
from monitor.store import groups, states
from monitor.store.database import Database, create

Reopen = Callable[[Database | None], Database]
Watch = Callable[[str, int, Readings, int], None]

ERRORS = Key.of("error_ratio")
LATENESS = timedelta(seconds=30)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Change:
    """An alert that began or ended to be active, in which minute, and whether nobody was to be told."""

    minute: int
    alert: AlertId
    after: State
    held: str | None


@dataclass(frozen=True)
class Made:
    """A message that was made: in which minute, at which time of the service's clock, for which group as it was."""

    minute: int
    now: datetime
    group: Group
    message: Message
    unknown: int  # alerts that it newly tells of and that did not fire when it was made


@dataclass
class Journal:
    """What the service has decided, as the audit needs it."""

    changes: list[Change] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    slots: int = 0
    cycles: int = 0
    starts: int = 0
    stale_held: int = 0


class EmptySource:
    """A source whose numbers come from the story; no call is behind them."""

    columns: frozenset[str] = frozenset({"service"})
    feedback_columns: frozenset[str] = frozenset()

    def __init__(self, name: str) -> None:
        self.name = name

    def oldest(self) -> datetime:
        """The beginning of the story."""
        return BEGIN

    def close(self) -> None:
        """Nothing is open."""


class Service:
    """Runs the story, minute by minute; what is calm in every way is passed over."""

    def __init__(self, story: Story, reopen: Reopen, watch: Watch) -> None:
        """Nothing has happened yet.

        Args:
            story: what happens.
            reopen: gives the store at each start, and takes the one before.
            watch: told of everything that is decided: source, minute, readings, minutes since the last start.
        """
        self.story, self._reopen, self._watch = story, reopen, watch
        self.ends = {name: End(name, name == "pager", story.outages.get(name, [])) for name in RECEIVERS}
        self.journal = Journal()
        self.minute = 0
        self._settled = False  # nothing fires and nothing waits, and that stays so by itself
        self._restless = restless(story)
        self.started_at = 0
        self._start()

    @property
    def now(self) -> datetime:
        """The service's clock, which may be wrong."""
        wrong = next((by for stretch, by in self.story.jumps if inside(self.minute, [stretch])), 0)
        return BEGIN + (self.minute + wrong) * MINUTE

    def run(self) -> None:
        """The whole story, and two quiet hours after it."""
        marks = {*self.story.restarts, *self.story.kills, *self.story.removed.values()}
        stopped = False
        for minute in range(1, self.story.minutes + TAIL):
            self.minute = minute
            for end in self.ends.values():
                end.minute = self.minute
            if inside(self.minute, self.story.down):
                stopped = True
                continue
            if stopped or self.minute in self.story.restarts or self.minute in self.story.removed.values():
                self._start()
                stopped = False
            if self.minute in self.story.kills:
                self.ends[RECEIVERS[self.minute % len(RECEIVERS)]].kill = True
            if self.minute in marks or not self._is_calm():
                self._one_minute()

    def alerts(self) -> dict[AlertId, Alert]:
        """What the service remembers."""
        with self.database.reading() as session:
            return states.alerts(session)

    def close(self) -> None:
        """Lets the store go."""
        self.database.close()

    def _start(self) -> None:
        """As after a kill: everything but the store is new."""
        self.database = self._reopen(self.database if self.journal.starts else None)
        settings = self.story.settings(self.minute)
        sources = {}
        for name, source in settings.sources.items():
            mine = [rule for rule in settings.rules.values() if name in rule.sources]
            log: Any = EmptySource(name)
            sources[name] = Watched(name, source, log, Meter.of(settings, source, mine))
        counters = Counters({"source": list(sources), "channel": list(RECEIVERS)})
        self.house = House(settings, self.database, sources, counters, TextDesk(settings.text))
        self.delivery = Delivery(self.database, self.ends, counters)
        self.delivery.recover(self.now)
        self.journal.starts += 1
        self.started_at = self.minute

    def _is_calm(self) -> bool:
        """Whether a minute would change nothing: nothing fires, waits or happens."""
        near = self._restless[max(0, self.minute - 3) : self.minute + 1]
        if near.any() or inside(self.minute, [*self.story.late, *self.story.failing]):
            self._settled = False
        elif not self._settled:
            with self.database.reading() as session:
                wants = groups.all_that_matter(session, self.now - timedelta(minutes=6))
            self._settled = not wants and not self.delivery.waiting() and not self.alerts()
        return self._settled

    def _one_minute(self) -> None:
        self._settled = False
        try:
            for watched in self.house.sources.values():
                self._cycle(watched)
            self._save(decide_health(self.house, self.now))
            self._deliver()
        except Killed:
            self._start()

    def _cycle(self, watched: Watched) -> None:
        now = self.now
        if watched.name == APP and inside(self.minute, self.story.failing):
            note_failure(self.house, watched, "cannot be read", now)
            return
        complete = now - LATENESS
        if watched.name == APP and inside(self.minute, self.story.late):
            complete = min(complete, BEGIN + next(a for a, b in self.story.late if a <= self.minute < b) * MINUTE)
        row = note_success(self.house, watched, Poll(complete, newest=now), now)
        for first, last in closing(row.slot_end or BEGIN, complete, MINUTE):
            readings = self._readings(watched.name, first, last)
            self._watch(watched.name, self.minute, readings, self.started_at)
            ends = list(watched.meter.plan.ends(first, last))
            decision = decide_slots(self.house, watched, readings, ends, now)
            self.journal.slots += len(ends)
            self.journal.cycles += 1
            self._save(decision, watched.name, last)

    def _save(self, decision: Decision, source: str = "", slot_end: datetime | None = None) -> None:
        with self.database.transaction() as session:
            decision.save(session, self.now)
            if slot_end is not None:
                states.progress(session, source, self.now).slot_end = slot_end
        for change in decision.history:
            after = change.transition.after
            if after in ACTIVE or change.transition.before in ACTIVE:
                self.journal.changes.append(Change(self.minute, change.alert_id, after, change.held))
                self.journal.stale_held += change.held is not None
        active = {_identity(each) for each, alert in decision.alerts.items() if alert.state in ACTIVE}
        for group, message in decision.messages:
            known = {tuple(sorted(view.labels.items())) for view in group.told_active().values()}
            new = [view for view in message.alerts if view.state != "resolved"]
            unknown = sum(
                tuple(sorted(view.labels.items())) not in known and _labels(view.labels) not in active for view in new
            )
            self.journal.made.append(Made(self.minute, self.now, group, message, unknown))

    def _deliver(self) -> None:
        """A minute of deliveries: every second while messages go out, every five otherwise."""
        second = 0
        while second < 60 and self.delivery.waiting():
            second += 1 if self.delivery.step(self.now + second * SECOND) else 5

    def _readings(self, source: str, first: datetime, last: datetime) -> Readings:
        """The numbers of some minutes; of those that the true clock has not reached there are no calls yet."""
        start, end = ((each - BEGIN) // MINUTE for each in (first, last))
        values = self.story.values[source]
        known = values[:, start - 1 : min(end, self.minute, values.shape[1])]
        read = np.full((end - start + 1, len(self.story.segments)), np.nan)
        read[: known.shape[1]] = known.T
        gone = source == APP and self.minute >= self.story.removed["segment"]
        windows = [Window(BEGIN + (number - 1) * MINUTE, BEGIN + number * MINUTE) for number in range(start, end + 1)]
        names = self.story.segments[:-1] if gone else self.story.segments
        segments = [Segment.of(service=name) for name in names]
        rows = [(segment, window) for window in windows for segment in segments]
        numbers = read[:, : len(segments)].reshape(-1)
        series = {ERRORS: Series(numbers, n=np.where(np.isnan(numbers), 0, 100.0), reason=Reason.NO_CALLS)}
        return Readings(source, MINUTE, {(("service",), MINUTE): Batch(source, rows, series)})


def _identity(alert: AlertId) -> tuple[tuple[str, str], ...]:
    return _labels({"rule": alert.rule, "source": alert.source, **alert.segment.as_dict(), **dict(alert.labels)})


def _labels(labels: Any) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((name, value) for name, value in labels.items() if name != "severity"))


def on_disk(url: str) -> Reopen:
    """A store that is closed and opened again at each start."""

    def reopen(before: Database | None) -> Database:
        if before is None:
            return Database.open(url)
        before.close()
        return Database(create(url))

    return reopen


@contextmanager
def running(story: Story, reopen: Reopen, watch: Watch) -> Iterator[Service]:
    """The service on a store. No log is behind the numbers, so calls behind an alert are not looked for."""
    with patch("monitor.decide.exemplars", return_value=()):
        service = Service(story, reopen, watch)
        try:
            yield service
        finally:
            service.close()
