"""Five ways in which the texts of a window can differ from what is usual; each sees what the others are blind to.

mix: what the texts are about, as a whole. novelty: how many are unlike anything in the baseline. burst: one known topic
has far more than usual. scan: many texts are near to each other where few are usual, be it inside a known topic.
descriptors: what can be counted in a text (length, language of its signs, code, refusals), which embeddings do not see.
"""

from typing import Literal, NamedTuple

import numpy as np

from detectors.drift.expected import Expected
from detectors.drift.observed import Observed
from detectors.drift.places import excess
from detectors.neighbours import Numbers

Channel = Literal["mix", "novelty", "burst", "scan", "descriptors"]
CHANNELS: tuple[Channel, ...] = ("mix", "novelty", "burst", "scan", "descriptors")


class Level(NamedTuple):
    """What earlier windows tell of the next one.

    Attributes:
        features: (D,) by how much the mean features lay off what is usual.
        noise: of that.
        described: (M,) the same of the descriptors.
        place: z-score of the window at the hottest place of the windows before it.
    """

    features: Numbers
    noise: float
    described: Numbers
    place: float


def scores(observed: Observed, usual: Expected, level: Level, scale: Numbers) -> Numbers:
    """(5,) in the order of `CHANNELS`: about the same distribution in every window when nothing has changed.

    Each is noise-corrected and on the scale of its own noise, that of the window (n texts) and that of what is usual,
    so windows of different sizes can be compared.

    Args:
        observed: the window.
        usual: what is usual for it.
        level: what the last windows add to the expected features.
        scale: (M,) by how much the mean descriptors of windows differ from what is usual.
    """
    n = observed.n
    s = 1 / n + usual.noise
    inflation = s * n
    strange = (observed.strange / n - usual.strange) / (usual.strange * (1 - usual.strange) * s) ** 0.5
    counts = n * usual.shares
    burst = float(((observed.topics - counts) / np.sqrt(counts * inflation + 1)).max())
    scan = float(excess(observed, usual).max()) + level.place
    described = float(np.nan_to_num(np.abs(observed.described - usual.described - level.described) / scale).max())
    return np.array([mix(observed, usual, level) / (s + level.noise), strange, burst, scan, described])


def mix(observed: Observed, usual: Expected, level: Level) -> float:
    """The squared distance (MMD) from what is expected, without its bias; it can be below 0."""
    n = observed.n
    delta = observed.features - usual.features - level.features
    return float(delta @ delta) - spread(observed) * (1 / n + usual.noise + level.noise)


def spread(observed: Observed) -> float:
    """The variance of a single text's features: they have norm 1."""
    n = observed.n
    return n / (n - 1) * (1 - float(observed.features @ observed.features))
