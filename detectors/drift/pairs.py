"""How surprising a response is, given what the baseline answered to the prompts that are nearest to its own."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.neighbours import Indices, Numbers, Rows, mean_distance, nearest
from detectors.ood import BETA, WIDTH, K, centred_distance

MOST = 12_000
_MOST_BYTES = 18_500_000  # with the rest of a baseline, 25 MB
NEAREST = K  # prompts beside which a response is judged; as many as tell how strange a prompt is
CLOSEST = 3
_AROUND = 30  # prompts that tell how much answers vary there: a variance wants more of them than a mean
_COMMON = 0.2  # share of the variance of all in it, so that it is nowhere near 0
_LEAST = 1e-6
_BLOCK = 1_024


class Beside(NamedTuple):
    """Pairs beside those of a baseline; n of them.

    Attributes:
        strange: (n,) how strange the prompts are: higher is stranger.
        surprise: (n,) how surprising the responses are; about 0 on average, with a standard deviation of about 1.
        rest: (n, d) the responses less the mean of those to the nearest prompts.
        around: (n, k) which of the baseline's pairs these are.
    """

    strange: Numbers
    surprise: Numbers
    rest: NDArray[np.float32]
    around: Indices


class Pairs(NamedTuple):
    """Prompts and responses of a baseline; m pairs, d dimensions.

    Attributes:
        prompts: (m, d) of unit norm.
        responses: (m, d) of unit norm, those to the prompts.
        near: (m,) mean distance of each prompt to its ten nearest others.
        own: (m,) how far each response lies from those to these ten: u of the pair beside all the others.
        squared: (m,) the square of that less the mean of the ten's own: how much answers vary there.
    """

    prompts: NDArray[np.float16]
    responses: NDArray[np.float16]
    near: Numbers
    own: Numbers
    squared: Numbers

    @classmethod
    def of(cls, prompts: Rows, responses: Rows) -> "Pairs":
        """The first different pairs of n, (n, d) each: 12,000, or as many as 18.5 MB hold."""
        rows = np.concatenate([prompts, responses], axis=1).astype(np.float16)
        first = {row.tobytes(): index for index, row in reversed(list(enumerate(rows)))}
        kept = rows[sorted(first.values())[: min(MOST, _MOST_BYTES // max(2 * rows.shape[1], 1))]]
        d = np.shape(prompts)[1]
        mine, answers = kept[:, :d].copy(), kept[:, d:].copy()
        indices, similarities = nearest(mine, mine, NEAREST, skip_self=True)
        own = distances(answers, answers, indices)
        return cls(mine, answers, mean_distance(similarities), own, np.square(own - _mean(own[indices])))

    def see(self, prompts: Rows, responses: Rows) -> Beside:
        """Pairs (n, d) beside these, of which they are none.

        u is one minus the mean of the three largest cosines between the response and those to the ten nearest prompts:
        three, because a prompt may have several good answers. The surprise is u less the mean of the ten's own, in
        units of what that usually varies by around there. Where answers differ much by nature, one that is far from
        them is no surprise, so that a change of the mix of prompts does not look like one of the model. (The hub
        correction of CSLS, Conneau et al., arXiv:1710.04087; the unit gives more weight to places where answers are
        alike, and finds 5 % of wrong answers in 62 instead of 59 of 100 windows.)
        """
        indices, similarities = nearest(prompts, self.prompts, NEAREST * WIDTH)
        strange = centred_distance(similarities, self.near[indices], NEAREST, BETA)
        around = indices[:, :NEAREST]
        rest = distances(responses, self.responses, around) - _mean(self.own[around])
        common = float(self.squared.mean()) if len(self.squared) else 1.0
        variance = (1 - _COMMON) * _mean(self.squared[indices[:, :_AROUND]]) + _COMMON * common
        surprise = rest / np.sqrt(np.maximum(variance, _LEAST))
        return Beside(strange, surprise, rests(responses, self.responses, around), around)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its arrays by name."""
        return self._asdict()


def distances(responses: Rows, others: Rows, indices: Indices) -> Numbers:
    """One minus the mean of each response's three largest cosines to some of the others, (n,); 1 without any.

    Args:
        responses: (n, d) of unit norm.
        others: (m, d) of unit norm.
        indices: (n, k) of the others.
    """
    found = np.ones(len(indices))
    for start in range(0, len(indices) if indices.shape[1] else 0, _BLOCK):
        part = slice(start, start + _BLOCK)
        beside = np.asarray(others[indices[part]], np.float64)
        cosines = np.einsum("nkd,nd->nk", beside, np.asarray(responses[part], np.float64))
        found[part] = 1 - np.sort(cosines, axis=1)[:, -CLOSEST:].mean(axis=1)
    return found


def rests(responses: Rows, others: Rows, indices: Indices) -> NDArray[np.float32]:
    """Each response less the mean of some of the others, (n, d); the arguments are those of `distances`."""
    found = np.asarray(responses, np.float32).copy()
    for start in range(0, len(indices) if indices.shape[1] else 0, _BLOCK):
        part = slice(start, start + _BLOCK)
        found[part] -= others[indices[part]].mean(axis=1, dtype=np.float32)
    return found


def _mean(values: Numbers) -> Numbers:
    """Of each row, (n,); 0 without columns."""
    return np.asarray(values.mean(axis=1)) if values.shape[1] else np.zeros(len(values))
