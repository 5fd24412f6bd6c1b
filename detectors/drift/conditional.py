"""Responses given their prompts: what is usual of them, and how far a window lies off it.

A response changes with its prompt by design, so responses are compared with what the baseline answered to like prompts
(`pairs`), not with all responses. Three channels:

stranger: responses lie farther from those answers than usual (wrong, beside the point). closer: they lie nearer (always
the same answer, a terser model). These are the two sides of one mean, each with ranks and bets of its own: the mean is
skewed to the right, and one rank for both sides would see little below. style: responses differ from those answers in
the same direction (wording, tone, layout), as they do when another model answers as well as the one before.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from detectors.drift import smooth
from detectors.drift.calibrate import STRETCHES
from detectors.drift.expected import CELLS, cell_of
from detectors.drift.judged import Judged
from detectors.drift.pair_days import PairDays, calibrate_pair_days
from detectors.drift.pair_usual import Usually, distance, noise
from detectors.drift.smooth import Filter
from detectors.neighbours import Numbers
from detectors.profile import History, Usual, usual

Channel = Literal["stranger", "closer", "style"]
CHANNELS: tuple[Channel, ...] = ("stranger", "closer", "style")
LEAST_PAIRS = 50
_TAIL = 0.01
_REACHED = 0.95
_SIDES = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0]])  # channels of the two scores
_LEAST = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class PairCalibration:
    """What windows are when nothing has changed.

    Attributes:
        length_s: of the windows.
        windows: K, how many.
        cells: what is usual in each of the 24 hours of a weekday, then of a day of a weekend.
        spread: standard deviation of a single response's surprise within windows.
        tails: (2,) the surprise that 1 of 100 responses of the baseline lies above, and that 1 of 100 lies below.
        filters: how the two scores of the next window are predicted.
        centre: (2,) mean scores.
        residuals: (3, K) what was left of the baseline's scores, sorted; of each channel.
        dispersion: by how much mean surprises of windows vary more than samples do, at least 1.
        weight: what a usual window adds to the variance of a sum of surprises.
        scatter: variance of a single response's rest, tr S.
        reached: of each of `STRETCHES`, the squared distance that 95 of 100 stretches of so many windows stay below.
        until: end of the last window.
        smoothed: (2,) what `filters` expect of the scores after it.
        days: what whole days reached; None with too few.
        hindsight: days to a false alarm, and how many alarms there would have been in the baseline itself at that.
    """

    length_s: float
    windows: int
    cells: Sequence[Usually]
    spread: float
    tails: Numbers
    filters: Sequence[Filter]
    centre: Numbers
    residuals: Numbers
    dispersion: float
    weight: float
    scatter: float
    reached: Numbers
    until: float
    smoothed: Numbers
    days: PairDays | None = None
    hindsight: tuple[tuple[float, int], ...] = field(default=())

    def usual(self, start: float) -> Usually:
        """What is usual for a window that starts at a time."""
        return self.cells[cell_of(start)]

    def scores(self, judged: Judged) -> Numbers:
        """(2,) how far a window lies off what is usual, on the scale of its own noise, whatever its size."""
        return scores(judged, self.usual(judged.start), self.spread) - self.centre


def by_channel(values: Numbers) -> Numbers:
    """The channels (3, …) of the scores (2, …)."""
    return np.asarray(_SIDES @ values)


def scores(judged: Judged, by: Usually, spread: float) -> Numbers:
    """(2,): of the mean surprise, and of the mean rest: its squared distance without bias, over what that varies by."""
    surprise = (float(judged.surprise.mean()) - by.surprise) / (spread * sqrt(1 / judged.n + by.noise))
    variance = noise(judged, by)
    return np.array([surprise, distance(judged, by) / (variance * sqrt(2 * max(judged.squares, _LEAST)))])


def calibrate(length_s: float, judged: Sequence[Judged]) -> PairCalibration:
    """From the windows of a baseline in order, each seen beside pairs that do not hold its own.

    As for texts, a window is compared with the profile that the days around it had no part in.

    Args:
        length_s: of the windows.
        judged: at least two, each with three pairs or more.
    """
    history, spread = _history(length_s, judged), _spread(judged)
    means = np.array([each.surprise.mean() for each in judged])
    rests, leant = np.stack([each.rest for each in judged]), np.array([each.leant for each in judged])

    def usually(weights: Usual) -> Usually:
        return Usually(float(weights.of(means)), np.asarray(weights.of(rests)), weights.noise, float(weights.of(leant)))

    others = [usually(each) for each in _without_own_days(history)]
    raw = np.stack([scores(each, by, spread) for each, by in zip(judged, others, strict=True)])
    centre = raw.mean(axis=0)
    filters = [smooth.fit(column, 6 / len(raw)) for column in (raw - centre).T]
    predicted = np.stack([each.predictions(y) for each, y in zip(filters, (raw - centre).T, strict=True)])
    residuals = by_channel((raw - centre).T - predicted)
    known: Numbers = np.concatenate([each.surprise for each in judged])
    return PairCalibration(
        length_s=length_s,
        windows=len(raw),
        cells=[usually(usual(history, np.array([at]))) for at in CELLS],
        spread=spread,
        tails=np.quantile(known, [1 - _TAIL, _TAIL]),
        filters=filters,
        centre=centre,
        residuals=np.sort(residuals, axis=1),
        dispersion=max(float(np.mean(np.square(raw[:, 0]))), 1.0),
        weight=float(np.mean([each.n + each.n**2 * by.noise for each, by in zip(judged, others, strict=True)])),
        scatter=max(float(np.mean([each.trace for each in judged])), _LEAST),
        reached=_reached(judged, others),
        until=judged[-1].start + length_s,
        smoothed=np.array(
            [float(each.next(q[-1], y[-1])) for each, q, y in zip(filters, predicted, (raw - centre).T, strict=True)]
        ),
        days=calibrate_pair_days(judged, others, spread),
    )


def _history(length_s: float, judged: Sequence[Judged]) -> History:
    """The windows as `usual` wants them."""
    n = np.array([each.n for each in judged], np.float64)
    start = np.array([each.start for each in judged])
    nothing: NDArray[np.float16] = np.zeros((len(n), 0), np.float16)
    return History(length_s, start, n, n, nothing.astype(np.int64), np.zeros(len(n)), nothing)


def _spread(judged: Sequence[Judged]) -> float:
    squares = sum(float(np.square(each.surprise - each.surprise.mean()).sum()) for each in judged)
    return max(sqrt(squares / sum(each.n - 1 for each in judged)), 1e-6)


def _without_own_days(history: History) -> list[Usual]:
    known: dict[tuple[float, int], Usual] = {}
    keys = [(day, cell_of(at)) for day, at in zip(history.days().tolist(), history.start.tolist(), strict=True)]
    for key, start in zip(keys, history.start.tolist(), strict=True):
        if key not in known:
            known[key] = usual(history, np.array([start]), history.without(key[0]))
    return [known[key] for key in keys]


def _reached(judged: Sequence[Judged], others: Sequence[Usually]) -> Numbers:
    """As `detectors.drift.calibrate` does it for the mix of texts: in stretches of the baseline itself."""
    total = np.cumsum([each.rest - by.rest for each, by in zip(judged, others, strict=True)], axis=0)
    errors = np.cumsum([each.trace * noise(each, by) for each, by in zip(judged, others, strict=True)])
    found: list[float] = []
    for length in STRETCHES:
        if length > len(total):
            found.append(found[-1])
            continue
        sums, spent = total[length - 1 :].copy(), errors[length - 1 :].copy()
        sums[1:] -= total[: len(total) - length]
        spent[1:] -= errors[: len(errors) - length]
        found.append(float(np.quantile((np.square(sums).sum(axis=1) - spent) / length**2, _REACHED)))
    return np.maximum(found, 0.0)
