"""What a method says of two stretches."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from detectors.comparison.stretch import LEAST_DAYS, LEVEL, Blocks

LEAST_TEXTS = 20  # of a stretch


@dataclass(frozen=True, slots=True)
class Finding:
    """One number of one method.

    Attributes:
        value: None when `reason` says why there is none.
        p: its p-value; None where the method has none.
        usual: what the value stays below in 95 of 100 exchanges; None where nothing is exchanged.
        meaning: what a false alarm of it means, or that it has no false-alarm rate.
        reason: empty when there is a value.
        details: more numbers, by name.
    """

    method: str
    title: str
    value: float | None
    p: float | None
    usual: float | None
    meaning: str
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def exchanged(blocks: Blocks, least: float) -> str:
    """What the p-value of exchanged blocks means.

    Args:
        blocks: that were exchanged.
        least: the smallest p-value that could come out.
    """
    before, later = blocks.counts
    sizes = f"{before} and {later} {blocks.unit}"
    if blocks.hours:
        text = (
            f"Hours were exchanged ({sizes}), because a stretch has texts on fewer than {LEAST_DAYS} days. p < 0.05 is"
            " a false alarm in one comparison of twenty only where hours are alike: the time of day, or one day that"
            " was unlike the others, counts as a difference."
        )
    else:
        text = (
            f"Whole days were exchanged ({sizes}), so what differs from one day to the next anyway is no difference."
            " Where days are alike otherwise, p < 0.05 is a false alarm in one comparison of twenty."
        )
    if least >= LEVEL:
        text += f" With so few {blocks.unit} no difference, however large, can have a p-value below {least:.2g}."
    return text
