"""The texts of two stretches, and the blocks of time that are exchanged between them."""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.neighbours import Indices, Numbers, Rows

DAY, HOUR = 86_400.0, 3_600.0
LEAST_DAYS = 4  # of each stretch; of fewer, hours are exchanged
LEVEL = 0.05
EXCHANGES = 1_999
_ROUNDING = 1e-9  # sums of the same numbers in another order

Marks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """The texts of one stretch of the log, n of them.

    Attributes:
        start: seconds since 1970 at which it begins; its days are counted from there, so that each has every hour.
        ids: of their calls.
        at: (n,) event times, seconds since 1970.
        vectors: (n, d) embeddings of unit norm.
        context: (n, c) what each was said in answer to, or when; a row of NaN where that is not known; None where it is
            known of no text.
    """

    start: float
    ids: Sequence[str]
    at: Numbers
    vectors: Rows
    context: Rows | None = None

    def ordered(self) -> "Stretch":
        """In the order of the hash of the ids: whatever order they came in, and so that every beginning is a sample."""
        order = sorted(range(len(self.ids)), key=lambda row: (_hash(self.ids[row]), self.ids[row], self.at[row]))
        return self.rows(np.array(order, np.intp))

    def rows(self, rows: Indices) -> "Stretch":
        """Some of its texts."""
        return replace(
            self,
            ids=[self.ids[row] for row in rows],
            at=self.at[rows],
            vectors=self.vectors[rows],
            context=None if self.context is None else self.context[rows],
        )


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


class Blocks(NamedTuple):
    """Blocks of time of two stretches, those of the first before those of the second, each in order of time.

    Attributes:
        of: (n,) the block of each text, of the first stretch and then of the second.
        second: (k,) whether a block belongs to the second.
        hours: whether they are hours; days otherwise.
    """

    of: Indices
    second: Marks
    hours: bool

    @property
    def counts(self) -> tuple[int, int]:
        """Blocks of the first and of the second stretch."""
        later = int(self.second.sum())
        return len(self.second) - later, later

    @property
    def unit(self) -> str:
        """What they are."""
        return "hours" if self.hours else "days"

    def facts(self, exchanges: int, least: float) -> dict[str, Any]:
        """What was exchanged, how often, and the smallest p-value that could come out of it."""
        return {"exchanged": self.unit, "blocks": list(self.counts), "exchanges": exchanges, "smallest_p": least}

    def least_p(self, most: int = EXCHANGES) -> float:
        """The smallest p-value that any difference could have, where the statistic is the same for the mirror image.

        Of stretches of equally many blocks, every exchange has a mirror image with the same statistic.
        """
        before, later = self.counts
        ways = math.comb(before + later, later)
        return (2 if before == later else 1) / ways if ways - 1 <= most else 1 / (most + 1)

    def exchanges(self, random: np.random.RandomState, most: int = EXCHANGES) -> Marks:
        """(b, k) other choices of the blocks that are called the second stretch: all, or `most` random ones."""
        k, later = len(self.second), int(self.second.sum())
        if math.comb(k, later) - 1 <= most:
            chosen = _choices(k, later)
            return np.asarray(chosen[(chosen != self.second).any(axis=1)])
        return np.stack([random.permutation(self.second) for _ in range(most)])


def blocks(before: Stretch, now: Stretch) -> Blocks:
    """Days, or hours where one of the stretches has texts on fewer than four days."""
    both = (before, now)
    hours = min(len(np.unique(_numbers(each, DAY))) for each in both) < LEAST_DAYS
    numbered = [np.unique(_numbers(each, HOUR if hours else DAY), return_inverse=True) for each in both]
    first = len(numbered[0][0])
    of = np.concatenate([numbered[0][1], numbered[1][1] + first])
    return Blocks(of.astype(np.intp), np.arange(first + len(numbered[1][0])) >= first, hours)


def _numbers(stretch: Stretch, length: float) -> Numbers:
    return np.asarray(np.floor((stretch.at - stretch.start) / length))


def _choices(k: int, later: int) -> Marks:
    """All (c, k) choices of `later` of k."""
    from itertools import combinations

    chosen = np.zeros((math.comb(k, later), k), bool)
    for row, members in enumerate(combinations(range(k), later)):
        chosen[row, members] = True
    return chosen


def p_value(observed: float, exchanged: Numbers) -> float:
    """(1 + #{exchanged ≥ observed}) / (b + 1): what was seen is one of the exchanges.

    Source: Phipson and Smyth, "Permutation p-values should never be zero", SAGMB 9 (2010).
    """
    scale = max(abs(observed), float(np.abs(exchanged).max(initial=0.0)))
    return (1 + int((exchanged >= observed - _ROUNDING * scale).sum())) / (len(exchanged) + 1)


def principal(x: Rows, count: int) -> Numbers:
    """(n, r) coordinates along the first principal components, r ≤ count; components that do not vary are left out.

    Their sign is such that the largest coordinate is positive.
    """
    rows = np.asarray(x, np.float64)
    rows = rows - rows.mean(axis=0)
    n, d = rows.shape
    # The smaller of the two symmetric matrices has the same eigenvalues.
    variances, vectors = np.linalg.eigh(rows @ rows.T if n <= d else rows.T @ rows)
    order = [each for each in np.argsort(-variances, kind="stable")[:count] if variances[each] > 1e-9 * n]
    found = vectors[:, order]
    found = found * np.sqrt(variances[order]) if n <= d else rows @ found
    if not found.size:
        return np.zeros((n, 0))
    return np.asarray(found * np.sign(found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])]))


def squared_distances(x: Rows, y: Rows) -> Numbers:
    """(n, m) squared Euclidean distances of (n, d) and (m, d)."""
    one, other = np.asarray(x, np.float64), np.asarray(y, np.float64)
    norms = np.square(one).sum(axis=1)[:, np.newaxis] + np.square(other).sum(axis=1)
    return np.asarray(np.maximum(norms - 2 * one @ other.T, 0.0))


def median_distance(x: Rows, most: int = 2_000) -> float:
    """The median distance of two different rows, of `most` evenly spread ones at most; 1 where most are the same."""
    rows = x[:: -(-len(x) // most)]
    squared = squared_distances(rows, rows)[np.triu_indices(len(rows), 1)]
    median = float(np.median(squared)) ** 0.5 if squared.size else 0.0
    return median if median > 1e-3 else 1.0
