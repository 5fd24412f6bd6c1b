"""Delivery: takes messages out of the outbox and sends them, in order per group, retried with back-off.

A message is claimed in one transaction, sent, and its receipt is saved in another. If the service dies between the two,
the next one finds the claim and sends again. Whatever may have arrived before is marked as a possible repetition where
the other end cannot tell.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.notifier import DeliveryError, Failure, Message, Notifier
from monitor.counters import DELIVERED, Counters
from monitor.failpoints import hit
from monitor.store import outbox, waiting
from monitor.store.database import Database
from monitor.store.tables import OutboxRow
from monitor.store.waiting import Waiting

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=5)
GIVE_UP_AFTER = timedelta(days=1)
CHANGE = "change"  # an action that is about no incident

# Adds to a message for a receiver what only the moment of sending has. It does not fail.
Illustrate = Callable[[Message, str], Message]


def as_it_is(message: Message, receiver: str) -> Message:
    """Adds nothing."""
    return message


class Delivery:
    """Sends what waits in the outbox; used by one thread."""

    def __init__(
        self,
        database: Database,
        notifiers: Mapping[str, Notifier],
        counters: Counters,
        illustrate: Illustrate = as_it_is,
    ) -> None:
        self._database = database
        self._notifiers = notifiers
        self._counters = counters
        self._illustrate = illustrate

    def recover(self, now: datetime) -> None:
        """After a start: messages that were being sent, and openings that failed for good, are tried again."""
        with self._database.transaction() as session:
            outbox.recover(session)
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
            queue = waiting.queue(session, receiver)
        notifier = self._notifiers.get(receiver)
        if notifier is None:
            self._drop(queue, now, "the receiver is no longer configured")
            return 0
        if told_to_wait(queue, now):
            return 0
        needless = {row.id for row in pointless(queue, notifier.deduplicates, overtake)}
        if needless:
            self._drop(
                [row for row in queue if row.id in needless], now, "overtaken by a later message before it was sent"
            )
        row = next_due([row for row in queue if row.id not in needless], now)
        return 0 if row is None else self._send(notifier, row, now)

    def _drop(self, rows: Sequence[Waiting], now: datetime, why: str) -> None:
        with self._database.transaction() as session:
            for row in rows:
                outbox.finish(session, row.id, "superseded", now, why)
            for receiver in {row.receiver for row in rows}:
                outbox.channel_unknown(session, receiver)

    def _send(self, notifier: Notifier, due: Waiting, now: datetime) -> int:
        hit("deliver.before_claim")
        with self._database.transaction() as session:
            row = outbox.claim(session, due.id)
            refs = outbox.refs_of(session, row.key)
            is_open = outbox.was_delivered(session, row.key)
        hit("deliver.after_claim")
        message = self._illustrate(replace(_message(row, is_open, notifier), sent_at=now), row.receiver)
        try:
            receipt = notifier.send(message, refs)
        except DeliveryError as error:
            self._failed(row, error, now)
            return 0
        except Exception as error:
            # Not foreseen: the message waits like any other that failed, so that it holds up no other receiver.
            detail = f"unexpected {type(error).__name__}; the service's log has the details"
            self._failed(row, DeliveryError(Failure.UNEXPECTED, detail, retry=True), now)
            raise
        hit("deliver.after_send")
        with self._database.transaction() as session:
            outbox.sent(session, _id(row), receipt, now)
            hit("deliver.before_commit")
        hit("deliver.after_commit")
        self._counters.add("deliveries", channel=row.receiver, outcome=DELIVERED)
        return 1

    def _failed(self, row: OutboxRow, error: DeliveryError, now: datetime) -> None:
        self._counters.add("deliveries", channel=row.receiver, outcome=error.failure)
        # An end that is not told leaves an incident open for ever: it is tried as long as it takes.
        too_old = row.action != "resolve" and now - row.created_at > GIVE_UP_AFTER
        due = None if too_old or not error.retry else now + wait(row.attempts, error.retry_after_s)
        with self._database.transaction() as session:
            outbox.failed(session, _id(row), error, now, due)


def pointless(queue: Sequence[Waiting], deduplicates: bool, overtake: bool) -> Iterator[Waiting]:
    """The messages that need not be sent.

    A change that a later message covers, an incident that ended before anybody was told, the end of an incident that
    nobody was told of, and that somebody has taken it on. Where a resolve too many does no harm it is sent all the
    same: the opening may be there.

    Args:
        queue: the unfinished messages of one receiver, in order.
        deduplicates: whether the receiver takes a resolve of what is not open in silence.
        overtake: whether a message may be dropped for a later one.
    """
    by_key = defaultdict[str, list[Waiting]](list)
    for each in queue:
        by_key[each.key].append(each)
    for rows in by_key.values():
        is_open, ended_by = rows[0].is_open, -1
        for number, row in enumerate(rows):
            later = [index for index, each in enumerate(rows) if index > number and each.action == "resolve"]
            droppable = overtake and untouched(row)
            if row.action == "trigger" and droppable and later and not is_open:
                ended_by = later[0]
            covered = row.action == "update" and droppable and _is_covered(rows[number + 1 :])
            overtaken = row.action == "acknowledge" and droppable and bool(later)
            unheard = not is_open and (row.action == "acknowledge" or (row.action == "resolve" and not deduplicates))
            if number <= ended_by or covered or overtaken or unheard:
                yield row
            elif row.action != CHANGE:
                is_open = row.action != "resolve"


def _is_covered(later: Sequence[Waiting]) -> bool:
    """Whether one of the later messages of a group says all that a change of it said."""
    return any(row.action in ("update", "resolve") for row in later)


def told_to_wait(queue: Sequence[Waiting], now: datetime) -> bool:
    """Whether the channel asked to slow down: it means every message, not only the one that it refused."""
    return any(row.failure == Failure.RATE_LIMITED and row.due_at > now for row in queue)


def next_due(queue: Sequence[Waiting], now: datetime) -> Waiting | None:
    """The oldest message that is due and has none of its own group before it: order holds within a group."""
    seen: set[str] = set()
    for row in queue:
        if row.key not in seen and row.due_at <= now:
            return row
        seen.add(row.key)
    return None


def untouched(row: Waiting) -> bool:
    """Whether the other end certainly does not have the message."""
    return not row.repeated and row.state == "pending"


def wait(attempts: int, retry_after_s: float | None) -> timedelta:
    """How long to wait after a number of tries: doubled each time, at least what the channel asked for."""
    doubled: timedelta = min(FIRST_WAIT * 2 ** min(attempts - 1, 10), LONGEST_WAIT)
    return max(doubled, timedelta(seconds=retry_after_s or 0))


def _message(row: OutboxRow, is_open: bool, notifier: Notifier) -> Message:
    """The message as the receiver needs it: a change of what never arrived is an opening."""
    message = outbox.message_of(row)
    action = "trigger" if message.action == "update" and not is_open else message.action
    return replace(message, action=action, repeated=row.repeated and not notifier.deduplicates)


def _id(row: OutboxRow) -> int:
    assert row.id is not None
    return row.id
