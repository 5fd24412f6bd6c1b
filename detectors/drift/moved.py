"""How far responses have moved given their prompts, and which of them show it."""

from dataclasses import dataclass
from math import log, sqrt
from typing import Literal, NamedTuple

import numpy as np

from detectors.drift.calibrate import STRETCHES
from detectors.drift.conditional import LEAST_PAIRS, Channel, PairCalibration
from detectors.drift.effect import LEVEL, Effect
from detectors.drift.judged import Judged
from detectors.drift.pair_usual import Counted
from detectors.intervals import Z
from detectors.measurement import Reason, Value


class Minimums(NamedTuple):
    """Effects below which nobody is called.

    Attributes:
        surprise: in standard deviations of a single response: what 3 of 100 wrong answers move the mean by.
        style: in variances of a single response. While 60 % of the prompts are about one thing, chance in the
            baseline's answers to them comes to .0004 to .0011 (CLINC150); from one release of a model to the next it is
            .0027 to .0034 (AlpacaEval).
    """

    surprise: float = 0.1
    style: float = 0.002


MINIMUMS = Minimums()
Side = Literal["stranger", "closer"]


def add(counted: Counted, judged: Judged, calibration: PairCalibration) -> Counted:
    """With one more window."""
    return counted.add(judged, calibration.usual(judged.start), calibration.spread)


def effect(counted: Counted, channel: Channel, calibration: PairCalibration, minimums: Minimums = MINIMUMS) -> Effect:
    """How far responses have moved: by their mean surprise, in standard deviations of a single response; of the style
    by the squared distance in variances of one, where the limit is the value less what stretches of this length reach
    of their own accord.

    The limit of the surprise holds at all times at once: Robbins' normal mixture for the sum, "Statistical methods
    related to the law of the iterated logarithm" (1970), narrowest after one window, its variance that of the
    baseline's windows.
    """
    minimum = minimums.style if channel == "style" else minimums.surprise
    if not counted.windows:
        return Effect(0.0, -1.0, minimum)
    if channel == "style":
        squared = counted.distance
        longest = int(np.searchsorted(STRETCHES, counted.windows, side="right")) - 1
        reached = float(calibration.reached[longest])
        return Effect(squared / calibration.scatter, (squared - reached) / calibration.scatter, minimum)
    value = counted.off / counted.pairs
    variance, prior = calibration.dispersion * counted.variance, calibration.dispersion * calibration.weight
    reach = sqrt((variance + prior) * log((variance + prior) / prior / LEVEL**2)) / counted.pairs
    return Effect(value, (value if channel == "stranger" else -value) - reach, minimum)


def shift(judged: Judged, calibration: PairCalibration | None) -> Value:
    """By how much a window's mean surprise is off, in standard deviations of a single response, with its 95 % interval
    for one look."""
    if calibration is None or judged.n < LEAST_PAIRS:
        return Value(None, n=judged.n, reason=Reason.TOO_FEW)
    by = calibration.usual(judged.start)
    value = (float(judged.surprise.mean()) - by.surprise) / calibration.spread
    own = max(float(judged.surprise.std(ddof=1)) / calibration.spread, 1e-6)
    reach = Z * sqrt(own**2 / judged.n + by.noise)
    return Value(value, value - reach, value + reach, judged.n)


@dataclass(frozen=True, slots=True)
class Unusual:
    """The responses of a window that stand out on the side to which it moved.

    Attributes:
        side: of the shift.
        share: of the responses beyond what 1 of 100 of the baseline is beyond.
        rows: the given pairs that lie farthest, at most three.
    """

    side: Side
    share: float
    rows: tuple[int, ...]


def unusual(judged: Judged, calibration: PairCalibration, shown: int = 3) -> Unusual:
    """What explains a window; `judged` has a pair or more."""
    up = float(judged.surprise.mean()) >= calibration.usual(judged.start).surprise
    far, tail = judged.surprise, float(calibration.tails[0])
    if not up:
        far, tail = -far, -float(calibration.tails[1])
    most = np.argsort(-far, kind="stable")[:shown]
    rows = tuple(int(row) for row in judged.rows[most])
    return Unusual("stranger" if up else "closer", float(np.mean(far > tail)), rows)
