"""How the texts of a window differ from those of a baseline, descriptor by descriptor."""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from detectors.descriptors import RETRY
from detectors.familiar import Familiar, Unfamiliar, shares, usual
from detectors.intervals import Z, newcombe
from detectors.measurement import Floats
from detectors.sketch import Histogram
from detectors.storms import Counted, Storms
from detectors.summary import OFFSETS, Summary, moments, same_version

if TYPE_CHECKING:
    from detectors.baseline import Baseline

SPREAD = 0.02  # the least standard deviation of a baseline: a bin of the sketch for lengths, 2 points for shares
# Compared by their logarithms: one text of a megabyte must not hide the rest.
LENGTHS = ("characters", "tokens", "lines")

_Numbers = tuple[float | None, float | None, float | None, float | None, float | None]


class Change(NamedTuple):
    """How one descriptor changed; None where one side does not know it.

    Attributes:
        name: of the descriptor, or the code of the language.
        kind: what it is.
        before, now: medians of numbers, shares of flags and languages.
        difference: of shares, now minus before; of numbers, of their means in standard deviations of `before` (lengths:
            of the means of log(1 + length)).
        lower, upper: its 95 % interval: Newcombe's, or Welch's.
        strength: the change that is sure, in standard deviations (of shares: Cohen's h): at the interval's end that is
            nearer to no change; 0 when the interval holds no change.
    """

    name: str
    kind: Literal["number", "flag", "language"]
    before: float | None
    now: float | None
    difference: float | None
    lower: float | None
    upper: float | None
    strength: float


def surely_changed(baseline: "Baseline", now: Summary, beside: Unfamiliar | None = None) -> list[Change]:
    """Everything that describes the texts of a window and surely differs from a baseline, the surest and largest first.

    Args:
        baseline: of the same version of descriptors.
        now: of the window.
        beside: the texts beside the words and templates that the baseline knows, where it knows them.
    """
    found = change(now, baseline.summary)
    if beside is not None and baseline.familiar is not None:
        found += unfamiliar(beside, baseline.familiar)
    if baseline.storms is not None:
        found = [each for each in found if each.name != RETRY]
        found.append(retry_change(now.flags[RETRY], baseline.storms))
    return by_strength(each for each in found if each.strength > 0)


def change(now: Summary, before: Summary) -> list[Change]:
    """How the texts changed, the surest and largest change first. Raises ValueError when the versions differ.

    Duplicates are compared at the size of the smaller side. A baseline's spread counts as `SPREAD` at least.
    """
    same_version(now, before)
    found = [_number_change(name, now.numbers[name], before.numbers[name]) for name in now.numbers]
    size = min(now.repeats.n, before.repeats.n)
    known_shares = {name: (k, n) for name, k, n in before.shares(size)}  # one read from JSON has another order
    for name, k, n in now.shares(size):
        k_before, n_before = known_shares[name]
        found.append(share_change(name, "flag", (k, n), (k_before, n_before)))
    known, known_before = sum(now.languages.values()), sum(before.languages.values())
    for code in sorted({*now.languages, *before.languages}):
        counts = (now.languages.get(code, 0), known), (before.languages.get(code, 0), known_before)
        found.append(share_change(code, "language", *counts))
    return by_strength(found)


def unfamiliar(found: Unfamiliar, known: Familiar) -> list[Change]:
    """How much more or less of a window a baseline does not know than of its own later texts, as `change` does it."""
    names = ("known_template", "new_template", "out_of_vocabulary")
    pairs = zip(names, shares(found), usual(known), strict=True)
    return [share_change(name, "flag", now, before) for name, now, before in pairs]


def retry_change(now: Counted, usual: Storms) -> Change:
    """How many more or fewer calls are retries than in a baseline, whose storms say how much windows differ anyway."""
    (again, calls), (usually, known), clump = now, usual.whole, usual.clump
    return share_change(RETRY, "flag", (again / clump, calls / clump), (usually / clump, known / clump))


def by_strength(changes: Iterable[Change]) -> list[Change]:
    """The surest and largest change first."""
    return sorted(changes, key=lambda each: (-each.strength, -abs(each.difference or 0.0)))


def _number_change(name: str, now: Histogram, before: Histogram) -> Change:
    (mean, deviation), (mean_before, deviation_before) = (moments(each, name in LENGTHS) for each in (now, before))
    errors = np.array([deviation**2 / max(now.n, 1), deviation_before**2 / max(before.n, 1)])
    scale = max(deviation_before, SPREAD)
    difference = (mean - mean_before) / scale
    half = math.sqrt(errors.sum()) / scale * _student(errors, np.array([now.n - 1, before.n - 1]))
    median_before, median = (each.quantile(0.5) - OFFSETS.get(name, 0.0) for each in (before, now))
    known = _known(median_before, median, difference, difference - half, difference + half)
    return Change(name, "number", *known, _strength(difference, difference, half))


def _student(errors: Floats, freedom: Floats) -> float:
    """The 97.5 % quantile of Student's t at Welch's degrees of freedom.

    Source: Abramowitz and Stegun 26.7.5, four terms: within 1 % from 3 degrees on.
    """
    if not errors.sum() > 0:
        return Z
    nu = errors.sum() ** 2 / np.sum(errors**2 / freedom)
    terms = (Z**3 + Z) / 4, (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96, (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384
    return Z + sum(float(term / nu**power) for power, term in enumerate(terms, start=1))


def share_change(
    name: str, kind: Literal["flag", "language"], now: tuple[float, float], before: tuple[float, float]
) -> Change:
    """Of two shares, each so many of so many."""
    p, p_before = (k / n if n else math.nan for k, n in (now, before))
    lower, upper = newcombe(*now, *before)
    difference = p - p_before
    effect = 2 * (math.asin(math.sqrt(min(p, 1.0))) - math.asin(math.sqrt(min(p_before, 1.0))))
    strength = _strength(effect, difference, difference - lower if difference > 0 else upper - difference)
    return Change(name, kind, *_known(p_before, p, difference, lower, upper), strength)


def _strength(effect: float, difference: float, half: float) -> float:
    """The effect at the interval's end that is nearer to no change; 0 when that is inside, or nothing is known."""
    sure = abs(difference) > half
    return abs(effect) * (1 - half / abs(difference)) if sure else 0.0


def _known(before: float, now: float, difference: float, lower: float, upper: float) -> _Numbers:
    def known(number: float) -> float | None:
        return None if math.isnan(number) else number

    return known(before), known(now), known(difference), known(lower), known(upper)
