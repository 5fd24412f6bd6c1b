"""Limits over time: confidence sequences, which hold at all times at once and may be looked at every day.

The 95 % interval of one look is wrong on some day of a year almost surely; rules and charts over time need these.

Sources: H. Robbins' mixtures, in `detectors.drift.sequences`; I. Waudby-Smith and A. Ramdas, "Estimating means of
bounded random variables by betting", JRSS B 86 (2024), for weighted verdicts.
"""

from dataclasses import dataclass, field
from math import log

import numpy as np

from detectors.drift.sequences import lower_shares
from detectors.judge.judged import FAIL, NONE, PASS, VERDICTS, Judged
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


@dataclass(frozen=True, slots=True, eq=False)
class Lasting:
    """All verdicts of a span so far, which may be looked at whenever more have come.

    The limits suppose that shares stay the same within the span: where they have changed, no share fits all of it, and
    the limits are about the one that fits best, and hold the mean.

    Attributes:
        flags: of the calls with a verdict.
        weights: (3,) calls of the traffic by verdict: Σ 1 / π of PASS, FAIL and NONE.
        judged: calls.
    """

    flags: Flagged = field(default_factory=Flagged)
    weights: Floats = field(default_factory=lambda: np.zeros(VERDICTS))
    judged: int = 0

    def step(self, verdicts: Judged, least: float) -> "Lasting":
        """After the verdicts of one more window; `least` as of `Flagged.step`."""
        some = verdicts.verdicts != NONE
        flags = self.flags.step((verdicts.verdicts[some] == FAIL) * 1.0, verdicts.pi[some], least)
        weights = self.weights + np.bincount(verdicts.verdicts, verdicts.weights, VERDICTS)
        return Lasting(flags, weights, self.judged + len(verdicts.verdicts))

    @property
    def flagged(self) -> Interval | None:
        """The share that the judge flags. **Not corrected.** None before there is a verdict.

        Replies without a verdict count as passed at one end and as flagged at the other.
        """
        share = self._share()
        if share is None:
            return None
        said = 1 - self._without
        return Interval(share.value, share.lower * said, share.upper * said + self._without)

    def failing(self, labelled: Judged, least: float) -> Interval | None:
        """The failure rate, corrected by labels of the span, as `failure_rate` with unequal probabilities.

        The share of replies without a verdict is taken as it is; what is among them is unknown until some are labelled.

        Args:
            labelled: judged calls of the span with a label; others do not count.
            least: the smallest probability with which any call of the span could get a label.

        Returns:
            None without a verdict or without labels.
        """
        share, rows = self._share(), labelled.labelled
        if share is None or not len(rows):
            return None
        cells = [labelled.verdicts[rows] == verdict for verdict in (FAIL, PASS, NONE)]
        labels, pi = labelled.labels[rows], 1 / labelled.label_weights
        found = [Flagged().step(labels[mine], pi[mine], least).interval() for mine in cells]
        sums, failures = (np.array([[np.sum(each[mine]) for mine in cells]]) for each in (1 / pi, labels / pi))
        rates = cell_rates(sums, failures)
        # Of a cell without labels a rate is borrowed, and its limits are 0 and 1; limits on a grid hold their own rate.
        lower, upper = np.minimum([[low for low, _ in found]], rates), np.maximum([[high for _, high in found]], rates)
        said, p = 1 - self._without, float(share.value)
        weights = np.array([[said * p, said * (1 - p), self._without]])
        slope = said * float(rates[0, 0] - rates[0, 1])
        ends = sorted((slope * (p - share.lower), slope * (p - share.upper)))
        value, below, _ = square_and_add(weights, rates, (lower, upper), np.asarray(ends[1] ** 2))
        return Interval(value, below, square_and_add(weights, rates, (lower, upper), np.asarray(ends[0] ** 2)).upper)

    @property
    def _without(self) -> float:
        return float(self.weights[NONE] / self.weights.sum())

    def _share(self) -> Interval | None:
        """Flags among the calls with a verdict."""
        said = self.weights[PASS] + self.weights[FAIL]
        if not said > 0:
            return None
        value = self.weights[FAIL] / said
        lower, upper = self.flags.interval()
        return Interval(np.asarray(value), np.minimum(lower, value), np.maximum(upper, value))


def _grid() -> Floats:
    """(points,): finer near 0, where the shares of failures lie."""
    return np.asarray((np.arange(1, _POINTS + 1) / (_POINTS + 1)) ** 2)
