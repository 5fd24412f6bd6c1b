"""The failure rate of traffic from labels of the same period, post-stratified by what the judge said of them.

A is the share of failures among the labelled calls that the judge flagged, B among those that it passed, p the share
that it flags of all judged calls. The rate is p A + (1 - p) B: an estimate without bias however wrong the judge is, and
the better the judge, the less the labels have to say alone. Its interval joins Jeffreys' intervals of the cells by the
square-and-add rule (MOVER-J), which keeps their asymmetry where failures are few; normal intervals, such as those of
prediction-powered inference, cover far too seldom there. Wilson's intervals of the cells do it too, and are up to a
quarter wider: without a failure among n passes they reach to 3.8 / n, Jeffreys' to 2.5 / n, and a sum of such parts has
no need of the difference.

Sources: G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures", Statistics in Medicine 27
(2008); L. D. Brown, T. T. Cai and A. DasGupta, "Interval estimation for a binomial proportion", Statistical Science 16
(2001); P. J. Laud, "Equal-tailed confidence intervals for comparison of rates", Pharmaceutical Statistics 16 (2017);
D. Holt and T. M. F. Smith, "Post stratification", JRSS A 142 (1979).
"""

from typing import NamedTuple

import numpy as np

from detectors.intervals import Z
from detectors.measurement import Floats

_NOTHING = 1e-9  # counts below are rounding


class Interval(NamedTuple):
    """Estimates with their 95 % limits, each (...)."""

    value: Floats
    lower: Floats
    upper: Floats


def by_verdict(judged: Floats, flagged: Floats, labels: Floats, failures: Floats) -> Interval:
    """The rates of many periods whose calls and labels were drawn evenly, one for each leading index (...).

    Args:
        judged: (...) verdicts.
        flagged: (...) how many of them say failure.
        labels: (..., 2) labelled calls that were flagged, and that were passed.
        failures: (..., 2) how many of these are failures.
    """
    p = flagged / judged
    shares = np.stack([p, 1 - p], axis=-1)[..., np.newaxis, :]
    rates = cell_rates(labels[..., np.newaxis, :], failures[..., np.newaxis, :])
    spread = (shares * rates**2).sum(axis=(-2, -1)) - (shares * rates).sum(axis=(-2, -1)) ** 2
    return post_stratified(shares, labels[..., np.newaxis, :], rates, np.maximum(spread, 0) / judged)


def cell_rates(labels: Floats, failures: Floats) -> Floats:
    """(..., strata, verdicts): the share of failures in each cell.

    One without labels borrows the rate of its verdict in all strata, or else that of all labels; its interval will be
    0 to 1 all the same. NaN without any label.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        own, same_verdict, every = (
            failures.sum(axis=axes, keepdims=True) / labels.sum(axis=axes, keepdims=True)
            for axes in ((), (-2,), (-2, -1))
        )
    return np.asarray(np.where(labels > 0, own, np.where(np.isnan(same_verdict), every, same_verdict)))


def post_stratified(shares: Floats, labels: Floats, rates: Floats, variance: Floats) -> Interval:
    """Σ share · rate over the cells of strata and verdicts.

    Args:
        shares: (..., strata, verdicts) of the traffic; they sum to 1.
        labels: (..., strata, verdicts) how many, or how many independent ones they are worth.
        rates: (..., strata, verdicts) shares of failures, from `cell_rates`.
        variance: (...) of the sum with the rates held fixed: what the shares leave open.
    """
    return square_and_add(shares, rates, jeffreys(rates * labels, labels), Z**2 * variance)


def jeffreys(k: Floats, n: Floats) -> tuple[Floats, Floats]:
    """Jeffreys' 95 % interval of k of n, which need not be whole; from 0 without any, to 1 with all, 0 to 1 of none."""
    from scipy.special import betaincinv  # type: ignore[import-untyped]

    misses = np.maximum(n - k, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = np.where(n > 0, k / n, 0.5)
    # With a part of one failure the quantile can lie beyond the rate itself.
    lower = np.minimum(rate, betaincinv(k + 0.5, misses + 0.5, 0.025))
    upper = np.maximum(rate, betaincinv(k + 0.5, misses + 0.5, 0.975))
    return np.where(k < _NOTHING, 0.0, lower), np.where(misses < _NOTHING, 1.0, upper)


def square_and_add(shares: Floats, rates: Floats, limits: tuple[Floats, Floats], squared: Floats) -> Interval:
    """The interval of Σ share · rate from limits of each rate; `squared` (...) is added to both squared distances."""
    below, above = (np.sqrt(((shares * (rates - limit)) ** 2).sum(axis=(-2, -1)) + squared) for limit in limits)
    value = (shares * rates).sum(axis=(-2, -1))
    return Interval(value, np.clip(value - below, 0.0, 1.0), np.clip(value + above, 0.0, 1.0))
