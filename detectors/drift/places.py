"""Places among the embeddings that a scan found in earlier windows, and what later windows have there.

A window's own densest place must be the densest of all to be noticed; a place that is known beforehand only has to be
denser than usual. A small new topic is so seen with the second or third window that holds it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detectors.drift.expected import Expected
from detectors.drift.observed import Observed
from detectors.neighbours import Numbers

FOLLOWED = 12
_KEPT = 0.8  # of a place's heat, from one window to the next


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A place, chosen by one window, and what the windows after it had there.

    Attributes:
        centre: (d,).
        ball: (K,) the share of each topic's reference within the radius.
        heat: sum of the z-scores of later windows, the older ones fading.
        texts, count, usual: texts of later windows, those within the radius, those that were to be expected there.
    """

    centre: NDArray[np.float32]
    ball: NDArray[np.float32]
    heat: float = 0.0
    texts: float = 0.0
    count: float = 0.0
    usual: float = 0.0

    def emptied(self) -> "Place":
        """The place, before any later window."""
        return Place(self.centre, self.ball)

    def followed(self, observed: Observed, count: float, expected: float, noise: float) -> "tuple[Place, float]":
        """With one more window, and by how many standard deviations that has more than usual there."""
        z = (count - expected) / (expected * (1 + observed.n * noise) + 1) ** 0.5
        more = replace(
            self,
            heat=_KEPT * self.heat + z,
            texts=self.texts + observed.n,
            count=self.count + count,
            usual=self.usual + expected,
        )
        return more, z


def count_at(places: Sequence[Place], observed: Observed, usual: Expected, radius: float) -> list[tuple[Place, float]]:
    """The places after one more window, each with the z-score of that window there."""
    if not places:
        return []
    inside = observed.vectors @ np.stack([each.centre for each in places]).T >= radius
    counts = np.count_nonzero(inside, axis=0).tolist()
    expected = (observed.n * (np.stack([each.ball for each in places]) @ usual.shares)).tolist()
    return [
        place.followed(observed, count, often, usual.noise)
        for place, count, often in zip(places, counts, expected, strict=True)
    ]


def excess(observed: Observed, usual: Expected) -> Numbers:
    """(n,) by how many standard deviations each text has more others around it than usual."""
    around = observed.n * (observed.balls @ usual.shares)
    return np.asarray((observed.near - around) / np.sqrt(around * (1 + observed.n * usual.noise) + 1))


def follow(
    places: Sequence[Place], observed: Observed, usual: Expected, radius: float
) -> tuple[tuple[Place, ...], float]:
    """The places after one more window, and the z-score of that window at the place that was hottest before it.

    The window's own densest place comes in last, without heat: it was chosen by what it has now. The coldest leaves.
    """
    followed = count_at(places, observed, usual, radius)
    hottest = max(range(len(places)), key=lambda i: places[i].heat, default=None)
    score = 0.0 if hottest is None else followed[hottest][1]
    kept = sorted((each for each, _ in followed), key=lambda each: -each.heat)[: FOLLOWED - 1]
    best = int(excess(observed, usual).argmax())
    return (*kept, Place(observed.vectors[best], observed.balls[best])), score
