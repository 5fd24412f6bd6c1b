"""95 % intervals of ratios and means, over whole arrays."""

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
