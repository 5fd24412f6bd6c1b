"""What judges need of the outside: time, money, memory, chance."""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from secrets import token_hex

from detectors.endpoint import Pause
from detectors.judge.price import Account, Purse
from detectors.judge.prompt import Mark
from detectors.protocols import Cache


def _mark() -> str:
    return token_hex(8)


@dataclass(frozen=True, slots=True)
class Desk:
    """Shared by all judges.

    Attributes:
        pause: waits some seconds; a true answer says that the wait was broken off. Several threads call it.
        seconds: passed since some moment: a clock that never goes back.
        account: where the money comes from; without one whatever it costs is spent, and counted.
        cache: of answers; None remembers nothing.
        mark: makes marks that nobody can foresee.
    """

    pause: Pause
    seconds: Callable[[], float]
    account: Account = field(default_factory=lambda: Purse(inf))
    cache: Cache | None = None
    mark: Mark = _mark
