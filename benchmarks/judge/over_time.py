"""Limits that are looked at every day, and alarms: how often they are wrong, and how fast they see a change."""

import numpy as np

from benchmarks.bars import Bars
from benchmarks.judge.cell import Judge, at_most, measured, rounded
from detectors.judge.judged import FAIL, PASS, Judged
from detectors.judge.mover import by_verdict
from detectors.judge.rise import Rise, Usual, usual, window_share
from detectors.judge.sequence import Flagged, Lasting, failure_rate
from detectors.judge.unknown import Unknown

RUNS, DAYS, VERDICTS = 2_000, 60, 300
RATES = (
    (0.01, Judge(0.8, 0.98), 5),
    (0.05, Judge(0.8, 0.95), 5),
    (0.1, Judge(0.8, 0.9), 5),
    (0.2, Judge(0.8, 0.9), 5),
    (0.05, Judge(0.9, 0.98), 20),
    (0.2, Judge(0.5, 0.6), 20),
)
FLAG_RUNS, FLAG_RATES = 200, (0.02, 0.1)
MONTH_RUNS, MONTH, LABELLED = 100, 30, 0.1

RISE_RUNS, HORIZON, BASELINE, BUDGET = 200, 120, 28, 60.0
CALLS, RISKY, RISKY_PI = 5_000, 0.1, 8.0
DELAYS = {1.5: 11, 2.0: 6}


def report(bars: Bars) -> None:
    """Sequences, then the test."""
    for number, (theta, judge, labels) in enumerate(RATES):
        looked_at_daily(bars, theta, judge, labels, np.random.default_rng([6, number]))
    for number, rate in enumerate(FLAG_RATES):
        weighted_flags(bars, rate, np.random.default_rng([7, number]))
    for number, rate in enumerate(FLAG_RATES):
        month_by_risk(bars, rate, np.random.default_rng([9, number]))
    rises(bars, 0.0826, 0.008, windows=6)
    rises(bars, 0.0826, 0.0, windows=6)
    rises(bars, 0.05, 0.005, windows=6)
    rises(bars, 0.0826, 0.008, windows=1)


def looked_at_daily(bars: Bars, theta: float, judge: Judge, labels: int, random: np.random.Generator) -> None:
    """60 days of 300 verdicts and a few labels each; wrong if it is on any day."""
    among_flags, among_passes = judge.behind(theta)
    flagged = random.binomial(labels, judge.flags(theta), (RUNS, DAYS))
    rest = random.binomial(VERDICTS - labels, judge.flags(theta), (RUNS, DAYS))
    failures = random.binomial(flagged, among_flags), random.binomial(labels - flagged, among_passes)
    judged = np.broadcast_to(VERDICTS * np.arange(1.0, DAYS + 1), (RUNS, DAYS))
    counts = (
        judged,
        np.cumsum(flagged + rest, axis=1) * 1.0,
        np.cumsum(np.stack([flagged, labels - flagged], -1), axis=1) * 1.0,
        np.cumsum(np.stack(failures, -1), axis=1) * 1.0,
    )
    found, once = failure_rate(*counts), by_verdict(*counts)
    value = {
        "wrong on some day": rounded(np.mean(((found.lower > theta) | (found.upper < theta)).any(axis=1))),
        "interval of one look, wrong on some day": rounded(
            np.mean(((once.lower > theta) | (once.upper < theta)).any(axis=1))
        ),
        "width after 10 and 60 days": [rounded(np.mean((found.upper - found.lower)[:, day])) for day in (9, 59)],
    }
    name = f"confidence sequence: rate {theta}, q1 {judge.q1}, q0 {judge.q0}, {labels} labels a day"
    bars.check(name, value, {"at_most": 0.05}, value["wrong on some day"] <= 0.05)


def weighted_flags(bars: Bars, rate: float, random: np.random.Generator) -> None:
    """The share of flags from verdicts that were drawn by risk, 60 days of about 300."""
    wrong, widths = 0, []
    for _ in range(FLAG_RUNS):
        state, missed = Flagged(), False
        for _ in range(DAYS):
            flags, pi, least = day(rate, VERDICTS, random)
            state = state.step(flags, pi, least)
            lower, upper = state.interval()
            missed |= not lower <= rate <= upper
        wrong += missed
        widths.append(upper - lower)
    value = {"wrong on some day": rounded(wrong / FLAG_RUNS), "width after 60 days": rounded(np.mean(widths))}
    bars.check(f"confidence sequence: flags by risk, rate {rate}", value, {"at_most": 0.05}, wrong <= 0.05 * FLAG_RUNS)


def month_by_risk(bars: Bars, theta: float, random: np.random.Generator) -> None:
    """30 days of about 300 verdicts on calls drawn by risk, a tenth of them labelled; looked at every day."""
    judge, wrong, widths = Judge(0.8, 0.95), 0, []
    for _ in range(MONTH_RUNS):
        month, kept, missed = Lasting(), np.zeros((0, 3)), False
        for _ in range(MONTH):
            failures, pi, least = day(theta, VERDICTS, random)
            flags = random.random(len(pi)) < np.where(failures == 1, judge.q1, 1 - judge.q0)
            labels = np.where(random.random(len(pi)) < LABELLED, failures, np.nan)
            today = np.stack([np.where(flags, FAIL, PASS), labels, pi], axis=1)
            kept = np.concatenate([kept, today[~np.isnan(labels)]])
            month = month.step(Judged.of(today[:, 0], probabilities=(pi, 1.0)), float(least))
            verdicts, said, drawn = kept.T
            found = month.failing(Judged.of(verdicts, said, probabilities=(drawn, LABELLED)), float(least) * LABELLED)
            missed |= found is not None and not found.lower <= theta <= found.upper
        wrong += missed
        widths.append(float(found.upper - found.lower) if found is not None else 1.0)
    value = {"wrong on some day": rounded(wrong / MONTH_RUNS), "width after 30 days": rounded(np.mean(widths))}
    name = f"confidence sequence: month by risk with labels, rate {theta}"
    bars.check(name, value, {"at_most": 0.05}, wrong <= 0.05 * MONTH_RUNS)


def day(rate: float, verdicts: int, random: np.random.Generator, calls: int = CALLS) -> tuple[np.ndarray, ...]:
    """Verdicts on calls of which a tenth is risky: flagged four times as often, eight times likelier to be drawn."""
    pi = np.array([1.0, RISKY_PI]) * verdicts / (calls * (1 - RISKY + RISKY * RISKY_PI))
    share = np.array([1 - RISKY, RISKY])
    drawn = random.binomial(np.round(share * calls).astype(np.intp), pi)
    flags = random.binomial(drawn, np.array([(1 - 4 * RISKY) / (1 - RISKY), 4.0]) * rate)
    return (
        np.repeat([1.0, 0.0, 1.0, 0.0], [flags[0], drawn[0] - flags[0], flags[1], drawn[1] - flags[1]]),
        np.repeat(pi, drawn),
        pi.min(),
    )


def rises(bars: Bars, rate: float, between: float, windows: int) -> None:
    """300 verdicts a day in so many windows; what is tolerated is one point more."""
    hits: dict[float, list[float]] = {1.0: [], **{factor: [] for factor in DELAYS}}
    for run in range(RISE_RUNS):
        random = np.random.default_rng([8, run])
        known = learnt(rate, between, windows, random)
        for factor, found in hits.items():
            found.append(first_alarm(rate * factor, between, windows, (known, random)))
    alarms = int(np.sum(np.isfinite(hits[1.0])))
    name = f"flags rise: usually {rate}, days differ by {between}, {windows} windows a day"
    at_most(bars, f"{name}, alarms in {RISE_RUNS * HORIZON} days of nothing", alarms, RISE_RUNS * HORIZON / BUDGET)
    for factor, bar in DELAYS.items():
        found = np.array(hits[factor])
        value = {
            "median_days": float(np.median(found)),
            "p90_days": float(np.quantile(found, 0.9)),
            f"missed in {HORIZON} days": int(np.sum(~np.isfinite(found))),
        }
        if rate == 0.0826 and windows == 6:
            bars.check(f"{name}, x {factor}", value, {"median_days": bar}, value["median_days"] <= bar)
        else:
            measured(bars, f"{name}, x {factor}", value)


def learnt(rate: float, between: float, windows: int, random: np.random.Generator) -> Usual:
    """From four weeks."""
    days = [of_day(rate, between, windows, random) for _ in range(BASELINE)]
    shares, variances = np.array(days).transpose(2, 0, 1)
    found = usual(shares.mean(axis=1), variances.mean(axis=1) / windows)
    assert not isinstance(found, Unknown)
    return found


def of_day(rate: float, between: float, windows: int, random: np.random.Generator) -> list[tuple[float, float]]:
    """X of each window of a day, whose rate is its own."""
    own = max(0.001, rate + between * random.standard_normal())
    calls = CALLS // windows
    return [window_share(*day(own, VERDICTS // windows, random, calls)[:2], calls) for _ in range(windows)]


def first_alarm(rate: float, between: float, windows: int, known: tuple[Usual, np.random.Generator]) -> float:
    """The day of the first alarm, or infinity."""
    state = Rise()
    for number in range(1, HORIZON + 1):
        for share, _ in of_day(rate, between, windows, known[1]):
            state = state.step(share, known[0], 1 / windows)
            if state.evidence(BUDGET) >= 1:
                return float(number)
    return float("inf")
