"""What one read of a source leaves behind: how far it is, since when it fails, and what was counted."""

import logging
from datetime import datetime

from monitor.counters import Counters
from monitor.failpoints import hit
from monitor.house import House, Watched
from monitor.slots import floor
from monitor.sources.base import Poll
from monitor.store import states
from monitor.store.tables import ProgressRow

log = logging.getLogger("watchkeeper")


def count_read(counters: Counters, source: str, poll: Poll) -> None:
    """Counts what one read of a source found."""
    counters.add("rows", amount=poll.rows, source=source)
    for reason, number in poll.quarantined.items():
        counters.add("quarantined", amount=number, source=source, reason=reason)
    for column, number in poll.unreadable.items():
        counters.add("unreadable_values", amount=number, source=source, column=column)


def note_success(house: House, watched: Watched, poll: Poll, now: datetime) -> ProgressRow:
    """Notes how far the source is; on the first success, where its history begins."""
    with house.database.transaction() as session:
        row = states.progress(session, watched.name, now)
        row.last_success_at, row.failing_since, row.failure = now, None, None
        row.complete_until, row.newest = poll.complete_until, poll.newest or row.newest
        if row.slot_end is None:
            oldest = watched.source.oldest() or poll.complete_until
            row.slot_end = floor(max(oldest, now - house.settings.start), house.settings.window)
            row.rechecked_until = row.slot_end
        hit("progress.before_commit")
    hit("progress.after_commit")
    return row


def note_failure(house: House, watched: Watched, failure: str, now: datetime) -> None:
    """Notes that a source cannot be read; logged once, when it begins."""
    with house.database.transaction() as session:
        row = states.progress(session, watched.name, now)
        if row.failing_since is None:
            log.error("source %s fails: %s", watched.name, failure)
        row.failing_since, row.failure = row.failing_since or now, failure
        hit("progress.before_commit")
    hit("progress.after_commit")
