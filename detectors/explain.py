"""What stands behind a drift, for a person: topics that grew and shrank, and new topics."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors import ood
from detectors.baseline import Baseline
from detectors.effects import Placed, difference
from detectors.intervals import wilson_of
from detectors.neighbours import Indices, Numbers, Rows
from detectors.profile import HOUR
from detectors.topics import EXEMPLARS, Topic, names_of, terms_of

FALSE_DISCOVERIES = 0.1
_SCANNED = 5_000  # texts among which new topics are looked for
_BALL = 8  # other texts within the radius of a new topic's first
_TIMES = 8  # as many as are usual there
_BLOCK = 1_024


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """How a topic's share changed, in numbers.

    Attributes:
        before: usual share at these times.
        now: share.
        lower: of the 95 % interval of `now - before`.
        upper: of that interval.
        ratio: now / before; None when there was none before.
        ratio_lower: of its 95 % interval.
        ratio_upper: of that interval; None when it is unbounded.
        per_hour_before: usual calls of the topic an hour. A burst of one topic lowers the shares of all others, and
            leaves these as they are.
        per_hour: calls an hour.
        p: exact, two-sided.
    """

    before: float
    now: float
    lower: float
    upper: float
    ratio: float | None
    ratio_lower: float
    ratio_upper: float | None
    per_hour_before: float
    per_hour: float
    p: float

    def numbers(self) -> dict[str, Any]:
        """These attributes by name, for another kind of `Shift`."""
        return {each.name: getattr(self, each.name) for each in fields(Shift)}


@dataclass(frozen=True, slots=True, kw_only=True)
class TopicChange(Shift):
    """A topic whose share changed, or may have.

    Attributes:
        topic: of the baseline.
        exemplars: ids of calls nearest to the topic's centre, at most three.
    """

    topic: Topic
    exemplars: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewTopic:
    """Texts that are near to each other where the baseline has almost none.

    Attributes:
        name: from its terms.
        terms: that tell it from the other texts of the stretch.
        n: texts.
        share: of the texts that were looked at.
        expected: texts that were usual there.
        strange: share of its texts that are out of distribution; a new topic beside a known one has few.
        exemplars: ids of calls nearest to its centre, at most three.
        per_hour_before: usual calls an hour there.
        per_hour: calls an hour.
    """

    name: str
    terms: tuple[str, ...]
    n: int
    share: float
    expected: float
    strange: float
    exemplars: tuple[str, ...]
    per_hour_before: float
    per_hour: float


@dataclass(frozen=True, slots=True)
class Explanation:
    """Topics that grew or shrank, by the size of the change, among which at most 10 % are expected to be chance, and
    new topics, the largest first."""

    grown: tuple[TopicChange, ...] = ()
    shrunk: tuple[TopicChange, ...] = ()
    new: tuple[NewTopic, ...] = ()


def explain(baseline: Baseline, placed: Placed | None, population: int | None = None) -> Explanation:
    """What changed in a stretch of time.

    Args:
        baseline: that the texts were placed beside.
        placed: what `effects.place` gave for the texts of the stretch.
        population: calls of the stretch, of which these are a sample; by default they are all.
    """
    if placed is None:
        return Explanation()
    calls = (population or len(placed.all_p)) / _hours(baseline, placed)
    changes = list(_changes(baseline, placed, calls))
    kept = adjusted(np.array([change.p for change in changes])) <= FALSE_DISCOVERIES
    real = [change for change, keep in zip(changes, kept, strict=True) if keep]
    real.sort(key=lambda change: -abs(change.now - change.before))
    return Explanation(
        tuple(change for change in real if change.now > change.before),
        tuple(change for change in real if change.now < change.before),
        tuple(_new_topics(baseline, placed, calls)),
    )


def adjusted(p: Numbers) -> Numbers:
    """p-values (k,) after Benjamini and Hochberg: those at or below q have a false discovery rate of at most q."""
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    result = np.empty(len(p))
    result[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1)
    return result


def rate_ratio(k: float, n: float, j: float, m: float) -> tuple[float | None, float, float | None]:
    """(k / n) / (j / m) with its 95 % interval, from the Wilson interval of k among k + j; None is infinite.

    Given their sum, k is binomial with odds ratio · n / m. Counts need not be whole.
    """
    if k + j == 0:
        return None, 0.0, None
    low, high = wilson_of(k, k + j)

    def odds(q: float) -> float | None:
        return q / (1 - q) * m / n if q < 1 else None

    return odds(k / (k + j)), odds(low) or 0.0, odds(high)


def _hours(baseline: Baseline, placed: Placed) -> float:
    """How long the windows are that the texts lie in."""
    length_s = baseline.history.length_s
    return len(np.unique(np.floor(placed.at / length_s))) * length_s / HOUR


def _changes(baseline: Baseline, placed: Placed, calls: float) -> Iterator[TopicChange]:
    """Every topic, in order; `calls` is how many there were an hour."""
    history, n, m = baseline.history, len(placed.labels), 1 / placed.usual.noise
    counts = np.bincount(placed.labels, minlength=len(baseline.topics))
    before = placed.usual.shares(history.topics, history.n)
    volume = history.topics * (history.calls / history.n)[:, np.newaxis] / (history.length_s / HOUR)
    often = np.maximum(placed.usual.of(volume), 0)
    for topic, share, usually, k in zip(baseline.topics, before, often, counts, strict=True):
        _, lower, upper = difference(k / n, n, share, m)
        ratio, ratio_lower, ratio_upper = rate_ratio(k, n, share * m, m)
        mine = placed.labels == topic.id
        yield TopicChange(
            topic=topic,
            before=float(share),
            now=k / n,
            lower=lower,
            upper=upper,
            ratio=ratio,
            ratio_lower=ratio_lower,
            ratio_upper=ratio_upper,
            per_hour_before=float(usually),
            per_hour=k / n * calls,
            p=_p(int(k), n, round(share * m), m),
            exemplars=_nearest(placed.vectors.mean, baseline.centroids[topic.id], mine, placed.ids),
        )


def _p(k: int, n: float, j: int, m: float) -> float:
    """Two-sided, exact: k among k + j is binomial when the rates k / n and j / m are the same."""
    from scipy.stats import binomtest  # type: ignore[import-untyped]

    return float(binomtest(k, k + j, n / (n + m)).pvalue) if k + j else 1.0


def _nearest(x: Rows, centre: Rows, among: NDArray[np.bool_], ids: Sequence[str]) -> tuple[str, ...]:
    rows = np.flatnonzero(among)
    nearness = np.asarray(x[rows], np.float64) @ centre
    return tuple(ids[row] for row in rows[np.argsort(-nearness, kind="stable")[:EXEMPLARS]])


def _new_topics(baseline: Baseline, placed: Placed, calls: float) -> Iterator[NewTopic]:
    """Disjoint balls with many texts where few are usual, the fullest first.

    Looked for among all texts: of a new topic beside a known one, only a third is out of distribution. What is usual an
    hour there is the baseline's share of the calls that are usual at these times.

    Args:
        baseline: that the texts were placed beside.
        placed: the texts.
        calls: an hour.
    """
    history = baseline.history
    usually = max(float(placed.usual.of(history.calls / (history.length_s / HOUR))), 0.0)
    x = np.asarray(placed.vectors.mean[:_SCANNED], np.float32)
    near = x @ x.T >= baseline.radius
    expected = _expected(baseline, x)
    balls = list(_balls(near, expected))
    labels = np.full(len(x), len(balls), np.intp)
    for number, (_, members) in enumerate(balls):
        labels[members] = number
    terms = terms_of(placed.texts[: len(x)], labels, len(balls) + 1)[: len(balls)] if balls else []
    strange = placed.p[: len(x)] <= ood.LEVEL
    for (centre, members), words, name in zip(balls, terms, names_of(terms), strict=True):
        mine = np.isin(np.arange(len(x)), members)
        nearest = _nearest(x, x[members].mean(axis=0), mine, placed.ids)
        share, often = len(members) / len(x), float(expected[centre])
        yield NewTopic(
            name=name,
            terms=words,
            n=len(members),
            share=share,
            expected=often,
            strange=float(strange[members].mean()),
            exemplars=nearest,
            per_hour_before=often / len(x) * usually,
            per_hour=share * calls,
        )


def _balls(near: NDArray[np.bool_], expected: Numbers) -> Iterator[tuple[int, Indices]]:
    """Centre and members of each ball; a ball has nine texts or more, and eight times as many as expected."""
    free = np.ones(len(near), np.bool_)
    while True:
        others = np.where(free, near @ free.astype(np.float32) - 1, 0)
        wanted = (others >= _BALL) & (others >= _TIMES * expected)
        if not wanted.any():
            return
        centre = int(np.where(wanted, others, -1).argmax())
        members = np.flatnonzero(near[centre] & free)
        free[members] = False
        yield centre, members


def _expected(baseline: Baseline, x: NDArray[np.float32]) -> Numbers:
    """How many of n texts usually lie within the radius of each, (n,)."""
    known = np.zeros(len(x))
    for start in range(0, len(baseline.reservoir), _BLOCK):
        block = baseline.reservoir[start : start + _BLOCK].astype(np.float32)
        known += np.count_nonzero(x @ block.T >= baseline.radius, axis=1)
    return known / len(baseline.reservoir) * len(x)
