"""Random Fourier features: a mean of them stands for a whole distribution, and distances between means for drift."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.intervals import Z
from detectors.neighbours import Indices, Numbers, Rows

if TYPE_CHECKING:
    from detectors.embedder import Embedded

COUNT = 1_024
_MASS = 0.005
_PAIRS_OF = 2_000  # rows whose pairwise distances are looked at


@dataclass(frozen=True, slots=True)
class Features:
    """φ(x) = √(2/D) cos(Ωx + b), Ω ~ N(0, σ⁻²I): ⟨φ(x), φ(y)⟩ is about exp(-‖x - y‖² / 2σ²).

    Source: Rahimi and Recht, "Random features for large-scale kernel machines" (2007).

    Attributes:
        seed: of Ω and b.
        sigma: bandwidth of the Gaussian kernel.
        dimensions: of the embeddings.
        count: D.
    """

    seed: int
    sigma: float
    dimensions: int
    count: int = COUNT

    def __call__(self, x: Rows) -> NDArray[np.float32]:
        """(n, D) features of (n, d) embeddings."""
        omega, shift = _projection(self.seed, self.sigma, self.dimensions, self.count)
        return np.asarray(np.float32((2 / self.count) ** 0.5) * np.cos(np.asarray(x, np.float32) @ omega + shift))


@lru_cache(maxsize=4)
def _projection(seed: int, sigma: float, dimensions: int, count: int) -> tuple[NDArray[np.float32], ...]:
    # Not default_rng: means of features are kept for months, and only the old generator's stream is frozen (NEP 19).
    random = np.random.RandomState(seed)
    omega = random.standard_normal((dimensions, count)) / sigma
    return omega.astype(np.float32), random.uniform(0, 2 * np.pi, count).astype(np.float32)


def bandwidth(x: Rows) -> float:
    """Half the median distance between two of the first 2,000 of (m, d) rows; ½ where they are all the same."""
    squared = 2 - 2 * _cosines(x)
    median = float(np.median(squared)) ** 0.5 if squared.size else 0.0
    return median / 2 if median > 1e-3 else 0.5


def radius(x: Rows, topics: Indices) -> float:
    """The cosine within which two texts are of one kind.

    That which one in 200 pairs of texts exceeds: a ball of it holds 0.5 % of the traffic. Of traffic with few topics
    such a ball is a splinter of one, and the median cosine of two texts of a topic is taken instead. (A fixed cosine
    does not travel from one kind of traffic to another.) 0.9 where there are no pairs; at most 0.999, or rounding
    decides what lies inside.

    Args:
        x: (m, d) of unit norm, of which the first 2,000 are looked at.
        topics: (m,) of the texts.
    """
    cosines = _cosines(x)
    if not cosines.size:
        return 0.9
    topic = topics[:_PAIRS_OF]
    within = cosines[_pairs(topic[:, np.newaxis] == topic)]
    middle = float(np.median(within)) if within.size else 1.0
    return min(float(np.quantile(cosines, 1 - _MASS)), middle, 0.999)


def scan_radius(x: Rows) -> float:
    """As `radius`, whatever the topics: a scan wants balls that hold few texts, or a small new topic drowns in them."""
    cosines = _cosines(x)
    return min(float(np.quantile(cosines, 1 - _MASS)), 0.999) if cosines.size else 0.9


def _cosines(x: Rows) -> Numbers:
    rows = np.asarray(x[:_PAIRS_OF], np.float64)
    return np.asarray(np.clip(_pairs(rows @ rows.T), -1, 1), np.float64)


def _pairs(table: NDArray[Any]) -> NDArray[Any]:
    """The entries of an (m, m) table above its diagonal, row by row."""
    return np.asarray(table[~np.tri(len(table), dtype=bool)])


def first_of_each(x: Rows) -> Indices:
    """Indices of the rows that are not equal, in half precision, to an earlier one."""
    first = {row.tobytes(): index for index, row in reversed(list(enumerate(np.asarray(x, np.float16))))}
    return np.array(sorted(first.values()), np.intp)


def take(embedded: "Embedded", rows: Indices) -> "Embedded":
    """Some texts with their chunks, in the order of the rows, which differ."""
    place = np.full(len(embedded.mean), -1, np.intp)
    place[rows] = np.arange(len(rows))
    owner = place[embedded.owner]
    chunks = np.flatnonzero(owner >= 0)
    chunks = chunks[np.argsort(owner[chunks], kind="stable")]
    return replace(embedded, mean=embedded.mean[rows], chunk=embedded.chunk[chunks], owner=owner[chunks])


class Distance(NamedTuple):
    """A squared distance without its bias, which may so be below 0, and its 95 % interval."""

    value: float
    lower: float
    upper: float


def squared_distance(features: Rows, mean: Numbers, noise: float) -> Distance:
    """The squared MMD between a window and what is usual, corrected for the noise of both.

    With δ the difference of means, S the covariance of the features and s = 1/n + noise: E‖δ^‖² = ‖δ‖² + s tr S, and
    Var ‖δ^‖² = 4 s δ'Sδ + 2 s² tr S² for a normal δ^, where E δ^'Sδ^ = δ'Sδ + s tr S². The lower end has the variance
    that is seen; the upper end is the largest ‖δ‖² whose own variance the value agrees with, because a value that came
    out low by chance shows too small a variance. It is the uncertainty of the sample: how much the usual itself wanders
    from window to window is not in it.

    Args:
        features: (n, D) of the window, n ≥ 4.
        mean: (D,) that is usual.
        noise: one over the number of calls behind `mean`.
    """
    n = len(features)
    rows = np.asarray(features, np.float64)
    centre = rows.mean(axis=0)
    rows, delta = rows - centre, centre - mean
    s = 1 / n + noise
    trace = float(np.einsum("ij,ij->", rows, rows)) / (n - 1)
    squares = trace_of_square(rows, trace)
    along = float(np.square(rows @ delta).sum()) / (n - 1)
    value = float(delta @ delta) - trace * s
    seen = max(4 * s * along - 2 * squares * s**2, 2 * squares * s**2)
    # The larger root of (value - θ)² = z² (4 s λ θ + 2 s² tr S²), λ the variance along δ.
    middle = value + 2 * Z**2 * s * along / max(float(delta @ delta), 1e-300)
    root = max(middle**2 - value**2 + 2 * Z**2 * s**2 * squares, 0.0) ** 0.5
    return Distance(value, value - Z * seen**0.5, max(middle + root, value))


def trace_of_square(centred: Numbers, trace: float) -> float:
    """tr S² without the bias that tr S^² has (Bai and Saranadasa, Statistica Sinica 6, 1996)."""
    n = len(centred)
    smaller = centred @ centred.T if n <= centred.shape[1] else centred.T @ centred
    plugin = float(np.square(smaller).sum()) / (n - 1) ** 2
    return max((n - 1) ** 2 / ((n - 2) * (n + 1)) * (plugin - trace**2 / (n - 1)), 0.0)
