"""Pairs judged in both orders: a judge that prefers a position, one that always says the same, and the intervals."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.bars import Bars
from benchmarks.judge.cell import COVERAGE, Seen, covered, gather, rounded
from detectors.judge.agreement import kappa
from detectors.judge.unknown import Unknown
from detectors.judge.weighted import score_interval
from detectors.judge.winrate import PositionBias, WinRate, pairs_needed, position_bias, win_rate

PAIRS, RUNS = 400, 20_000
BIAS, TRUTH = 0.7, 0.6


def report(bars: Bars, runs: int) -> None:
    """The judges, then the intervals in cells."""
    prefers_first(bars, runs)
    always_first(bars)
    intervals_with_ties(bars)
    intervals_of_kappa(bars, runs)
    for rate, least, most in ((0.6, 160, 240), (0.55, 700, 860)):
        needed = pairs_needed(rate)
        passed = needed is not None and least <= needed <= most
        bars.check(f"pairs needed to see a win rate of {rate} at 80 % power", needed, [least, most], passed)


def judged(orders: Sequence[NDArray[np.bool_]]) -> tuple[list[float | None], PositionBias]:
    """Scores of our side and the bias, from whether the first that was shown won: ours first, and ours second."""
    ours_first, ours_second = orders
    scores = np.where(ours_first == ours_second, 0.5, np.where(ours_first, 1.0, 0.0))
    first, second = int(np.sum(ours_first & ours_second)), int(np.sum(~ours_first & ~ours_second))
    bias = position_bias(first, second, int(np.sum(scores != 0.5)), len(scores))
    assert not isinstance(bias, Unknown)
    return scores.tolist(), bias


def prefers_first(bars: Bars, runs: int) -> None:
    """In 70 % of its calls it says first, whatever is there; else what is true, which is 60:40."""
    random = np.random.default_rng(9)
    decided, whole, biases, one_order = [], [], [], []
    for _ in range(runs):
        better = random.random(PAIRS) < TRUTH
        orders = [np.where(random.random(PAIRS) < BIAS, True, better == ours_first) for ours_first in (True, False)]
        scores, bias = judged(orders)
        found, single = win_rate(scores), win_rate(orders[0].astype(np.float64).tolist())
        assert isinstance(found, WinRate)
        assert isinstance(single, WinRate)
        assert not isinstance(found.decided, Unknown)
        decided.append(found.decided[:3])
        whole.append((found.value, found.lower, found.upper))
        biases.append((bias.value, bias.lower, bias.upper))
        one_order.append((single.value, single.lower, single.upper))
    beside = {"one order only, coverage": gather(one_order).coverage(TRUTH)}
    covered(bars, "position bias 70 %, truth 60:40: decided pairs", gather(decided), TRUTH, beside)
    truth = expected_score()
    covered(bars, "position bias 70 %, truth 60:40: ties as halves", gather(whole), truth, {"truth": truth})
    covered(bars, "position bias 70 %: its estimate", gather(biases), BIAS, {"truth": BIAS})


def expected_score() -> float:
    """The mean score: a win needs one call by merit, in the order in which the better answer comes second."""
    return 0.5 + (1 - BIAS) * (2 * TRUTH - 1) / 2


def always_first(bars: Bars) -> None:
    """A judge that looks at nothing."""
    scores, bias = judged([np.ones(PAIRS, bool)] * 2)
    found = win_rate(scores)
    assert isinstance(found, WinRate)
    value = [found.value, found.ties, found.decided.why if isinstance(found.decided, Unknown) else None, bias.value]
    name = "a judge that always says first: win rate, ties, decided, position bias"
    bars.equal(name, value, [0.5, PAIRS, "no_decisions", 1.0])


def intervals_with_ties(bars: Bars) -> None:
    """Shares of wins, ties and losses."""
    cells = ((0.5, 0.0, 0.5), (0.6, 0.0, 0.4), (0.9, 0.0, 0.1), (0.3, 0.4, 0.3), (0.18, 0.7, 0.12), (0.08, 0.9, 0.02))
    for number, cell in enumerate(cells):
        for n in (100, 400):
            counts = np.random.default_rng([10, number, n]).multinomial(n, cell, RUNS)
            mean, ties = (counts[:, 0] + counts[:, 1] / 2) / n, counts[:, 1] / n / 4
            truth = cell[0] + cell[1] / 2
            covered(bars, f"win rate {cell}, {n} pairs", Seen(mean, *score_interval(mean, ties, n)), truth, {})


def intervals_of_kappa(bars: Bars, runs: int) -> None:
    """Joint shares of two who judge: rare failures, two and three answers."""
    cells = (
        ("two answers, one rare", [[0.86, 0.04], [0.03, 0.07]]),
        ("two answers", [[0.5, 0.1], [0.1, 0.3]]),
        ("three answers", [[0.35, 0.08, 0.04], [0.07, 0.3, 0.04], [0.03, 0.04, 0.05]]),
    )
    for number, (name, joint) in enumerate(cells):
        shares = np.array(joint)
        truth = kappa(shares, 1.0)
        assert not isinstance(truth, Unknown)
        random, found = np.random.default_rng([11, number]), []
        for counts in random.multinomial(300, shares.ravel(), runs):
            seen = kappa(counts.reshape(shares.shape).astype(np.float64))
            assert not isinstance(seen, Unknown)
            found.append(tuple(seen))
        coverage = gather(found).coverage(truth.value)
        value = {"kappa": rounded(truth.value), **gather(found).shown(truth.value)}
        bars.check(f"kappa of 300: {name}", value, {"coverage": COVERAGE}, COVERAGE[0] <= coverage <= COVERAGE[1])
