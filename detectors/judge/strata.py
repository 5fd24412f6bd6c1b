"""Every segment gets some of the verdicts: one that is small, or runs no risk, must not starve beside one that does."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from detectors.judge.sampling import probabilities
from detectors.measurement import Floats
from detectors.neighbours import Indices


@dataclass(frozen=True, slots=True)
class Starved:
    """A segment that gets fewer verdicts than the least.

    Attributes:
        segment: its number.
        expected: verdicts that it gets in the mean.
        least: what it should get.
        why: `traffic` when it has no more calls, `budget` when the least of all segments is more than there is.
    """

    segment: int
    expected: float
    least: float
    why: Literal["traffic", "budget"]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """With which probability (n,) each call is judged, and which segments starve."""

    pi: Floats
    starved: Sequence[Starved]


def plan(weights: Floats, segments: Indices, expected: float, least: float) -> Plan:
    """Probabilities in proportion to the weights, raised in segments that would get less than `least` verdicts.

    Args:
        weights: (n,) from `sampling.odds`.
        segments: (n,) numbers from 0 on.
        expected: verdicts of all segments together, in the mean.
        least: verdicts that each segment should get, in the mean.
    """
    calls = np.bincount(segments).astype(np.float64)
    wanted = np.minimum(least, calls)
    if wanted.sum() >= expected:
        each = wanted * (expected / wanted.sum() if wanted.sum() > 0 else 0.0)
        pi = _within(weights, segments, each)
        return Plan(pi, _starved(calls, each, least))
    raised = np.zeros(len(calls), bool)
    while True:
        free = ~raised[segments]
        pi = _within(weights, segments, np.where(raised, wanted, 0.0))
        pi[free] = probabilities(weights[free], expected - wanted[raised].sum())
        got = np.bincount(segments, pi, len(calls)).astype(np.float64)
        # What a segment is raised by, the others lack, so that more of them may have to be.
        short = ~raised & (got < wanted * (1 - 1e-9))
        if not short.any():
            return Plan(pi, _starved(calls, got, least))
        raised |= short


def _within(weights: Floats, segments: Indices, expected: Floats) -> Floats:
    pi = np.zeros(len(weights))
    for segment in np.flatnonzero(expected > 0):
        mine = segments == segment
        pi[mine] = probabilities(weights[mine], float(expected[segment]))
    return pi


def _starved(calls: Floats, expected: Floats, least: float) -> list[Starved]:
    return [
        Starved(segment, float(got), least, "traffic" if got >= count * (1 - 1e-9) else "budget")
        for segment, (count, got) in enumerate(zip(calls, expected, strict=True))
        if count and got < least * (1 - 1e-9)
    ]
