"""How large a drift is since it began, channel by channel, with a lower limit that holds however often it is read."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import log
from typing import NamedTuple

import numpy as np

from detectors.drift.calibrate import STRETCHES, Calibration
from detectors.drift.channels import Channel, spread
from detectors.drift.expected import Expected
from detectors.drift.observed import Observed
from detectors.drift.places import FOLLOWED, Place, count_at
from detectors.drift.sequences import lower_shares
from detectors.drift.slow import Day
from detectors.neighbours import Numbers

LEVEL = 0.05


class Effect(NamedTuple):
    """The size of a change.

    Attributes:
        value: excess share of texts (novelty, burst, scan), squared distance (mix), or the change of a mean in units of
            what windows differ by (descriptors).
        lower: its lower limit; of mix, the value less what stretches of this length reach of their own accord.
        minimum: what `lower` must exceed for somebody to be called.
        subject: index of the topic (burst), place (scan) or descriptor that it is about; -1 where it is about none.
    """

    value: float
    lower: float
    minimum: float
    subject: int = -1

    @property
    def clears(self) -> bool:
        """Whether it is large enough beyond doubt."""
        return self.lower > self.minimum


@dataclass(frozen=True, slots=True)
class Minimums:
    """Effects below which nobody is called: shares of the texts; of descriptors as in `Effect`."""

    novelty: float = 0.015
    burst: float = 0.015
    scan: float = 0.003
    descriptors: float = 1.0


@dataclass(frozen=True, slots=True, eq=False)
class Since:
    """What one channel counted since its evidence began to rise; empty where it has not. Places are not chosen here."""

    windows: int = 0
    texts: float = 0.0
    strange: float = 0.0
    usually_strange: float = 0.0
    topics: Numbers = field(default_factory=lambda: np.zeros(0))
    usual_topics: Numbers = field(default_factory=lambda: np.zeros(0))
    described: Numbers = field(default_factory=lambda: np.zeros(0))
    rest: Numbers = field(default_factory=lambda: np.zeros(0))
    noise: float = 0.0
    places: tuple[Place, ...] = ()


def add(since: Since, channel: Channel, observed: Observed, usual: Expected, radius: float) -> Since:
    """With one more window."""
    n = observed.n
    more = replace(since, windows=since.windows + 1, texts=since.texts + n)
    if channel == "novelty":
        return replace(
            more,
            strange=since.strange + observed.strange,
            usually_strange=since.usually_strange + n * usual.strange,
        )
    if channel == "burst":
        before = (since.topics, since.usual_topics) if since.windows else (0.0, 0.0)
        return replace(more, topics=before[0] + observed.topics, usual_topics=before[1] + n * usual.shares)
    if channel == "mix":
        rest = observed.features - usual.features
        noise = spread(observed) * (1 / n + usual.noise)
        return replace(more, rest=since.rest + rest if since.windows else rest, noise=since.noise + noise)
    if channel == "descriptors":
        moved = np.nan_to_num(observed.described - usual.described)
        return replace(more, described=since.described + moved if since.windows else moved)
    return replace(more, places=tuple(each for each, _ in count_at(since.places, observed, usual, radius)))


def of_day(day: Day) -> Since:
    """What was counted on a whole day, for the effect of `burst`."""
    return Since(windows=1, texts=day.texts, topics=day.topics, usual_topics=day.usual)


def effect(since: Since, channel: Channel, calibration: Calibration, minimums: Minimums) -> Effect:
    """The size of what one channel saw since its evidence began to rise."""
    if not since.windows:
        return Effect(0.0, -1.0, 0.0)
    if channel == "mix":
        rest = since.rest / since.windows
        value = float(rest @ rest) - since.noise / since.windows**2
        return Effect(value, value - _reached(calibration, since.windows), 0.0)
    if channel == "novelty":
        return _share(since, calibration.dispersion[0], minimums.novelty)
    if channel == "burst":
        return _topic(since, calibration.dispersion[1], minimums.burst)
    if channel == "descriptors":
        return _described(since, calibration.scale.described, minimums.descriptors)
    return _place(since.places, minimums.scan)


def _reached(calibration: Calibration, windows: int) -> float:
    """What stretches of so many windows reach; of a length between two, what the shorter ones do."""
    return float(calibration.mixes[np.searchsorted(STRETCHES, windows, side="right") - 1])


def _share(since: Since, dispersion: float, minimum: float) -> Effect:
    usually = since.usually_strange / since.texts
    lower = lower_shares([since.strange / dispersion], since.texts / dispersion, LEVEL)
    return Effect(since.strange / since.texts - usually, float(lower[0]) - usually, minimum)


def _topic(since: Since, dispersion: float, minimum: float) -> Effect:
    usually, excess = since.usual_topics / since.texts, (since.topics - since.usual_topics) / since.texts
    likely = np.flatnonzero(excess > minimum)
    likely = likely if len(likely) else np.array([int(excess.argmax())])
    level = LEVEL / len(since.topics)
    lower = lower_shares(since.topics[likely] / dispersion, since.texts / dispersion, level) - usually[likely]
    best = int(lower.argmax())
    topic = int(likely[best])
    return Effect(float(excess[topic]), float(lower[best]), minimum, topic)


def _described(since: Since, scale: Numbers, minimum: float) -> Effect:
    """The limit is Robbins' normal mixture for sums of windows, at the level of all descriptors together."""
    change = since.described / since.windows / scale
    m, level = since.windows, LEVEL / len(scale)
    reach = ((m + 1) / m**2 * 2 * log((m + 1) ** 0.5 / level)) ** 0.5
    best = int(np.abs(change).argmax())
    return Effect(float(change[best]), abs(float(change[best])) - reach, minimum, best)


def _place(places: Sequence[Place], minimum: float) -> Effect:
    followed = [each for each in places if each.texts]
    if not followed:
        return Effect(0.0, -1.0, minimum)
    texts, count, usual = (np.array([getattr(each, name) for each in followed]) for name in ("texts", "count", "usual"))
    lower = lower_shares(count, texts, LEVEL / FOLLOWED) - usual / texts
    best = int(lower.argmax())
    return Effect(float((count[best] - usual[best]) / texts[best]), float(lower[best]), minimum, best)
