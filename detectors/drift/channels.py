"""Five ways in which the texts of a window can differ from what is usual; each sees what the others are blind to.

mix: what the texts are about, as a whole, and whether it goes on leaning the way that it has been leaning. novelty: how
many are unlike anything in the baseline. burst: one known topic has far more than usual. scan: many texts are near to
each other where few are usual, be it inside a known topic. descriptors: what can be counted in a text (length, language
of its signs, code, refusals), which embeddings do not see.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from detectors.drift.expected import Expected
from detectors.drift.observed import Observed
from detectors.drift.places import excess
from detectors.neighbours import Numbers

Channel = Literal["mix", "novelty", "burst", "scan", "descriptors"]
_KEPT = 0.85  # of the trend, from one window to the next
CHANNELS: tuple[Channel, ...] = ("mix", "novelty", "burst", "scan", "descriptors")


class Level(NamedTuple):
    """What earlier windows tell of the next one.

    Attributes:
        features: (D,) by how much the mean features lay off what is usual.
        noise: of that.
        trend: (K,) where the topics have been leaning.
        described: (M,) the same of the descriptors.
        place: z-score of the window at the hottest place of the windows before it.
    """

    features: Numbers
    noise: float
    trend: Numbers
    described: Numbers
    place: float


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """By how much windows differ when nothing has changed.

    Attributes:
        mix: standard deviation of `distance`.
        described: (M,) by how much the mean descriptors of windows differ from what is usual.
    """

    mix: float
    described: Numbers


def scores(observed: Observed, usual: Expected, level: Level, scale: Scale) -> Numbers:
    """(5,) in the order of `CHANNELS`: about the same distribution in every window when nothing has changed.

    Each is noise-corrected and on the scale of its own noise, that of the window (n texts) and that of what is usual,
    so windows of different sizes can be compared.

    Args:
        observed: the window.
        usual: what is usual for it.
        level: what the last windows add to the expected features.
        scale: of windows in which nothing has changed.
    """
    s = 1 / observed.n + usual.noise
    leant = lean(observed, usual)
    mix = distance(observed, usual, level) / scale.mix + along(leant, level.trend)
    strange = (observed.strange / observed.n - usual.strange) / (usual.strange * (1 - usual.strange) * s) ** 0.5
    burst = float(leant.max())
    scan = float(excess(observed, usual).max()) + level.place
    moved = observed.described - usual.described - level.described
    described = float(np.nan_to_num(np.abs(moved) / scale.described).max())
    return np.array([mix, strange, burst, scan, described])


def lean(observed: Observed, usual: Expected) -> Numbers:
    """(K,) by how many standard deviations each topic has more texts than usual."""
    counts = observed.n * usual.shares
    return np.asarray((observed.topics - counts) / np.sqrt(counts * (1 + observed.n * usual.noise) + 1))


def along(lean: Numbers, trend: Numbers) -> float:
    """How far a window goes where the windows before it went: about standard normal when nothing has changed.

    A distance looks into all directions at once and pays for each with noise; a direction that was known beforehand
    costs nothing. So a shift of many topics together, none of them large, is seen within a few windows.
    """
    length = float(np.linalg.norm(trend))
    return float(lean @ trend) / length if length > 0 else 0.0


def next_trend(trend: Numbers, lean: Numbers) -> Numbers:
    """Where the topics have been going, after one more window; older ones fade."""
    return np.asarray(_KEPT * trend + lean)


def distance(observed: Observed, usual: Expected, level: Level) -> float:
    """The squared distance (MMD) from what is expected, without its bias and over its noise; it can be below 0."""
    noise = 1 / observed.n + usual.noise + level.noise
    delta = observed.features - usual.features - level.features
    return (float(delta @ delta) - spread(observed) * noise) / noise


def spread(observed: Observed) -> float:
    """The variance of a single text's features: they have norm 1."""
    n = observed.n
    return n / (n - 1) * (1 - float(observed.features @ observed.features))
