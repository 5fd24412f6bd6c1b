"""Synthetic worlds for the tests of the drift detector: windows of texts around a few directions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from text_kit import START, unit

from detectors.drift.calibrate import Calibration, calibrate
from detectors.drift.detector import Reading, State, Test, begin, step
from detectors.drift.observed import Observed, Reference, Texts, described, observe
from detectors.features import Features, bandwidth, scan_radius
from detectors.ood import p_values

D = 16
TOPICS = 6
LENGTH_S = 21_600.0
PER_DAY = 4
N = 70
SHARES = np.array([0.25, 0.2, 0.2, 0.15, 0.1, 0.1])
RARE = TOPICS - 1
_SPREAD = 0.5
_DAY_S = 86_400.0


@dataclass(frozen=True)
class Change:
    """What is other than in the baseline.

    Attributes:
        shares: of the topics.
        new: share of texts of one topic that nobody had asked about before.
        lost: share of texts that lie anywhere.
        dense: share of texts that say nearly the same about the first topic.
        longer: whether texts are three times as long.
    """

    shares: NDArray[np.floating] | None = None
    new: float = 0.0
    lost: float = 0.0
    dense: float = 0.0
    longer: bool = False


CALM = Change()
NEW_TOPIC = Change(new=0.2)
LOST = Change(lost=0.25)
BURST = Change(np.append(SHARES[:RARE] * 0.7 / SHARES[:RARE].sum(), 0.3))
MIX = Change(np.array([0.05, 0.38, 0.05, 0.32, 0.1, 0.1]))
DENSE = Change(dense=0.12)
LONGER = Change(longer=True)


@lru_cache(maxsize=1)
def centres() -> NDArray[np.float32]:
    """One direction a topic, then that of the new topic; all at right angles."""
    rows, _ = np.linalg.qr(np.random.RandomState(3).standard_normal((D, D)))
    return np.asarray(rows[: TOPICS + 1], np.float32)


def around(topics: NDArray[np.integer], random: np.random.RandomState) -> NDArray[np.float32]:
    """Vectors around the directions of topics."""
    return unit(centres()[topics] + random.standard_normal((len(topics), D)) * _SPREAD / D**0.5)


@lru_cache(maxsize=1)
def saying() -> NDArray[np.float32]:
    """Where the dense texts lie: at the usual distance from the first topic's direction."""
    return around(np.zeros(1, np.intp), np.random.RandomState(9))


@lru_cache(maxsize=1)
def reference() -> Reference:
    """What all windows are seen beside."""
    topics = np.repeat(np.arange(TOPICS), 80)
    rows = around(topics, np.random.RandomState(4))
    mixed = rows[np.random.RandomState(5).permutation(len(rows))]
    return Reference(rows.astype(np.float16), topics, TOPICS, Features(0, bandwidth(mixed), D, 64), scan_radius(mixed))


@lru_cache(maxsize=1)
def _normal_distances() -> NDArray[np.floating]:
    topics = np.random.RandomState(6).choice(TOPICS, 600, p=SHARES)
    return np.sort(_distances(around(topics, np.random.RandomState(7))))


def _distances(vectors: NDArray[np.float32]) -> NDArray[np.floating]:
    return 1 - (vectors @ centres()[:TOPICS].T).max(axis=1).astype(np.float64)


@lru_cache(maxsize=2)
def _described(longer: bool) -> NDArray[np.floating]:
    random, words = np.random.RandomState(8), ("where", "is", "my", "refund", "for", "order", "please")
    counts = random.randint(4, 12, 300) * (3 if longer else 1)
    return described([" ".join(random.choice(words, count)) + "?" for count in counts])


def texts(start: float, seed: int, change: Change = CALM, n: int = N) -> Texts:
    """The texts of one window; what is drawn depends on start and seed alone."""
    random = np.random.RandomState((int(start // LENGTH_S) * 1_009 + seed * 7_919) % 2**32)
    shares = SHARES if change.shares is None else change.shares
    tilt = np.ones(TOPICS)
    tilt[0] = 1.5 if start % _DAY_S // LENGTH_S in (0, 3) else 1.0
    topics = random.choice(TOPICS, n, p=shares * tilt / (shares * tilt).sum())
    other = random.uniform(size=n)
    topics[other < change.new] = TOPICS
    vectors = around(topics, random)
    dense = other < change.dense
    vectors[dense] = unit(saying() + random.standard_normal((n, D)) * 0.1 / D**0.5)[dense]
    lost = other > 1 - change.lost
    vectors[lost] = unit(random.standard_normal((n, D)))[lost]
    labels = (vectors @ centres()[:TOPICS].T).argmax(axis=1)
    seen = reference().see(vectors, labels, p_values(_distances(vectors), _normal_distances()), described([""] * n))
    return replace(seen, described=_described(change.longer)[random.choice(300, n)])


def window(start: float, seed: int, change: Change = CALM, n: int = N) -> Observed:
    """One window as the detector reads it."""
    return observe(start, texts(start, seed, change, n), reference().radius)


def windows(first_day: float, days: float, seed: int, change: Change = CALM, n: int = N) -> list[Observed]:
    """The windows of some days, numbered since `START`."""
    count = round(days * PER_DAY)
    return [window(START + first_day * _DAY_S + each * LENGTH_S, seed, change, n) for each in range(count)]


def calibrated(observed: Sequence[Observed], length_s: float = LENGTH_S) -> Calibration:
    """The calibration by a baseline's windows."""
    return calibrate(length_s, observed, reference().radius, reference().topics)


@lru_cache(maxsize=4)
def calm(days: int = 28, seed: int = 1) -> Calibration:
    """The calibration by some calm days."""
    return calibrated(windows(0, days, seed))


def read(
    calibration: Calibration, test: Test, observed: Iterable[Observed], state: State | None = None
) -> tuple[State, list[Reading]]:
    """Reads windows in order."""
    state, readings = state or begin(calibration), []
    for each in observed:
        state, reading = step(calibration, test, state, each)
        readings.append(reading)
    return state, readings
