"""Pairs of prompts and responses for tests: each topic has a direction of its prompts and one of its responses."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from text_kit import DAY, START, unit

from detectors.drift.conditional import PairCalibration
from detectors.drift.judged import Judged
from detectors.drift.pair_baseline import PairBaseline, PairSample, PairSettings, fit_pairs

D, TOPICS, N, PER_DAY, DAYS = 16, 5, 70, 4, 28
LENGTH_S = DAY / PER_DAY
SHARES = np.array([0.3, 0.25, 0.2, 0.15, 0.1])
SETTINGS = PairSettings("model-1", "redactor-1", timedelta(seconds=LENGTH_S))
Model = Callable[[NDArray[np.intp], np.random.RandomState], NDArray[np.float32]]


@lru_cache(maxsize=1)
def directions() -> NDArray[np.float32]:
    """One of the prompts of each topic, then one of the responses of each, then one of a style."""
    rows, _ = np.linalg.qr(np.random.RandomState(1).standard_normal((D, D)))
    return np.asarray(rows[: 2 * TOPICS + 1], np.float32)


def answers(topics: NDArray[np.intp], random: np.random.RandomState, noise: float = 0.15) -> NDArray[np.float32]:
    """The model of the baseline; what it says of the first topics differs more from time to time."""
    spread = noise * (1 + 0.5 * (topics < 2))[:, np.newaxis]
    return unit(directions()[TOPICS + topics] + spread * random.standard_normal((len(topics), D)))


def wrong(topics: NDArray[np.intp], random: np.random.RandomState) -> NDArray[np.float32]:
    """One answer in eight is to another question."""
    other = (topics + random.randint(1, TOPICS, len(topics))) % TOPICS
    return answers(np.where(random.random_sample(len(topics)) < 0.125, other, topics), random)


def terse(topics: NDArray[np.intp], random: np.random.RandomState) -> NDArray[np.float32]:
    """Always nearly the same."""
    return answers(topics, random, 0.1)


def styled(topics: NDArray[np.intp], random: np.random.RandomState) -> NDArray[np.float32]:
    """The same answers in other words."""
    return unit(answers(topics, random) + 0.12 * directions()[-1])


def sample(
    windows: range, model: Model = answers, shares: NDArray[np.floating] = SHARES, n: int = N, seed: int = 0
) -> PairSample:
    """The calls of some windows since `START`."""
    random = np.random.RandomState([seed, windows.start])
    topics = random.choice(TOPICS, n * len(windows), p=shares)
    prompts = unit(directions()[topics] + 0.15 * random.standard_normal((len(topics), D)))
    at = START + np.repeat(windows, n) * LENGTH_S + random.uniform(0, LENGTH_S, len(topics))
    texts = [f"{seed} {windows.start} {number}" for number in range(len(topics))]
    return PairSample(texts, texts, (prompts, model(topics, random)), at, texts)


@lru_cache(maxsize=1)
def fitted() -> PairBaseline:
    """Four weeks of windows of six hours."""
    return fit_pairs(sample(range(DAYS * PER_DAY)), SETTINGS)


def calibration() -> PairCalibration:
    """Of its windows."""
    found = fitted().drift
    assert found is not None
    return found


def window(number: int, model: Model = answers, shares: NDArray[np.floating] = SHARES, n: int = N) -> Judged:
    """One after the baseline, seen beside it."""
    at = DAYS * PER_DAY + number
    start = datetime.fromtimestamp(START + at * LENGTH_S, UTC)
    return fitted().judge(start, sample(range(at, at + 1), model, shares, n, seed=1))
