"""The windows of a baseline as the detector would have seen them: each beside a reference without its own texts."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from detectors import ood, topics
from detectors.drift.calibrate import LEAST_WINDOWS, Calibration, calibrate
from detectors.drift.detector import LEAST_TEXTS
from detectors.drift.hindsight import hindsight
from detectors.drift.observed import Observed, Reference, observe
from detectors.features import Features, scan_radius, take
from detectors.neighbours import Indices, Numbers
from detectors.reservoir import reservoir

if TYPE_CHECKING:
    from detectors.embedder import Embedded

PARTS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """What a baseline is made of, by which its own windows are seen.

    Attributes:
        scorer: fitted on what is not in the last part.
        seed: of the others.
        calibration: scores of the texts of the last part.
        centroids: (K, d) of the topics.
        features: whose means stand for windows.
        reservoir: (m, d) that `scorer` was fitted on.
    """

    scorer: ood.Scorer
    seed: int
    calibration: Numbers
    centroids: NDArray[np.float32]
    features: Features
    reservoir: NDArray[np.float16]


@dataclass(frozen=True, slots=True, eq=False)
class WindowTexts:
    """The texts that windows are tested by: each window's first ones by hash, without those that repeat.

    Attributes:
        described: (n, M) what they are, by `detectors.drift.observed`.
        vectors: their embeddings.
        at: (n,) seconds since 1970.
        part: (n,) which quarter of the baseline's time each belongs to, 0 to 3.
        length_s: of the windows.
    """

    described: Numbers
    vectors: "Embedded"
    at: Numbers
    part: Indices
    length_s: float


def learn(frame: Frame, windows: WindowTexts) -> Calibration | None:
    """What windows score when nothing has changed; None with too few windows to tell.

    A window of the baseline lies nearer to a reference that holds its own texts than any window to come, so every
    quarter is seen beside a reservoir of the other three. Of the last quarter that is the baseline's own.
    """
    _, held = np.unique(np.floor(windows.at / windows.length_s), return_counts=True)
    if np.count_nonzero(held >= LEAST_TEXTS) < LEAST_WINDOWS:
        return None
    radius = scan_radius(frame.reservoir)
    observed = [each for part in range(PARTS) for each in _observe(frame, windows, part, radius)]
    if len(observed) < LEAST_WINDOWS:
        return None
    fitted = calibrate(windows.length_s, observed, radius, topics.assign(frame.centroids, frame.reservoir))
    return replace(fitted, hindsight=hindsight(observed, fitted))


def _observe(frame: Frame, windows: WindowTexts, part: int, radius: float) -> Iterator[Observed]:
    rows = np.flatnonzero(windows.part == part)
    others = np.flatnonzero(windows.part != part)
    if not len(rows) or not len(others):
        return
    last = part == PARTS - 1
    mine = frame.reservoir if last else reservoir(take(windows.vectors, others))
    scorer = frame.scorer if last else ood.fit(frame.scorer.name, mine, frame.seed)
    vectors = take(windows.vectors, rows)
    p = ood.p_values(ood.score_texts(scorer, vectors), frame.calibration)
    labels = topics.assign(frame.centroids, vectors.mean)
    reference = Reference(mine, topics.assign(frame.centroids, mine), len(frame.centroids), frame.features, radius)
    starts = np.floor(windows.at[rows] / windows.length_s)
    for start in np.unique(starts):
        one = np.flatnonzero(starts == start)
        if len(one) >= LEAST_TEXTS:
            mean = np.asarray(vectors.mean[one], np.float32)
            seen = reference.see(mean, labels[one], p[one], windows.described[rows[one]])
            yield observe(float(start) * windows.length_s, seen, radius)
