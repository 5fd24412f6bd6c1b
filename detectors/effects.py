"""How far the texts of a stretch of time differ from a baseline, as numbers with intervals.

The intervals are those of one look at one stretch, for display; whether to raise an alarm is decided elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from detectors import ood, topics
from detectors.baseline import Baseline
from detectors.features import squared_distance, take
from detectors.intervals import Z, newcombe, wilson_of
from detectors.measurement import OTHER, Key, Reason, Value
from detectors.neighbours import Indices, Numbers
from detectors.profile import DAY, Usual, once, usual

if TYPE_CHECKING:
    from detectors.embedder import Embedded
    from detectors.fitting import FitSample

LEAST_TEXTS = 50  # below, only an earthquake is seen
TOPICS_SHOWN = 20
_FAR = 5.0  # robust standard deviations from the median day


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """The texts of a stretch beside a baseline. Of the m that were given, n count: those that repeat within a window of
    the baseline count once.

    Attributes:
        rows: (n,) which of the given texts, in order of their ids, so that the order of the given ones does not matter.
        ids: n of their calls.
        texts: n.
        vectors: their embeddings.
        at: (n,) seconds since 1970.
        labels: (n,) topics.
        p: (n,) how strange: conformal p-values.
        usual: what is usual at these times.
        all_scores: (m,) out-of-distribution scores of all given texts, in the order given.
        all_p: (m,) their p-values.
    """

    rows: Indices
    ids: Sequence[str]
    texts: Sequence[str]
    vectors: "Embedded"
    at: Numbers
    labels: Indices
    p: Numbers
    usual: Usual
    all_scores: Numbers
    all_p: Numbers


@dataclass(frozen=True, slots=True)
class OutlierDay:
    """A day of the baseline that is unlike its others.

    Attributes:
        day: UTC.
        mix: its squared distance from the other days, without bias.
        usual: the median of the days' distances.
        topic: whose share differs most on it.
        change: by how much.
    """

    day: date
    mix: float
    usual: float
    topic: str
    change: float


def place(baseline: Baseline, sample: "FitSample") -> Placed | None:
    """Finds topic and strangeness of each text, once for everything that is said of a stretch; None without any text.

    Args:
        baseline: fitted with the same embedder and redactor, which the caller checks by `Baseline.refuses`.
        sample: the texts of the stretch, in any order.
    """
    order = np.array(sorted(range(len(sample.ids)), key=lambda row: (sample.ids[row], sample.at[row])), np.intp)
    rows = order[once([sample.texts[row] for row in order], sample.at[order], baseline.length_s)]
    if not len(rows):
        return None
    scores = ood.score_texts(baseline.scorer, sample.vectors)
    p = ood.p_values(scores, baseline.calibration)
    vectors, at = take(sample.vectors, rows), sample.at[rows]
    return Placed(
        rows=rows,
        ids=[sample.ids[row] for row in rows],
        texts=[sample.texts[row] for row in rows],
        vectors=vectors,
        at=at,
        labels=topics.assign(baseline.centroids, vectors.mean),
        p=p[rows],
        usual=usual(baseline.history, at),
        all_scores=scores,
        all_p=p,
    )


def measure(baseline: Baseline, placed: Placed | None) -> dict[Key, Value]:
    """The measurements of a stretch of time, of texts each counted once a window; without any text, reasons.

    `out_of_distribution_ratio`; `embedding_drift` by effect: `novelty` (that ratio less the usual one), `mix` (squared
    distance between what the texts are about and the usual, without its bias, so about 0 when nothing has changed),
    `topic` (change in share of the topic that changed most); `topic_share` of the largest topics of the baseline and
    `__other__`.
    """
    if placed is None:
        return {key: Value(None, n=0, reason=Reason.NO_VALUES) for key in _keys(baseline)}
    n = len(placed.p)
    strange = ood.ratio(placed.p)
    shares = _shares(baseline, placed.labels)
    if n < LEAST_TEXTS:
        drift = dict.fromkeys(EFFECTS, Value(None, n=n, reason=Reason.TOO_FEW))
    else:
        drift = {
            "novelty": _novelty(baseline, placed),
            "mix": _mix(baseline, placed),
            "topic": _topic(baseline, placed),
        }
    values = [strange, *(drift[effect] for effect in EFFECTS), *shares]
    return dict(zip(_keys(baseline), values, strict=True))


def _keys(baseline: Baseline) -> list[Key]:
    names = [topic.name for topic in baseline.topics[:TOPICS_SHOWN]]
    return [
        Key("out_of_distribution_ratio"),
        *(Key.of("embedding_drift", effect=effect) for effect in EFFECTS),
        *(Key.of("topic_share", topic=name) for name in (*names, OTHER)),
    ]


def _shares(baseline: Baseline, labels: Indices) -> list[Value]:
    counts = np.bincount(labels, minlength=len(baseline.topics)).astype(np.float64)
    shown = [*counts[:TOPICS_SHOWN], counts[TOPICS_SHOWN:].sum()]
    n = float(len(labels))
    bounds = [wilson_of(float(count), n) for count in shown]
    return [Value(float(k / n), low, high, len(labels)) for k, (low, high) in zip(shown, bounds, strict=True)]


def _novelty(baseline: Baseline, placed: Placed) -> Value:
    known = ~np.isnan(baseline.history.strange)
    before, n = float(baseline.history.strange[known].sum()), float(baseline.history.n[known].sum())
    now = float(np.mean(placed.p <= ood.LEVEL))
    return Value(*difference(now, len(placed.p), before / n, n), len(placed.p))


def _mix(baseline: Baseline, placed: Placed) -> Value:
    mean = placed.usual.of(baseline.history.features)
    return Value(*squared_distance(baseline.features(placed.vectors.mean), mean, placed.usual.noise), len(placed.p))


def _topic(baseline: Baseline, placed: Placed) -> Value:
    """The largest change; its interval is so wide that those of all topics hold together (Bonferroni)."""
    n, k = len(placed.labels), len(baseline.topics)
    now = np.bincount(placed.labels, minlength=k) / n
    before = placed.usual.shares(baseline.history.topics, baseline.history.n)
    topic = int(np.abs(now - before).argmax())
    z = NormalDist().inv_cdf(1 - 0.025 / k)
    return Value(*difference(float(now[topic]), n, float(before[topic]), 1 / placed.usual.noise, z), n)


def outlier_days(baseline: Baseline) -> tuple[OutlierDay, ...]:
    """Days of the baseline itself that a person should look at before it is accepted, the oddest first.

    Those whose distance from the profile of the other days is more than five robust standard deviations (1.48 times the
    median absolute deviation) above the median; none in a baseline of less than four days.
    """
    history = baseline.history
    days = np.unique(history.days())
    if len(days) < 4:
        return ()
    looked = [_day(baseline, float(day)) for day in days]
    mix = np.array([day.mix for day in looked])
    middle = float(np.median(mix))
    spread = 1.4826 * float(np.median(np.abs(mix - middle)))
    odd = [day for day in looked if day.mix > max(middle + _FAR * spread, 0.0)]
    return tuple(replace(day, usual=middle) for day in sorted(odd, key=lambda day: -day.mix))


def _day(baseline: Baseline, day: float) -> OutlierDay:
    history = baseline.history
    mine = history.days() == day
    n = history.n[mine]
    expected = usual(history, np.repeat(history.start[mine], n.astype(np.intp)), history.without(day))
    mean = n @ history.features[mine].astype(np.float64) / n.sum()
    delta = mean - expected.of(history.features)
    # Features have norm 1, so their variance is one less the squared length of their mean.
    noise = max(1 - float(mean @ mean), 0.0) * (1 / float(n.sum()) + expected.noise)
    change = history.topics[mine].sum(axis=0) / n.sum() - expected.shares(history.topics, history.n)
    topic = int(np.abs(change).argmax())
    name, when = baseline.topics[topic].name, datetime.fromtimestamp(day * DAY, UTC).date()
    return OutlierDay(when, float(delta @ delta) - noise, 0.0, name, float(change[topic]))


EFFECTS = {"novelty": _novelty, "mix": _mix, "topic": _topic}


def difference(now: float, n: float, before: float, m: float, z: float = Z) -> tuple[float, float, float]:
    """The difference of two ratios, of n and of m, with its interval."""
    return now - before, *newcombe(now * n, n, before * m, m, z)
