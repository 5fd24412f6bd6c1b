"""Means of a sample in which calls had unequal chances to be drawn.

Sources: D. G. Horvitz and D. J. Thompson, "A generalization of sampling without replacement from a finite universe",
JASA 47 (1952); J. Hájek's ratio, "Comment on a paper by D. Basu" (1971); L. Kish, "Survey Sampling" (1965), for the
effective size; E. L. Korn and B. I. Graubard, "Confidence intervals for proportions with small expected number of
positive counts estimated from survey data", Survey Methodology 24 (1998), for Wilson's interval at that size.
"""

from typing import NamedTuple

import numpy as np

from detectors.intervals import Z
from detectors.judge.unknown import Unknown, Why
from detectors.measurement import Floats
from detectors.neighbours import Indices

_LEAST_FREEDOM = 2.0


class Mean(NamedTuple):
    """An estimated mean and the variance of its estimate."""

    value: float
    variance: float


class Share(NamedTuple):
    """A share or mean score with its 95 % limits, and how many evenly drawn independent calls would say as much."""

    value: float
    lower: float
    upper: float
    effective: float


def horvitz_thompson(values: Floats, pi: Floats, population: int) -> Mean:
    """Σ value / π over the size of the population: without bias, whatever the probabilities.

    The variance is that of Poisson sampling about the population's own mean, Σ (1 - π) value² / π² / N²; it has no bias
    either.

    Args:
        values: (n,) of the drawn calls.
        pi: (n,) the probabilities with which they were drawn.
        population: how many calls there were to draw from.
    """
    return Mean(float(np.sum(values / pi)) / population, float(np.sum((1 - pi) * (values / pi) ** 2)) / population**2)


def hajek(values: Floats, pi: Floats) -> Mean:
    """Σ (value / π) / Σ (1 / π): steadier than Horvitz and Thompson's, as it does not vary with how many were drawn.

    The variance is that of Poisson sampling about the population's own mean, linearised. The sample is not empty.
    """
    weights = 1 / pi
    value = float(np.average(values, weights=weights))
    return Mean(value, float(np.sum((1 - pi) * (weights * (values - value)) ** 2)) / float(weights.sum()) ** 2)


def share(values: Floats, weights: Floats, clusters: Indices | None = None) -> Share | Unknown:
    """The mean in the traffic that a sample was drawn from, as `hajek`, with the score interval at its effective size.

    Args:
        values: (n,) in [0, 1]: flags or scores.
        weights: (n,) 1 / π.
        clusters: (n,) numbers of the conversations; None when each call is its own.
    """
    if not len(values):
        return Unknown(Why.NO_VERDICTS)
    mean = float(np.average(values, weights=weights))
    worth = kish(weights)
    if clusters is not None:
        if len(np.unique(clusters)) < 2:
            return Unknown(Why.ONE_CLUSTER, 1)
        worth /= design_effect(weights * (values - mean), clusters)
    between = np.average(values * (1 - values), weights=weights)
    lower, upper = score_interval(np.asarray(mean), np.asarray(between), worth)
    return Share(mean, float(lower), float(upper), worth)


def score_interval(mean: Floats, between: Floats, n: Floats | float) -> tuple[Floats, Floats]:
    """The score interval of means (...) of values x in [0, 1]; of values that are all 0 or 1 it is Wilson's.

    The variance of such a value is m (1 - m) less the mean of x (1 - x), which of comparisons is a quarter of the share
    of ties. That is taken as if a 0 and a 1 more had been seen, so that nothing but ties does not make a point.

    Args:
        mean: of the values.
        between: the mean of x (1 - x).
        n: how many values, or how many independent ones they are worth.
    """
    n = np.asarray(n, np.float64)
    less = between * n / (n + 2)
    square, linear, constant = n + Z**2, 2 * n * mean + Z**2, n * mean**2 + Z**2 * less
    root = np.sqrt(np.maximum(linear**2 - 4 * square * constant, 0.0))
    lower, upper = (linear - root) / (2 * square), (linear + root) / (2 * square)
    return np.clip(np.minimum(lower, mean), 0.0, 1.0), np.clip(np.maximum(upper, mean), 0.0, 1.0)


def kish(weights: Floats) -> float:
    """(Σ w)² / Σ w²: how many equally weighted calls so many unequally weighted ones are worth; 0 of none."""
    return float(weights.sum() ** 2 / np.sum(weights**2)) if len(weights) else 0.0


def design_effect(residuals: Floats, clusters: Indices) -> float:
    """How many times fewer independent calls these are worth, because those of one conversation resemble each other.

    The variance of the sum of residuals by clusters over that by calls, at least 1; times the ratio of the squared
    quantiles of Student's t and the normal distribution, since a variance that rests on few clusters is itself
    uncertain. Degrees of freedom are Satterthwaite's, from the fourth moments: few where a handful of conversations
    hold most failures.

    Args:
        residuals: (n,) each call's part in the error of the estimate.
        clusters: (n,) of two or more clusters.
    """
    from scipy.special import stdtrit  # type: ignore[import-untyped]

    _, places = np.unique(clusters, return_inverse=True)
    squares = np.bincount(places, residuals) ** 2
    count, alone, together = len(squares), float(residuals @ residuals), float(squares.sum())
    if not alone > 0:
        return float(stdtrit(count - 1, 0.975) / Z) ** 2
    unequal = float(squares @ squares) - together**2 / count
    freedom = 2 * together**2 / unequal if unequal > 0 else float(count)
    reserve = float(stdtrit(min(max(freedom, _LEAST_FREEDOM), count - 1), 0.975) / Z) ** 2
    return max(1.0, together / alone * count / (count - 1)) * reserve
