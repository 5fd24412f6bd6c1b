"""Intervals of ratios, means and differences: 95 % over whole arrays, and of single numbers at any level."""

import math

import numpy as np

from detectors.measurement import Floats

Z = 1.959963984540054  # the 97.5 % quantile of the normal distribution


def wilson(k: Floats, n: Floats) -> tuple[Floats, Floats]:
    """The Wilson score interval of k successes in n trials.

    Unlike the normal interval it stays in [0, 1] and does not shrink to a point at 0 or n successes, so that a ratio of
    a few calls looks as uncertain as it is. Where n is 0 both ends are NaN.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = k / n
        scale = 1 + Z**2 / n
        centre = (ratio + Z**2 / (2 * n)) / scale
        half = Z * np.sqrt(ratio * (1 - ratio) / n + Z**2 / (4 * n**2)) / scale
    # At the ends the bound is exactly 0 or 1; rounding would leave 1e-19 there.
    lower = np.where(k == 0, np.where(n > 0, 0.0, np.nan), centre - half)
    upper = np.where(k == n, np.where(n > 0, 1.0, np.nan), centre + half)
    return lower, upper


def normal(mean: Floats, deviation: Floats, n: Floats) -> tuple[Floats, Floats]:
    """The normal interval of a mean from the sample standard deviation; NaN where n is less than 2."""
    with np.errstate(divide="ignore", invalid="ignore"):
        half = np.where(n >= 2, Z * deviation / np.sqrt(n), np.nan)
    return mean - half, mean + half


def wilson_of(k: float, n: float, z: float = Z) -> tuple[float, float]:
    """As `wilson`, of one k and n at any level; n is not 0, and an effective n need not be whole."""
    p, scale = k / n, 1 + z**2 / n
    centre, half = p + z**2 / (2 * n), z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (max(0.0, (centre - half) / scale) if k > 0 else 0.0), (min(1.0, (centre + half) / scale) if k < n else 1.0)


def newcombe(k1: float, n1: float, k2: float, n2: float, z: float = Z) -> tuple[float, float]:
    """The interval of the difference of two independent shares, k1/n1 - k2/n2; NaN where one has no trials.

    Source: R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in
    Medicine 17 (1998), method 10 (hybrid score, from Wilson's intervals).
    """
    if not n1 or not n2:
        return math.nan, math.nan
    p1, p2 = k1 / n1, k2 / n2
    (lower1, upper1), (lower2, upper2) = wilson_of(k1, n1, z), wilson_of(k2, n2, z)
    return p1 - p2 - math.hypot(p1 - lower1, upper2 - p2), p1 - p2 + math.hypot(upper1 - p1, p2 - lower2)


def poisson_of(k: float, z: float = Z) -> tuple[float, float]:
    """The interval of the mean of a Poisson count, of which k events were seen.

    Source: Byar's approximation to the exact interval, in N. E. Breslow and N. E. Day, "Statistical Methods in Cancer
    Research" II (1987), p. 69.
    """
    lower = k * max(0.0, 1 - 1 / (9 * k) - z / (3 * math.sqrt(k))) ** 3 if k > 0 else 0.0
    more = k + 1
    return lower, more * (1 - 1 / (9 * more) + z / (3 * math.sqrt(more))) ** 3


Estimate = tuple[float, float, float]  # a number between its lower and its upper limit


def difference_of(one: Estimate, other: Estimate) -> tuple[float, float]:
    """The interval of one - other, two independent numbers with intervals of any shape. Of two shares with Wilson's
    intervals it is `newcombe`.

    Source: G. Y. Zou and A. Donner, "Construction of confidence limits about effect measures: a general approach",
    Statistics in Medicine 27 (2008) (MOVER).
    """
    (x, lower1, upper1), (y, lower2, upper2) = one, other
    return x - y - math.hypot(x - lower1, upper2 - y), x - y + math.hypot(upper1 - x, y - lower2)


def ratio_of(one: Estimate, other: Estimate) -> tuple[float, float]:
    """The interval of one / other, two independent numbers that are not negative; the upper limit can be infinite.

    Where an interval reaches below 0, its limit counts as 0. NaN where the other has no upper limit above 0.

    Source: A. Donner and G. Y. Zou, "Closed-form confidence intervals for functions of the normal mean and standard
    deviation", Statistical Methods in Medical Research 21 (2012), equation 9 (MOVER-R).
    """
    (x, lower1, upper1), (y, lower2, upper2) = one, other
    if upper2 <= 0:
        return math.nan, math.nan
    lower1, lower2 = max(0.0, lower1), max(0.0, lower2)

    def limit(mine: float, its: float, sign: int) -> float:
        # As the root of a(2y - a)t^2 - 2xyt + b(2x - b) = 0 that keeps its digits: its product is the other's inverse.
        a, b = its * (2 * y - its), mine * (2 * x - mine)
        root = math.sqrt(max(0.0, (x * y) ** 2 - a * b))
        if sign < 0:
            return b / (x * y + root) if x * y + root > 0 else 0.0
        return (x * y + root) / a if a > 0 else math.inf

    return limit(lower1, upper2, -1), limit(upper1, lower2, 1)
