"""How far a judge and people agree: Cohen's κ, sensitivity and specificity, each with its interval.

Sources: J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20 (1960);
J. L. Fleiss, J. Cohen and B. S. Everitt, "Large sample standard errors of kappa and weighted kappa", Psychological
Bulletin 72 (1969).
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from detectors.intervals import wilson_of
from detectors.judge.judged import FAIL, PASS, Judged
from detectors.judge.unknown import Unknown, Why
from detectors.judge.weighted import Share, share
from detectors.measurement import Floats


class Kappa(NamedTuple):
    """Agreement beyond chance: 1 when always, 0 when no more often than by chance; with its 95 % limits."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """A judge beside people, weighted to the traffic.

    Attributes:
        agreement: share of the labelled calls of which both say the same; a reply without a verdict agrees with nobody.
        kappa: that beyond chance.
        sensitivity: share of the failures that the judge flags.
        specificity: share of the good answers that it passes.
        labels: how many calls were labelled.
        failures: how many of them are failures.
        without_verdict: to how many of them the judge gave no verdict.
    """

    agreement: Share | Unknown
    kappa: Kappa | Unknown
    sensitivity: Share | Unknown
    specificity: Share | Unknown
    labels: int
    failures: int
    without_verdict: int


def agreement(period: Judged) -> Agreement:
    """Of the labelled calls of a period."""
    rows = period.labelled
    verdicts, labels, weights = period.verdicts[rows], period.labels[rows], period.label_weights
    clusters = None if period.clusters is None else period.clusters[rows]

    def share_of(hits: Floats, among: Floats, missing: Why) -> Share | Unknown:
        mine = np.flatnonzero(among)
        if not len(mine):
            return Unknown(missing)
        return share(hits[mine], weights[mine], None if clusters is None else clusters[mine])

    same = (verdicts == np.where(labels == 1, FAIL, PASS)).astype(np.float64)
    both = share_of(same, np.ones(len(rows)), Why.NO_LABELS)
    found: Kappa | Unknown
    if isinstance(both, Unknown):
        found = both
    else:
        # Of a person NONE is never said; as a verdict it is one more way to disagree.
        categories = np.zeros((3, 3))
        np.add.at(categories, (verdicts, np.where(labels == 1, FAIL, PASS)), weights)
        found = kappa(categories, both.effective)
    return Agreement(
        agreement=both,
        kappa=found,
        sensitivity=share_of((verdicts == FAIL).astype(np.float64), labels == 1, Why.NO_FAILURES_LABELLED),
        specificity=share_of((verdicts == PASS).astype(np.float64), labels == 0, Why.NO_PASSES_LABELLED),
        labels=len(rows),
        failures=int(labels.sum()),
        without_verdict=int(np.sum((verdicts != FAIL) & (verdicts != PASS))),
    )


def table(first: Sequence[Hashable], second: Sequence[Hashable]) -> Floats:
    """(k, k): how often the first said one thing and the second another, over all things that either said."""
    places = {each: place for place, each in enumerate(dict.fromkeys([*first, *second]))}
    counts = np.zeros((len(places), len(places)))
    for one, other in zip(first, second, strict=True):
        counts[places[one], places[other]] += 1
    return counts


def kappa(counts: Floats, effective: float | None = None) -> Kappa | Unknown:
    """Cohen's κ.

    The interval is Wilson's of the observed agreement, at the size at which that agreement would have the variance
    that Fleiss, Cohen and Everitt give κ: with perfect agreement it is not a point.

    Args:
        counts: (k, k), rows what the one says and columns what the other does; weights may stand for counts.
        effective: how many evenly drawn independent calls they are worth; their sum when None.
    """
    total = float(counts.sum())
    n = total if effective is None else effective
    if total <= 0:
        return Unknown(Why.NO_LABELS)
    shares = counts / total
    rows, columns, same = shares.sum(axis=1), shares.sum(axis=0), np.diag(shares)
    observed, chance = float(same.sum()), float(rows @ columns)
    if chance > 1 - 1e-12:
        return Unknown(Why.ONE_CLASS, round(total))
    value = (observed - chance) / (1 - chance)
    diagonal = float(same @ ((1 - chance) - (rows + columns) * (1 - observed)) ** 2)
    off = shares * (rows[np.newaxis, :] + columns[:, np.newaxis]) ** 2
    rest = (1 - observed) ** 2 * float(off.sum() - np.diag(off).sum())
    spread = (diagonal + rest - (observed * chance - 2 * chance + observed) ** 2) / (1 - chance) ** 2
    worth = n * observed * (1 - observed) / spread if spread > 1e-12 and 0 < observed < 1 else n
    lower, upper = wilson_of(observed * worth, worth)
    return Kappa(value, (lower - chance) / (1 - chance), (upper - chance) / (1 - chance))
