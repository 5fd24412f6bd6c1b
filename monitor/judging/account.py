"""The judge's money in the store: a budget of the day that comes hour by hour, and one of the month."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock

from config.judge import Judge
from monitor.failpoints import hit
from monitor.store import judging
from monitor.store.database import Database, Session

HOURS_A_DAY = 24


@dataclass(slots=True)
class StoredAccount:
    """`detectors.judge.price.Account` over the store. What was reserved by a service that died stays spent.

    An hour's part of the day's budget that was not used may be used in the later hours of the same day (UTC), so that
    neither a day's nor a month's budget is ever exceeded, and one busy hour does not leave the others without.
    """

    database: Database
    settings: Judge
    clock: Callable[[], datetime]
    refused: bool = False
    _reserved: list[tuple[float, datetime]] = field(default_factory=list, repr=False)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def reserve(self, usd: float) -> bool:
        """Whether the amount could be taken."""
        with self._lock, self.database.transaction() as session:
            now = self.clock()
            judging.hold(session, now)
            if usd > left(session, self.settings, now) + 1e-12:
                self.refused = True
                return False
            hour = hour_of(now)
            judging.spend(session, hour, usd)
            self._reserved.append((usd, hour))
            hit("judge.reserve.before_commit")
        hit("judge.reserve.after_commit")
        return True

    def settle(self, reserved: float, spent: float) -> None:
        """Puts what was spent in the place of what was reserved, in the hour in which that was."""
        with self._lock, self.database.transaction() as session:
            judging.hold(session, self.clock())
            mine = next((each for each in self._reserved if each[0] == reserved), (reserved, hour_of(self.clock())))
            if mine in self._reserved:
                self._reserved.remove(mine)
            judging.spend(session, mine[1], spent - reserved)
            hit("judge.settle.before_commit")
        hit("judge.settle.after_commit")


def left(session: Session, settings: Judge, now: datetime) -> float:
    """US dollars that may be spent now; 0 when there is nothing left."""
    spent = judging.spent(session, now)
    hours = now.astimezone(UTC).hour + 1
    today = settings.budget_usd_per_day * hours / HOURS_A_DAY - spent.day
    month = settings.budget_usd_per_month
    return max(min(today, today if month is None else month - spent.month), 0.0)


def hourly(settings: Judge) -> float:
    """US dollars that come in an hour."""
    return settings.budget_usd_per_day / HOURS_A_DAY


def hour_of(now: datetime) -> datetime:
    """The full hour (UTC) before a moment."""
    return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
