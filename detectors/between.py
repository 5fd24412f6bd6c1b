"""How one baseline differs from an earlier one of the same stream: what is strange, which topics, which descriptors."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from detectors import ood
from detectors.baseline import Baseline
from detectors.change import Change, surely_changed
from detectors.effects import difference
from detectors.measurement import Value
from detectors.neighbours import Indices
from detectors.topics import Topic, assign

LEAST_CHANGE = 0.01  # of the texts: with thousands of them far smaller changes are sure, and tell a person nothing
_MOSTLY = 0.5  # of a new topic's texts are strange to the earlier baseline


@dataclass(frozen=True, slots=True)
class TopicMoved:
    """A topic of the earlier baseline whose share differs; `lower` and `upper` are of the difference, and hold for all
    topics together."""

    topic: Topic
    before: float
    now: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class TopicCame:
    """A topic of the later baseline, most of whose texts are strange to the earlier one; `strange` is their share."""

    topic: Topic
    strange: float


@dataclass(frozen=True, slots=True)
class Between:
    """What differs; lists have the largest difference first.

    Attributes:
        strange: share of the later one's texts that are out of the distribution of the earlier one.
        moved: topics of the earlier one with a share that differs by a point or more.
        came: topics of the later one that the earlier one does not know.
        descriptors: that surely changed.
    """

    strange: Value
    moved: tuple[TopicMoved, ...]
    came: tuple[TopicCame, ...]
    descriptors: tuple[Change, ...]


def between(before: Baseline, after: Baseline) -> Between:
    """Compares the texts that two baselines keep, each different one once.

    Args:
        before: the earlier one.
        after: made in the same way; see `Baseline.refuses`.
    """
    rows = after.reservoir.astype(np.float32)
    p = ood.p_values(before.scorer.scores(rows), before.calibration)
    of_first = assign(before.centroids, before.reservoir), assign(before.centroids, rows)
    return Between(
        strange=ood.ratio(p),
        moved=tuple(_moved(before, *of_first)),
        came=tuple(_came(after, assign(after.centroids, rows), p <= ood.LEVEL)),
        descriptors=tuple(surely_changed(before, after.summary)),
    )


def _moved(baseline: Baseline, then: Indices, now: Indices) -> list[TopicMoved]:
    k = len(baseline.topics)
    z = NormalDist().inv_cdf(1 - 0.025 / max(k, 1))
    found = []
    for topic in baseline.topics:
        share, usual = float((now == topic.id).mean()), float((then == topic.id).mean())
        _, lower, upper = difference(share, len(now), usual, len(then), z)
        if abs(share - usual) >= LEAST_CHANGE and (lower > 0 or upper < 0):
            found.append(TopicMoved(topic, usual, share, lower, upper))
    return sorted(found, key=lambda each: -abs(each.now - each.before))


def _came(baseline: Baseline, labels: Indices, strange: NDArray[np.bool_]) -> list[TopicCame]:
    found = []
    for topic in baseline.topics:
        mine = strange[labels == topic.id]
        if len(mine) and mine.mean() >= _MOSTLY:
            found.append(TopicCame(topic, float(mine.mean())))
    return found
