"""When the next request may be sent: never more a minute than allowed, and all wait when the endpoint asks one to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock


@dataclass(slots=True)
class Pace:
    """Shared by the threads that ask one endpoint.

    Attributes:
        per_minute: requests; None is no limit.
        seconds: passed since some moment: a clock that never goes back.
    """

    per_minute: float | None
    seconds: Callable[[], float]
    _next: float = 0.0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def turn(self) -> float:
        """Takes the next turn: how many seconds to wait for it."""
        with self._lock:
            now = self.seconds()
            at = max(now, self._next)
            self._next = at + (60.0 / self.per_minute if self.per_minute else 0.0)
            return at - now

    def hold(self, wait_s: float) -> None:
        """Gives no turn before some seconds have passed."""
        with self._lock:
            self._next = max(self._next, self.seconds() + wait_s)
