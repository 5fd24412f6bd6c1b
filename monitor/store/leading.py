"""The lead over a store for one piece of work: a command does what only one process may."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from monitor.store import states
from monitor.store.database import Database


@contextmanager
def leading(database: Database, lease: tuple[str, str], now: datetime, length: timedelta) -> Iterator[bool]:
    """Whether a lease is held while the work is done; afterwards it is let go.

    Args:
        database: the store.
        lease: its name, and who holds it.
        now: wall clock.
        length: how long it is held if the work dies.
    """
    with database.transaction() as session:
        leads = states.take_lease(session, *lease, now, length)
    try:
        yield leads
    finally:
        with database.transaction() as session:
            states.drop_lease(session, *lease)
