"""Context-aware MMD: do the texts differ between two stretches beyond what their different contexts explain?

Source: Cobb and Van Looveren, "Context-aware drift detection", ICML 2022 (arXiv 2203.08644): conditional mean
embeddings of both stretches, compared at contexts of the second that were held out; under the null a text's stretch
depends on its context alone, so stretches are drawn anew from the probability of the second given the context.
"""

from dataclasses import dataclass

import numpy as np

from detectors.comparison.finding import LEAST_TEXTS, Finding
from detectors.comparison.stretch import Marks, Stretch, median_distance, p_value, principal, squared_distances
from detectors.neighbours import Indices, Numbers, Rows

MOST = 500  # texts of a stretch: each drawing solves two linear systems of half as many rows
DRAWS = 199
CONTEXT = 16  # components that a context is reduced to
_HELD_OUT = 4  # one in so many contexts of the second stretch
_RIDGES = tuple(10.0**power for power in range(-5, 1))
_PROPENSITY = 10  # kernel components that the propensity is fitted on
MEANING = (
    "p < 0.05 is a false alarm in one comparison of twenty if texts are independent of one another given the {what}: a"
    " change of the {what} alone is no difference, but one day that was unlike the others is. Where the stretches have"
    " no {what} in common it sees nothing."
)
HOUR = "hour of day"
PROMPT = "prompt"
TITLE = "Context-aware MMD², given the {what}"


def hour_of_day(at: Numbers) -> Numbers:
    """(n, 2): the hour, UTC, on a circle, so that 23:59 is near to 00:00."""
    angle = 2 * np.pi * (np.asarray(at) % 86_400) / 86_400
    return np.column_stack([np.cos(angle), np.sin(angle)])


@dataclass(frozen=True, slots=True, eq=False)
class Kernels:
    """Gaussian kernels of n texts and their contexts.

    Attributes:
        texts: (n, n).
        contexts: (n, n).
        asked: (n, h) contexts beside the held-out ones.
        ridge: λ of the regressions.
    """

    texts: Numbers
    contexts: Numbers
    asked: Numbers
    ridge: float

    def distance(self, second: Marks) -> float:
        """The mean squared distance of the two conditional means at the held-out contexts.

        Args:
            second: (n,) which texts are said to be of the second stretch, at least one on each side.
        """
        one, other = np.flatnonzero(~second), np.flatnonzero(second)
        before, now = self._weights(one), self._weights(other)
        k = self.texts
        apart = float(np.einsum("ij,ij->", before, k[np.ix_(one, one)] @ before))
        apart += float(np.einsum("ij,ij->", now, k[np.ix_(other, other)] @ now))
        apart -= 2 * float(np.einsum("ij,ij->", before, k[np.ix_(one, other)] @ now))
        return float(apart / self.asked.shape[1])

    def _weights(self, rows: Indices) -> Numbers:
        """(m, h) weights of texts in the conditional mean at each held-out context."""
        contexts = self.contexts[np.ix_(rows, rows)] + len(rows) * self.ridge * np.eye(len(rows))
        return np.asarray(np.linalg.solve(contexts, self.asked[rows]))


def conditional(before: Stretch, now: Stretch, what: str) -> Finding:
    """The test, on at most 500 texts of each stretch whose context is known.

    Args:
        before: in the order of the hash of its ids.
        now: likewise.
        what: the context in words.
    """
    meaning, title = MEANING.format(what=what), TITLE.format(what=what)
    known = [_known(each) for each in (before, now)]
    if min(len(each.ids) for each in known) < LEAST_TEXTS:
        sizes = " and ".join(str(len(each.ids)) for each in known)
        reason = f"it needs {LEAST_TEXTS} texts with a known {what} in each stretch; there are {sizes}"
        return Finding("context_mmd", title, None, None, None, meaning, reason)
    first, second, held = known[0], *_split(known[1])
    labels = np.arange(len(first.ids) + len(second.ids)) >= len(first.ids)
    kernels = _kernels(first, second, held)
    propensity = probabilities(kernels.contexts, labels)
    random = np.random.RandomState(2)
    drawn = [random.random_sample(len(labels)) < propensity for _ in range(DRAWS)]
    # Where a drawing leaves nothing on a side there is nothing to compare: it counts as one that is at least as far.
    other = np.array([kernels.distance(each) if 0 < each.sum() < len(each) else np.inf for each in drawn])
    value = kernels.distance(labels)
    finite = other[np.isfinite(other)]
    return Finding(
        "context_mmd",
        title,
        value,
        p_value(value, np.where(np.isfinite(other), other, value)),
        float(np.quantile(finite, 0.95)) if len(finite) else None,
        meaning,
        details={
            "texts": [len(first.ids), len(second.ids)],
            "contexts": len(held.ids),
            "ridge": kernels.ridge,
            "draws": DRAWS,
            "alone": float(np.mean(propensity[labels] > 0.9)),
        },
    )


def _known(stretch: Stretch) -> Stretch:
    if stretch.context is None:
        return stretch.rows(np.zeros(0, np.intp))
    return stretch.rows(np.flatnonzero(~np.isnan(stretch.context).any(axis=1))[:MOST])


def _split(stretch: Stretch) -> tuple[Stretch, Stretch]:
    """The texts that are compared, and those at whose contexts they are."""
    every = np.arange(len(stretch.ids))
    return stretch.rows(every[every % _HELD_OUT != 0]), stretch.rows(every[every % _HELD_OUT == 0])


def _kernels(first: Stretch, second: Stretch, held: Stretch) -> Kernels:
    n = len(first.ids) + len(second.ids)
    given = np.concatenate([np.asarray(each.context, np.float64) for each in (first, second, held)])
    context = principal(given, CONTEXT) if given.shape[1] > CONTEXT else given
    contexts = _gaussian(context)
    texts = _gaussian(np.concatenate([first.vectors, second.vectors]))
    return Kernels(texts, contexts[:n, :n], contexts[:n, n:], ridge(texts, contexts[:n, :n]))


def _gaussian(x: Rows) -> Numbers:
    return np.exp(-squared_distances(x, x) / (2 * median_distance(x) ** 2))


def ridge(texts: Numbers, contexts: Numbers) -> float:
    """The λ under which the context predicts a left-out text best, both stretches together; of equal ones the largest.

    The left-out loss is in closed form: with H = L (L + nλI)⁻¹ the residual of row i is that of the fit over 1 - H_ii.

    Args:
        texts: (n, n) kernel K.
        contexts: (n, n) kernel L.
    """
    eigenvalues, u = np.linalg.eigh(contexts)
    n = len(texts)
    rotated = u.T @ texts @ u
    losses = []
    for each in _RIDGES:
        # I - H has the same eigenvectors: nλ / (l + nλ).
        shrunk = n * each / (np.maximum(eigenvalues, 0) + n * each)
        left = np.einsum("ij,j->ij", u, shrunk)
        residual = np.einsum("ij,ij->i", left @ rotated, left)
        losses.append(float(np.mean(residual / np.square(np.einsum("ij,ij->i", left, u)))))
    best = min(losses)
    return max(each for each, loss in zip(_RIDGES, losses, strict=True) if loss <= best * (1 + 1e-9))


def probabilities(contexts: Numbers, second: Marks) -> Numbers:
    """(n,) of being of the second stretch, given the context: logistic regression on kernel components.

    Args:
        contexts: (n, n) kernel.
        second: (n,) which are.
    """
    from sklearn.linear_model import LogisticRegression

    centred = contexts - contexts.mean(axis=0) - contexts.mean(axis=1)[:, np.newaxis] + contexts.mean()
    eigenvalues, u = np.linalg.eigh(centred)
    largest = np.argsort(-eigenvalues, kind="stable")[:_PROPENSITY]
    x = u[:, largest] * len(u) ** 0.5
    return np.asarray(LogisticRegression(C=1.0, max_iter=1_000).fit(x, second).predict_proba(x)[:, 1])
