"""Alert history and messages: transitions, what each receiver was told, and the outbox."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from pydantic import TypeAdapter
from sqlmodel import Session, col, delete, func, select, update

from alerts.grouping import Group, fingerprint
from alerts.notifier import AlertView, DeliveryError, Failure, Message, Receipt
from alerts.rules import AlertId, Transition
from alerts.view import labels_of
from monitor.store.measurements import segment_of, segment_text
from monitor.store.tables import ChannelRow, GroupRow, OutboxRow, TransitionRow

_MESSAGE = TypeAdapter(Message)
_VIEWS = TypeAdapter(tuple[AlertView, ...])

UNFINISHED = ("pending", "sending")
BETWEEN = ("update", "acknowledge")  # actions that neither open nor close

# Failures after which the other end may have taken the message all the same.
UNCERTAIN = (Failure.TIMEOUT, Failure.SERVER_ERROR, Failure.UNEXPECTED, Failure.UNREACHABLE)


@dataclass(frozen=True, slots=True)
class Change:
    """A transition with what is kept beside it: why nobody was told, and ids of the calls behind it."""

    alert_id: AlertId
    transition: Transition
    held: str | None = None
    exemplars: tuple[str, ...] = ()


def record(session: Session, change: Change, decided_at: datetime) -> None:
    """Adds a transition to the history."""
    alert_id, transition = change.alert_id, change.transition
    session.add(
        TransitionRow(
            rule=alert_id.rule,
            source=alert_id.source,
            segment=segment_text(alert_id.segment),
            labels=orjson.dumps(alert_id.labels).decode(),
            from_state=transition.before,
            to_state=transition.after,
            at=transition.at,
            decided_at=decided_at,
            value=transition.value,
            reason=transition.reason,
            held=change.held,
            exemplars=list(change.exemplars),
            alert=fingerprint(labels_of(alert_id)),
            lower=transition.lower,
            upper=transition.upper,
            n=transition.n,
            compared=transition.said or None,
        )
    )


def transition_json(row: TransitionRow) -> dict[str, Any]:
    """The public shape of a transition; see docs/measurements.md."""
    return {
        "type": "transition",
        "rule": row.rule,
        "source": row.source,
        "segment": segment_of(row.segment).as_dict(),
        "labels": dict(orjson.loads(row.labels)),
        "from": row.from_state,
        "to": row.to_state,
        "at": row.at.isoformat(),
        "value": row.value,
        "lower": row.lower,
        "upper": row.upper,
        "n": row.n,
        "held": row.held,
    }


def transitions(session: Session, limit: int, after_id: int = 0) -> list[TransitionRow]:
    """The newest transitions, newest first."""
    query = select(TransitionRow).where(col(TransitionRow.id) > after_id).order_by(col(TransitionRow.id).desc())
    return list(session.exec(query.limit(limit)))


def take_transitions(session: Session) -> list[TransitionRow]:
    """All transitions, oldest first, taken out of the store; for a replay, which prints each of them once."""
    rows = list(session.exec(select(TransitionRow).order_by(col(TransitionRow.id))))
    for row in rows:
        session.delete(row)
    return rows


def open_messages(session: Session, receiver: str) -> list[Message]:
    """The newest message of every group that is open at a receiver, whether or not it has arrived."""
    mine = (col(OutboxRow.id).in_(_newest_of_open()), col(OutboxRow.receiver) == receiver)
    return [message_of(row) for row in session.exec(select(OutboxRow).where(*mine).order_by(col(OutboxRow.id)))]


def _newest_of_open() -> Any:
    """The ids of the newest message of every open group."""
    keys = select(GroupRow.key).where(col(GroupRow.is_open))
    return select(func.max(OutboxRow.id)).where(col(OutboxRow.key).in_(keys)).group_by(col(OutboxRow.key))


def enqueue(session: Session, told: Group, message: Message, now: datetime) -> OutboxRow:
    """Puts a message into the outbox and notes what the receiver is being told; the new row."""
    is_open = message.action != "resolve"
    row = session.get(GroupRow, told.key) or GroupRow(key=told.key, receiver=told.receiver, is_open=is_open)
    row.is_open = is_open
    row.told = _VIEWS.dump_python(message.alerts if is_open else (), mode="json")
    session.add(row)
    added = OutboxRow(
        key=told.key,
        receiver=told.receiver,
        action=message.action,
        message=_MESSAGE.dump_python(message, mode="json"),
        state="pending",
        created_at=now,
        due_at=now,
    )
    session.add(added)
    return added


def recover(session: Session) -> int:
    """After a start: what was being sent when the service died may have arrived, and is sent again.

    Returns:
        how many messages may be repeated.
    """
    interrupted = col(OutboxRow.state) == "sending"
    again = session.exec(update(OutboxRow).where(interrupted).values(state="pending", repeated=True))
    return int(again.rowcount)


def retry_failed(session: Session, now: datetime) -> int:
    """After a start, perhaps with mended settings: openings that failed for good are tried once more if still open.

    Returns:
        how many messages are tried again.
    """
    opened = select(GroupRow.key).where(col(GroupRow.is_open), col(GroupRow.delivered).is_(False))
    # That somebody has taken it on opens nothing, and may have been dropped since.
    says_what_fires = col(OutboxRow.action).in_(("trigger", "update"))
    last = select(func.max(OutboxRow.id)).where(says_what_fires).group_by(col(OutboxRow.key))
    retried = session.exec(
        update(OutboxRow)
        .where(col(OutboxRow.state) == "failed", col(OutboxRow.key).in_(opened), col(OutboxRow.id).in_(last))
        .values(state="pending", due_at=now, attempts=0)
    )
    return int(retried.rowcount)


def pending_counts(session: Session) -> dict[str, int]:
    """How many messages wait, by receiver."""
    query = select(OutboxRow.receiver, func.count()).where(col(OutboxRow.state).in_(UNFINISHED))
    return dict(session.exec(query.group_by(col(OutboxRow.receiver))).all())


def longest_due(session: Session) -> dict[str, datetime]:
    """Since when the oldest unfinished message of each receiver is due."""
    query = select(OutboxRow.receiver, func.min(OutboxRow.due_at)).where(col(OutboxRow.state).in_(UNFINISHED))
    return dict(session.exec(query.group_by(col(OutboxRow.receiver))).all())


def claim(session: Session, row_id: int) -> OutboxRow:
    """Marks a message as being sent: if the service dies now, the next one knows that it may have arrived."""
    row = session.get_one(OutboxRow, row_id)
    # Still being sent: what became of the last attempt could not be written down.
    row.repeated = row.repeated or row.state == "sending"
    row.state, row.attempts = "sending", row.attempts + 1
    session.add(row)
    return row


def message_of(row: OutboxRow) -> Message:
    """The message of a row."""
    return _MESSAGE.validate_python(row.message, strict=False)


def refs_of(session: Session, key: str) -> Mapping[str, str]:
    """What the message that opened a group left for those that follow."""
    row = session.get(GroupRow, key)
    return {} if row is None or row.refs is None else row.refs


def was_delivered(session: Session, key: str) -> bool:
    """Whether the receiver has the opening message of a group."""
    row = session.get(GroupRow, key)
    return row is not None and row.delivered


def finish(session: Session, row_id: int, state: str, now: datetime, detail: str | None = None) -> None:
    """Closes a row without a delivery: superseded, or failed for good."""
    row = session.get_one(OutboxRow, row_id)
    row.state, row.finished_at, row.detail = state, now, detail
    session.add(row)


def sent(session: Session, row_id: int, receipt: Receipt, now: datetime) -> None:
    """Notes a delivery, what it left for later messages, and that the channel works."""
    row = session.get_one(OutboxRow, row_id)
    row.state, row.finished_at, row.failure, row.detail = "sent", now, None, None
    told = session.get_one(GroupRow, row.key)
    # A message in between that leaves nothing must not take away what the opening left for the resolve.
    kept = told.refs or {} if row.action in BETWEEN else {}
    told.delivered = row.action != "resolve"
    told.refs = {**kept, **receipt.refs} if told.delivered else {}
    session.add_all([row, told])
    channel_works(session, row.receiver, now)


def failed(session: Session, row_id: int, error: DeliveryError, now: datetime, due_at: datetime | None) -> None:
    """Notes a failed try: due again, or failed for good when `due_at` is None.

    The channel is failing since the first failed try.
    """
    row = session.get_one(OutboxRow, row_id)
    row.failure, row.detail = error.failure, str(error)
    # Remembered apart: after a time-out, a later refusal does not mean that the message never arrived.
    row.repeated = row.repeated or error.failure in UNCERTAIN
    row.state = "failed" if due_at is None else "pending"
    row.due_at, row.finished_at = due_at or row.due_at, None if due_at else now
    session.add(row)
    channel_failed(session, row.receiver, error, now)


def channel_works(session: Session, receiver: str, now: datetime) -> None:
    """Notes that a receiver takes messages."""
    channel = session.get(ChannelRow, receiver) or ChannelRow(receiver=receiver)
    channel.failing_since, channel.failure, channel.last_success_at = None, None, now
    session.add(channel)


def channel_failed(session: Session, receiver: str, error: DeliveryError, now: datetime) -> None:
    """Notes that a receiver does not take messages, since the first time that it did not."""
    channel = session.get(ChannelRow, receiver) or ChannelRow(receiver=receiver)
    channel.failing_since, channel.failure = channel.failing_since or now, error.failure
    session.add(channel)


def channel_unknown(session: Session, receiver: str) -> None:
    """Notes that nobody knows how a receiver is doing, if all that it did not take need not be sent any more: nothing
    is left that could show that it works again. What was lost for good stays known."""
    channel = session.get(ChannelRow, receiver)
    if channel is None or channel.failing_since is None:
        return
    lost = (col(OutboxRow.state) == "failed") & (col(OutboxRow.finished_at) >= channel.failing_since)
    owed = col(OutboxRow.state).in_(UNFINISHED) | lost
    if session.exec(select(OutboxRow.id).where(col(OutboxRow.receiver) == receiver, owed).limit(1)).first() is None:
        channel.failing_since, channel.failure = None, None
        session.add(channel)


def channels(session: Session) -> dict[str, ChannelRow]:
    """How each receiver is doing."""
    return {row.receiver: row for row in session.exec(select(ChannelRow))}


def expire(session: Session, now: datetime, keep: timedelta) -> None:
    """Forgets history and finished messages that are older than `keep`, but not what an open group was told last."""
    session.exec(delete(TransitionRow).where(col(TransitionRow.at) < now - keep))
    old = (col(OutboxRow.created_at) < now - keep, col(OutboxRow.state).not_in(UNFINISHED))
    session.exec(delete(OutboxRow).where(*old, col(OutboxRow.id).not_in(_newest_of_open())))
