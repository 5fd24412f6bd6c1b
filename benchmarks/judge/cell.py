"""What all simulations share: a judge of known quality, the bars, and the methods that stand beside ours."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.bars import Bars
from detectors.intervals import Z

Numbers = NDArray[np.float64]

COVERAGE = (0.93, 0.985)


class Judge(NamedTuple):
    """Shares of failures that it flags, and of good answers that it passes."""

    q1: float
    q0: float

    def flags(self, theta: float) -> float:
        """Share of flags where a share theta fails."""
        return theta * self.q1 + (1 - theta) * (1 - self.q0)

    def behind(self, theta: float) -> tuple[float, float]:
        """Shares of failures behind a flag, and behind a pass."""
        p = self.flags(theta)
        return theta * self.q1 / p, theta * (1 - self.q1) / (1 - p)

    def verdicts(self, failures: Numbers, random: np.random.Generator) -> NDArray[np.intp]:
        """1 for each call that it flags."""
        chance = np.where(failures == 1, self.q1, 1 - self.q0)
        return (random.random(len(failures)) < chance).astype(np.intp)


class Seen(NamedTuple):
    """Intervals of many runs of one cell."""

    value: Numbers
    lower: Numbers
    upper: Numbers

    def coverage(self, theta: float) -> float:
        """Share of the runs whose interval holds the truth."""
        return rounded(np.mean((self.lower <= theta) & (theta <= self.upper)))

    def bias(self, theta: float) -> float:
        """Of the mean estimate."""
        return round(float(np.mean(self.value)) - theta, 5)

    def width(self) -> float:
        """Mean width."""
        return rounded(np.mean(self.upper - self.lower))

    def shown(self, theta: float) -> dict[str, float]:
        """All three."""
        return {"coverage": self.coverage(theta), "bias": self.bias(theta), "width": self.width()}


def gather(intervals: list[tuple[float, float, float]]) -> Seen:
    """From single runs."""
    return Seen(*np.array(intervals, np.float64).T)


def ppi(judged: Numbers, flagged: Numbers, labels: Numbers, failures: Numbers) -> Seen:
    """Prediction-powered inference with its power tuned (PPI++) and its normal interval, from counts as `by_verdict`.

    Source: A. N. Angelopoulos, J. C. Duchi and T. Zrnic, arXiv:2311.01453; f is the flag, Y the label.
    """
    n, k1, k = labels.sum(-1), failures[..., 0], failures.sum(-1)
    f, y, all_f = labels[..., 0] / n, k / n, flagged / judged
    spread = np.maximum(all_f * (1 - all_f), 1e-12)
    tuned = np.clip((k1 / n - f * y) / ((1 + n / judged) * spread), 0, 1)
    value = y + tuned * (all_f - f)
    # Y - λ f takes four values: k1 of 1 - λ, n1 - k1 of -λ, the other failures 1, the rest 0.
    squares = (k1 * (1 - tuned) ** 2 + (labels[..., 0] - k1) * tuned**2 + (k - k1)) / n
    variance = tuned**2 * spread / judged + (squares - (y - tuned * f) ** 2) / (n - 1)
    half = Z * np.sqrt(variance)
    return Seen(value, value - half, value + half)


def covered(bars: Bars, name: str, seen: Seen, theta: float, beside: dict[str, object]) -> None:
    """Coverage within the bar."""
    value = seen.shown(theta) | beside
    bars.check(name, value, {"coverage": COVERAGE}, COVERAGE[0] <= seen.coverage(theta) <= COVERAGE[1])


def at_most(bars: Bars, name: str, value: float, bar: float) -> None:
    """A bar from above."""
    bars.check(name, value, {"at_most": bar}, value <= bar)


def measured(bars: Bars, name: str, value: object) -> None:
    """No bar."""
    bars.check(name, value, None, True)


def rounded(value: float | np.floating) -> float:
    """Four digits: more are noise."""
    return round(float(value), 4)
