"""Summaries of many values in little space that merge exactly: of numbers, and of repeated texts."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from detectors.measurement import Floats

ALPHA = 0.01  # the relative accuracy of every quantile
GAMMA = (1 + ALPHA) / (1 - ALPHA)
SMALLEST, LARGEST = 1e-9, 1e15  # smaller numbers count as zero, larger ones as the largest: at most 2,800 bins

# Totals are whole numbers of 2^-32: sums of floats depend on their order, and a merged summary must not.
UNIT = 1 << 32

# How many different texts are counted exactly; of more, a sample by hash.
TEXTS = 8_192
HASH_SPACE = 1 << 48


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of non-negative numbers on logarithmic bins: quantiles within 1 % of the number.

    Bin i holds (GAMMA^(i-1), GAMMA^i] and answers with the number that is within `ALPHA` of both ends. Merging adds
    counts, so it is exact, associative and commutative.

    Source: Masson, Rim, Lee, "DDSketch", VLDB 2019, arXiv:1908.10693 (without its collapsing of bins: the range is
    bounded instead).

    Attributes:
        bins: how many numbers each bin holds, none of them 0.
        zeros: how many numbers are zero, or less than `SMALLEST`.
        total: the sum of all numbers in units of 1 / `UNIT`.
    """

    bins: Mapping[int, int] = field(default_factory=dict)
    zeros: int = 0
    total: int = 0

    @classmethod
    def of(cls, numbers: Floats) -> "Histogram":
        """The histogram of an array; NaN is left out. Raises ValueError for negative numbers."""
        known = np.minimum(numbers[~np.isnan(numbers)], LARGEST)
        if np.any(known < 0):
            raise ValueError("a histogram holds numbers from 0 on")
        positive = known[known >= SMALLEST]
        found, counts = np.unique(np.ceil(np.log(positive) / math.log(GAMMA)).astype(np.int64), return_counts=True)
        bins = dict(zip(found.tolist(), counts.tolist(), strict=True))
        total = sum(round(number * UNIT) for number in known.tolist())
        return cls(bins, len(known) - len(positive), total)

    @property
    def n(self) -> int:
        """How many numbers there are."""
        return self.zeros + sum(self.bins.values())

    @property
    def mean(self) -> float:
        """The mean, exact but for the rounding to units; NaN without numbers."""
        return self.total / self.n / UNIT if self.n else math.nan

    def table(self) -> tuple[Floats, Floats]:
        """The bins from the smallest to the largest: their numbers (within `ALPHA`), and their counts; both (bins,)."""
        keys = sorted(self.bins)
        numbers = [2 * GAMMA**key / (GAMMA + 1) for key in keys]
        counts = [self.bins[key] for key in keys]
        if self.zeros:
            numbers, counts = [0.0, *numbers], [self.zeros, *counts]
        return np.array(numbers, dtype=np.float64), np.array(counts, dtype=np.float64)

    def quantile(self, q: float) -> float:
        """The number of rank floor(q (n - 1)) from 0, within `ALPHA` of it; NaN without numbers."""
        if not 0 <= q <= 1:
            raise ValueError(f"a quantile is asked for between 0 and 1, not at {q}")
        if not self.n:
            return math.nan
        numbers, counts = self.table()
        rank = math.floor(q * (self.n - 1))
        return float(numbers[np.searchsorted(np.cumsum(counts), rank, side="right")])

    def merged(self, other: "Histogram") -> "Histogram":
        """The histogram of the numbers of both."""
        bins = dict(Counter(self.bins) + Counter(other.bins))
        return Histogram(bins, self.zeros + other.zeros, self.total + other.total)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object; the total is a string because JSON's numbers may end at 2^53."""
        bins = {str(key): self.bins[key] for key in sorted(self.bins)}
        return {"bins": bins, "zeros": self.zeros, "total": str(self.total)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Histogram":
        """The histogram that `to_json` wrote."""
        bins = {int(key): int(count) for key, count in data["bins"].items()}
        return cls(bins, int(data["zeros"]), int(data["total"]))


@dataclass(frozen=True, slots=True)
class Repeats:
    """How often each text occurs, by its hash, of the `TEXTS` smallest hashes (k minimum values).

    A hash among the smallest of two summaries together is among the smallest of each that has it, so merging is exact,
    associative and commutative. Up to `TEXTS` different texts everything is exact. Of more, the counts are those of a
    random sample of the texts: one text that is repeated very often may then be outside of it.

    Attributes:
        counts: occurrences by hash, a number of 48 bits.
        n: occurrences of all texts.
    """

    counts: Mapping[int, int] = field(default_factory=dict)
    n: int = 0

    @classmethod
    def of(cls, hashes: Iterable[int]) -> "Repeats":
        """The summary of the hashes of texts."""
        counts = Counter(hashes)
        return cls(_smallest(counts), counts.total())

    def duplicates(self, m: float) -> float:
        """The expected share of texts that repeat an earlier one, in m of the texts drawn at random; NaN without any.

        A larger set of the same traffic holds more duplicates, so two sets are compared at the smaller one's size: each
        occurrence is kept with probability m/n (rarefaction: Hurlbert, Ecology 52, 1971, for independent draws).
        At m = n it is the share itself. Duplicates that come in bursts are spread over the larger set by this.
        """
        if not self.n or m <= 0:
            return math.nan
        kept = min(1.0, m / self.n)
        counts = np.array(list(self.counts.values()), dtype=np.float64)
        different = np.sum(1 - (1 - kept) ** counts)
        return max(0.0, float(1 - different / (kept * counts.sum())))

    def merged(self, other: "Repeats") -> "Repeats":
        """The summary of the texts of both."""
        return Repeats(_smallest(Counter(self.counts) + Counter(other.counts)), self.n + other.n)

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return {"counts": {f"{key:012x}": count for key, count in sorted(self.counts.items())}, "n": self.n}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Repeats":
        """The summary that `to_json` wrote."""
        return cls({int(key, 16): int(count) for key, count in data["counts"].items()}, int(data["n"]))


def _smallest(counts: Mapping[int, int]) -> dict[int, int]:
    return dict(sorted(counts.items())[:TEXTS])
