"""Topics: clusters of embeddings with names. The names are words that many of a topic's texts share."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.features import first_of_each
from detectors.neighbours import Indices, Numbers, Rows

LIMIT = 100
MOST_ROWS = 20_000  # that are clustered; the others are assigned
EXEMPLARS = 3
EXEMPLAR_LENGTH = 200
TERMS = 10
LEAST_TEXTS = 3  # different texts of a topic that must hold a term: a name must not give away what one person wrote
_NAME_TERMS = 3
_READ = 2_000  # characters of a text that are searched for terms
_VOCABULARY = 20_000
_ROUNDS = 50
_TERM = r"(?u)\b(?![\d_]+\b)\w{2,30}\b"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]+")


@dataclass(frozen=True, slots=True)
class Topic:
    """A cluster of texts.

    Attributes:
        id: its place among the topics, 0 the largest.
        name: its first terms, or `topic <id>` where it has none; unique, without markup.
        terms: words that tell it from the others, the best first.
        exemplars: beginnings of the texts nearest to its centre, at most three.
        share: of all texts.
    """

    id: int
    name: str
    terms: tuple[str, ...]
    exemplars: tuple[str, ...]
    share: float


def fit(
    vectors: Rows, texts: Sequence[str], seed: int, limit: int = LIMIT
) -> tuple[NDArray[np.float32], Indices, list[Topic]]:
    """Finds topics by spherical k-means.

    The first 20,000 different rows are clustered, into √(m/2) clusters (the rule of thumb of Mardia et al.,
    Multivariate Analysis, 1979), at most `limit`; a repeated text pulls no centre.

    Args:
        vectors: (m, d) of unit norm.
        texts: m of them.
        seed: of the clustering.
        limit: topics at most.

    Returns:
        Centroids (k, d) of unit norm, the topic of each row (m,), and the topics, the largest first.
    """
    if not len(vectors):
        return np.zeros((0, np.shape(vectors)[1]), np.float32), np.zeros(0, np.intp), []
    rows = first_of_each(vectors)[:MOST_ROWS]
    centroids = _cluster(np.asarray(vectors[rows], np.float32), seed, limit)
    labels = assign(centroids, vectors)
    counts = np.bincount(labels, minlength=len(centroids))
    order = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    place = np.empty(len(centroids), np.intp)
    place[order] = np.arange(len(order))
    centroids, labels, shares = centroids[order], place[labels], counts[order] / len(labels)
    chosen = [texts[row] for row in rows]
    terms = terms_of(chosen, labels[rows], len(order))
    exemplars = _exemplars(centroids, vectors[rows], labels[rows], chosen)
    names = names_of(terms)
    topics = [Topic(i, names[i], terms[i], exemplars[i], float(shares[i])) for i in range(len(order))]
    return centroids, labels, topics


def assign(centroids: Rows, vectors: Rows) -> Indices:
    """The nearest centroid of each of (n, d) rows; -1 where there are no centroids."""
    if not len(centroids):
        return np.full(len(vectors), -1, np.intp)
    similarities = np.asarray(vectors, np.float32) @ np.asarray(centroids, np.float32).T
    return np.asarray(similarities.argmax(axis=1), np.intp)


def terms_of(texts: Sequence[str], labels: Indices, k: int) -> list[tuple[str, ...]]:
    """The terms of each of k topics by class-based TF-IDF, the best first; none where no word is shared by three texts.

    A text counts a word once, so that one text cannot name a topic by repeating itself. A word is 2 to 30 letters,
    digits and underscores, of which one is a letter: never markup.

    Source: Grootendorst, "BERTopic", arXiv:2203.05794: tf · log(1 + A / f), A the mean number of words of a topic.

    Args:
        texts: m different texts.
        labels: (m,) topics of the texts.
        k: how many topics there are.
    """
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]
    from sklearn.feature_extraction.text import CountVectorizer

    words = CountVectorizer(
        token_pattern=_TERM, stop_words="english", binary=True, min_df=LEAST_TEXTS, max_features=_VOCABULARY
    )
    try:
        table = words.fit_transform([text[:_READ] for text in texts])
    except ValueError:  # no word is left
        return [()] * k
    belongs = csr_matrix((np.ones(len(labels)), (labels, np.arange(len(labels)))), shape=(k, len(labels)))
    counts = np.asarray((belongs @ table).todense(), np.float64)
    weights = counts * np.log1p(counts.sum() / k / counts.sum(axis=0))
    weights[counts < LEAST_TEXTS] = 0
    vocabulary = words.get_feature_names_out()
    return [tuple(str(vocabulary[i]) for i in _best(row)) for row in weights]


def names_of(terms: Sequence[tuple[str, ...]]) -> list[str]:
    """A different name for each topic, from its terms."""
    names: list[str] = []
    for number, each in enumerate(terms):
        name = ", ".join(each[:_NAME_TERMS])
        names.append(f"{name or 'topic'} {number}" if not name or name in names else name)
    return names


def shown(text: str) -> str:
    """The beginning of a text as an exemplar: 200 characters, without control characters and halves of characters."""
    return _CONTROL.sub(" ", text[:EXEMPLAR_LENGTH])


def _best(weights: Numbers) -> Indices:
    """The terms with the largest weights above 0, ties in order of the alphabet."""
    order = np.argsort(-weights, kind="stable")[:TERMS]
    return order[weights[order] > 0]


def _cluster(rows: NDArray[np.float32], seed: int, limit: int) -> NDArray[np.float32]:
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    k = max(1, min(limit, int((len(rows) / 2) ** 0.5)))
    model: Any = KMeans(n_clusters=k, n_init=1, max_iter=_ROUNDS, random_state=seed)
    with threadpool_limits(1):  # threads add up in any order: equal rows would not give equal bytes
        centres = model.fit(rows).cluster_centers_
    return np.asarray(centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-12), np.float32)


def _exemplars(centroids: Rows, vectors: Rows, labels: Indices, texts: Sequence[str]) -> list[tuple[str, ...]]:
    nearness = np.einsum("ij,ij->i", np.asarray(vectors, np.float64), centroids[labels])
    order = np.argsort(-nearness, kind="stable")
    result: list[tuple[str, ...]] = []
    for topic in range(len(centroids)):
        nearest = order[labels[order] == topic]
        different = dict.fromkeys(shown(texts[row]) for row in nearest[: 4 * EXEMPLARS])
        result.append(tuple(different)[:EXEMPLARS])
    return result
