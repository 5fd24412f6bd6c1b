"""Which judged calls people label next: drawn by the hash of their id, so that labels speak of all judged calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np

from detectors.judge.sampling import draw, probabilities, uniform
from monitor.store.labels import Draw

# Calls that the judge failed, or could not judge, are rare and tell the most about it.
ODDS: Final = 4.0


@dataclass(frozen=True, slots=True)
class JudgedCall:
    """A call that was judged: whether it passed; None when the judge gave no verdict."""

    call_id: str
    at: datetime
    passed: bool | None


def draw_for_labels(judged: Sequence[JudgedCall], criterion: str, expected: float) -> list[Draw]:
    """About so many of the judged calls, in the order in which people are to be asked.

    Each is drawn on its own with a probability that is known; the same calls come first however many are drawn. People
    who stop early leave a sample too: the probabilities of all calls they reached are then lower by one factor, which
    no estimate depends on.

    Args:
        judged: the calls of a period.
        criterion: what is labelled; each has a draw of its own.
        expected: how many are drawn in the mean.
    """
    if not judged:
        return []
    pi = probabilities(np.array([1.0 if each.passed else ODDS for each in judged]), expected)
    numbers = uniform([each.call_id for each in judged], f"label:{criterion}")
    taken = draw(pi, numbers).taken
    drawn = [
        Draw(each.call_id, criterion, each.at, float(chance), float(number / chance))
        for each, chance, number, is_drawn in zip(judged, pi, numbers, taken, strict=True)
        if is_drawn
    ]
    return sorted(drawn, key=lambda each: each.place)
