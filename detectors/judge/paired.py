"""Two runs over the same items: how many changed sides, whether that is more than chance, by how much the rate moved.

Sources: Q. McNemar, "Note on the sampling error of the difference between correlated proportions or percentages",
Psychometrika 12 (1947), in its exact form; D. G. Bonett and R. M. Price, "Adjusted Wald confidence interval for a
difference of binomial proportions based on paired data", Journal of Educational and Behavioral Statistics 37 (2012).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from detectors.intervals import Z, normal
from detectors.judge.unknown import Unknown, Why
from detectors.judge.winrate import sign_test


@dataclass(frozen=True, slots=True)
class Paired:
    """Pass or fail of the same items, before and now.

    Attributes:
        value, lower, upper: the share that passes now less the share that passed before, with its 95 % interval.
        better: items that failed before and pass now.
        worse: items that passed before and fail now.
        pairs: items with a verdict in both.
        p_value: of the exact test of McNemar; None when no item changed sides.
    """

    value: float
    lower: float
    upper: float
    better: int
    worse: int
    pairs: int
    p_value: float | None

    @property
    def differs(self) -> bool:
        """Whether the exact test says so at 5 %."""
        return self.p_value is not None and self.p_value < 0.05


@dataclass(frozen=True, slots=True)
class Shift:
    """Scores of the same items: the mean of now less before, with its 95 % interval (normal)."""

    value: float
    lower: float
    upper: float
    pairs: int


def paired(before: Sequence[bool | None], now: Sequence[bool | None]) -> Paired | Unknown:
    """Compares verdicts, item by item; where one has none the item does not count.

    Args:
        before, now: whether each item passes, in the same order.
    """
    both = [(one, other) for one, other in zip(before, now, strict=True) if one is not None and other is not None]
    if not both:
        return Unknown(Why.NO_PAIRS)
    n = len(both)
    better, worse = sum(not one and other for one, other in both), sum(one and not other for one, other in both)
    up, down = (better + 1) / (n + 2), (worse + 1) / (n + 2)
    reach = Z * sqrt((up + down - (up - down) ** 2) / (n + 2))
    lower, upper = max(up - down - reach, -1.0), min(up - down + reach, 1.0)
    return Paired((better - worse) / n, lower, upper, better, worse, n, sign_test(better, worse))


def shift(before: Sequence[float | None], now: Sequence[float | None]) -> Shift | Unknown:
    """Compares scores, item by item; two pairs are the least that have an interval."""
    moved = [other - one for one, other in zip(before, now, strict=True) if one is not None and other is not None]
    if len(moved) < 2:
        return Unknown(Why.NO_PAIRS, len(moved))
    mean, deviation, n = float(np.mean(moved)), float(np.std(moved, ddof=1)), len(moved)
    lower, upper = normal(np.asarray(mean), np.asarray(deviation), np.asarray(n, float))
    return Shift(mean, float(lower), float(upper), n)
