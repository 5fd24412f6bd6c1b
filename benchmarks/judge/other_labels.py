"""Labels that are not an even sample of today's calls: of earlier traffic, drawn by risk, of whole conversations."""

from itertools import product

import numpy as np

from benchmarks.bars import Bars
from benchmarks.judge.cell import Judge, Seen, covered, gather, ppi
from detectors.intervals import wilson_of
from detectors.judge.estimate import Corrected, by_labels_of_the_period
from detectors.judge.judged import Judged
from detectors.judge.mover import by_verdict
from detectors.judge.old_labels import Counted, rogan_gladen
from detectors.judge.weighted import hajek, horvitz_thompson

OLD_RUNS, VERDICTS = 20_000, 1_000
THEN = 0.05
NOW = (0.02, 0.05, 0.1, 0.15)
JUDGES = (Judge(0.8, 0.95), Judge(0.9, 0.98), Judge(0.8, 0.9))

RISKY = ((0.05, 0.3, 0.03), (0.1, 0.2, 0.01), (0.2, 0.3, 0.1))  # share of the traffic, rates of failure there and else
RISKY_VERDICTS = 0.3  # share of the verdicts that go there
TRAFFIC = 20_000

CONVERSATIONS = ((0.1, 3), (0.1, 5), (0.3, 5), (0.3, 10))  # correlation of failures inside, calls of each
CLUSTERED = ((0.05, Judge(0.8, 0.95)), (0.1, Judge(0.8, 0.9)), (0.2, Judge(0.8, 0.9)))


def report(bars: Bars, runs: int) -> None:
    """All three, and what comes of ignoring it."""
    for number, (judge, now, n) in enumerate(product(JUDGES, NOW, (100, 300))):
        old(bars, judge, now, n, np.random.default_rng([2, number]))
    for number, (risk, judge, n) in enumerate(product(RISKY, JUDGES[:2], (100, 300))):
        by_risk(bars, risk, judge, n, (np.random.default_rng([3, number]), runs))
    for number, ((theta, judge), kind) in enumerate(product(CLUSTERED, CONVERSATIONS)):
        conversations(bars, theta, judge, kind, (np.random.default_rng([4, number]), runs))
    strata(bars, np.random.default_rng(5))


def old(bars: Bars, judge: Judge, now: float, n: int, random: np.random.Generator) -> None:
    """Labels of a time when 5 % failed."""
    failures = random.binomial(n, THEN, OLD_RUNS).astype(np.float64)
    hits = random.binomial(failures.astype(np.intp), judge.q1).astype(np.float64)
    passes = random.binomial((n - failures).astype(np.intp), judge.q0).astype(np.float64)
    flagged = random.binomial(VERDICTS, judge.flags(now), OLD_RUNS).astype(np.float64)
    judged = np.full(OLD_RUNS, float(VERDICTS))
    with np.errstate(invalid="ignore"):
        caught = Counted(np.nan_to_num(hits / failures), failures)
    found = rogan_gladen(Counted(flagged / judged, judged), caught, Counted(passes / (n - failures), n - failures))
    known = ~np.isnan(found.value)
    labels = np.stack([hits + n - failures - passes, failures - hits + passes], -1)
    counts = judged, flagged, labels, np.stack([hits, failures - hits], -1)
    beside = {
        "refused": round(float(1 - known.mean()), 4),
        "PPI++ coverage": ppi(*counts).coverage(now),
        "as if of the period, coverage": Seen(*by_verdict(*counts)).coverage(now),
    }
    name = f"labels of earlier traffic: rate {THEN} then, {now} now, q1 {judge.q1}, q0 {judge.q0}, {n} labels"
    covered(bars, name, Seen(*(each[known] for each in found)), now, beside)


def by_risk(
    bars: Bars,
    risk: tuple[float, float, float],
    judge: Judge,
    n: int,
    runs: tuple[np.random.Generator, int],
) -> None:
    """Verdicts, and labels with them, drawn 30:70 from traffic of which a part is risky."""
    share, risky, calm = risk
    theta = share * risky + (1 - share) * calm
    random, found, even = runs[0], [], []
    for _ in range(runs[1]):
        strata = np.repeat([1, 0], [in_risk := random.binomial(TRAFFIC, share), TRAFFIC - in_risk])
        drawn = np.array([(1 - RISKY_VERDICTS), RISKY_VERDICTS]) * VERDICTS / np.bincount(strata, minlength=2)
        strata = strata[random.random(TRAFFIC) < drawn[strata]]
        failures = (random.random(len(strata)) < np.array([calm, risky])[strata]).astype(np.float64)
        labels = np.where(random.random(len(strata)) < n / VERDICTS, failures, np.nan)
        verdicts = judge.verdicts(failures, random)
        weighted = Judged.of(verdicts, labels, probabilities=(drawn[strata], n / VERDICTS), strata=strata)
        found.append(limits(by_labels_of_the_period(weighted)))
        even.append(limits(by_labels_of_the_period(Judged.of(verdicts, labels))))
    lower, upper = wilson_of(theta * n, n)
    beside = {"unweighted coverage": gather(even).coverage(theta), "human_only_even_width": round(upper - lower, 4)}
    name = f"labels by risk: {share} of the traffic fails {risky}, the rest {calm}, q1 {judge.q1}, q0 {judge.q0}"
    covered(bars, f"{name}, {n} labels", gather(found), theta, beside)


def conversations(
    bars: Bars, theta: float, judge: Judge, kind: tuple[float, int], runs: tuple[np.random.Generator, int]
) -> None:
    """300 labels of whole conversations, some of which fail more than others."""
    correlation, size = kind
    random, found, alone = runs[0], [], []
    count, labelled, width = VERDICTS // size, 300, (1 - correlation) / correlation
    clusters = np.repeat(np.arange(count), size)
    for _ in range(runs[1]):
        rates = random.beta(theta * width, (1 - theta) * width, count)
        failures = (random.random(len(clusters)) < rates[clusters]).astype(np.float64)
        verdicts = judge.verdicts(failures, random)
        labels = np.where(np.arange(len(clusters)) < labelled, failures, np.nan)
        found.append(limits(by_labels_of_the_period(Judged.of(verdicts, labels, clusters=clusters))))
        alone.append(limits(by_labels_of_the_period(Judged.of(verdicts, labels))))
    name = f"labels of conversations: rate {theta}, {size} calls each, correlation {correlation}"
    covered(bars, name, gather(found), theta, {"as if independent, coverage": gather(alone).coverage(theta)})


def strata(bars: Bars, random: np.random.Generator) -> None:
    """A twentieth of the traffic fails ten times as often and gets three tenths of 300 verdicts: no bias."""
    share, risky, calm = RISKY[0]
    in_risk = round(TRAFFIC * share)
    parts = np.repeat([1, 0], [in_risk, TRAFFIC - in_risk])
    failures = (random.random(TRAFFIC) < np.array([calm, risky])[parts]).astype(np.float64)
    pi = np.where(parts == 1, 300 * RISKY_VERDICTS / in_risk, 300 * (1 - RISKY_VERDICTS) / (TRAFFIC - in_risk))
    theta, runs = float(failures.mean()), 20_000
    found: dict[str, list[float]] = {"Horvitz-Thompson": [], "Hájek": [], "unweighted": []}
    deviations = []
    for _ in range(runs):
        # The few failures and the others: only which are drawn matters, not their order.
        taken = random.random(TRAFFIC) < pi
        y, drawn = failures[taken], pi[taken]
        mean = horvitz_thompson(y, drawn, TRAFFIC)
        found["Horvitz-Thompson"].append(mean.value)
        found["Hájek"].append(hajek(y, drawn).value)
        found["unweighted"].append(float(y.mean()))
        deviations.append(mean.variance)
    for name, values in found.items():
        bias, error = float(np.mean(values)) - theta, float(np.std(values)) / runs**0.5
        value: dict[str, object] = {"bias": round(bias, 5), "standard_error": round(error, 5)}
        if name == "unweighted":
            bars.check(f"strata 30:70, {name}", value, None, True)
            continue
        bars.check(f"strata 30:70, {name}", value, {"bias": 0.0005}, abs(bias) <= 0.0005)
    ratio = float(np.mean(deviations) / np.var(found["Horvitz-Thompson"]))
    bars.check("strata 30:70, estimated over true variance", round(ratio, 3), "0.95 to 1.05", 0.95 <= ratio <= 1.05)


def limits(found: object) -> tuple[float, float, float]:
    """An estimate as numbers; refusing is failing."""
    assert isinstance(found, Corrected), found
    return found.value, found.lower, found.upper
