"""What scores windows have when nothing has changed, from the baseline's own windows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.drift import smooth
from detectors.drift.channels import Level, Scale, distance, lean, next_trend, scores, spread
from detectors.drift.expected import Expected, cells, past_of, without_own_days
from detectors.drift.observed import Observed
from detectors.drift.places import Place, follow
from detectors.drift.slow import Days, calibrate_days
from detectors.drift.smooth import Filter
from detectors.neighbours import Numbers

STRETCHES = (*range(1, 25), 28, 32, 36, 42, 48, 60, 72, 96)
LEAST_WINDOWS = 28  # below, no rank is small enough to say anything
_LEVEL_GAIN = 0.02
_QUANTILE = 0.95
_LEAST_SCALE = 0.005


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """What the detector knows of the time when nothing had changed; J channels.

    Attributes:
        length_s: of the windows.
        windows: K, how many.
        radius: the cosine within which two texts are of one kind.
        topics: (m,) of the rows of the reservoir.
        cells: what is usual at an hour and kind of day.
        level: how the mean features of the next window are predicted from those of the last.
        wanders: whether the topics lean for a while of their own accord; then where they have been going tells nothing.
        described: the same for the descriptors.
        smooth: the same for the scores, (J,).
        centre: (J,) mean scores.
        residuals: (J, K) what was left of the baseline's scores, sorted.
        dispersion: (2,) by how much the shares of strange texts and of topics vary more than samples do, at least 1.
        scale: by how much windows differ from what is usual; a descriptor that never varied counts as if it did a
            little, or one text would be all.
        days: what whole days reached; None with too few.
        mixes: of each of `STRETCHES`, the squared distance that 95 of 100 stretches of so many windows stay below.
        until: end of the last window.
        levels: (D,) what `level` expects of the window after the last.
        trend: (K,) where the topics have been leaning, after the last.
        pulled: (M,) what `described` expects of it.
        places: that are followed after the last window.
        smoothed: (J,) what `smooth` expects of it.
        hindsight: days to a false alarm, and how many alarms there would have been in the baseline itself at that.
    """

    length_s: float
    windows: int
    radius: float
    topics: NDArray[np.int16]
    cells: Sequence[Expected]
    level: Filter
    wanders: bool
    described: Filter
    smooth: Sequence[Filter]
    centre: Numbers
    residuals: Numbers
    dispersion: Numbers
    scale: Scale
    days: Days | None
    mixes: Numbers
    until: float
    levels: Numbers
    trend: Numbers
    pulled: Numbers
    places: tuple[Place, ...]
    smoothed: Numbers
    hindsight: tuple[tuple[float, int], ...] = ()


def calibrate(length_s: float, observed: Sequence[Observed], radius: float, topics: NDArray[np.integer]) -> Calibration:
    """From the windows of a baseline in order, each seen beside a reference that does not hold its texts.

    A window is compared with the profile that the days around it had no part in, because traffic has a memory of days:
    with them, the scores would be smaller than those of windows to come.

    Args:
        length_s: of the windows.
        observed: at least two.
        radius: by which they were seen.
        topics: of the rows of the reference that later windows are seen beside.
    """
    past = past_of(length_s, observed)
    usual = without_own_days(past)
    rests = np.stack([each.features - by.features for each, by in zip(observed, usual, strict=True)])
    noise = np.mean([spread(each) * (1 / each.n + by.noise) for each, by in zip(observed, usual, strict=True)])
    level = smooth.fit_level(rests, _LEVEL_GAIN, float(noise) / rests.shape[1])
    predicted = level.predictions(rests)
    leant = np.stack([lean(each, by) for each, by in zip(observed, usual, strict=True)])
    # What a sample's topics lean by is noise of variance 1 at most.
    wanders = smooth.fit_level(leant, _LEVEL_GAIN, min(1.0, float(np.mean(np.square(leant))))).gain > 0
    trends = _trends(leant * (not wanders))
    moved = past.described - np.stack([each.described for each in usual])
    scales = np.maximum(np.sqrt(np.mean(np.square(moved), axis=0)), _LEAST_SCALE)
    described = smooth.fit_level(moved / scales, _LEVEL_GAIN, 0.0)
    pulled = described.predictions(moved)
    places, tracked = _tracked(observed, usual, radius)
    levels = [
        Level(predicted[t], level.noise / each.n, trends[t], pulled[t], tracked[t]) for t, each in enumerate(observed)
    ]
    seen = list(zip(observed, usual, levels, strict=True))
    scale = Scale(max(float(np.std([distance(*each) for each in seen])), _LEAST_SCALE), scales)
    raw = np.stack([scores(*each, scale) for each in seen])
    centre = raw.mean(axis=0)
    filters = [smooth.fit(column, 6 / len(raw)) for column in (raw - centre).T]
    expectations = np.stack([each.predictions(y) for each, y in zip(filters, (raw - centre).T, strict=True)])
    rest = (raw - centre).T - expectations
    return Calibration(
        length_s=length_s,
        windows=len(raw),
        radius=radius,
        topics=topics.astype(np.int16),
        cells=cells(past),
        level=level,
        wanders=wanders,
        described=described,
        smooth=filters,
        centre=centre,
        residuals=np.sort(rest, axis=1),
        dispersion=_dispersion(observed, usual),
        scale=scale,
        days=calibrate_days(observed, usual),
        mixes=_mixes(observed, usual, rests),
        until=observed[-1].start + length_s,
        levels=level.next(predicted[-1], rests[-1]),
        trend=trends[-1],
        pulled=described.next(pulled[-1], moved[-1]),
        places=places,
        smoothed=np.array(
            [float(each.next(q[-1], y[-1])) for each, q, y in zip(filters, expectations, (raw - centre).T, strict=True)]
        ),
    )


def _trends(leant: Numbers) -> Numbers:
    """(W + 1, K) where the topics had been going before each window, and after the last."""
    found = [np.zeros(leant.shape[1])]
    for each in leant:
        found.append(next_trend(found[-1], each))
    return np.stack(found)


def _tracked(
    observed: Sequence[Observed], usual: Sequence[Expected], radius: float
) -> tuple[tuple[Place, ...], list[float]]:
    """The places that are followed at the end, and each window's z-score at the hottest place before it."""
    places: tuple[Place, ...] = ()
    found = []
    for each, by in zip(observed, usual, strict=True):
        places, z = follow(places, each, by, radius)
        found.append(z)
    return places, found


def _dispersion(observed: Sequence[Observed], usual: Sequence[Expected]) -> Numbers:
    """(2,) the mean squared difference of shares in units of what samples differ by."""
    strange, topics = [], []
    for each, by in zip(observed, usual, strict=True):
        s = 1 / each.n + by.noise
        strange.append((each.strange / each.n - by.strange) ** 2 / (by.strange * (1 - by.strange) * s))
        variance = np.maximum(by.shares * (1 - by.shares), 1 / each.n) * s
        topics.append(np.mean((each.topics / each.n - by.shares) ** 2 / variance))
    return np.maximum([float(np.mean(strange)), float(np.mean(topics))], 1.0)


def _mixes(observed: Sequence[Observed], usual: Sequence[Expected], rests: Numbers) -> Numbers:
    noise = np.array([spread(each) * (1 / each.n + by.noise) for each, by in zip(observed, usual, strict=True)])
    total, errors = np.cumsum(rests, axis=0), np.cumsum(noise)
    found: list[float] = []
    for length in STRETCHES:
        if length > len(rests):
            found.append(found[-1])
            continue
        sums = total[length - 1 :].copy()
        sums[1:] -= total[: len(total) - length]
        spent = errors[length - 1 :].copy()
        spent[1:] -= errors[: len(errors) - length]
        found.append(float(np.quantile((np.square(sums).sum(axis=1) - spent) / length**2, _QUANTILE)))
    return np.maximum(found, 0.0)


KINDS: dict[str, type] = {
    each.__name__: each for each in (Calibration, Days, Expected, Filter, Place, Scale)
}  # for `archive.from_bytes`
