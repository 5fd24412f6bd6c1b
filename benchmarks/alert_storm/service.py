"""The service: cycles, health checks and deliveries on a clock of the story, from a store on disk."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any
from unittest.mock import patch

import numpy as np

from alerts.grouping import fingerprint
from alerts.rules import ACTIVE, Alert, AlertId
from alerts.view import labels_of
from alerts.watch import Readings
from benchmarks.alert_storm.ends import End, Killed
from benchmarks.alert_storm.journal import Change, Journal, Made, Silenced
from benchmarks.alert_storm.story import APP, BEGIN, MINUTE, RECEIVERS, TAIL, Mended, Story, inside, restless
from detectors.measurement import Batch, Key, Measured, Reason, Segment, Series, Window
from monitor import alertdesk
from monitor.alertdesk import RefusedError, Wanted
from monitor.counters import Counters
from monitor.decide import decide_health, decide_slots
from monitor.decision import Decision
from monitor.deliver import Delivery
from monitor.house import House, Watched
from monitor.late import remeasure
from monitor.meter import Admitted, Meter
from monitor.progress import note_failure, note_success
from monitor.reading.desk import TextDesk
from monitor.slots import Plan, closing
from monitor.sources.base import Poll
from monitor.store import groups, measurements, outbox, states, waiting
from monitor.store.database import Database, create
from monitor.store.tables import ProgressRow
from monitor.store.waiting import Waiting

Reopen = Callable[[Database | None], Database]
Watch = Callable[[str, int, Readings, int], None]

ERRORS = Key.of("error_ratio")
LATENESS = timedelta(seconds=30)
SECOND = timedelta(seconds=1)


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


class StoryMeter:
    """Measures closed windows again, as late calls have changed them."""

    def __init__(self, plan: Plan, read: Callable[[str, datetime, datetime], Readings]) -> None:
        self.plan, self._read = plan, read

    def read(self, log: EmptySource, first: datetime, last: datetime, _admitted: Admitted) -> Readings:
        """The numbers of some minutes as they are by now."""
        return self._read(log.name, first, last)


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
        self._silences, self._untaken, self._mended = list(story.silences), list(story.taken), list(story.mended)
        self._kept = {BEGIN + minute * MINUTE for each in story.mended for minute in range(*each.stretch)}
        self._start()

    @property
    def now(self) -> datetime:
        """The service's clock, which may be wrong."""
        return self.time_at(self.minute)

    def time_at(self, minute: int) -> datetime:
        """What the service's clock shows in a minute."""
        wrong = next((by for stretch, by in self.story.jumps if inside(minute, [stretch])), 0)
        return BEGIN + (minute + wrong) * MINUTE

    def run(self) -> None:
        """The whole story, and two quiet hours after it."""
        marks = {*self.story.restarts, *self.story.kills, *self.story.removed.values()}
        marks |= {each.at for each in (*self.story.silences, *self.story.mended)}
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
            meter: Any = StoryMeter(Meter.of(settings, source, mine).plan, self._as_it_is_now)
            sources[name] = Watched(name, source, log, meter)
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
        self._people()
        try:
            for watched in self.house.sources.values():
                self._cycle(watched)
            self._save(decide_health(self.house, self.now))
            self._deliver()
        except Killed:
            self._start()

    def _people(self) -> None:
        """What people do in this minute, or did while the service was down."""
        with self.database.transaction() as session:
            while self._silences and self._silences[0].at <= self.minute:
                asked = self._silences.pop(0)
                wanted = Wanted([f"service=~{asked.services}"], "alice", "a deployment", lasts=f"{asked.minutes}m")
                made = alertdesk.silence(session, wanted, self.now)
                self.journal.silences.append(Silenced(asked.services, made.starts_at, made.ends_at))
            while self._untaken and self._untaken[0].at <= self.minute:
                alert = AlertId("errors", APP, Segment.of(service=self._untaken[0].service), ())
                try:
                    alertdesk.acknowledge(session, fingerprint(labels_of(alert)), "bob", "", self.now)
                except RefusedError:
                    if self._untaken[0].at + self.story.long > self.minute:
                        break  # it does not fire yet
                else:
                    self.journal.taken.append((self.minute, alert))
                self._untaken.pop(0)

    def _late(self, watched: Watched, row: ProgressRow) -> None:
        """Calls have come that belong to windows which were decided."""
        due = [each for each in self._mended if each.at <= self.minute]
        self._mended = self._mended[len(due) :]
        late = tuple(dict.fromkeys(Window(*(BEGIN + at * MINUTE for at in each.stretch)) for each in due))
        for window in late:
            (batch,) = self._as_it_is_now(watched.name, window.start + MINUTE, window.end).batches.values()
            changed = (self.journal.first.get(row) != batch.value(*row, ERRORS) for row in batch.rows)
            self.journal.late_expected += sum(changed)
        before = self._late_changed()
        remeasure(self.house, watched, row, Poll(self.now, late=late), self.now)
        self.journal.late_changed += self._late_changed() - before

    def _late_changed(self) -> int:
        return int(self.house.counters.counted().counts["late_changed"].get((APP,), 0))

    def _cycle(self, watched: Watched) -> None:
        now = self.now
        if watched.name == APP and inside(self.minute, self.story.failing):
            note_failure(self.house, watched, "cannot be read", now)
            return
        complete = now - LATENESS
        if watched.name == APP and inside(self.minute, self.story.late):
            complete = min(complete, BEGIN + next(a for a, b in self.story.late if a <= self.minute < b) * MINUTE)
        row = note_success(self.house, watched, Poll(complete, newest=now), now)
        if watched.name == APP:
            self._late(watched, row)
        for first, last in closing(row.slot_end or BEGIN, complete, MINUTE):
            readings = self._readings(watched.name, first, last)
            self._watch(watched.name, self.minute, readings, self.started_at)
            ends = list(watched.meter.plan.ends(first, last))
            decision = decide_slots(self.house, watched, readings, ends, now)
            self.journal.slots += len(ends)
            self.journal.cycles += 1
            self._save(decision, (readings, last))

    def _save(self, decision: Decision, read: tuple[Readings, datetime] | None = None) -> None:
        with self.database.transaction() as session:
            decision.save(session, self.now)
            if read is not None:
                readings, slot_end = read
                states.progress(session, readings.source, self.now).slot_end = slot_end
                again = self._to_be_mended(readings)
                measurements.save(session, again)
                self.journal.first.update(((each.segment, each.window), each.values[ERRORS]) for each in again)
        for change in decision.history:
            after = change.transition.after
            if after in ACTIVE or change.transition.before in ACTIVE:
                at, reason = change.transition.at, change.transition.reason
                self.journal.changes.append(Change(self.minute, change.alert_id, after, change.held, at, reason))
                self.journal.stale_held += change.held is not None
        active = {_identity(each) for each, alert in decision.alerts.items() if alert.state in ACTIVE}
        for group, message in decision.messages:
            known = {tuple(sorted(view.labels.items())) for view in group.told_active().values()}
            views = [view.labels for view in message.alerts if view.state != "resolved"]
            new = [labels for labels in views if tuple(sorted(labels.items())) not in known]
            unknown = sum(_labels(labels) not in active for labels in new)
            silenced = sum(any(each.holds(labels, self.now) for each in self.journal.silences) for labels in new)
            self.journal.made.append(Made(self.minute, self.now, group, message, unknown, silenced))

    def _to_be_mended(self, readings: Readings) -> list[Measured]:
        """The rows that are measured again later; the others would fill the store and are read by nobody."""
        return [
            batch.measured(number)
            for batch in (readings.batches.values() if readings.source == APP else ())
            for number, (_, window) in enumerate(batch.rows)
            if window.start in self._kept
        ]

    def _deliver(self) -> None:
        """A minute of deliveries: every second while messages go out, else when one is due: nothing happens between."""
        second = 0
        while (due := self._due()) is not None and (second := max(second, -((self.now - due) // SECOND))) < 60:
            second += 1 if self.delivery.step(self.now + second * SECOND) else 5

    def _due(self) -> datetime | None:
        """When the first message is due that waits for no other one of its group."""
        with self.database.reading() as session:
            queues = [waiting.queue(session, name) for name in outbox.pending_counts(session)]
        first = (next(rows) for queue in queues for _, rows in groupby(sorted(queue, key=_place), key=_key_of))
        return min((row.due_at for row in first), default=None)

    def _as_it_is_now(self, source: str, first: datetime, last: datetime) -> Readings:
        return self._readings(source, first, last, [each for each in self.story.mended if each.at <= self.minute])

    def _readings(self, source: str, first: datetime, last: datetime, mended: Sequence[Mended] = ()) -> Readings:
        """The numbers of some minutes; of those that the true clock has not reached there are no calls yet."""
        start, end = ((each - BEGIN) // MINUTE for each in (first, last))
        values = self.story.values[source]
        known = values[:, start - 1 : min(end, self.minute, values.shape[1])]
        read = np.full((end - start + 1, len(self.story.segments)), np.nan)
        read[: known.shape[1]] = known.T
        for each in mended:
            since, until = (max(0, minute - start + 1) for minute in each.stretch)
            read[since:until, list(each.segments)] = each.value
        gone = source == APP and self.minute >= self.story.removed["segment"]
        windows = [Window(BEGIN + (number - 1) * MINUTE, BEGIN + number * MINUTE) for number in range(start, end + 1)]
        names = self.story.segments[:-1] if gone else self.story.segments
        segments = [Segment.of(service=name) for name in names]
        rows = [(segment, window) for window in windows for segment in segments]
        numbers = read[:, : len(segments)].reshape(-1)
        series = {ERRORS: Series(numbers, n=np.where(np.isnan(numbers), 0, 100.0), reason=Reason.NO_CALLS)}
        return Readings(source, MINUTE, {(("service",), MINUTE): Batch(source, rows, series)})


def _place(row: Waiting) -> tuple[str, int]:
    return row.key, row.id


def _key_of(row: Waiting) -> str:
    return row.key


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
