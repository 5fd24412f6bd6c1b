"""The heartbeat: an address outside is asked as long as everything works, and is not asked otherwise.

Who watches the watcher must not depend on it. So nothing is sent when something is wrong: the other end alarms when
the pings stop, whether the service was killed, hangs, lost its network, or cannot do its work.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta

from alerts.http_post import Poster, web_address
from alerts.notifier import DeliveryError
from config.heartbeat import Heartbeat
from monitor.house import House, Watched
from monitor.store import outbox, states
from monitor.store.tables import ChannelRow, ProgressRow

log = logging.getLogger("watchkeeper")

CHANNEL = "The heartbeat's address"


class Heart:
    """Sends the heartbeat; used by one thread."""

    def __init__(self, house: House, settings: Heartbeat, holds: Mapping[str, Callable[[], bool]]) -> None:
        """Nothing is sent yet.

        Args:
            house: the service's parts.
            settings: where to, how often.
            holds: what must hold of the service itself, each with what is said where it does not.

        Raises:
            ValueError: the address cannot be asked.
        """
        self._house = house
        self._holds = holds
        address = web_address(settings.url.get_secret_value(), "heartbeat.url")
        self._poster = Poster(CHANNEL, address, settings.timeout.total_seconds())
        self._said = ""

    def beat(self, now: datetime) -> None:
        """Asks the address if everything works at `now`."""
        pulse, counters = self._house.pulse, self._house.counters
        own = (problem for problem, holds in self._holds.items() if not holds())
        pulse.troubles = (*own, *troubles(self._house, now))
        if pulse.troubles:
            counters.add("heartbeats", state="withheld")
            self._say(f"no heartbeat is sent: {'; '.join(pulse.troubles)}")
            return
        try:
            self._poster.get()
        except DeliveryError as error:
            counters.add("heartbeats", state="failed")
            self._say(f"the heartbeat was not taken: {error}")
            return
        pulse.last_success_at = now
        counters.add("heartbeats", state="sent")
        self._say("")

    def _say(self, problem: str) -> None:
        """Logs when trouble begins, changes or ends, and not at every beat."""
        if problem != self._said:
            log.log(logging.ERROR if problem else logging.INFO, problem or "heartbeats are sent again")
        self._said = problem


def troubles(house: House, now: datetime) -> Iterator[str]:
    """Why not everything works at `now`: what a person who relies on alerts would want to be told of.

    1. Every source was read to its end within the last minutes, and its windows are decided up to the present.
    2. No receiver has failed for `health.failing_for`, and none has a message that was due for as long and took none.
    """
    patience = house.settings.health.failing_for
    with house.database.reading() as session:
        progress, channels = states.all_progress(session), outbox.channels(session)
        waiting = outbox.longest_due(session)
    for name, watched in house.sources.items():
        problem = _of_source(watched, progress.get(name), patience, now)
        if problem:
            yield f"source {name} {problem}"
    for name in house.settings.receivers:
        channel = channels.get(name, ChannelRow(receiver=name))
        if channel.failing_since is not None and now - channel.failing_since >= patience:
            yield f"receiver {name} fails"
        # In a storm messages wait their turn; that they are sent at all is what counts.
        stands = name in waiting and now - max(waiting[name], channel.last_success_at or waiting[name]) >= patience
        if stands and channel.failing_since is None:
            yield f"messages to receiver {name} wait and none is sent"


def _of_source(watched: Watched, row: ProgressRow | None, patience: timedelta, now: datetime) -> str:
    if row is None or row.last_success_at is None:
        return "was not read yet"
    if row.failing_since is not None and now - row.failing_since >= patience:
        return "cannot be read"
    if now - row.last_success_at >= patience + 2 * watched.settings.every:
        return "was not read for too long"
    if row.slot_end is None or row.slot_end < watched.fresh_since(now):
        return "is not decided up to the present"
    return ""
