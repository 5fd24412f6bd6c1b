"""What a period's verdicts and labels say about all of its calls: the failure rate, by every way that there is.

Labels of the period itself are post-stratified by verdict (`mover`); earlier labels only say how far the judge can be
trusted (`old_labels`); without labels there is what the judge said, which is no failure rate and has a type of its own.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from detectors.judge.cells import tabulate
from detectors.judge.judged import FAIL, NONE, Judged
from detectors.judge.mover import Interval, post_stratified
from detectors.judge.old_labels import Counted, rogan_gladen
from detectors.judge.unknown import Unknown, Why
from detectors.judge.weighted import design_effect, kish, share
from detectors.measurement import Floats
from detectors.neighbours import Indices

ENOUGH_LABELS = 50  # of the period itself; with fewer, earlier ones are preferred where there are any


@dataclass(frozen=True, slots=True)
class Corrected:
    """A failure rate with its 95 % interval for one look.

    Attributes:
        method: what it rests on.
        value, lower, upper: the rate.
        judged: calls of the period that were judged.
        labels: how many labels went into it.
        failures: how many of these say failure.
    """

    method: Literal["labels_of_the_period", "earlier_labels"]
    value: float
    lower: float
    upper: float
    judged: int
    labels: int
    failures: int


@dataclass(frozen=True, slots=True)
class JudgeOnly:
    """How often the judge says failure. **Not corrected**: a judge that is wrong one time in ten is not a failure rate.

    Attributes:
        flagged: share of the verdicts that say failure, weighted to the traffic.
        lower, upper: its interval; replies without a verdict count as passed at one end and as flagged at the other.
        judged: calls with a verdict.
        without_verdict: replies that held none.
    """

    flagged: float
    lower: float
    upper: float
    judged: int
    without_verdict: int
    corrected: Literal[False] = False


@dataclass(frozen=True, slots=True)
class JudgeScore:
    """The mean of what a judge gives on a scale from 0 to 1. **Not corrected**: no person gives such scores.

    Attributes:
        value: weighted to the traffic.
        lower, upper: its interval; replies without a score count as 0 at one end and as 1 at the other.
        judged: calls with a score.
        without_score: replies that held none.
    """

    value: float
    lower: float
    upper: float
    judged: int
    without_score: int
    corrected: Literal[False] = False


@dataclass(frozen=True, slots=True)
class Estimates:
    """Every way to see a period.

    Attributes:
        by_period: from labels of the period.
        by_earlier: from earlier labels.
        judge_only: without any.
        moved: by how much the first two differ, when that is more than their intervals explain: the judge has become
            better or worse, or the earlier labels are of other traffic. New labels are needed. None otherwise.
    """

    by_period: Corrected | Unknown
    by_earlier: Corrected | Unknown
    judge_only: JudgeOnly | Unknown
    moved: float | None = None

    @property
    def preferred(self) -> Corrected | JudgeOnly | Unknown:
        """The one to show first: by labels of the period when there are `ENOUGH_LABELS` of them or no earlier ones."""
        own, earlier = self.by_period, self.by_earlier
        if isinstance(own, Corrected) and (own.labels >= ENOUGH_LABELS or isinstance(earlier, Unknown)):
            return own
        if isinstance(earlier, Corrected):
            return earlier
        return self.judge_only


def estimate(now: Judged, earlier: Judged | None = None, traffic: Sequence[float] | None = None) -> Estimates:
    """The failure rate of a period.

    Args:
        now: its judged calls.
        earlier: judged calls of earlier traffic by the same judge and rubric, of which the labelled ones count.
        traffic: how many calls each stratum of the period holds, where that is known: estimates are steadier then.
    """
    own = by_labels_of_the_period(now, traffic)
    old = Unknown(Why.NO_LABELS) if earlier is None else by_earlier_labels(now, earlier)
    return Estimates(own, old, judge_only(now), _moved(own, old))


def judge_only(now: Judged) -> JudgeOnly | Unknown:
    """What the judge said, of the traffic that its calls were drawn from."""
    flags = np.where(now.verdicts == NONE, np.nan, (now.verdicts == FAIL).astype(np.float64))
    found = judge_score(flags, now.pi, now.clusters)
    if isinstance(found, Unknown):
        return found
    return JudgeOnly(found.value, found.lower, found.upper, found.judged, found.without_score)


def judge_score(scores: Floats, pi: Floats, clusters: Indices | None = None) -> JudgeScore | Unknown:
    """The mean score.

    Args:
        scores: (n,) from 0 to 1; NaN for a reply without one.
        pi: (n,) with which probability each call was judged.
        clusters: (n,) numbers of the conversations; None when each call is its own.
    """
    given = ~np.isnan(scores)
    if not given.any():
        return Unknown(Why.NO_VERDICTS, len(scores))
    if not ((scores[given] >= 0) & (scores[given] <= 1)).all():
        raise ValueError("scores: each must lie in 0 to 1, or be NaN")
    low, high = (share(np.where(given, scores, missing), 1 / pi, clusters) for missing in (0.0, 1.0))
    if isinstance(low, Unknown) or isinstance(high, Unknown):
        return Unknown(Why.ONE_CLUSTER, 1)
    value = float(np.average(scores[given], weights=1 / pi[given]))
    return JudgeScore(value, low.lower, high.upper, int(given.sum()), int((~given).sum()))


def by_labels_of_the_period(now: Judged, traffic: Sequence[float] | None = None) -> Corrected | Unknown:
    """Post-stratified by stratum and verdict; see `mover`."""
    rows = now.labelled
    if not len(rows):
        return Unknown(Why.NO_LABELS if len(now.verdicts) else Why.NO_VERDICTS)
    if now.clusters is not None and len(np.unique(now.clusters[rows])) < 2:
        return Unknown(Why.ONE_CLUSTER, 1)
    table = tabulate(now, traffic)
    effect = 1.0 if now.clusters is None else design_effect(table.residuals[rows], now.clusters[rows])
    found = post_stratified(
        table.shares, table.worth / effect, table.rates, np.asarray(table.verdict_variance * effect)
    )
    return _corrected("labels_of_the_period", found, now, now)


def by_earlier_labels(now: Judged, earlier: Judged) -> Corrected | Unknown:
    """Corrected by what earlier labels say of the judge; see `old_labels`."""
    flags = share((now.verdicts == FAIL).astype(np.float64), now.weights, now.clusters)
    if isinstance(flags, Unknown):
        return flags
    if not len(earlier.labelled):
        return Unknown(Why.NO_LABELS)
    (q1, failures), (false_alarms, passes) = (_caught(earlier, label) for label in (1.0, 0.0))
    if not failures or not passes:
        return Unknown(Why.NO_PASSES_LABELLED if failures else Why.NO_FAILURES_LABELLED)
    counted = ((flags.value, flags.effective), (q1, failures), (1 - false_alarms, passes))
    found = rogan_gladen(*(Counted(np.asarray(share), np.asarray(n)) for share, n in counted))
    if np.isnan(found.value):
        return Unknown(Why.JUDGE_TOO_WEAK, len(earlier.labelled))
    return _corrected("earlier_labels", found, now, earlier)


def _caught(earlier: Judged, label: float) -> tuple[float, float]:
    """The share that the judge flagged of the calls with a label, and how many evenly drawn ones they are worth."""
    rows = earlier.labelled
    mine = earlier.labels[rows] == label
    if not mine.any():
        return 0.0, 0.0
    weights, flags = earlier.label_weights[mine], (earlier.verdicts[rows][mine] == FAIL).astype(np.float64)
    clusters: Indices | None = None if earlier.clusters is None else earlier.clusters[rows][mine]
    if clusters is None or len(np.unique(clusters)) < 2:
        return float(np.average(flags, weights=weights)), kish(weights)
    found = share(flags, weights, clusters)
    assert not isinstance(found, Unknown)
    return found.value, found.effective


def _corrected(
    method: Literal["labels_of_the_period", "earlier_labels"], found: Interval, now: Judged, labelled: Judged
) -> Corrected:
    rows = labelled.labelled
    value, lower, upper = (float(each) for each in found)
    return Corrected(method, value, lower, upper, len(now.verdicts), len(rows), int(labelled.labels[rows].sum()))


def _moved(own: Corrected | Unknown, old: Corrected | Unknown) -> float | None:
    """The difference when its square-and-add interval does not hold 0; both share today's flags, so it is wide."""
    if isinstance(own, Unknown) or isinstance(old, Unknown):
        return None
    difference = own.value - old.value
    reach = (
        np.hypot(own.value - own.lower, old.upper - old.value)
        if difference > 0
        else np.hypot(own.upper - own.value, old.value - old.lower)
    )
    return difference if abs(difference) > reach else None
