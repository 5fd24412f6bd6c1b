"""Delivery: takes messages out of the outbox and sends them, in order per group, retried with back-off.

A message is claimed in one transaction, sent, and its receipt is saved in another. If the service dies between the two,
the next one finds the claim and sends again, marked as a possible repetition where the other end cannot tell.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from alerts.notifier import DeliveryError, Failure, Notifier
from monitor.counters import DELIVERED, Counters
from monitor.failpoints import hit
from monitor.store import outbox
from monitor.store.database import Database
from monitor.store.tables import OutboxRow

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=5)
GIVE_UP_AFTER = timedelta(days=1)

# Failures after which the other end may have taken the message all the same.
UNCERTAIN = (Failure.TIMEOUT, Failure.SERVER_ERROR, Failure.UNEXPECTED, Failure.UNREACHABLE)


class Delivery:
    """Sends what waits in the outbox; used by one thread."""

    def __init__(self, database: Database, notifiers: Mapping[str, Notifier], counters: Counters) -> None:
        self._database = database
        self._notifiers = notifiers
        self._counters = counters

    def recover(self, now: datetime) -> None:
        """After a start: messages that were being sent, and openings that failed for good, are tried again."""
        with self._database.transaction() as session:
            outbox.recover(session, [name for name, each in self._notifiers.items() if each.deduplicates])
            outbox.retry_failed(session, now)

    def step(self, now: datetime, *, overtake: bool = True) -> int:
        """Sends at most one message to every receiver: Slack allows one a second a channel, and this runs every second.

        Args:
            now: the time.
            overtake: whether a message that a later one makes pointless is dropped.

        Returns:
            how many messages were delivered.
        """
        return sum(self._one(name, now, overtake) for name in self.waiting())

    def waiting(self) -> Sequence[str]:
        """The receivers for which messages wait."""
        with self._database.reading() as session:
            return sorted(outbox.pending_counts(session))

    def _one(self, receiver: str, now: datetime, overtake: bool) -> int:
        with self._database.reading() as session:
            queue = outbox.queue(session, receiver)
        notifier = self._notifiers.get(receiver)
        if notifier is None:
            self._drop(queue, now, "the receiver is no longer configured")
            return 0
        pointless = self._pointless(queue, notifier) if overtake else []
        if pointless:
            self._drop(pointless, now, "overtaken by a later message before it was sent")
            queue = [row for row in queue if row.id not in {each.id for each in pointless}]
        row = next_due(queue, now)
        return 0 if row is None else self._send(notifier, row, now)

    def _pointless(self, queue: Sequence[OutboxRow], notifier: Notifier) -> list[OutboxRow]:
        """Messages that need not be sent: a change that a later message covers, an incident that ended before anybody
        was told, and the end of an incident that nobody was told of."""
        dropped: list[OutboxRow] = []
        for number, row in enumerate(queue):
            later = [each for each in queue[number + 1 :] if each.key == row.key]
            if row.action == "update" and later:
                dropped.append(row)
            if row.action == "trigger" and any(each.action == "resolve" for each in later) and untouched(row):
                until = next(index for index, each in enumerate(later) if each.action == "resolve")
                dropped += [row, *later[: until + 1]]
        return list({each.id: each for each in [*dropped, *self._unheard(queue, dropped, notifier)]}.values())

    def _unheard(self, queue: Sequence[OutboxRow], dropped: Sequence[OutboxRow], notifier: Notifier) -> list[OutboxRow]:
        """Resolves at the head of their group whose opening never arrived.

        Where a resolve too many does no harm it is sent all the same: the opening may have arrived.
        """
        unheard = []
        left = [row for row in queue if row not in dropped]
        for row in left:
            is_head = next(each for each in left if each.key == row.key) is row
            if row.action == "resolve" and is_head and not notifier.deduplicates:
                with self._database.reading() as session:
                    if not outbox.was_delivered(session, row.key):
                        unheard.append(row)
        return unheard

    def _drop(self, rows: Sequence[OutboxRow], now: datetime, why: str) -> None:
        with self._database.transaction() as session:
            for row in rows:
                outbox.finish(session, _id(row), "superseded", now, why)

    def _send(self, notifier: Notifier, row: OutboxRow, now: datetime) -> int:
        hit("deliver.before_claim")
        with self._database.transaction() as session:
            row = outbox.claim(session, _id(row))
            refs = outbox.refs_of(session, row.key)
        hit("deliver.after_claim")
        try:
            receipt = notifier.send(outbox.message_of(row), refs)
        except DeliveryError as error:
            self._failed(row, error, now)
            return 0
        hit("deliver.after_send")
        with self._database.transaction() as session:
            outbox.sent(session, _id(row), receipt, now)
            hit("deliver.before_commit")
        hit("deliver.after_commit")
        self._counters.add("deliveries", channel=row.receiver, outcome=DELIVERED)
        return 1

    def _failed(self, row: OutboxRow, error: DeliveryError, now: datetime) -> None:
        self._counters.add("deliveries", channel=row.receiver, outcome=error.failure)
        too_old = now - row.created_at > GIVE_UP_AFTER
        due = None if too_old or not error.retry else now + wait(row.attempts, error.retry_after_s)
        with self._database.transaction() as session:
            outbox.failed(session, _id(row), error, now, due)


def next_due(queue: Sequence[OutboxRow], now: datetime) -> OutboxRow | None:
    """The oldest message that is due and has none of its own group before it: order holds within a group."""
    seen: set[str] = set()
    for row in queue:
        if row.key not in seen and row.due_at <= now:
            return row
        seen.add(row.key)
    return None


def untouched(row: OutboxRow) -> bool:
    """Whether the other end certainly does not have the message."""
    return not row.repeated and row.state == "pending" and row.failure not in UNCERTAIN


def wait(attempts: int, retry_after_s: float | None) -> timedelta:
    """How long to wait after a number of tries: doubled each time, at least what the channel asked for."""
    doubled: timedelta = min(FIRST_WAIT * 2 ** min(attempts - 1, 10), LONGEST_WAIT)
    return max(doubled, timedelta(seconds=retry_after_s or 0))


def _id(row: OutboxRow) -> int:
    assert row.id is not None
    return row.id
