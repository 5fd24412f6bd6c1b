"""Stretches of event time in whole minutes, as sorted, disjoint `(first minute, minute after the last)` since 1970."""

from collections.abc import Iterable
from datetime import datetime

import numpy as np

from detectors.measurement import Window
from monitor.canonical import MINUTE, Micros, microseconds, moment

Stretches = list[tuple[int, int]]


def before(times: Micros, end: datetime | None) -> Stretches:
    """The minutes that hold a time before `end`; none when there is no end."""
    if end is None:
        return []
    minutes = np.unique(times[times < microseconds(end)] // MINUTE)
    return union([(int(minute), int(minute) + 1) for minute in minutes], [])


def union(one: Iterable[tuple[int, int]], other: Iterable[tuple[int, int]]) -> Stretches:
    """The minutes of both."""
    joined: Stretches = []
    for start, end in sorted([*one, *other]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def windows(stretches: Stretches, end: datetime | None) -> tuple[Window, ...]:
    """As windows, cut at `end`."""
    return tuple(
        Window(moment(first * MINUTE), min(moment(last * MINUTE), end or moment(last * MINUTE)))
        for first, last in stretches
        if end is None or moment(first * MINUTE) < end
    )
