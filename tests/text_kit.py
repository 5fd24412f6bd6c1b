"""Synthetic traffic for the tests of the text half: topics are directions, texts are words of their topic."""

from collections.abc import Sequence
from dataclasses import replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from detectors.baseline import Baseline, Settings
from detectors.embedder import Embedded
from detectors.fitting import FitSample, fit

DAY = 86_400.0
START = 1_767_571_200.0  # Monday, 2026-01-05, 00:00 UTC
DIMENSIONS = 48
WORDS = (
    ("refund", "money", "charge", "invoice"),
    ("parcel", "delivery", "courier", "tracking"),
    ("password", "login", "account", "reset"),
    ("recipe", "oven", "flour", "butter"),
    ("python", "exception", "import", "module"),
    ("guitar", "chord", "melody", "rhythm"),
    ("planet", "orbit", "telescope", "comet"),
    ("tomato", "garden", "compost", "seedling"),
)
NEW = len(WORDS) - 1  # the topic that normal traffic does not have
NORMAL = np.array([0.3, 0.2, 0.15, 0.15, 0.1, 0.05, 0.05, 0.0])
SETTINGS = Settings("prompt", "model-1", "redactor-1", topics=7)


def unit(rows: NDArray[np.floating]) -> NDArray[np.float32]:
    """The rows with norm 1."""
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def embedded(vectors: NDArray[np.floating]) -> Embedded:
    """Texts of one chunk each."""
    rows = np.asarray(vectors, np.float32)
    return Embedded(rows, rows, np.arange(len(rows), dtype=np.intp))


def centres() -> NDArray[np.float32]:
    """One direction a topic."""
    return unit(np.random.RandomState(7).standard_normal((len(WORDS), DIMENSIONS)))


def texts_of(topics: NDArray[np.intp], random: np.random.RandomState) -> list[str]:
    """Texts of three words of the topic and some that others share; nearly all different."""
    shared = ("please", "thanks", "today", "question")
    return [
        " ".join([*random.choice(WORDS[topic], 3, replace=False), random.choice(shared), f"n{random.randint(10**6)}"])
        for topic in topics
    ]


def vectors_of(topics: NDArray[np.intp], random: np.random.RandomState, noise: float = 0.7) -> NDArray[np.float32]:
    """Vectors around the topics' centres."""
    spread = random.standard_normal((len(topics), DIMENSIONS)) * noise / DIMENSIONS**0.5
    return unit(centres()[topics] + spread)


def traffic(
    hours: Sequence[float], per_hour: int = 20, shares: NDArray[np.floating] = NORMAL, seed: int = 0
) -> FitSample:
    """Calls of some hours, numbered since `START`; equal seeds give equal calls."""
    random = np.random.RandomState(seed)
    n = len(hours) * per_hour
    topics = random.choice(len(WORDS), n, p=shares)
    at = START + np.repeat(np.asarray(hours, np.float64), per_hour) * 3_600 + random.uniform(0, 3_600, n)
    ids = [f"call-{seed}-{number}" for number in range(n)]
    return FitSample(texts_of(topics, random), embedded(vectors_of(topics, random)), at, ids)


def days(first: int, count: int) -> list[float]:
    """The hours of some days."""
    return [24.0 * first + hour for hour in range(24 * count)]


def joined(*samples: FitSample) -> FitSample:
    """All their rows."""
    return FitSample(
        [text for sample in samples for text in sample.texts],
        embedded(np.concatenate([sample.vectors.mean for sample in samples])),
        np.concatenate([sample.at for sample in samples]),
        [each for sample in samples for each in sample.ids],
    )


def shuffled(sample: FitSample, seed: int) -> FitSample:
    """The same rows in another order."""
    order = np.random.RandomState(seed).permutation(len(sample.ids))
    return replace(
        sample,
        texts=[sample.texts[row] for row in order],
        vectors=embedded(sample.vectors.mean[order]),
        at=sample.at[order],
        ids=[sample.ids[row] for row in order],
    )


def mixed(**more: float) -> NDArray[np.floating]:
    """Normal shares with those of some topics, by their first word, set; the others share the rest."""
    numbers = {words[0]: number for number, words in enumerate(WORDS)}
    shares = NORMAL.copy()
    kept = [number for number in range(len(WORDS)) if WORDS[number][0] not in more]
    shares[kept] *= (1 - sum(more.values())) / shares[kept].sum()
    for word, share in more.items():
        shares[numbers[word]] = share
    return shares


@cache
def baseline() -> Baseline:
    """A baseline of 14 days of normal traffic, fitted once."""
    return fit(traffic(days(0, 14)), SETTINGS)


@cache
def small() -> tuple[FitSample, Baseline]:
    """Four days of normal traffic and their baseline, fitted once: no test changes either."""
    sample = traffic(days(0, 4), 30)
    return sample, fit(sample, SETTINGS)
