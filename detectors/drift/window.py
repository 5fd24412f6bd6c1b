"""A window of live traffic as the detector reads it."""

from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np

from detectors.drift.detector import LEAST_TEXTS
from detectors.drift.observed import Observed, Reference, described, observe

if TYPE_CHECKING:
    from detectors.baseline import Baseline
    from detectors.effects import Placed


def window_of(baseline: "Baseline", placed: "Placed", start: datetime) -> Observed | None:
    """The texts of a window beside its baseline; None with fewer than 50, or where the baseline had too few windows."""
    if baseline.drift is None or len(placed.p) < LEAST_TEXTS:
        return None
    reference = Reference(
        baseline.reservoir, baseline.drift.topics, len(baseline.centroids), baseline.features, baseline.drift.radius
    )
    vectors = np.asarray(placed.vectors.mean, np.float32)
    texts = reference.see(vectors, placed.labels, placed.p, described(placed.texts))
    return observe(start.timestamp(), texts, reference.radius)
