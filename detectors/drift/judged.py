"""One window's pairs beside those of a baseline: what the channels of the conditional detector look at."""

from dataclasses import dataclass

import numpy as np

from detectors.drift.pairs import Beside
from detectors.features import trace_of_square
from detectors.neighbours import Indices, Numbers


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The pairs of a window whose prompt is in distribution; n of them.

    Attributes:
        start: seconds since 1970.
        surprise: (n,) of the responses.
        rows: (n,) which of the given pairs they are.
        rest: (d,) mean of the responses less what the baseline answered to like prompts.
        trace: tr S, S the covariance of a single response's rest.
        squares: tr S².
        leant: Σ w² over the baseline's pairs, w the share of each in all comparisons of such a window: one over the
            effective number of answers that the responses are compared with.
    """

    start: float
    surprise: Numbers
    rows: Indices
    rest: Numbers
    trace: float
    squares: float
    leant: float

    @property
    def n(self) -> int:
        """How many pairs."""
        return len(self.surprise)


def judge(start: float, seen: Beside, rows: Indices) -> Judged:
    """A window of some of the pairs that were seen.

    `leant` is without bias: what two different responses of the window have in common.
    """
    n, rest = len(rows), np.asarray(seen.rest[rows], np.float64)
    if n < 3:
        return Judged(start, seen.surprise[rows], rows, np.zeros(rest.shape[1]), 1.0, 1.0, 1.0)
    mean = rest.mean(axis=0)
    centred = rest - mean
    trace = float(np.einsum("ij,ij->", centred, centred)) / (n - 1)
    squares = trace_of_square(centred, trace)
    return Judged(start, seen.surprise[rows], rows, mean, trace, squares, _leant(seen.around[rows]))


def _leant(around: Indices) -> float:
    n, k = around.shape
    counts = np.bincount(around.ravel()).astype(np.float64)
    return float(counts @ counts - n * k) / (k**2 * n * (n - 1)) if k else 0.0
