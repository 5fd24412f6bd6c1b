"""Mean time to a false alarm where scores have a memory: AR(1) of which noise of sampling hides a part."""

from itertools import product

import numpy as np

from benchmarks.bars import Bars
from detectors.drift import smooth
from detectors.drift.evidence import KAPPAS, discount
from detectors.drift.verdict import RESERVE
from detectors.neighbours import Numbers

RHO, SHARE = (0.6, 0.9, 0.98), (0.08, 0.25, 0.5, 1.0)
BASELINE, TARGET, BASELINES, LONGEST = 672, 720, 16, 40_000


def run_lengths(bars: Bars) -> None:
    """For each process the mean run length over the target; of one channel."""
    for rho, share in product(RHO, SHARE):
        random = np.random.default_rng([round(100 * rho), round(100 * share)])
        ratio = float(np.mean([_run_length(random, rho, share) for _ in range(BASELINES)])) / TARGET
        name = f"run length / target, AR(1) {rho} with {share:.0%} of the variance"
        bars.check(name, round(ratio, 2), {"at least": 1}, ratio >= 1)


def _run_length(random: np.random.Generator, rho: float, share: float) -> float:
    """Windows to an alarm by one fit, on the average; after an alarm the sums start anew."""
    scores = _scores(random, rho, share, BASELINE + LONGEST)
    centre = scores[:BASELINE].mean()
    known = scores - centre
    fitted = smooth.fit(known[:BASELINE], 6 / BASELINE)
    rest = known - fitted.predictions(known)
    calibration = np.sort(rest[:BASELINE])
    p = (1 + BASELINE - np.searchsorted(calibration, rest[BASELINE:], side="left")) / (BASELINE + 1)
    bets = np.stack([kappa * p ** (kappa - 1) / discount(BASELINE, kappa) for kappa in KAPPAS], axis=1)
    sums, alarms = np.zeros(len(KAPPAS)), 0
    for bet in bets:
        sums = (sums + 1) * bet
        if sums.mean() >= RESERVE * TARGET:
            sums, alarms = np.zeros(len(KAPPAS)), alarms + 1
    return LONGEST / max(alarms, 1)


def _scores(random: np.random.Generator, rho: float, share: float, n: int) -> Numbers:
    noise = random.standard_normal((2, n))
    path = noise[0]
    for t in range(1, n):
        path[t] = rho * path[t - 1] + (1 - rho**2) ** 0.5 * noise[0, t]
    return np.asarray(share**0.5 * path + (1 - share) ** 0.5 * noise[1])
