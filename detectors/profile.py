"""What is usual at an hour of the day and on a kind of day, from the windows of a baseline.

The usual value is the mean of the windows of that hour, plus what days of that type (weekday or weekend) differ by. It
is linear in the windows, so it is kept as weights over them: value, noise and a profile without some days are the same
sum. Hours and days are UTC.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.neighbours import Indices, Numbers

HOUR = 3_600.0
DAY = 86_400.0
LENGTHS = tuple(timedelta(hours=hours) for hours in (1, 2, 4, 8, 24))
LEAST_CALLS = 100  # in a window: below it no test sees anything but an earthquake
MOST_WINDOWS = 2_016  # twelve weeks of hours
_MOST = 0.9
_FAR_DAYS = 6
_LONG_DAYS = 21


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """The windows of a baseline that have calls, in order; W of them.

    Attributes:
        length_s: of every window, seconds.
        start: (W,) seconds since 1970.
        n: (W,) texts, each counted once a window.
        calls: (W,) calls that the windows really had, sampled or not.
        topics: (W, K) texts of each topic.
        strange: (W,) out-of-distribution texts; NaN in windows that the scorer was fitted on.
        features: (W, D) mean random features, float16.
    """

    length_s: float
    start: Numbers
    n: Numbers
    calls: Numbers
    topics: NDArray[np.int64]
    strange: Numbers
    features: NDArray[np.float16]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its arrays by name."""
        names = ("start", "n", "calls", "topics", "strange", "features")
        return {name: getattr(self, name) for name in names}

    def days(self) -> Numbers:
        """The day of each window, (W,) days since 1970."""
        return np.floor(self.start / DAY)

    def without(self, day: float) -> NDArray[np.bool_]:
        """The windows (W,) that tell what is usual on a day of the baseline itself.

        Those more than six days away, because traffic has a memory of days; in a baseline of less than three weeks, of
        which too little would be left, all other days.
        """
        days = self.days()
        far = _FAR_DAYS if len(days) and days[-1] - days[0] >= _LONG_DAYS - 1 else 0
        return np.asarray(np.abs(days - day) > far)


def history_of(
    length_s: float, at: Numbers, labels: Indices, strange: Numbers, mean: Callable[[Indices], Numbers]
) -> History:
    """The windows of n texts, at most the last twelve weeks of hourly ones; `calls` are the texts.

    Args:
        length_s: of the windows, which begin at whole multiples of it since 1970.
        at: (n,) times of the texts.
        labels: (n,) their topics.
        strange: (n,) 1 for those out of distribution, NaN where it is not known.
        mean: (D,) mean features of some rows.
    """
    starts, window = np.unique(np.floor(at / length_s), return_inverse=True)
    rows = [np.flatnonzero(window == each) for each in range(len(starts))][-MOST_WINDOWS:]
    n = np.array([len(each) for each in rows], np.float64)
    return History(
        length_s=length_s,
        start=starts[-MOST_WINDOWS:] * length_s,
        n=n,
        calls=n,
        topics=np.stack([np.bincount(labels[each], minlength=int(labels.max()) + 1) for each in rows]),
        strange=np.array([strange[each].sum() for each in rows]),
        features=np.stack([mean(each) for each in rows]).astype(np.float16),
    )


def once(texts: Sequence[str], at: Numbers, length_s: float) -> Indices:
    """Rows of the texts that no earlier row of their window has, in order."""
    windows = np.floor(at / length_s).tolist()
    first = {key: row for row, key in reversed(list(enumerate(zip(windows, texts, strict=True))))}
    return np.array(sorted(first.values()), np.intp)


@dataclass(frozen=True, slots=True)
class Usual:
    """How much each window counts for what is usual.

    Attributes:
        weights: (W,), sum 1; some can be below 0.
        noise: the variance of the weighted mean, where a single text has variance 1: one over the effective number of
            texts behind it.
    """

    weights: Numbers
    noise: float

    def of(self, values: NDArray[Any]) -> Any:
        """The usual value from those of the windows, (W,) or (W, …)."""
        return np.tensordot(self.weights, np.asarray(values, np.float64), axes=1)

    def shares(self, counts: NDArray[Any], n: Numbers) -> Numbers:
        """The usual shares (K,) of (W, K) counts: at least 0, sum 1."""
        shares = np.maximum(self.of(counts / np.maximum(n, 1)[:, np.newaxis]), 0)
        return np.asarray(shares / max(float(shares.sum()), 1e-12))


def usual(history: History, at: Numbers, windows: NDArray[np.bool_] | None = None) -> Usual:
    """What is usual for calls at some times.

    An hour without any window has the mean of all, a type of day without any no effect of its own. The effect of a type
    of day is what its calls differ by from the mean of their hours, so quiet nights of weekends do not pass for it.

    Args:
        history: at least one window.
        at: (m,) seconds since 1970, m ≥ 1.
        windows: (W,) those that count; all by default.

    Raises:
        ValueError: no window counts.
    """
    n = history.n if windows is None else np.where(windows, history.n, 0.0)
    if not n.sum():
        raise ValueError("a profile needs at least one window with calls")
    hour, weekend = _cells(history.start)
    hours, types = _shares(hour, n, 24), _shares(weekend, n, 2)
    hours = np.where(hours.any(axis=1, keepdims=True), hours, n / n.sum())
    in_type = np.stack([np.bincount(hour, weights=row, minlength=24) for row in types])
    effects = np.where(types.any(axis=1, keepdims=True), types - in_type @ hours, 0.0)
    now_hour, now_weekend = _cells(np.floor(at / history.length_s) * history.length_s)
    often = np.bincount(now_hour, minlength=24) / len(at)
    often_type = np.bincount(now_weekend, minlength=2) / len(at)
    weights = often @ hours + often_type @ effects
    return Usual(weights, float((weights**2 / np.maximum(n, 1)).sum()))


def _cells(start: Numbers) -> tuple[Indices, Indices]:
    """Hour of the day, and 1 on Saturdays and Sundays, of each time."""
    # 1970-01-01 was a Thursday.
    weekend = (np.floor(start / DAY) + 3) % 7 >= 5
    return (start % DAY // HOUR).astype(np.intp), weekend.astype(np.intp)


def _shares(cell: Indices, n: Numbers, cells: int) -> Numbers:
    """(cells, W): each window's share of the calls of its cell; zeros where the cell has none."""
    table = (cell == np.arange(cells)[:, np.newaxis]) * n
    return np.asarray(table / np.maximum(table.sum(axis=1, keepdims=True), 1))


def window_length(counts: Mapping[datetime, int]) -> timedelta | None:
    """The shortest length whose windows hold at least 100 calls; None below 100 calls a day.

    Counted by calls: nine of ten calls must fall into such a window. Counted by windows, a service that is used in
    office hours would be watched by the day because its nights are empty.

    Args:
        counts: calls of each hour (start of the hour, UTC); hours without calls may be absent.
    """
    starts = np.array([start.timestamp() for start in counts])
    calls = np.array(list(counts.values()), np.float64)
    if not calls.sum():
        return None
    days = max((starts.max() - starts.min() + HOUR) / DAY, 1.0)
    if calls.sum() / days < LEAST_CALLS:
        return None
    for length in LENGTHS:
        _, window = np.unique(np.floor(starts / length.total_seconds()), return_inverse=True)
        held = np.bincount(window, weights=calls)
        if held[held >= LEAST_CALLS].sum() >= _MOST * held.sum():
            return length
    return LENGTHS[-1]
