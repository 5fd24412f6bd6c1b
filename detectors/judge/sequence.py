"""Limits over time: confidence sequences, which hold at all times at once and may be looked at every day.

The 95 % interval of one look is wrong on some day of a year almost surely; rules and charts over time need these.

Sources: H. Robbins' mixtures, in `detectors.drift.sequences`; I. Waudby-Smith and A. Ramdas, "Estimating means of
bounded random variables by betting", JRSS B 86 (2024), for weighted verdicts.
"""

from dataclasses import dataclass, field
from math import log

import numpy as np

from detectors.drift.sequences import lower_shares
from detectors.judge.mover import Interval, cell_rates, square_and_add
from detectors.measurement import Floats

LEVEL = 0.05
_POINTS = 400
_BETS = (0.9, 0.5, 0.25, 0.12, 0.06, 0.03, 0.015, 0.007, 0.003)  # of the stake, lost with one verdict at most


def shares(k: Floats, n: Floats, level: float = LEVEL) -> Interval:
    """Shares behind evenly drawn counts k of n that grow over time, each wrong at any time with probability `level`.

    0 to 1 where n is 0; the value is NaN there. All (...).
    """
    flat_k, flat_n = np.broadcast_arrays(np.asarray(k, np.float64), np.asarray(n, np.float64))
    some = np.maximum(flat_n, 1.0)
    lower = lower_shares(flat_k, some, level / 2)
    upper = 1 - lower_shares(np.where(flat_n > 0, flat_n - flat_k, 0.0), some, level / 2)
    value = np.divide(flat_k, flat_n, out=np.full(flat_k.shape, np.nan), where=flat_n > 0)
    return Interval(value, lower, np.where(flat_n > 0, upper, 1.0))


def failure_rate(judged: Floats, flagged: Floats, labels: Floats, failures: Floats) -> Interval:
    """As `mover.by_verdict`, from counts that grow over time.

    Square-and-add of the confidence sequences of its parts. That the sum holds at all times is not a theorem as it is
    of each part; `python -m benchmarks.judge` measures how often it is wrong.
    """
    rates = cell_rates(labels[..., np.newaxis, :], failures[..., np.newaxis, :])
    parts, flags = shares(failures, labels), shares(flagged, judged)
    p = flags.value[..., np.newaxis]
    weights = np.concatenate([p, 1 - p], axis=-1)[..., np.newaxis, :]
    slope = rates[..., 0, 0] - rates[..., 0, 1]  # more flags mean more failures, unless the judge is worse than a coin
    down, up = (slope * (flags.value - flags.lower), slope * (flags.upper - flags.value))
    below, above = np.where(slope >= 0, down, up) ** 2, np.where(slope >= 0, up, down) ** 2
    limits = parts.lower[..., np.newaxis, :], parts.upper[..., np.newaxis, :]
    value, lower, _ = square_and_add(weights, rates, limits, below)
    return Interval(value, lower, square_and_add(weights, rates, limits, above).upper)


@dataclass(frozen=True, slots=True, eq=False)
class Flagged:
    """What verdicts on calls that were drawn with unequal probabilities say of a share that stays the same.

    A bet on (verdict - m) · π₀ / π, where π₀ is the smallest probability of the window, is fair when m is the share in
    the traffic: the weights undo the draw. For each m the wealth of many bets is kept; an m against which they have
    made 2 / level is refuted.

    Attributes:
        wealth: (2, bets, points) logarithms, of bets on a higher and on a lower share.
    """

    wealth: Floats = field(default_factory=lambda: np.zeros((2, len(_BETS), _POINTS)))

    def step(self, flags: Floats, pi: Floats, least: float) -> "Flagged":
        """After the verdicts of one more window.

        Args:
            flags: (n,) 0 or 1.
            pi: (n,) probabilities with which the calls were drawn.
            least: the smallest that any call of the window had, drawn or not.
        """
        if len(pi) and least > pi.min():
            raise ValueError(f"least: {least} is more than a probability of the window, {pi.min()}")
        pairs, counts = np.unique(np.stack([flags, least / pi]), axis=1, return_counts=True)
        bets, grid = np.array(_BETS)[:, np.newaxis], _grid()
        won = np.zeros_like(self.wealth)
        for (flag, weight), count in zip(pairs.T, counts, strict=True):
            off = weight * (flag - grid)
            won += count * np.stack([np.log1p(bets * off / grid), np.log1p(-bets * off / (1 - grid))])
        return Flagged(self.wealth + won)

    def interval(self, level: float = LEVEL) -> tuple[float, float]:
        """Limits that are both right at all times with probability 1 - `level`, to the width of the grid."""
        mixed = np.logaddexp.reduce(self.wealth, axis=1) - log(len(_BETS))
        alive = np.flatnonzero((mixed < log(2 / level)).all(axis=0))
        if not len(alive):  # no share fits: it has not stayed the same
            alive = np.array([int(mixed.max(axis=0).argmin())])
        grid = np.concatenate([[0.0], _grid(), [1.0]])
        return float(grid[alive[0]]), float(grid[alive[-1] + 2])


def _grid() -> Floats:
    """(points,): finer near 0, where the shares of failures lie."""
    return np.asarray((np.arange(1, _POINTS + 1) / (_POINTS + 1)) ** 2)
