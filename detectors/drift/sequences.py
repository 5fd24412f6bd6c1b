"""Confidence sequences: lower limits of shares that hold at all times at once, however often they are looked at."""

from math import log

import numpy as np
from numpy.typing import ArrayLike

from detectors.neighbours import Numbers

_STEPS = 26  # halvings: 1.5e-8 of the share


def lower_shares(k: ArrayLike, n: ArrayLike, level: float) -> Numbers:
    """Lower limits (m,) of the shares behind counts k of n, each wrong at any time with a probability of `level`.

    The mixture of likelihood ratios over a Beta(½, ½) prior is a martingale under the true share, so by Ville's
    inequality it passes 1 / level with at most that probability (Robbins, "Statistical methods related to the law of
    the iterated logarithm", 1970). Counts need not be whole; n is 1 or more.
    """
    from scipy.special import betaln, xlog1py, xlogy  # type: ignore[import-untyped]

    hits, total = np.asarray(k, np.float64), np.asarray(n, np.float64)
    misses = total - hits
    mixed = betaln(hits + 0.5, misses + 0.5) - betaln(0.5, 0.5) + log(level)
    low, high = np.zeros(hits.shape), hits / total
    for _ in range(_STEPS):
        middle = (low + high) / 2
        refuted = mixed >= xlogy(hits, middle) + xlog1py(misses, -middle)
        low, high = np.where(refuted, middle, low), np.where(refuted, high, middle)
    return low
