"""One window's texts beside a reference: what the channels of the drift detector count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from detectors.change import LENGTHS
from detectors.descriptors import DESCRIPTORS, describe
from detectors.features import Features
from detectors.neighbours import Indices, Numbers, Rows
from detectors.ood import LEVEL

DESCRIBED = tuple(each.name for each in DESCRIPTORS if each.of == "text")
_BLOCK = 1_024


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """The first n texts of a window by hash, those that repeat once.

    Attributes:
        start: seconds since 1970.
        features: (D,) mean random features.
        topics: (K,) texts of each topic.
        strange: out-of-distribution texts.
        vectors: (n, d) embeddings.
        near: (n,) how many other texts of the window lie within the radius of each.
        balls: (n, K) the share of each topic's reference that does.
        described: (M,) means of the descriptors; NaN where no text has one.
    """

    start: float
    features: Numbers
    topics: Numbers
    strange: float
    vectors: NDArray[np.float32]
    near: Numbers
    balls: NDArray[np.float32]
    described: Numbers

    @property
    def n(self) -> int:
        """How many texts."""
        return len(self.near)


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """Texts beside a reference, one row each.

    Attributes:
        vectors: (n, d).
        features: (n, D).
        labels: (n,) topics.
        p: (n,) how strange: conformal p-values.
        balls: (n, K) as in `Observed`.
        described: (n, M) descriptors of `DESCRIBED`, lengths as log(1 + length); NaN is unknown.
    """

    vectors: NDArray[np.float32]
    features: NDArray[np.float32]
    labels: Indices
    p: Numbers
    balls: NDArray[np.float32]
    described: Numbers

    def rows(self, rows: Indices) -> "Texts":
        """Some of them."""
        return Texts(*(getattr(self, each.name)[rows] for each in fields(self)))


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What texts are seen beside.

    Attributes:
        rows: (m, d) of the reservoir.
        topics: (m,) theirs.
        count: of the topics.
        features: of a baseline.
        radius: the cosine within which two texts are of one kind.
    """

    rows: NDArray[np.float16]
    topics: NDArray[np.integer]
    count: int
    features: Features
    radius: float

    def see(self, vectors: NDArray[np.float32], labels: Indices, p: Numbers, described: Numbers) -> Texts:
        """n texts with what is known of them: (n, d) embeddings, (n,) topics and p-values, (n, M) descriptors."""
        return Texts(vectors, self.features(vectors), labels, p, ball_shares(vectors, self), described)


def observe(start: float, texts: Texts, radius: float) -> Observed:
    """What a window's texts come to."""
    near = np.count_nonzero(texts.vectors @ texts.vectors.T >= radius, axis=1) - 1.0
    return Observed(
        start=start,
        features=texts.features.mean(axis=0, dtype=np.float64),
        topics=np.bincount(texts.labels, minlength=texts.balls.shape[1]).astype(np.float64),
        strange=float(np.count_nonzero(texts.p <= LEVEL)),
        vectors=texts.vectors,
        near=np.maximum(near, 0.0),
        balls=texts.balls,
        described=_means(texts.described),
    )


def described(texts: Sequence[str]) -> Numbers:
    """(n, M) the descriptors of texts, as in `Texts`."""
    return columns(describe(texts))


def columns(found: Mapping[str, Numbers]) -> Numbers:
    """The same from what `detectors.descriptors.describe` gives."""
    return np.stack([np.log1p(found[name]) if name in LENGTHS else found[name] for name in DESCRIBED], axis=1)


def _means(values: Numbers) -> Numbers:
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, values, 0.0).sum(axis=0) / known.sum(axis=0))


def ball_shares(vectors: Rows, reference: Reference) -> NDArray[np.float32]:
    """The share of each topic's reference within the radius of each row, (n, K); 0 of a topic without reference."""
    rows = np.asarray(vectors, np.float32)
    found = np.zeros((len(rows), reference.count), np.float32)
    for topic in np.unique(reference.topics):
        mine = reference.rows[reference.topics == topic].astype(np.float32).T
        for start in range(0, len(rows), _BLOCK):
            inside = np.count_nonzero(rows[start : start + _BLOCK] @ mine >= reference.radius, axis=1)
            found[start : start + _BLOCK, topic] = inside / mine.shape[1]
    return found
