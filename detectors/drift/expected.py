"""What is usual for a window of one hour of the day and kind of day, as the channels need it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectors.drift.observed import Observed
from detectors.neighbours import Numbers
from detectors.profile import DAY, HOUR, History, Usual, usual

CELLS = [hour * HOUR + day * DAY for day in (0, 2) for hour in range(24)]  # 1970-01-01 was a Thursday


@dataclass(frozen=True, slots=True, eq=False)
class Expected:
    """What is usual.

    Attributes:
        features: (D,) mean random features.
        shares: (K,) of the topics, sum 1.
        strange: share of out-of-distribution texts.
        described: (M,) means of the descriptors.
        noise: one over the effective number of texts behind these numbers.
    """

    features: Numbers
    shares: Numbers
    strange: float
    described: Numbers
    noise: float


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """The windows of a baseline: W of them, with their (W, M) mean descriptors."""

    history: History
    described: Numbers


def expected(past: Past, weights: Usual) -> Expected:
    """From the windows of a baseline, each with its weight."""
    history = past.history
    strange = float(weights.of(history.strange / np.maximum(history.n, 1)))
    n = float(history.n.sum())
    return Expected(
        features=np.asarray(weights.of(history.features)),
        shares=weights.shares(history.topics, history.n),
        strange=min(max(strange, 0.5 / (n + 1)), 1 - 0.5 / (n + 1)),
        described=np.asarray(weights.of(past.described)),
        noise=weights.noise,
    )


def cells(past: Past) -> list[Expected]:
    """What is usual in each of the 24 hours of a weekday, then of a day of a weekend."""
    return [expected(past, usual(past.history, np.array([at]))) for at in CELLS]


def cell_of(start: float) -> int:
    """Which of the `cells` a window that starts at a time (seconds since 1970) belongs to."""
    weekend = (start // DAY + 3) % 7 >= 5
    return int(start % DAY // HOUR) + 24 * int(weekend)


def without_own_days(past: Past) -> list[Expected]:
    """For each window of a baseline what is usual by the other ones, without those of the days around it."""
    known: dict[tuple[float, int], Expected] = {}
    history = past.history
    days = history.days()
    found = []
    for day, start in zip(days.tolist(), history.start.tolist(), strict=True):
        key = (day, cell_of(start))
        if key not in known:
            known[key] = expected(past, usual(history, np.array([start]), history.without(day)))
        found.append(known[key])
    return found


def past_of(length_s: float, observed: Sequence[Observed]) -> Past:
    """The windows as a profile is made of them; a descriptor that no text of a window has counts as usual."""
    n = np.array([each.n for each in observed], np.float64)
    history = History(
        length_s=length_s,
        start=np.array([each.start for each in observed]),
        n=n,
        calls=n,
        topics=np.stack([each.topics for each in observed]).astype(np.int64),
        strange=np.array([each.strange for each in observed]),
        features=np.stack([each.features for each in observed]).astype(np.float16),
    )
    described = np.stack([each.described for each in observed])
    known = ~np.isnan(described)
    means = np.where(known, described, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return Past(history, np.where(known, described, means))
