"""Fitting a baseline: from the texts of a stretch of the log to what is normal."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from detectors import ood
from detectors.baseline import Baseline, Settings
from detectors.descriptors import describe
from detectors.drift.learn import PARTS, Frame, WindowTexts, learn
from detectors.drift.observed import columns
from detectors.familiar import Familiar
from detectors.features import Features, bandwidth, radius, take
from detectors.neighbours import Indices, Numbers
from detectors.profile import HOUR, LEAST_CALLS, History, history_of, once, window_length
from detectors.reservoir import reservoir
from detectors.storms import Counted, Storms
from detectors.summary import summarise
from detectors.topics import assign
from detectors.topics import fit as fit_topics

if TYPE_CHECKING:
    from detectors.embedder import Embedded

CALIBRATION = 5_000


class TooFewError(ValueError):
    """There are too few texts for a baseline.

    Attributes:
        reference: texts in the first three quarters of the stretch, each counted once a window.
        later: such texts in the last quarter.
        least: how many each needs.
    """

    def __init__(self, reference: int, later: int, least: int) -> None:
        super().__init__(
            f"a baseline needs {least} texts or more in the first three quarters of its time and in the last quarter, "
            f"without those that repeat within a window; there are {reference} and {later}"
        )
        self.reference, self.later, self.least = reference, later, least


@dataclass(frozen=True, slots=True, eq=False)
class FitSample:
    """The texts of a stretch of the log, in any order.

    Attributes:
        texts: n redacted texts.
        vectors: their embeddings.
        at: (n,) event times, seconds since 1970.
        ids: n different ids of their calls.
        hours: how many calls each hour (its start, UTC) really had; by default those of the sample.
        retries: of all calls of each window (its start); None where they are not known.
    """

    texts: Sequence[str]
    vectors: "Embedded"
    at: Numbers
    ids: Sequence[str]
    hours: Mapping[datetime, int] | None = None
    retries: Mapping[datetime, Counted] | None = None


def fit(sample: FitSample, settings: Settings) -> Baseline:
    """Learns what is normal; the order of the sample's rows does not matter.

    Raises:
        TooFewError: the first or the last part has too few texts.
    """
    length = settings.window_length or window_length(sample.hours or _hours(sample.at))
    length_s = (length or timedelta(days=1)).total_seconds()
    order = by_hash(sample.ids, sample.at, sample.texts)
    sample_size, tested = _tested(sample.at[order], length_s)
    read = [sample.texts[row] for row in order]
    described = describe(read)
    first = once(read, sample.at[order], length_s)
    rows = order[first]
    texts, at, vectors = [sample.texts[row] for row in rows], sample.at[rows], take(sample.vectors, rows)
    part = parts(at, length_s)
    later = part == PARTS - 1
    if min(np.count_nonzero(later), np.count_nonzero(~later)) < settings.least:
        raise TooFewError(int(np.count_nonzero(~later)), int(np.count_nonzero(later)), settings.least)
    kept = reservoir(take(vectors, np.flatnonzero(~later)))
    scorer = ood.fit(settings.scorer, kept, settings.seed)
    scores = np.full(len(texts), np.nan)
    scores[later] = ood.score_texts(scorer, take(vectors, np.flatnonzero(later)))
    calibration = np.sort(scores[later][:CALIBRATION])
    centroids, labels, topics = fit_topics(vectors.mean, texts, settings.seed, settings.topics)
    features = Features(settings.seed, bandwidth(kept), kept.shape[1])
    strange = np.where(later, ood.p_values(scores, calibration) <= ood.LEVEL, np.nan)
    windows = history_of(
        length_s, at, labels, strange, lambda rows: features(vectors.mean[rows]).mean(axis=0, dtype=np.float64)
    )
    used = np.flatnonzero(tested[first])
    storms = Storms.of(sample.retries) if sample.retries else None
    return Baseline(
        settings=replace(settings, window_length=length),
        fitted_from=datetime.fromtimestamp(float(sample.at.min()), UTC),
        fitted_until=datetime.fromtimestamp(float(sample.at.max()), UTC),
        texts=len(texts),
        sample_size=sample_size,
        reservoir=kept,
        scorer=scorer,
        calibration=calibration,
        centroids=centroids,
        topics=tuple(topics),
        features=features,
        radius=radius(kept, assign(centroids, kept)),
        history=replace(windows, calls=_calls(windows, sample)),
        summary=summarise(read, None if storms is None else storms.whole, described),
        drift=learn(
            Frame(scorer, settings.seed, calibration, centroids, features, kept),
            WindowTexts(columns(described)[first[used]], take(vectors, used), at[used], part[used], length_s),
        ),
        familiar=_familiar(texts, np.floor(at / length_s), later),
        storms=storms,
    )


def _familiar(texts: Sequence[str], window: Numbers, later: NDArray[np.bool_]) -> Familiar:
    """The words and templates of the earlier texts, and what the later ones are beside them."""
    found = Familiar.of(texts[row] for row in np.flatnonzero(~later).tolist())
    windows = (np.flatnonzero(later & (window == each)).tolist() for each in np.unique(window[later]))
    return found.with_later([texts[row] for row in rows] for rows in windows)


def _tested(at: Numbers, length_s: float) -> tuple[int, NDArray[np.bool_]]:
    """How many calls of a window are tested, and which of the calls, given in order of their hash, these are.

    As many as all but one in twenty of the windows with 100 calls have: with more calls in some windows than in others,
    volume would look like drift.
    """
    window = np.floor(at / length_s)
    _, place, counts = np.unique(window, return_inverse=True, return_counts=True)
    held = counts[counts >= LEAST_CALLS]
    size = max(LEAST_CALLS, int(np.quantile(held, 0.05))) if len(held) else LEAST_CALLS
    order = np.argsort(place, kind="stable")
    rank = np.empty(len(at), np.intp)
    rank[order] = np.arange(len(at)) - np.repeat(np.cumsum(counts) - counts, counts)
    return size, np.asarray(rank < size)


def by_hash(ids: Sequence[str], at: Numbers, texts: Sequence[str]) -> Indices:
    """The rows in order of the hash of their ids, as samples of windows are drawn; of equal ids by time and text."""
    hashes = [hashlib.md5(each.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest() for each in ids]
    keys = zip(hashes, ids, at.tolist(), texts, range(len(ids)), strict=True)
    return np.array([key[-1] for key in sorted(keys)], np.intp)


def parts(at: Numbers, length_s: float) -> Indices:
    """Which quarter of the windows between the first and the last each text belongs to, 0 to 3."""
    window = np.floor(at / length_s)
    if not len(window):
        return np.zeros(0, np.intp)
    first, count = window.min(), window.max() - window.min() + 1
    ends = first + np.round(count * np.arange(1, PARTS) / PARTS)
    return np.searchsorted(ends, window, side="right")


def _hours(at: Numbers) -> dict[datetime, int]:
    hours, counts = np.unique(np.floor(at / HOUR) * HOUR, return_counts=True)
    return {datetime.fromtimestamp(float(hour), UTC): int(n) for hour, n in zip(hours, counts, strict=True)}


def _calls(windows: History, sample: FitSample) -> Numbers:
    """How many calls each window had, (W,)."""
    calls: dict[float, float] = {}
    for hour, n in (sample.hours or _hours(sample.at)).items():
        start = float(np.floor(hour.timestamp() / windows.length_s) * windows.length_s)
        calls[start] = calls.get(start, 0.0) + n
    return np.array([calls.get(float(start), 0.0) for start in windows.start])
