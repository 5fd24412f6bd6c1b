"""Out-of-distribution scores: how strange a text is beside a reservoir of normal ones, and its conformal p-value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from detectors.intervals import wilson
from detectors.measurement import Reason, Value
from detectors.neighbours import Numbers, Rows, mean_distance, nearest

if TYPE_CHECKING:
    from detectors.embedder import Embedded

Kind = Literal["knn", "lof", "isolation_forest", "mahalanobis"]
Arrays = Mapping[str, NDArray[Any]]

LEVEL = 0.05

# Picked by `python -m benchmarks.ood --pick`: the best mean over validation splits of a large, a small, a soiled and a
# narrow reservoir. More neighbours and a larger β do better on a large, clean reservoir of many topics and worse on the
# other three; a narrow one alone would want k = 5.
K = 10
BETA = 0.625
WIDTH = 5  # candidates a neighbour


class Scorer(Protocol):
    """What was learnt of a reservoir of normal texts."""

    @property
    def name(self) -> Kind:
        """The kind, as `load` wants it."""
        ...

    def scores(self, x: Rows) -> Numbers:
        """How strange each row of (n, d) embeddings is, (n,): higher is stranger."""
        ...

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything that `load` needs."""
        ...


@dataclass(frozen=True, eq=False)
class LocallyCentred:
    """Distance to the k nearest, less a part of what is usual around each of them; see `centred_distance`."""

    reference: NDArray[np.float16]  # (m, d)
    own: Numbers  # (m,), the mean distance of every row to its own k nearest others
    k: int
    beta: float
    width: int
    name: Kind = "knn"

    @classmethod
    def fit(
        cls, reference: NDArray[np.float16], k: int = K, beta: float = BETA, width: int = WIDTH
    ) -> "LocallyCentred":
        """Measures what is usual around every row."""
        _, similarities = nearest(reference, reference, k, skip_self=True)
        return cls(reference, mean_distance(similarities), k, beta, width)

    def scores(self, x: Rows) -> Numbers:
        """As in `Scorer`; equal however the rows are batched."""
        indices, similarities = nearest(x, self.reference, self.k * self.width)
        return centred_distance(similarities, self.own[indices], self.k, self.beta)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As in `Scorer`."""
        return {
            "reference": self.reference,
            "own": self.own,
            "k": np.asarray(self.k),
            "beta": np.asarray(self.beta),
            "width": np.asarray(self.width),
        }


def centred_distance(similarities: Numbers, own: Numbers, k: int, beta: float) -> Numbers:
    """The mean of the k smallest d(x, r) - β · d_k(r) over the candidates r of each row, (n,).

    d is one minus the cosine, d_k(r) the mean distance of r to its own k nearest others. Without the second term, texts
    of thinly sown but normal topics look strange. It is the hub correction of CSLS (Conneau et al., arXiv:1710.04087)
    used as a score. The ratio instead of the difference, which is LOF, ranks far worse on embeddings of sentences.

    Args:
        similarities: (n, c) cosines of each row to its c nearest. With c = k these are the neighbours; with more, those
            that are near for where they lie. Few candidates a neighbour keep a lone row of the reservoir, which is
            near to nothing, from being taken for everybody's neighbour.
        own: (n, c), d_k of the same rows.
        k: at most c are used.
        beta: β in [0, 1]; 0 is plain kNN.
    """
    centred = 1 - similarities - beta * own
    return np.asarray(np.sort(centred, axis=1)[:, :k].mean(axis=1))


@dataclass(frozen=True, eq=False)
class Mahalanobis:
    """Squared Mahalanobis distance to the reservoir's mean, the covariance shrunk by Ledoit and Wolf."""

    mean: Numbers  # (d,)
    precision: Numbers  # (d, d)
    name: Kind = "mahalanobis"

    @classmethod
    def fit(cls, reference: NDArray[np.float16]) -> "Mahalanobis":
        """Estimates mean and covariance."""
        from sklearn.covariance import ledoit_wolf

        rows = reference.astype(np.float64)
        rows = np.repeat(rows, 2, axis=0) if len(rows) == 1 else rows
        centred = rows - rows.mean(axis=0)
        # One row, or one row many times, has no covariance at all; every other text must still be stranger than it.
        covariance = ledoit_wolf(centred, assume_centered=True)[0] + _FLOOR * np.eye(rows.shape[1])
        return cls(rows.mean(axis=0), np.linalg.inv(covariance))

    def scores(self, x: Rows) -> Numbers:
        """As in `Scorer`."""
        centred = np.asarray(x, np.float64) - self.mean
        return np.asarray(((centred @ self.precision) * centred).sum(axis=1))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As in `Scorer`."""
        return {"mean": self.mean, "precision": self.precision}


@dataclass(frozen=True, eq=False)
class Estimator:
    """A model of scikit-learn, kept as the rows and the seed that it is fitted on, and fitted again when loaded."""

    reference: NDArray[np.float16]  # (m, d)
    seed: int
    name: Kind
    model: Any

    @classmethod
    def fit(cls, kind: Kind, reference: NDArray[np.float16], seed: int) -> "Estimator":
        """Fits the Local Outlier Factor (cosine, 50 neighbours) or the Isolation Forest (200 trees)."""
        rows = reference.astype(np.float32)
        return cls(reference, seed, kind, _lof(rows) if kind == "lof" else _forest(rows, seed))

    def scores(self, x: Rows) -> Numbers:
        """As in `Scorer`."""
        if not len(x):
            return np.zeros(0)
        return -np.asarray(self.model.score_samples(np.asarray(x, np.float32)), np.float64)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """As in `Scorer`."""
        return {"reference": self.reference, "seed": np.asarray(self.seed)}


_FLOOR = 1e-6  # a thousandth of the variance that a coordinate of embeddings usually has
_LOF_NEIGHBOURS = 50
_TREES = 200


def fit(kind: Kind, reference: Rows, seed: int = 0) -> Scorer:
    """Learns what is normal.

    Args:
        kind: `knn` is the locally-centred one, better than the others by far; they are for those who know them.
        reference: (m, d) unit-norm rows, m ≥ 1, without repeated texts. Rounded to float16, as it is stored.
        seed: of the Isolation Forest.

    Raises:
        ValueError: without any row.
    """
    if not len(reference):
        raise ValueError("nothing is normal yet: the reference has no row")
    rows = np.asarray(reference, np.float16)
    if kind == "knn":
        return LocallyCentred.fit(rows)
    if kind == "mahalanobis":
        return Mahalanobis.fit(rows)
    return Estimator.fit(kind, rows, seed)


def load(kind: Kind, arrays: Arrays) -> Scorer:
    """The scorer whose `arrays` these are: the same scores to the last bit, with the same release of scikit-learn."""
    if kind == "knn":
        k, beta, width = int(arrays["k"]), float(arrays["beta"]), int(arrays["width"])
        return LocallyCentred(arrays["reference"], arrays["own"], k, beta, width)
    if kind == "mahalanobis":
        return Mahalanobis(arrays["mean"], arrays["precision"])
    return Estimator.fit(kind, arrays["reference"], int(arrays["seed"]))


def score_texts(scorer: Scorer, embedded: "Embedded") -> Numbers:
    """The score of each text, (n,): that of its strangest chunk, or of its mean where that is stranger still.

    A strange paragraph in a long prompt is not averaged away.
    """
    scores = scorer.scores(embedded.mean)
    several = np.bincount(embedded.owner, minlength=len(scores))[embedded.owner] > 1
    np.maximum.at(scores, embedded.owner[several], scorer.scores(embedded.chunk[several]))
    return scores


def p_values(scores: Numbers, calibration: Numbers) -> Numbers:
    """Conformal p-values (n,): (1 + the calibration scores that are at least as high) / (k + 1).

    Uniform, or larger, where scores and calibration are exchangeable, so calibrate on later traffic that the scorer was
    not fitted on: its own texts are too near to each other. Without calibration every p is 1.

    Source: Bates et al., "Testing for outliers with conformal p-values", arXiv:2104.08279.
    """
    k = len(calibration)
    return (1 + k - np.searchsorted(np.sort(calibration), scores, side="left")) / (k + 1)


def ratio(p: Numbers, level: float = LEVEL) -> Value:
    """The share of p-values at or below the level with its Wilson interval; about `level` when nothing has changed."""
    n = len(p)
    if not n:
        return Value(None, n=0, reason=Reason.NO_VALUES)
    strange = int(np.count_nonzero(p <= level))
    lower, upper = wilson(np.array([float(strange)]), np.array([float(n)]))
    return Value(strange / n, float(lower[0]), float(upper[0]), n)


def _lof(rows: NDArray[np.float32]) -> Any:
    from sklearn.neighbors import LocalOutlierFactor

    rows = np.repeat(rows, 2, axis=0) if len(rows) == 1 else rows  # it wants a neighbour
    neighbours = min(_LOF_NEIGHBOURS, len(rows) - 1)
    return LocalOutlierFactor(n_neighbors=neighbours, metric="cosine", novelty=True).fit(rows)


def _forest(rows: NDArray[np.float32], seed: int) -> Any:
    from sklearn.ensemble import IsolationForest

    return IsolationForest(n_estimators=_TREES, random_state=seed).fit(rows)
