"""Windows of pairs beside a reference, and how the conditional detector reads them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors import ood
from detectors.drift.conditional import CHANNELS, PairCalibration
from detectors.drift.conditional_detector import PairTest, begin, step
from detectors.drift.judged import Judged, judge
from detectors.drift.pairs import Beside
from detectors.neighbours import Indices, Numbers

HOUR_S, START = 3_600.0, 1_699_920_000.0
TEXTS, BASELINE, HORIZON = 200, 28 * 24, 72
DAYS, LEVEL = 30.0, 0.01


@dataclass(frozen=True, eq=False)
class Seen:
    """Pairs beside a reference, which of their prompts are in distribution, and their domains."""

    pairs: Beside
    known: NDArray[np.bool_]
    domain: Indices

    @classmethod
    def of(cls, pairs: Beside, held_out: Numbers, domain: Indices) -> "Seen":
        """By scores of held-out prompts."""
        return cls(pairs, ood.p_values(pairs.strange, held_out) > ood.LEVEL, domain)

    def window(self, start: float, rows: Indices) -> Judged:
        """A window of some of them."""
        return judge(start, self.pairs, rows[self.known[rows]])

    def __add__(self, other: "Seen") -> "Seen":
        one, two = self.pairs, other.pairs
        pairs = Beside(
            np.concatenate([one.strange, two.strange]),
            np.concatenate([one.surprise, two.surprise]),
            np.concatenate([one.rest, two.rest]),
            np.concatenate([one.around, two.around]),
        )
        return Seen(pairs, np.concatenate([self.known, other.known]), np.concatenate([self.domain, other.domain]))


def at(number: int) -> float:
    """Start of a window."""
    return START + HOUR_S * number


def anything(seen: Seen, random: np.random.Generator) -> Indices:
    """Rows of a window, whatever they are about."""
    return random.integers(len(seen.domain), size=TEXTS)


def shares(calibration: PairCalibration, seen: Seen, draws: Sequence[Indices]) -> dict[str, float]:
    """Of windows, each right after the baseline: p-values of at most 1 %, by channel."""
    start, test = at(BASELINE), PairTest(DAYS)
    p = np.array([step(calibration, test, begin(calibration), seen.window(start, rows))[1].p for rows in draws])
    found = {name: float(np.mean(p[:, i] <= LEVEL)) for i, name in enumerate(CHANNELS)}
    # All channels together at the same level: the smallest of three p-values counts three times.
    return found | {"any": float(np.mean(p.min(axis=1) * len(CHANNELS) <= LEVEL))}


def count_alarms(calibration: PairCalibration, windows: Iterator[Judged]) -> tuple[int, int]:
    """How many alarms begin in windows after the baseline, and how many of whole days."""
    state, alarms, slow = begin(calibration), 0, 0
    for each in windows:
        state, reading = step(calibration, PairTest(DAYS), state, each)
        alarms, slow = alarms + bool(reading.alarms), slow + (reading.slow is not None)
    return alarms, slow


def delay(calibration: PairCalibration, seen: Seen, draw: Callable[[], Indices]) -> int:
    """Windows to the first alarm after the baseline; one more than there are without any."""
    state = begin(calibration)
    for count in range(HORIZON):
        state, reading = step(calibration, PairTest(DAYS), state, seen.window(at(BASELINE + count), draw()))
        if reading.alarms:
            return count + 1
    return HORIZON + 1
