"""Keep-alive: a receiver that forgets what it is not told again is told again, as long as an alert is open.

Beside the outbox, not through it: a repetition that fails is made good by the next one, and a row a minute an alert
would fill the history with nothing. What is open is read from the store each time, so a restart just goes on; what was
due when is kept in memory, because one repetition too many does no harm.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from alerts.notifier import DeliveryError, Notifier, Resending
from monitor.counters import Counters
from monitor.deliver import Illustrate, as_it_is, told_to_wait, wait
from monitor.store import outbox, waiting
from monitor.store.database import Database


class Resender:
    """Sends open alerts again; used by the thread that delivers."""

    def __init__(
        self,
        database: Database,
        notifiers: Mapping[str, Notifier],
        counters: Counters,
        illustrate: Illustrate = as_it_is,
    ) -> None:
        self._database = database
        self._illustrate = illustrate
        self._notifiers = {name: each for name, each in notifiers.items() if isinstance(each, Resending)}
        self._counters = counters
        self._due: dict[str, datetime] = {}
        self._failed: dict[str, int] = {}

    def step(self, now: datetime) -> None:
        """Tells every such receiver of all that is open, if it is time."""
        for receiver, notifier in self._notifiers.items():
            due = self._due.get(receiver, now)
            # A clock that was set back must not make a receiver wait for hours.
            if due <= now or due - now > max(notifier.resend_every, timedelta(hours=1)):
                self._due[receiver] = now + notifier.resend_every
                self._one(receiver, notifier, now)

    def _one(self, receiver: str, notifier: Resending, now: datetime) -> None:
        with self._database.reading() as session:
            if told_to_wait(waiting.queue(session, receiver), now):
                return
            messages = outbox.open_messages(session, receiver)
        if not messages:
            return
        try:
            notifier.resend([self._illustrate(each, receiver) for each in messages], now)
        except DeliveryError as error:
            attempts = self._failed[receiver] = self._failed.get(receiver, 0) + 1
            again = wait(attempts, None) if error.retry else notifier.resend_every
            at_least = timedelta(seconds=error.retry_after_s or 0)
            self._due[receiver] = now + max(min(again, notifier.resend_every), at_least)
            self._counters.add("deliveries", channel=receiver, outcome=error.failure)
            with self._database.transaction() as session:
                outbox.channel_failed(session, receiver, error, now)
            return
        if self._failed.pop(receiver, 0):
            with self._database.transaction() as session:
                outbox.channel_works(session, receiver, now)
