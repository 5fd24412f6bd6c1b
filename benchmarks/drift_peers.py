"""What other methods make of the same windows: false alarms, delay, seconds and memory, side by side.

The windows are those of the drift benchmark: 200 texts an hour of CLINC150, whose mix of domains follows the day, from
other jitters of the texts than the reference; and once more without that cycle, since a method that does not know the
hour takes it for drift. The methods, each with what it is usually run with:

- Evidently's four methods for embeddings with their default thresholds, against 1,000 texts of the reference weeks;
- MMD with a permutation of requests against the same 1,000 texts, p < 0.05;
- a domain classifier, cross-fitted, against the same: Mann-Whitney p < 0.05 of its held-out scores;
- the naive rule: p < 0.05 of a window's mix or novelty, ranked among the reference weeks' windows, each for itself.

A short delay beside many false alarms means nothing: whoever always alarms is never late.

    python -m benchmarks.drift_peers --data ../shared/data --cache /tmp/embeddings    # about eight minutes on one core
    python -m benchmarks.drift_peers --data ../shared/data --windows 24 --drifts 1    # to see that it works
"""

import argparse
import json
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.bars import Bars, require
from benchmarks.drift.traffic import DOMAINS, HOUR_S, START, daily, shares_of
from benchmarks.drift.world import DOMAINS as BY_DOMAIN
from benchmarks.drift.world import JITTERS, jittered
from benchmarks.texts import CLINC, ORIGIN, Data, Rows, clinc
from detectors import ood
from detectors.comparison.classifier import logistic
from detectors.comparison.mmd import block_sums, squared
from detectors.comparison.stretch import median_distance, p_value, principal
from monitor.report.evidently_part import of_embedding
from monitor.report.thresholds import EMBEDDINGS

Numbers = NDArray[np.float64]
Window = tuple[float, Rows]  # its start, its vectors
Method = Callable[[Rows, float], bool]  # the vectors of a window and its start -> alarm

TEXTS, REFERENCE, DAYS, HORIZON = 200, 1_000, 14, 72
FOLDS, PERMUTATIONS, LEVEL = 5, 199, 0.05
POOL_FROM = 5_000  # rows before are left to the reference of the drift benchmark


@dataclass(frozen=True, eq=False)
class Pool:
    """Texts in `JITTERS` jitters each: those of row i of m at i, i + m, i + 2m, …"""

    vectors: Rows
    rows: int

    @classmethod
    def of(cls, vectors: Rows, random: np.random.Generator) -> "Pool":
        """Moved by noise, as in the drift benchmark."""
        return cls(np.concatenate([jittered(vectors, random) for _ in range(JITTERS)]), len(vectors))

    def draw(self, rows: NDArray[np.intp], random: np.random.Generator) -> Rows:
        """Each row in one of its jitters."""
        return self.vectors[rows + self.rows * random.integers(JITTERS, size=len(rows))]


@dataclass(frozen=True, eq=False)
class World:
    """The texts of the drift benchmark, as vectors alone; `members` are the rows of each domain."""

    baseline: Pool
    live: Pool
    strange: Pool
    members: list[NDArray[np.intp]]

    def rows(self, shares: Numbers, n: int, random: np.random.Generator) -> NDArray[np.intp]:
        """n rows by shares of the domains."""
        counts = random.multinomial(n, shares)
        return np.concatenate([random.choice(self.members[i], k) for i, k in enumerate(counts)])


def main() -> int:
    """Prints a line a method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="Folder with clinc_oos.")
    parser.add_argument("--cache", type=Path, help="Folder that keeps embeddings for the next run.")
    parser.add_argument("--windows", type=int, default=240, help="Windows without drift.")
    parser.add_argument("--drifts", type=int, default=4, help="Drifts of each kind.")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    require([options.data / CLINC, options.data / BY_DOMAIN], ORIGIN)
    made = world(Data(options.data, options.cache), options.seed)
    bars = Bars()
    for traffic, cycle in (("daily cycle", 1.0), ("no daily cycle", 0.0)):
        random = np.random.default_rng([options.seed, 1])
        source = Traffic(made, cycle, random)
        found = methods(source)
        drawn = {name: [source.drift(kind) for _ in range(options.drifts)] for name, kind in KINDS.items()}
        quiet = list(source.windows(hours(DAYS * 24, options.windows), made.live))
        for name, method in found.items():
            value = without_drift(method, quiet)
            value |= {f"delay, {kind}": delay(method, each) for kind, each in drawn.items()}
            bars.check(f"peer {name}, {traffic}", value, None, True)
    return bars.status


def world(data: Data, seed: int) -> World:
    """The texts of the drift benchmark, seen as vectors alone."""
    rows = clinc(data.folder)
    domain_of = domains(data.folder)
    random = np.random.default_rng(seed)
    intents = np.array([intent for _, intent in rows["train"]])
    held_out = set(random.permutation(sorted(set(intents)))[:15].tolist())
    known = np.flatnonzero([intent not in held_out for intent in intents])
    pool = random.permutation(known)[POOL_FROM:]
    vectors, strange = data.embed(rows["train"]), data.embed(rows["oos_test"])
    domain = np.array([domain_of[intent] for intent in intents[pool]])
    members = [np.flatnonzero(domain == number) for number in range(DOMAINS)]
    before, live = (Pool.of(vectors[pool], random) for _ in range(2))
    return World(before, live, Pool.of(strange, random), members)


def domains(folder: Path) -> dict[str, int]:
    """The number of each intent's domain."""
    named = json.loads((folder / BY_DOMAIN).read_text())
    return {intent: number for number, (_, intents) in enumerate(sorted(named.items())) for intent in intents}


def hours(first: int, count: int) -> Numbers:
    """Starts of windows."""
    return np.asarray(START + HOUR_S * (first + np.arange(count)), np.float64)


@dataclass(frozen=True)
class Kind:
    """What changes: a share of out-of-scope texts, or of one domain more."""

    strange: float = 0.0
    domain: float = 0.0


KINDS: Mapping[str, Kind] = {
    "5 % out-of-scope": Kind(strange=0.05),
    "10 % out-of-scope": Kind(strange=0.1),
    "one domain +10 pp": Kind(domain=0.1),
}


@dataclass(frozen=True, eq=False)
class Traffic:
    """Windows of a world; the mix of domains follows the day `cycle` times as much as in the drift benchmark."""

    world: World
    cycle: float
    random: np.random.Generator

    def shares(self, start: Numbers) -> Numbers:
        """(windows, domains)."""
        return shares_of(self.cycle * daily(start))

    def windows(self, start: Numbers, pool: Pool) -> Iterator[Window]:
        """Windows without drift."""
        for at, share in zip(start, self.shares(start), strict=True):
            yield float(at), pool.draw(self.world.rows(share, TEXTS, self.random), self.random)

    def drift(self, kind: Kind) -> list[Window]:
        """The windows after a change at a random hour of the week."""
        world, random = self.world, self.random
        start = hours(DAYS * 24 + int(random.integers(168)), HORIZON)
        raised = np.eye(DOMAINS)[random.integers(DOMAINS)]
        found = []
        for at, share in zip(start, (1 - kind.domain) * self.shares(start) + kind.domain * raised, strict=True):
            strange = random.binomial(TEXTS, kind.strange)
            known = world.live.draw(world.rows(share, TEXTS - strange, random), random)
            new = world.strange.draw(random.integers(world.strange.rows, size=strange), random)
            found.append((float(at), np.concatenate([known, new])))
        return found


def without_drift(method: Method, quiet: Sequence[Window]) -> dict[str, object]:
    """False alarms, and what a window costs."""
    begun = time.process_time()
    alarms = sum(method(vectors, at) for at, vectors in quiet)
    seconds = (time.process_time() - begun) / len(quiet)
    tracemalloc.start()
    method(quiet[0][1], quiet[0][0])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {
        "windows": len(quiet),
        "false alarms per 1,000": round(1_000 * alarms / len(quiet), 1),
        "seconds a window": round(seconds, 4),
        "peak MB": round(peak / 2**20, 1),
    }


def delay(method: Method, drifts: Sequence[Sequence[Window]]) -> dict[str, object]:
    """Windows until the first alarm: the median of the drifts (None beyond the horizon), and how many were missed."""
    found = [next((n for n, (at, x) in enumerate(each, 1) if method(x, at)), HORIZON + 1) for each in drifts]
    median = float(np.median(found)) if found else HORIZON + 1
    missed = sum(each > HORIZON for each in found)
    return {"median": median if median <= HORIZON else None, "missed": missed, "of": len(found)}


def methods(traffic: Traffic) -> dict[str, Method]:
    """Each method, ready to look at windows."""
    before = list(traffic.windows(hours(0, DAYS * 24), traffic.world.baseline))
    every = np.concatenate([vectors for _, vectors in before])
    reference = every[traffic.random.choice(len(every), REFERENCE, replace=False)]
    found: dict[str, Method] = {f"evidently {kind}": evidently(kind, reference) for kind, *_ in EMBEDDINGS}
    return found | {
        "mmd, permuted requests": permuted(reference),
        "domain classifier": classified(reference),
        "naive p < 0.05": Naive.of(before, reference),
    }


def evidently(kind: str, reference: Rows) -> Method:
    """One of Evidently's methods with its default threshold."""
    return lambda vectors, _at: of_embedding(kind, reference, vectors).drifted


def permuted(reference: Rows) -> Method:
    """MMD with a permutation of requests."""
    sigma = median_distance(reference)

    def alarm(vectors: Rows, _at: float) -> bool:
        n = len(reference) + len(vectors)
        sums = block_sums(np.concatenate([reference, vectors]), np.arange(n), sigma)
        second = np.arange(n) >= len(reference)
        random = np.random.RandomState(0)
        marks = np.stack([second, *(random.permutation(second) for _ in range(PERMUTATIONS))])
        value, *other = squared(sums, np.ones(n), marks)
        return p_value(value, np.array(other)) < LEVEL

    return alarm


def classified(reference: Rows) -> Method:
    """A cross-fitted logistic regression of which window a text is from."""
    from scipy.stats import mannwhitneyu, norm

    fold = np.arange(len(reference)) % FOLDS

    def alarm(vectors: Rows, _at: float) -> bool:
        x = principal(np.concatenate([reference, vectors]), 50)
        x = x / x.std(axis=0)
        labels = np.arange(len(x)) >= len(reference)
        folds = np.concatenate([fold, np.arange(len(vectors)) % FOLDS])
        z = 0.0
        for each in range(FOLDS):
            held = folds == each
            scores = x[held] @ logistic(x[~held], labels[~held])
            test = mannwhitneyu(scores[labels[held]], scores[~labels[held]], alternative="greater", method="asymptotic")
            z += norm.isf(test.pvalue) / FOLDS**0.5
        return bool(norm.sf(z) < LEVEL)

    return alarm


@dataclass(frozen=True, eq=False)
class Naive:
    """A window's mix and novelty, ranked among those of the reference weeks."""

    means: Mapping[float, Numbers]  # of the vectors, by second of the day
    scorer: ood.Scorer
    limit: float  # what one in twenty of the reference weeks' texts exceeds
    usual: Numbers  # (windows, 2)

    @classmethod
    def of(cls, before: Sequence[Window], reference: Rows) -> "Naive":
        """From the reference weeks; the scorer's own texts are not those that are ranked."""
        day = np.array([at % 86_400 for at, _ in before])
        own = np.array([vectors.mean(axis=0) for _, vectors in before])
        means = {float(each): own[day == each].mean(axis=0) for each in np.unique(day)}
        scorer = ood.fit("knn", reference)
        scores = [scorer.scores(vectors) for _, vectors in before]
        limit = float(np.quantile(np.concatenate(scores), 1 - LEVEL))
        # A window is not in the mean that it is compared with.
        count = np.array([np.sum(day == each) for each in day])
        rest = np.array([means[float(each)] for each in day])
        mix = np.square((own - rest) * (count / (count - 1))[:, np.newaxis]).sum(axis=1)
        novelty = np.array([np.mean(each > limit) for each in scores])
        return cls(means, scorer, limit, np.column_stack([mix, novelty]))

    def __call__(self, vectors: Rows, at: float) -> bool:
        """Whether either p-value is small."""
        mix = np.square(vectors.mean(axis=0) - self.means[at % 86_400]).sum()
        novelty = np.mean(self.scorer.scores(vectors) > self.limit)
        return any(
            p_value(float(score), usual) < LEVEL for score, usual in zip((mix, novelty), self.usual.T, strict=True)
        )


if __name__ == "__main__":
    sys.exit(main())
