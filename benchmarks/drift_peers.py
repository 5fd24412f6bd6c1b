"""What other methods make of the same windows: false alarms, delay, seconds and memory, side by side.

The windows are those of the drift benchmark: 200 texts an hour of CLINC150, whose mix of domains follows the day, from
other jitters of the texts than the four weeks before; and once more without that cycle, since a method that does not
know the hour takes it for drift. The methods, each with what it is usually run with:

- ours: the detector that is shipped, at one false alarm in 30 days, by windows and by whole days;
- Evidently's four methods for embeddings with their default thresholds, against 1,000 texts of the weeks before;
- MMD with a permutation of requests against the same 1,000 texts, p < 0.05;
- a domain classifier, cross-fitted, against the same: Mann-Whitney p < 0.05 of its held-out scores;
- the naive rule: p < 0.05 of a window's mix or novelty, ranked among the windows of the weeks before, each for itself.

Ours calls once when an alarm begins and not again while it goes on; the others are asked anew at every window. A short
delay beside many false alarms means nothing: whoever always alarms is never late.

    python -m benchmarks.drift_peers --data ../shared/data [--cache DIR]              # ten minutes on one core
    python -m benchmarks.drift_peers --data ../shared/data --windows 24 --drifts 1    # to see that it works
"""

import argparse
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.bars import Bars, require
from benchmarks.drift.traffic import DOMAINS, HOUR_S, START, TEXTS, daily, shares_of
from benchmarks.drift.world import Fitted, Pool, World, joined, paths
from benchmarks.texts import ORIGIN, Data, Rows
from detectors import ood
from detectors.comparison.classifier import logistic
from detectors.comparison.mmd import block_sums, squared
from detectors.comparison.stretch import median_distance, p_value, principal
from detectors.drift.calibrate import Calibration, calibrate
from detectors.drift.detector import Test, begin, step
from detectors.drift.hindsight import hindsight
from detectors.drift.observed import Texts, observe
from detectors.drift.weeks import kept_days
from detectors.ood import LEVEL
from monitor.report.evidently_part import of_embedding
from monitor.report.thresholds import EMBEDDINGS

Numbers = NDArray[np.float64]
Window = tuple[float, Texts]  # its start, its texts

REFERENCE, DAYS, WARM_UP, HORIZON = 1_000, 28, 24, 72
BUDGET_DAYS = 30.0
FOLDS, PERMUTATIONS = 5, 199
COSTED = 5  # windows
_SAID = "how do i get my money back for the order that never came"


class Method(Protocol):
    """Whoever looks at windows and says when something has changed."""

    def alarms(self, windows: Sequence[Window]) -> Iterator[bool]:
        """Whether each of some windows in a row, after the reference weeks, is called a change."""
        ...

    def look(self, window: Window) -> object:
        """All that one window takes once its texts are embedded; to be timed."""
        ...


def main() -> int:
    """Prints a line a method."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="Folder with clinc_oos.")
    parser.add_argument("--cache", type=Path, help="Folder that keeps embeddings for the next run.")
    parser.add_argument("--windows", type=int, default=168, help="Windows without drift.")
    parser.add_argument("--drifts", type=int, default=3, help="Drifts of each kind.")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    require(paths(options.data), ORIGIN)
    world = World.build(Data(options.data, options.cache), options.seed)
    bars = Bars()
    for name, cycle in (("daily cycle", 1.0), ("no daily cycle", 0.0)):
        traffic = Traffic(world, cycle, options.seed)
        for method, ready in methods(traffic).items():
            value = without_drift(ready, list(traffic.after(options.windows)))
            for number, (kind, each) in enumerate(KINDS.items()):
                drifts = (list(traffic.drift(each, [number, again])) for again in range(options.drifts))
                value |= {f"delay, {kind}": delay(ready, drifts)}
            bars.check(f"{method}, {name}", value, None, True)
    return bars.status


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
    """Windows of a world; the mix of domains follows the day `cycle` times as much as in the drift benchmark.

    Windows are drawn anew for each method, the same ones: all of them together would take gigabytes.
    """

    world: World
    cycle: float
    seed: int

    def before(self) -> Iterator[Window]:
        """The reference weeks."""
        return self._windows(hours(0, DAYS * 24), self.world.baseline, self._random(0))

    def after(self, count: int) -> Iterator[Window]:
        """The windows after them, without drift."""
        return self._windows(hours(DAYS * 24, count), self.world.live, self._random(1))

    def drift(self, kind: Kind, draw: Sequence[int]) -> Iterator[Window]:
        """A day of ordinary windows from a random hour of a week, then the windows after a change."""
        world, random = self.world, self._random(2, *draw)
        start = hours(DAYS * 24 + int(random.integers(168)), WARM_UP + HORIZON)
        raised = np.eye(DOMAINS)[random.integers(DOMAINS)]
        yield from self._windows(start[:WARM_UP], world.live, random)
        shares = (1 - kind.domain) * self._shares(start) + kind.domain * raised
        for at, share in zip(start[WARM_UP:].tolist(), shares[WARM_UP:], strict=True):
            strange = int(random.binomial(TEXTS, kind.strange))
            known = world.live.draw(world.rows(share, TEXTS - strange, random), random)
            yield at, joined(known, world.strange.draw(random.integers(world.strange.rows, size=strange), random))

    def _windows(self, start: Numbers, pool: Pool, random: np.random.Generator) -> Iterator[Window]:
        for at, share in zip(start.tolist(), self._shares(start), strict=True):
            yield at, pool.draw(self.world.rows(share, TEXTS, random), random)

    def _shares(self, start: Numbers) -> Numbers:
        """(windows, domains)."""
        return shares_of(self.cycle * daily(start))

    def _random(self, *of: int) -> np.random.Generator:
        return np.random.default_rng([self.seed, *of])


def without_drift(method: Method, quiet: Sequence[Window]) -> dict[str, object]:
    """False alarms, and what a window costs."""
    alarms = sum(method.alarms(quiet))
    begun = time.process_time()
    for window in quiet[:COSTED]:
        method.look(window)
    seconds = (time.process_time() - begun) / len(quiet[:COSTED])
    tracemalloc.start()
    method.look(quiet[0])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return {
        "windows": len(quiet),
        "false alarms": alarms,
        "false alarms in 30 days": round(alarms * 30 * 24 / len(quiet), 1),
        "seconds a window": round(seconds, 4),
        "peak MB": round(peak / 2**20, 1),
    }


def delay(method: Method, drifts: Iterable[Sequence[Window]]) -> dict[str, object]:
    """Windows until the first alarm: the median of the drifts (None beyond the horizon), and how many were missed."""
    found = []
    for drift in drifts:
        after = (n - WARM_UP + 1 for n, alarm in enumerate(method.alarms(drift)) if alarm and n >= WARM_UP)
        found.append(next(after, HORIZON + 1))
    median = float(np.median(found)) if found else HORIZON + 1
    missed = sum(each > HORIZON for each in found)
    return {"median": median if median <= HORIZON else None, "missed": missed, "of": len(found)}


def methods(traffic: Traffic) -> dict[str, Method]:
    """Each method, ready to look at windows."""
    fitted = traffic.world.fitted
    found: dict[str, Method] = {"ours": Ours.of(fitted, traffic.before())}
    every = np.concatenate([texts.vectors for _, texts in traffic.before()])
    reference = every[np.random.default_rng(traffic.seed).choice(len(every), REFERENCE, replace=False)]
    del every
    found |= {f"evidently {kind}": Each(evidently(kind, reference)) for kind, *_ in EMBEDDINGS}
    return found | {
        "MMD, permuted requests": Each(permuted(reference)),
        "domain classifier": Each(classified(reference)),
        "naive p < 0.05": Naive.of(fitted, traffic.before()),
    }


@dataclass(frozen=True, eq=False)
class Ours:
    """The detector of this project, as the service runs it."""

    fitted: Fitted
    calibration: Calibration
    test: Test

    @classmethod
    def of(cls, fitted: Fitted, before: Iterable[Window]) -> "Ours":
        """With the budget that its own past leaves it."""
        radius = fitted.reference.radius
        observed = [observe(at, texts, radius) for at, texts in before]
        calibration = calibrate(HOUR_S, observed, radius, fitted.reference.topics)
        test = Test(kept_days(BUDGET_DAYS, hindsight(observed, calibration), DAYS))
        return cls(fitted, calibration, test)

    def alarms(self, windows: Sequence[Window]) -> Iterator[bool]:
        """Alarms that begin, also those of whole days."""
        state = replace(begin(self.calibration), until=windows[0][0])
        for at, texts in windows:
            state, reading = step(self.calibration, self.test, state, observe(at, texts, self.calibration.radius))
            yield bool(reading.alarms) or reading.slow is not None

    def look(self, window: Window) -> object:
        """Neighbours, topics, features, form, and the step."""
        at, texts = window
        seen = self.fitted.see(texts.vectors, [_SAID] * len(texts.vectors))
        state = replace(begin(self.calibration), until=at)
        return step(self.calibration, self.test, state, observe(at, seen, self.calibration.radius))


@dataclass(frozen=True)
class Each:
    """A rule that looks at the vectors of every window for itself."""

    alarm: Callable[[Rows], bool]

    def alarms(self, windows: Sequence[Window]) -> Iterator[bool]:
        """Of each window."""
        return (self.alarm(texts.vectors) for _, texts in windows)

    def look(self, window: Window) -> object:
        """The rule."""
        return self.alarm(window[1].vectors)


def evidently(kind: str, reference: Rows) -> Callable[[Rows], bool]:
    """One of Evidently's methods with its default threshold."""
    return lambda vectors: of_embedding(kind, reference, vectors).drifted


def permuted(reference: Rows) -> Callable[[Rows], bool]:
    """MMD with a permutation of requests."""
    sigma = median_distance(reference)

    def alarm(vectors: Rows) -> bool:
        n = len(reference) + len(vectors)
        sums = block_sums(np.concatenate([reference, vectors]), np.arange(n), sigma)
        second = np.arange(n) >= len(reference)
        random = np.random.RandomState(0)
        marks = np.stack([second, *(random.permutation(second) for _ in range(PERMUTATIONS))])
        value, *other = squared(sums, np.ones(n), marks)
        return p_value(value, np.array(other)) < LEVEL

    return alarm


def classified(reference: Rows) -> Callable[[Rows], bool]:
    """A cross-fitted logistic regression of which window a text is from."""
    from scipy.stats import mannwhitneyu, norm

    fold = np.arange(len(reference)) % FOLDS

    def alarm(vectors: Rows) -> bool:
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

    fitted: Fitted
    means: Mapping[float, Numbers]  # of the vectors, by second of the day
    usual: Numbers  # (windows, 2)

    @classmethod
    def of(cls, fitted: Fitted, before: Iterable[Window]) -> "Naive":
        """From the reference weeks."""
        rows = [(at % 86_400, texts.vectors.mean(axis=0), np.mean(texts.p <= LEVEL)) for at, texts in before]
        day, own, novelty = (np.array(each) for each in zip(*rows, strict=True))
        means = {float(each): own[day == each].mean(axis=0) for each in np.unique(day)}
        # A window is not in the mean that it is compared with.
        count = np.array([np.sum(day == each) for each in day])
        rest = np.array([means[float(each)] for each in day])
        mix = np.square((own - rest) * (count / (count - 1))[:, np.newaxis]).sum(axis=1)
        return cls(fitted, means, np.column_stack([mix, novelty]))

    def alarms(self, windows: Sequence[Window]) -> Iterator[bool]:
        """Whether either p-value of a window is small."""
        return (self._is_rare(at, texts.vectors, texts.p) for at, texts in windows)

    def look(self, window: Window) -> object:
        """With the scores of its texts."""
        at, texts = window
        scores = self.fitted.scorer.scores(texts.vectors)
        return self._is_rare(at, texts.vectors, ood.p_values(scores, self.fitted.calibration))

    def _is_rare(self, at: float, vectors: Rows, p: Numbers) -> bool:
        mix = np.square(vectors.mean(axis=0) - self.means[at % 86_400]).sum()
        novelty = np.mean(p <= LEVEL)
        return any(
            p_value(float(score), usual) < LEVEL for score, usual in zip((mix, novelty), self.usual.T, strict=True)
        )


if __name__ == "__main__":
    sys.exit(main())
