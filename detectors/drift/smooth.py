"""What of a series can be told from its past: an exponentially weighted level that is drawn back to zero.

The scores of windows have a memory of hours or days (a campaign, a topic of the week) below the noise of sampling. The
lag-1 correlation hardly shows it, so the filter is not gated by a test: it is chosen by how well it predicts.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from detectors.neighbours import Numbers

PERSISTENCE = (0.7, 0.85, 0.93, 0.97, 0.985, 0.995)
# A level that lags predicts as well beside the noise of sampling, and lets long excursions through as drift.
LEVEL_PERSISTENCE = (0.85, 0.93, 0.97, 1.0)
LEVEL_GAIN = (0.1, 0.15, 0.2, 0.3)
GAIN = (0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.45, 0.65, 0.85, 1.0)


@dataclass(frozen=True, slots=True)
class Filter:
    """q ← ρ (q + g (y - q)): what the next value is expected to be; with g = 0 always zero.

    It holds the random walk in noise, the autoregression (g = 1) and everything between: the steady state of a Kalman
    filter for a level with memory that is seen through noise.

    Attributes:
        persistence: ρ in (0, 1].
        gain: g in [0, 1].
    """

    persistence: float = 1.0
    gain: float = 0.0

    def next(self, q: Numbers, y: Numbers) -> Numbers:
        """What is expected after y was seen where q had been expected."""
        return np.asarray(self.persistence * (q + self.gain * (y - q)))

    def predictions(self, y: Numbers) -> Numbers:
        """What was expected of each value of a series (n, …) before it was seen; zero of the first."""
        q = np.zeros(np.shape(y))
        for t in range(1, len(y)):
            q[t] = self.next(q[t - 1], y[t - 1])
        return q

    @property
    def noise(self) -> float:
        """Variance of the level over a long time, where the values are noise of variance 1."""
        stays, enters = self.persistence * (1 - self.gain), self.persistence * self.gain
        return enters**2 / (1 - stays**2) if enters else 0.0


def fit(y: Numbers, least_gain: float) -> Filter:
    """The filter with the smallest mean squared error of one-step predictions of a series (n,) of mean zero.

    Args:
        y: the series.
        least_gain: by which share the error must be smaller than without any filter; else there is none.
    """
    if len(y) < 2:
        return Filter()
    choices = [Filter(*each) for each in product(PERSISTENCE, GAIN)]
    errors = _errors(y)
    best = int(np.argmin(errors))
    return choices[best] if errors[best] < (1 - least_gain) * float(np.mean(np.square(y))) else Filter()


def fit_level(y: Numbers, least_gain: float, noise: float) -> Filter:
    """As `fit`, of a series of vectors (n, d).

    Args:
        y: the series.
        least_gain: by which share of what is not noise the error must be smaller.
        noise: of the mean squared error of a coordinate, what no prediction can remove.
    """
    if len(y) < 2:
        return Filter()
    choices = [Filter(*each) for each in product(LEVEL_PERSISTENCE, LEVEL_GAIN)]
    errors = [float(np.mean(np.square(y - each.predictions(y)))) for each in choices]
    best, without = int(np.argmin(errors)), float(np.mean(np.square(y)))
    return choices[best] if errors[best] - noise < (1 - least_gain) * (without - noise) else Filter()


def _errors(y: Numbers) -> list[float]:
    """As in `fit`, of all filters at once."""
    grid = np.array(list(product(PERSISTENCE, GAIN)))
    persistence, gain = grid[:, 0], grid[:, 1]
    q, total = np.zeros(len(grid)), np.zeros(len(grid))
    for value in y:
        error = value - q
        total += error**2
        q = persistence * (q + gain * error)
    return list(total / len(y))
