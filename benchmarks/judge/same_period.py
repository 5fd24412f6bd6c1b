"""Labels of the period itself: 21 cells of rates, judges and sizes, and what other estimates make of the same runs."""

from itertools import product

import numpy as np

from benchmarks.bars import Bars
from benchmarks.judge.cell import COVERAGE, Judge, Numbers, Seen, measured, ppi
from detectors.intervals import Z, wilson
from detectors.judge.mover import by_verdict, cell_rates, square_and_add

RUNS = 20_000  # so that a bias of half a thousandth can be told from chance
CELLS = (
    (0.01, Judge(0.8, 0.98)),
    (0.02, Judge(0.8, 0.95)),
    (0.05, Judge(0.8, 0.95)),
    (0.05, Judge(0.9, 0.98)),
    (0.1, Judge(0.8, 0.9)),
    (0.1, Judge(0.9, 0.95)),
    (0.2, Judge(0.8, 0.9)),
)
SIZES = ((100, 1_000), (300, 1_000), (300, 5_000))  # labels, verdicts
BIAS = {100: 0.002, 300: 0.0005}


def report(bars: Bars) -> None:
    """Each cell with its bars, and the others beside it."""
    for number, ((theta, judge), (n, verdicts)) in enumerate(product(CELLS, SIZES)):
        counts = draw(theta, judge, n, verdicts, np.random.default_rng([1, number]))
        judged, flagged, labels, failures = counts
        found = Seen(*by_verdict(*counts))
        human = Seen(failures.sum(-1) / n, *wilson(failures.sum(-1), labels.sum(-1)))
        passed = (
            COVERAGE[0] <= found.coverage(theta) <= COVERAGE[1]
            and abs(found.bias(theta)) <= BIAS[n]
            and found.width() <= human.width()
            and not np.isnan(found.value).any()
        )
        name = f"rate {theta}, q1 {judge.q1}, q0 {judge.q0}, {n} labels, {verdicts} verdicts"
        value = found.shown(theta) | {"runs": RUNS, "human_only_width": human.width()}
        bars.check(name, value, {"coverage": COVERAGE, "bias": BIAS[n], "width": "of human labels alone"}, passed)
        raw = Seen(flagged / judged, *wilson(flagged, judged))
        others = {
            "raw judge": raw,
            "human only": human,
            "PPI++": ppi(*counts),
            "Wilson in the cells": with_wilson(*counts),
        }
        for other, seen in others.items():
            measured(bars, f"{name}: {other}", seen.shown(theta))


def draw(
    theta: float, judge: Judge, n: int, verdicts: int, random: np.random.Generator
) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """The counts that `by_verdict` takes, of all runs."""
    among_flags, among_passes = judge.behind(theta)
    flagged = random.binomial(n, judge.flags(theta), RUNS)
    rest = random.binomial(verdicts - n, judge.flags(theta), RUNS)
    failures = random.binomial(flagged, among_flags), random.binomial(n - flagged, among_passes)
    labels = np.stack([flagged, n - flagged], -1).astype(np.float64)
    return np.full(RUNS, float(verdicts)), (flagged + rest).astype(np.float64), labels, np.stack(failures, -1) * 1.0


def with_wilson(judged: Numbers, flagged: Numbers, labels: Numbers, failures: Numbers) -> Seen:
    """As `by_verdict`, with the other interval that is usual for a share."""
    p = flagged / judged
    shares = np.stack([p, 1 - p], -1)[..., np.newaxis, :]
    rates = cell_rates(labels[..., np.newaxis, :], failures[..., np.newaxis, :])
    lower, upper = wilson(failures, labels)
    limits = np.where(labels > 0, lower, 0)[..., np.newaxis, :], np.where(labels > 0, upper, 1)[..., np.newaxis, :]
    spread = p * (1 - p) * (rates[..., 0, 0] - rates[..., 0, 1]) ** 2
    return Seen(*square_and_add(shares, rates, limits, Z**2 * spread / judged))
