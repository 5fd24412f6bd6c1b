"""What each text of a stretch has to do with what one channel saw: parts that add up to the whole of it."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from detectors import ood
from detectors.baseline import Baseline
from detectors.drift.channels import Channel
from detectors.drift.expected import cell_of
from detectors.drift.observed import described
from detectors.effects import Placed
from detectors.neighbours import Numbers, Rows

if TYPE_CHECKING:
    from detectors.drift.conditional import Channel as PairChannel
    from detectors.drift.conditional import PairCalibration
    from detectors.drift.judged import Judged
    from detectors.drift.pairs import Pairs
    from detectors.drift.places import Place

_LEAST = 1e-12


def influence(
    baseline: Baseline, placed: Placed, channel: Channel, subject: "Place | int | None" = None
) -> Numbers | None:
    """(n,) the part of each text in the difference from what is usual; some are below 0, all together are 1.

    None where the texts show no such difference: where there are no more of a kind than usual, the parts would be parts
    of nothing.

    Args:
        baseline: that the texts were placed beside.
        placed: the texts.
        channel: what is looked at.
        subject: the place (scan), or the index of the topic (burst) or of the descriptor (descriptors).
    """
    if channel == "mix":
        return mix(baseline, placed)
    if channel == "novelty":
        return _parts((placed.p <= ood.LEVEL) - usually_strange(baseline))
    if channel == "burst" and isinstance(subject, int) and subject >= 0:
        usual = placed.usual.shares(baseline.history.topics, baseline.history.n)[subject]
        return _parts((placed.labels == subject) - float(usual))
    if channel == "scan" and subject is not None and not isinstance(subject, int) and baseline.drift is not None:
        inside = np.asarray(placed.vectors.mean, np.float32) @ subject.centre >= baseline.drift.radius
        usual = placed.usual.shares(baseline.history.topics, baseline.history.n)
        return _parts(inside - float(subject.ball @ usual))
    if channel == "descriptors" and isinstance(subject, int) and subject >= 0:
        return _described(baseline, placed, subject)
    return None


def usually_strange(baseline: Baseline) -> float:
    """The share of the baseline's later texts that is out of distribution."""
    history = baseline.history
    known = ~np.isnan(history.strange)
    return float(history.strange[known].sum() / history.n[known].sum())


def mix(baseline: Baseline, placed: Placed) -> Numbers:
    """(n,) the part of each text in the squared distance: ‖δ‖² = Σ ⟨φ(xᵢ) - μ, δ⟩ / n, exactly."""
    features = np.asarray(baseline.features(placed.vectors.mean), np.float64)
    mean = placed.usual.of(baseline.history.features)
    delta = features.mean(axis=0) - mean
    return np.asarray((features - mean) @ delta / len(features) / max(float(delta @ delta), 1e-300))


def _described(baseline: Baseline, placed: Placed, subject: int) -> Numbers | None:
    if baseline.drift is None:
        return None
    usual = np.array([baseline.drift.cells[cell_of(float(at))].described[subject] for at in placed.at])
    moved = np.nan_to_num(described(placed.texts)[:, subject] - usual)
    return _parts(moved if moved.sum() >= 0 else -moved)


def _parts(excess: NDArray[np.floating]) -> Numbers | None:
    total = float(excess.sum())
    return np.asarray(excess / total) if total > _LEAST else None


def pair_influence(
    pairs: "Pairs",
    calibration: "PairCalibration | None",
    judged: "Judged",
    vectors: tuple[Rows, Rows],
    channel: "PairChannel",
) -> Numbers | None:
    """As `influence`, of responses given their prompts.

    Args:
        pairs: of the baseline.
        calibration: of the baseline.
        judged: a window beside it.
        vectors: (m, d) prompts and (m, d) responses of the given pairs, of which `judged.rows` count.
        channel: what is looked at.
    """
    if calibration is None or not judged.n:
        return None
    usual = calibration.usual(judged.start)
    if channel == "style":
        prompts, responses = (np.asarray(each)[judged.rows] for each in vectors)
        rests = np.asarray(pairs.see(prompts, responses).rest, np.float64)
        return _parts((rests - usual.rest) @ (judged.rest - usual.rest))
    off = judged.surprise - usual.surprise
    return _parts(off if channel == "stranger" else -off)
