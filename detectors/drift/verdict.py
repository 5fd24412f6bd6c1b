"""What ranks and effects of a window come to, whatever the channels are: evidence, and which of them alarm."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.drift import evidence
from detectors.drift.effect import Effect
from detectors.neighbours import Numbers
from detectors.profile import DAY

RESERVE = 3.0  # for what the filters do not remove; see docs/drift-statistics.md
_FAST_SHARE = 0.2  # of the budget, at most
_NAMED = 0.5  # channels with this share of the largest evidence are named with it


class Stakes(NamedTuple):
    """What a detector of J channels may spend.

    Attributes:
        k: windows of its baseline.
        length_s: of a window.
        days: mean time between two of its false alarms.
        channels: J.
    """

    k: int
    length_s: float
    days: float
    channels: int

    @property
    def fast(self) -> float:
        """False alarms a day of the fast path: two windows in a row above every score of the baseline, in one channel.

        Of K + 2 exchangeable scores the last two are the largest with the probability 2 / ((K + 1)(K + 2)). 0 where
        that would be too much of the budget, and there is no fast path.
        """
        rate = self.channels * 2 / ((self.k + 1) * (self.k + 2)) * DAY / self.length_s
        return rate if rate <= _FAST_SHARE / self.days else 0.0


class Bets(NamedTuple):
    """Evidence of J channels after one more window.

    Attributes:
        sums: (J, 2) Shiryaev-Roberts sums in days.
        rise: (J,) the bets since the most likely moment of a change, multiplied.
        by_channel: (J,) what each adds to the evidence; their sum is 1 at the threshold.
        records: whose score was above all of the baseline's.
        twice: (J,) for which it was the second in a row, where there is a fast path.
    """

    sums: Numbers
    rise: Numbers
    by_channel: Numbers
    records: tuple[bool, ...]
    twice: NDArray[np.bool_]

    def without(self, channels: NDArray[np.bool_]) -> tuple[Numbers, Numbers]:
        """Sums and rise, begun anew for some channels (J,): those whose alarm begins."""
        return np.where(channels[:, np.newaxis], 0.0, self.sums), np.where(channels, 1.0, self.rise)


def bet(
    stakes: Stakes,
    before: tuple[Numbers, Numbers, tuple[bool, ...]],
    p: Sequence[float],
    free: NDArray[np.bool_],
    days: float,
) -> Bets:
    """The bets of one window.

    Args:
        stakes: of the detector.
        before: sums, rise and records after the last window.
        p: of each channel.
        free: (J,) channels that are tested.
        days: since the last window.
    """
    sums, rise, records = before
    bets = np.stack([evidence.e_values(each, stakes.k) for each in p])
    sums = np.where(free[:, np.newaxis], evidence.sums(sums, days, bets), 0.0)
    by_channel = sums.mean(axis=1) / stakes.channels * (1 / stakes.days - stakes.fast) / RESERVE
    now = tuple(each == 1 / (stakes.k + 1) for each in p)
    twice = np.array([stakes.fast > 0 and a and b for a, b in zip(now, records, strict=True)])
    return Bets(sums, np.maximum(rise, 1.0) * bets[:, 0], by_channel, now, twice)


def named(
    bets: Bets, effects: Sequence[Effect], free: NDArray[np.bool_], wandering: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.bool_], bool]:
    """Which channels (J,) raise an alarm, and whether the effect of any is large enough beyond doubt.

    Evidence of one channel and the effect of another confirm each other only where neither is there of its own accord.
    A channel that wanders and has no effect of its own is in doubt: its evidence does not count for an alarm.

    Args:
        bets: of the window.
        effects: of each channel.
        free: (J,) channels that are tested.
        wandering: (J,) channels whose evidence and effect traffic has for a while of its own accord; None is none.
    """
    by_channel = bets.by_channel
    strong = by_channel >= _NAMED * by_channel.max() if by_channel.max() > 0 else np.zeros(len(by_channel), bool)
    # The effect of an alarm that goes on does not open the gate for the other channels.
    clear = np.array([each.clears for each in effects]) & free
    doubtful = np.zeros(len(clear), bool) if wandering is None else wandering & ~clear
    enough, clears = bool(by_channel[~doubtful].sum() >= 1), bool(clear.any())
    found = ((strong | clear) if enough and clears else np.zeros(len(strong), bool)) | (bets.twice & clear)
    return found & free, clears
