"""An alarm that goes on: its channel is not tested until the effect has been gone for two days."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from detectors.drift.effect import Effect
from detectors.profile import DAY

Counts = TypeVar("Counts")
Item = TypeVar("Item")

_QUIET_DAYS = 2


@dataclass(frozen=True, slots=True, eq=False)
class Episode(Generic[Counts]):
    """See the module.

    Attributes:
        since: when the alarm was raised, seconds since 1970.
        today: what was counted on the day under way.
        day: which day that is, days since 1970.
        quiet: days in a row on which the effect was gone.
    """

    since: float
    today: Counts
    day: int
    quiet: int = 0


def begun(at: float, nothing: Counts) -> Episode[Counts]:
    """The episode of an alarm that the window which ended at a time raised."""
    return Episode(at, nothing, int((at - 1) // DAY))


def on_day_of(
    episode: Episode[Counts],
    start: float,
    size: Callable[[Counts], Effect | None],
    emptied: Callable[[Counts], Counts],
) -> Episode[Counts] | None:
    """The episode on the day of a window, before that is counted; None when the effect was gone on two days in a row.

    Args:
        episode: after the last window.
        start: of the window, seconds since 1970.
        size: the effect of what a day counted; None where it counted no window, as after an alarm at the day's end.
        emptied: with which the next day begins.
    """
    day = int(start // DAY)
    if day == episode.day:
        return episode
    effect, quiet = size(episode.today), episode.quiet
    if effect is not None:
        quiet = quiet + 1 if effect.lower <= effect.minimum / 2 else 0
    return None if quiet >= _QUIET_DAYS else replace(episode, day=day, today=emptied(episode.today), quiet=quiet)


def put(items: Sequence[Item], where: NDArray[np.bool_], item: Item) -> tuple[Item, ...]:
    """The items, with another one in some places."""
    return tuple(item if is_there else each for each, is_there in zip(items, where, strict=True))
