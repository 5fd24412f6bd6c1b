"""Delays on other texts: questions that turn to another language, intents of a bank's customers that are new."""

from dataclasses import replace

import numpy as np

from benchmarks.bars import Bars
from benchmarks.drift.changes import HORIZON, WARM_UP
from benchmarks.drift.measure import BUDGET_DAYS, DAYS
from benchmarks.drift.traffic import HOUR_S, START, TEXTS
from benchmarks.drift.world import Fitted, Pool, joined
from benchmarks.texts import Data, Rows, banking, banking_intents, texts, xquad
from detectors.drift.calibrate import Calibration, calibrate
from detectors.drift.detector import Test, begin, step
from detectors.drift.observed import Observed, Texts, observe

LANGUAGES, SHARES, REPEATS = ("de", "es", "zh"), (0.02, 0.05, 0.1), 20
BANKING_SHARES = (0.03, 0.05, 0.1)


def languages(bars: Bars, data: Data) -> None:
    """English questions of XQuAD, of which a share comes in another language."""
    questions, vectors = xquad(data.folder), data.languages()
    random = np.random.default_rng(0)
    order = random.permutation(len(questions["en"]))
    half, later, asked = np.split(order, [len(order) // 2, len(order) * 5 // 8])
    fitted = Fitted.fit(vectors["en"][half], _of(questions["en"], half), vectors["en"][later], 0)
    english = [Pool.of(fitted, vectors["en"][asked], _of(questions["en"], asked), random) for _ in range(2)]
    calibration = _calibrated(fitted, english[0], random)
    for language in LANGUAGES:
        foreign = Pool.of(fitted, vectors[language][asked], _of(questions[language], asked), random)
        for share in SHARES:
            _report(bars, f"xquad, {share:.0%} {language}", _delays(calibration, (english[1], foreign), share, random))


def intents(bars: Bars, data: Data) -> None:
    """BANKING77, of which 27 intents are held back and come in one at a time."""
    train, _ = banking(data.folder)
    vectors, words, random = data.embed(train), texts(train), np.random.default_rng(0)
    held = banking_intents(train, for_pick=False, draw=0)
    unseen = np.array([intent in held for _, intent in train])
    order = random.permutation(np.flatnonzero(~unseen))
    half, later, asked = np.split(order, [len(order) // 2, len(order) * 5 // 8])
    fitted = Fitted.fit(vectors[half], _of(words, half), vectors[later], 0)
    known = [Pool.of(fitted, vectors[asked], _of(words, asked), random) for _ in range(2)]
    calibration = _calibrated(fitted, known[0], random)
    pools = [
        _pool(fitted, (vectors, words), np.array([each == name for _, each in train]), random) for name in sorted(held)
    ]
    for share in BANKING_SHARES:
        found = [each for pool in pools for each in _delays(calibration, (known[1], pool), share, random, 1)]
        _report(bars, f"banking77, {share:.0%} of one new intent", found)


def _of(words: list[str], rows: np.ndarray) -> list[str]:
    return [words[row] for row in rows]


def _pool(fitted: Fitted, known: tuple[Rows, list[str]], mine: np.ndarray, random: np.random.Generator) -> Pool:
    rows = np.flatnonzero(mine)
    return Pool.of(fitted, known[0][rows], _of(known[1], rows), random)


def _calibrated(fitted: Fitted, pool: Pool, random: np.random.Generator) -> Calibration:
    starts = START + HOUR_S * np.arange(DAYS * 24)
    windows = [_window(fitted, start, _draw(pool, TEXTS, random)) for start in starts.tolist()]
    return calibrate(HOUR_S, windows, fitted.reference.radius, fitted.reference.topics)


def _draw(pool: Pool, n: int, random: np.random.Generator) -> Texts:
    return pool.draw(random.integers(pool.rows, size=n), random)


def _window(fitted: Fitted, start: float, seen: Texts) -> Observed:
    return observe(start, seen, fitted.reference.radius)


def _delays(
    calibration: Calibration,
    pools: tuple[Pool, Pool],
    share: float,
    random: np.random.Generator,
    repeats: int = REPEATS,
) -> list[int | None]:
    return [_delay(calibration, pools, share, random) for _ in range(repeats)]


def _delay(calibration: Calibration, pools: tuple[Pool, Pool], share: float, random: np.random.Generator) -> int | None:
    ordinary, new = pools
    first, state = begin(calibration), begin(calibration)
    for t in range(WARM_UP + HORIZON):
        start = START + HOUR_S * (DAYS * 24 + t)
        count = int(random.binomial(TEXTS, share)) if t >= WARM_UP else 0
        seen = _draw(ordinary, TEXTS - count, random)
        seen = joined(seen, _draw(new, count, random)) if count else seen
        state, reading = step(calibration, Test(BUDGET_DAYS), state, observe(start, seen, calibration.radius))
        if t == WARM_UP - 1:
            state = replace(state, sums=first.sums, rise=first.rise, since=first.since, episodes=first.episodes)
        if t >= WARM_UP and reading.alarms:
            return t - WARM_UP + 1
    return None


def _report(bars: Bars, name: str, delays: list[int | None]) -> None:
    known = [HORIZON + 1 if each is None else each for each in delays]
    value = {
        "median": float(np.median(known)),
        "90th percentile": round(float(np.quantile(known, 0.9)), 1),
        "missed": round(float(np.mean([each is None for each in delays])), 3),
    }
    bars.check(f"windows until it is seen, {name}", value, None, True)
