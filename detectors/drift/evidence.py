"""From ranks to evidence: conformal p-values, bets on them, and the sum of all bets that could have begun earlier.

Sources: Vovk and Wang, "E-values: calibration, combination and applications", Annals of Statistics 49 (2021), for
κ p^(κ-1); Shin, Ramdas and Rinaldo, "E-detectors", arXiv:2203.03532, for the Shiryaev-Roberts sum and its bound.
"""

from functools import lru_cache

import numpy as np

from detectors.neighbours import Numbers

KAPPAS = (0.5, 0.15)
_DRAWS = 4_000
_LEVEL = 0.95


def p_value(score: float, calibration: Numbers) -> float:
    """(1 + how many of the K sorted calibration scores are at least as high) / (K + 1)."""
    k = len(calibration)
    return (1 + k - int(np.searchsorted(calibration, score, side="left"))) / (k + 1)


def e_values(p: float, k: int) -> Numbers:
    """(2,): what a bet of 1 against "nothing has changed" is worth after p, one for each of `KAPPAS`.

    A fixed set of calibration scores can be calm by chance, and then every bet gains a little for ever. So bets are
    divided by `discount`, with which 95 of 100 sets of calibration scores make them fair or worse.

    Args:
        p: at least 1 / (k + 1).
        k: calibration scores.
    """
    return np.array([kappa * p ** (kappa - 1) / discount(k, kappa) for kappa in KAPPAS])


@lru_cache(maxsize=256)
def discount(k: int, kappa: float) -> float:
    """The 95 % quantile of E[κ p^(κ-1)] over sets of k calibration scores.

    Given the set, the next rank is r with the probability G_r that the score falls into the r-th gap, and the gaps of k
    independent scores are Dirichlet(1, …, 1).
    """
    bets = kappa * (np.arange(1, k + 2) / (k + 1)) ** (kappa - 1)
    random = np.random.RandomState(k)
    found = [_means(random, bets, draws) for draws in [_DRAWS // 8] * 8]
    return float(np.quantile(np.concatenate(found), _LEVEL))


def _means(random: np.random.RandomState, bets: Numbers, draws: int) -> Numbers:
    gaps = random.standard_exponential((draws, len(bets)))
    return np.asarray(gaps @ bets / gaps.sum(axis=1))


def sums(before: Numbers, days: float, bets: Numbers) -> Numbers:
    """The Shiryaev-Roberts sums after one more window: (R + days) · e.

    A new bet of one a day begins at every moment, and each is multiplied by every window after it. With E[e] ≤ 1 given
    the past, R less the elapsed days is a supermartingale whatever the lengths of the windows, so the mean time until a
    weighted mean of such sums passes c is c days or more.

    Args:
        before: R of each bet.
        days: since this detector's last window, known before the window's texts are read.
        bets: e-values of the window.
    """
    return np.asarray((before + days) * bets)
