"""The long-running service: the schedule, the two clocks, start and end. The only file that reads the wall clock."""

import logging
import os
import signal
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Event, Lock
from time import monotonic
from uuid import uuid4

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler

from alerts.notifier import Notifier
from detectors.embedder import EmbeddingError
from monitor.changes import tell_changes
from monitor.cycle import Progress, cycle
from monitor.decide import decide_health
from monitor.deliver import Delivery
from monitor.failpoints import hit
from monitor.golden.run import Asking, look
from monitor.heartbeat import Heart
from monitor.house import House, Watched
from monitor.illustrate import Illustrator
from monitor.judging.crew import Outside
from monitor.judging.stage import look as judge
from monitor.progress import note_failure
from monitor.reading.cycle import read_texts
from monitor.resend import Resender
from monitor.sources.base import SourceError
from monitor.store import (
    events,
    golden,
    groups,
    history,
    judging,
    labels,
    measurements,
    outbox,
    silences,
    states,
    texts,
)
from monitor.textrules import decide_texts

log = logging.getLogger("watchkeeper")

LEASE = "leader"
LEASE_LENGTH = timedelta(seconds=30)
RENEW_EVERY = 10
DELIVER_EVERY = 1
HEALTH_EVERY = 10
MAINTAIN_EVERY = 3600
READ_TEXTS_EVERY = 30
ASK_GOLDEN_EVERY = 30
HEARTBEAT_LIMIT = timedelta(seconds=60)
PATIENCE_AT_END_S = 4.0


def clock() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Service:
    """Runs cycles, delivery and health checks on their schedule until it is told to stop."""

    def __init__(self, house: House, notifiers: dict[str, Notifier], told: Progress | None = None) -> None:
        self.house = house
        self.notifiers = notifiers
        illustrate = Illustrator(house)
        self.delivery = Delivery(house.database, notifiers, house.counters, illustrate)
        self.resender = Resender(house.database, notifiers, house.counters, illustrate)
        self.stopping = Event()
        self.failure: str | None = None
        self._told = told
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"
        self._heartbeat = clock()
        self._running = 0
        self._lock = Lock()
        # Each source, the delivery and the health check have a thread of their own: none waits for another.
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(len(house.sources) + 8)},
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def alive(self) -> bool:
        """Whether the scheduler still runs jobs."""
        return clock() - self._heartbeat < HEARTBEAT_LIMIT

    def start(self) -> None:
        """Waits for the lease, recovers what an earlier service left, and starts the schedule."""
        waiting = False
        while not self._renew() and not self.stopping.is_set():
            if not waiting:
                log.info("another service leads on this store; waiting for its lease to end")
            waiting = True
            self.stopping.wait(1)
        if self.stopping.is_set():
            return
        self.delivery.recover(clock())
        self.every(RENEW_EVERY, self._keep_lease, "lease")
        self.every(DELIVER_EVERY, self._deliver, "deliver")
        self.every(HEALTH_EVERY, self._check_health, "health")
        self.every(MAINTAIN_EVERY, self._maintain, "maintain")
        for watched in self.house.sources.values():
            every = watched.settings.every.total_seconds()
            self.every(every, partial(self._cycle, watched), f"cycle {watched.name}")
        if self.house.settings.text.enabled:
            self.every(READ_TEXTS_EVERY, self._read_texts, "texts")
        if self.house.settings.golden is not None:
            self.every(ASK_GOLDEN_EVERY, self._ask_golden, "golden set")
        if self.house.settings.judge is not None:
            self.every(self.house.settings.judge.every.total_seconds(), self._judge, "judge")
        if self.house.settings.heartbeat is not None:
            heart = Heart(self.house, self.house.settings.heartbeat, self._own_health())
            every = self.house.settings.heartbeat.every.total_seconds()
            self.every(every, lambda: heart.beat(clock()), "heartbeat")
        self._scheduler.start()

    def wait(self) -> None:
        """Blocks until SIGINT, SIGTERM or a failure that ends the service."""
        asked: list[int] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            # A handler runs inside whatever the main thread does: setting the event that it waits for would lock up.
            signal.signal(number, lambda number, _frame: asked.append(number))
        pause = Event()
        while not asked and not self.stopping.is_set():
            pause.wait(0.2)
        self.stopping.set()

    def stop(self) -> None:
        """Ends within five seconds: what is not done is found undone by the next start."""
        self.stopping.set()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        deadline = monotonic() + PATIENCE_AT_END_S
        idle = Event()
        while self._running and monotonic() < deadline:
            idle.wait(0.02)
        with self.house.database.transaction() as session:
            states.drop_lease(session, LEASE, self._holder)
        if self._running:
            log.warning("a query or a delivery did not end in time; it is done again at the next start")
            logging.shutdown()
            # Its thread would keep the process alive until the query ends.
            os._exit(0)
        for notifier in self.notifiers.values():
            notifier.close()
        self.house.close()

    def every(self, seconds: float, job: Callable[[], object], name: str) -> None:
        """Runs a job at once and then in this rhythm, never twice at the same time."""
        self._scheduler.add_job(self._guarded(job, name), "interval", seconds=seconds, id=name, next_run_time=clock())

    def _guarded(self, job: Callable[[], object], name: str) -> Callable[[], None]:
        """The job, counted while it runs; an error of ours is logged with its traceback and never ends the schedule."""

        def run() -> None:
            if self.stopping.is_set():
                return
            with self._lock:
                self._running += 1
            try:
                job()
            except Exception:
                log.exception("%s failed; it is tried again", name)
            finally:
                with self._lock:
                    self._running -= 1

        return run

    def _cycle(self, watched: Watched) -> None:
        now, started = clock(), monotonic()
        try:
            with watched.using:
                cycle(self.house, watched, now, self.stopping.is_set, self._told)
        except SourceError as error:
            note_failure(self.house, watched, str(error), now)
        except Exception as error:
            # A failure that we did not foresee is a failing source too: its alert must not depend on our foresight.
            note_failure(
                self.house, watched, f"unexpected {type(error).__name__}; the service's log has the details", now
            )
            raise
        finally:
            self.house.counters.observe("cycle_seconds", monotonic() - started, source=watched.name)

    def _read_texts(self) -> None:
        """One source after the other, the model has all cores at once; again while the past of any is not read."""
        behind = True
        while behind and not self.stopping.is_set():
            behind = sum(map(self._read_texts_of, self.house.sources.values())) > 0

    def _read_texts_of(self, watched: Watched) -> bool:
        """One look at the texts of a source; whether there may be more to read at once."""
        started, desk, read = monotonic(), self.house.desk, 0
        try:
            read = read_texts(self.house, watched, clock(), self.stopping.is_set)
        except (SourceError, EmbeddingError) as error:
            desk.failed(watched.name, str(error), clock())
        except Exception as error:
            log.exception("reading the texts of %s failed; it is tried again", watched.name)
            desk.failed(watched.name, f"unexpected {type(error).__name__}; the log has the details", clock())
        else:
            desk.succeeded(watched.name)
        self.house.counters.observe("texts_seconds", monotonic() - started, source=watched.name)
        try:
            decide_texts(self.house, watched, clock())
        except Exception:  # the texts of other sources are read all the same
            log.exception("the rules about the texts of %s failed; they are tried again", watched.name)
        return read > 0

    def _ask_golden(self) -> None:
        look(self.house, Asking(clock, self.stopping.wait, self.stopping.is_set))

    def _judge(self) -> None:
        judge(self.house, Outside(clock, monotonic, self.stopping.wait, self.stopping.is_set))

    def _check_health(self) -> None:
        self._heartbeat = clock()
        check_health(self.house, clock())
        tell_changes(self.house, clock())

    def _deliver(self) -> None:
        self.delivery.step(clock())
        self.resender.step(clock())

    def _maintain(self) -> None:
        maintain(self.house, clock())

    def _renew(self) -> bool:
        with self.house.database.transaction() as session:
            return states.take_lease(session, LEASE, self._holder, clock(), LEASE_LENGTH)

    def _own_health(self) -> dict[str, Callable[[], bool]]:
        """What must hold of this service for a heartbeat."""
        return {"the health check does not run": self.alive, "the lease of the store is not held": self._leads}

    def _leads(self) -> bool:
        with self.house.database.reading() as session:
            return states.holder_of(session, LEASE, clock()) == self._holder

    def _keep_lease(self) -> None:
        if not self._renew():
            self.failure = "another service took the lease of this store; this one stops, so that nothing is sent twice"
            self.stopping.set()


def check_health(house: House, now: datetime) -> None:
    """Steps the built-in rules and saves what they decide."""
    with house.deciding:
        decision = decide_health(house, now)
        with house.database.transaction() as session:
            decision.save(session, now)
            hit("health.before_commit")
        hit("health.after_commit")


def maintain(house: House, now: datetime) -> None:
    """Forgets what is past its retention and tidies what was landed."""
    with house.database.transaction() as session:
        measurements.expire(session, now, house.settings.retention)
        outbox.expire(session, now, house.settings.retention.transitions)
        events.expire(session, now, house.settings.retention.transitions)
        golden.expire(session, now, house.settings.retention.transitions)
        for kept in (groups, history, silences):
            kept.expire(session, now, house.settings.retention.transitions)
        texts.expire(session, now, house.settings.retention, house.settings.text.cache)
        keep = None if house.settings.judge is None else house.settings.judge.keep_texts
        judging.expire(session, now, house.settings.retention, keep)
        labels.expire(session, now - house.settings.retention.long)
        hit("maintain.before_commit")
    hit("maintain.after_commit")
    for watched in house.sources.values():
        with watched.using:
            watched.source.maintain(now)
