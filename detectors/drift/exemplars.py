"""The texts of a window that show best what a channel saw."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from detectors.drift.channels import Channel
from detectors.drift.places import Place
from detectors.neighbours import Indices, Numbers, Rows

SHOWN = 3


def exemplars(
    channel: Channel, vectors: Rows, scores: Numbers, labels: Indices, subject: "Sequence[Place] | int"
) -> NDArray[np.intp]:
    """Rows of at most three texts; none where a channel sees no texts in particular.

    Args:
        channel: which.
        vectors: (n, d) of the window.
        scores: (n,) how strange the texts are.
        labels: (n,) topics.
        subject: the places that are followed (scan), or the topic that has more than usual (burst).
    """
    if channel == "novelty":
        return np.argsort(-scores, kind="stable")[:SHOWN]
    if channel == "burst" and isinstance(subject, int):
        return np.flatnonzero(labels == subject)[:SHOWN]
    known = [] if isinstance(subject, int) else [each for each in subject if each.texts]
    if channel != "scan" or not known:
        return np.zeros(0, np.intp)
    hottest = max(known, key=lambda each: each.heat)
    return np.argsort(-(np.asarray(vectors, np.float32) @ hottest.centre), kind="stable")[:SHOWN]
