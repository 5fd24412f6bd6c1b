"""What the texts of a window are: their descriptors summarised so that summaries merge, and measurements of them."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from detectors.descriptors import DESCRIPTORS_VERSION, FLAGS, NUMBERS, RETRY, SENTIMENT, describe, hash_of, version_of
from detectors.intervals import normal, wilson_of
from detectors.language import language
from detectors.measurement import Floats, Key, Reason, Value
from detectors.sentiment import sentiment
from detectors.sketch import Histogram, Repeats

# What a histogram holds more than the number, because it holds numbers from 0 on.
OFFSETS = {SENTIMENT.name: 1.0}


@dataclass(frozen=True, slots=True)
class Summary:
    """The descriptors of many texts. Merging is exact: the summary of parts merged is the summary of the whole.

    Attributes:
        texts: how many texts there are, missing ones among them.
        numbers: the distribution of each number, of some with an offset (`OFFSETS`).
        flags: of each flag how many texts have it, and of how many it is known.
        languages: how many texts are in each language, by code; unknown is none.
        repeats: how often each text occurs.
        version: of the descriptors; summaries of different versions do not merge or compare.
    """

    texts: int = 0
    numbers: Mapping[str, Histogram] = field(default_factory=lambda: dict.fromkeys(NUMBERS, Histogram()))
    flags: Mapping[str, tuple[int, int]] = field(default_factory=lambda: dict.fromkeys(FLAGS, (0, 0)))
    languages: Mapping[str, int] = field(default_factory=dict)
    repeats: Repeats = field(default_factory=Repeats)
    version: str = DESCRIPTORS_VERSION

    @property
    def has_sentiment(self) -> bool:
        """Whether it is of `with_sentiment`."""
        return SENTIMENT.name in self.numbers

    def merged(self, other: "Summary") -> "Summary":
        """The summary of the texts of both. Raises ValueError when the versions differ."""
        same_version(self, other)
        return Summary(
            self.texts + other.texts,
            {name: self.numbers[name].merged(other.numbers[name]) for name in self.numbers},
            {name: (k + other.flags[name][0], n + other.flags[name][1]) for name, (k, n) in self.flags.items()},
            dict(sorted((Counter(self.languages) + Counter(other.languages)).items())),
            self.repeats.merged(other.repeats),
            self.version,
        )

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; about 20 bytes for each different text up to 160 kB, and 5 kB."""
        return {
            "version": self.version,
            "texts": self.texts,
            "numbers": {name: histogram.to_json() for name, histogram in self.numbers.items()},
            "flags": {name: list(counts) for name, counts in self.flags.items()},
            "languages": dict(self.languages),
            "repeats": self.repeats.to_json(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Summary":
        """The summary that `to_json` wrote, of whichever version."""
        return cls(
            int(data["texts"]),
            {name: Histogram.from_json(histogram) for name, histogram in data["numbers"].items()},
            {name: (int(k), int(n)) for name, (k, n) in data["flags"].items()},
            {code: int(count) for code, count in data["languages"].items()},
            Repeats.from_json(data["repeats"]),
            str(data["version"]),
        )

    def shares(self, m: int | None = None) -> Iterator[tuple[str, float, int]]:
        """Each flag with k of n; duplicates among m texts, or as many as there are."""
        for name, (k, n) in self.flags.items():
            yield name, float(k), n
        n = self.repeats.n if m is None else m
        yield "duplicate", self.repeats.duplicates(n) * n if n else 0.0, n


def summarise(
    texts: Sequence[str | None],
    retried: tuple[int, int] | None = None,
    found: Mapping[str, Floats] | None = None,
) -> Summary:
    """The summary of the texts of a window.

    Args:
        texts: of the window.
        retried: what `detectors.retries` counted in it, if that is known.
        found: what `describe` says of the texts, where it has been asked already.
    """
    described = dict(describe(texts) if found is None else found)
    full = described["empty"] == 0
    languages = language(texts)
    described["language_known"] = np.where(full, [float(each is not None) for each in languages], math.nan)
    return Summary(
        len(texts),
        {name: Histogram.of(described[name]) for name in NUMBERS},
        {name: (retried or (0, 0)) if name == RETRY else _count(described[name]) for name in FLAGS},
        dict(sorted(Counter(filter(None, languages)).items())),
        Repeats.of(found for found in map(hash_of, texts) if found is not None),
    )


def with_sentiment(summary: Summary, texts: Sequence[str | None]) -> Summary:
    """The summary of the same texts with their sentiment; see `detectors.sentiment`."""
    found = Histogram.of(sentiment(texts, language(texts)) + OFFSETS[SENTIMENT.name])
    return replace(summary, numbers={**summary.numbers, SENTIMENT.name: found}, version=version_of(sentiment=True))


def merged(summaries: Iterable[Summary]) -> Summary:
    """One summary of many; empty of none."""
    some = iter(summaries)
    whole = next(some, Summary())
    for each in some:
        whole = whole.merged(each)
    return whole


def _count(flags: Floats) -> tuple[int, int]:
    return int(np.nansum(flags)), int(np.count_nonzero(~np.isnan(flags)))


def values(summary: Summary) -> dict[Key, Value]:
    """The measurements of a window: means, ratios, and languages among the texts with a known one.

    Intervals are normal for means and Wilson's for ratios, as if texts were independent; repeated ones are not,
    so that of `duplicate` is too narrow. A language has a value only where some text is in it.
    """
    missing = Reason.NO_VALUES if summary.texts else Reason.NO_CALLS
    found = {}
    for name, histogram in summary.numbers.items():
        found[Key.of("descriptor_mean", descriptor=name)] = _mean(histogram, OFFSETS.get(name, 0.0), missing)
    for name, k, n in summary.shares():
        found[Key.of("descriptor_ratio", descriptor=name)] = _ratio(k, n, missing)
    known = sum(summary.languages.values())
    for code, count in summary.languages.items():
        found[Key.of("language_ratio", language=code)] = _ratio(count, known, missing)
    return found


def _mean(histogram: Histogram, offset: float, missing: Reason) -> Value:
    if not histogram.n:
        return Value(None, n=0, reason=missing)
    mean = histogram.mean - offset
    deviation = moments(histogram, logarithms=False)[1]
    lower, upper = normal(*(np.array([each], dtype=np.float64) for each in (mean, deviation, histogram.n)))
    if histogram.n < 2:
        return Value(mean, n=histogram.n)
    return Value(mean, max(0.0 - offset, float(lower[0])), float(upper[0]), histogram.n)


def _ratio(k: float, n: int, missing: Reason) -> Value:
    return Value(k / n, *wilson_of(k, n), n) if n else Value(None, n=0, reason=missing)


def moments(histogram: Histogram, logarithms: bool) -> tuple[float, float]:
    """Mean and sample standard deviation of the numbers or of log(1 + number), from the bins; NaN where too few."""
    numbers, counts = histogram.table()
    if logarithms:
        numbers = np.log1p(numbers)
    n = counts.sum()
    if not n:
        return math.nan, math.nan
    mean = float(np.dot(numbers, counts) / n)
    return mean, float(np.sqrt(np.dot((numbers - mean) ** 2, counts) / (n - 1))) if n > 1 else math.nan


def same_version(one: Summary, other: Summary) -> None:
    """Raises ValueError when the descriptors of two summaries are of different versions."""
    if one.version != other.version:
        raise ValueError(f"descriptors of version {one.version} and {other.version} cannot be compared")
