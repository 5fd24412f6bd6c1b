"""Windows of pairs beside what is usual at their hour, one or many together."""

from dataclasses import dataclass, field, fields

import numpy as np

from detectors.drift.judged import Judged
from detectors.neighbours import Numbers


@dataclass(frozen=True, slots=True, eq=False)
class Usually:
    """What is usual for a window.

    Attributes:
        surprise: mean.
        rest: (d,) mean.
        noise: one over the effective number of pairs behind these.
        leant: mean, as in `Judged`.
    """

    surprise: float
    rest: Numbers
    noise: float
    leant: float


def noise(judged: Judged, by: Usually) -> float:
    """The variance of a window's mean rest, in units of that of a single response's.

    When prompts are about fewer things than usual, the answers that responses are compared with are fewer too, and what
    these differ by from others by chance is no longer averaged out, nor part of what is usual: it is counted as noise.
    """
    return 1 / judged.n + max(judged.leant - by.leant, 0.0) + by.noise


def distance(judged: Judged, by: Usually) -> float:
    """The squared distance of a window's mean rest from the usual one, without its bias; it can be below 0."""
    delta = judged.rest - by.rest
    return float(delta @ delta) - judged.trace * noise(judged, by)


@dataclass(frozen=True, slots=True, eq=False)
class Counted:
    """What some windows have together.

    Attributes:
        windows, pairs: how many.
        off: the sum of the surprises less what is usual, in standard deviations of a single response.
        variance: of that sum, if windows varied as samples do.
        rest: (d,) the sum of the windows' mean rests less what is usual.
        noise: what chance adds to the squared length of that.
    """

    windows: int = 0
    pairs: float = 0.0
    off: float = 0.0
    variance: float = 0.0
    rest: Numbers = field(default_factory=lambda: np.zeros(0))
    noise: float = 0.0

    def add(self, judged: Judged, by: Usually, spread: float) -> "Counted":
        """With one more window; `spread` is the standard deviation of a single response's surprise."""
        rest = judged.rest - by.rest
        return Counted(
            self.windows + 1,
            self.pairs + judged.n,
            self.off + judged.n * (float(judged.surprise.mean()) - by.surprise) / spread,
            self.variance + judged.n + judged.n**2 * by.noise,
            self.rest + rest if self.windows else rest,
            self.noise + judged.trace * noise(judged, by),
        )

    def __add__(self, other: "Counted") -> "Counted":
        """Both together."""
        if not self.windows or not other.windows:
            return self if self.windows else other
        return Counted(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))

    @property
    def distance(self) -> float:
        """The squared distance of the windows' mean rest from the usual one, without its bias; it can be below 0."""
        return (float(self.rest @ self.rest) - self.noise) / self.windows**2
