"""Which of two answers is better, from judges that see both orders: win rate, sign test, position bias, sample size.

Sources: W. J. Dixon and A. M. Mood, "The statistical sign test", JASA 41 (1946);
L. Zheng and others, "Judging LLM-as-a-judge with MT-bench and Chatbot Arena", arXiv:2306.05685, for both orders.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detectors.intervals import wilson_of
from detectors.judge.unknown import Unknown, Why
from detectors.judge.weighted import Share, score_interval, share
from detectors.measurement import Floats
from detectors.neighbours import Indices

_MOST_PAIRS = 1_000_000


@dataclass(frozen=True, slots=True)
class WinRate:
    """How often one side beats the other.

    Attributes:
        value, lower, upper: wins, and ties as halves, over all judged pairs.
        wins, ties, losses: pairs; of scores between, ties are those at a half, and the others go to the nearer side.
        decided: wins among the pairs that are no ties. Ties pull `value` to a half: this is the rate by which two sides
            differ when a judge that prefers a position ties the pairs that it cannot tell apart.
        p_value: of the exact two-sided sign test of the decided pairs; None without any.
        unknown: pairs of which a verdict is missing.
    """

    value: float
    lower: float
    upper: float
    wins: int
    ties: int
    losses: int
    decided: Share | Unknown
    p_value: float | None
    unknown: int


@dataclass(frozen=True, slots=True)
class PositionBias:
    """What the order of two answers does to a judge.

    Attributes:
        value, lower, upper: pairs in which it chose the first in both orders, less those in which it chose the second
            in both, over all: 1 when it always says first, -1 when it always says second.
        consistent: share of the pairs in which both orders say the same of the answers.
    """

    value: float
    lower: float
    upper: float
    consistent: Share


def win_rate(scores: Sequence[float | None], clusters: Indices | None = None) -> WinRate | Unknown:
    """From the scores of one side.

    Args:
        scores: of each pair, 0 (loss) to 1 (win), a half for a tie; judges that give probabilities give others. None
            where it is not known.
        clusters: numbers of the conversations or prompts that the pairs belong to; None when each is its own.
    """
    known = np.array([each is not None for each in scores], bool)
    found = np.array([each for each in scores if each is not None], np.float64)
    if not len(found):
        return Unknown(Why.NO_PAIRS)
    if not ((found >= 0) & (found <= 1)).all():
        raise ValueError("scores: each must lie in 0 to 1, or be None")
    mean = share(found, np.ones(len(found)), None if clusters is None else np.asarray(clusters)[known])
    if isinstance(mean, Unknown):
        return mean
    wins, losses = int(np.sum(found > 0.5)), int(np.sum(found < 0.5))
    n = wins + losses
    size = mean.effective * n / len(found)
    decided = Share(wins / n, *wilson_of(wins / n * size, size), size) if n else Unknown(Why.NO_DECISIONS, len(found))
    return WinRate(
        value=mean.value,
        lower=mean.lower,
        upper=mean.upper,
        wins=wins,
        ties=len(found) - n,
        losses=losses,
        decided=decided,
        p_value=sign_test(wins, losses),
        unknown=len(known) - len(found),
    )


def sign_test(wins: int, losses: int) -> float | None:
    """How probable it is that two equal sides differ by this much or more; None when no pair is decided."""
    from scipy.stats import binomtest  # type: ignore[import-untyped]

    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else None


def position_bias(first: int, second: int, consistent: int, pairs: int) -> PositionBias | Unknown:
    """From pairs that were judged in both orders.

    Args:
        first: in how many the judge chose what it was shown first, both times.
        second: in how many it chose what it was shown second, both times.
        consistent: in how many both orders say the same of the answers.
        pairs: how many there were; those that lack a verdict do not count.
    """
    if not pairs:
        return Unknown(Why.NO_PAIRS)
    mean, neither = 0.5 + (first - second) / (2 * pairs), (pairs - first - second) / pairs
    lower, upper = score_interval(np.asarray(mean), np.asarray(neither / 4), pairs)
    return PositionBias(
        value=2 * mean - 1,
        lower=2 * float(lower) - 1,
        upper=2 * float(upper) - 1,
        consistent=Share(consistent / pairs, *wilson_of(consistent, pairs), pairs),
    )


def pairs_needed(rate: float, ties: float = 0.0, power: float = 0.8, level: float = 0.05) -> int | None:
    """How many pairs the exact sign test needs to see a win rate of decided pairs with a probability of `power`.

    Args:
        rate: true share of wins among the decided pairs.
        ties: share of the pairs that are ties.
        power: at this size and, as the power of exact tests goes up and down, at every larger one.
        level: of the test.

    Returns:
        None when it is a million or more: no difference to look for.
    """
    if not 0 < rate < 1 or not 0 <= ties < 1:
        raise ValueError("pairs_needed: the rate must lie between 0 and 1, and ties in 0 to 1 without 1")
    from scipy.special import ndtri  # type: ignore[import-untyped]

    off = abs(rate - 0.5)
    if off == 0:
        return None
    near = ((ndtri(1 - level / 2) / 2 + ndtri(power) * (rate * (1 - rate)) ** 0.5) / off) ** 2
    if not near < _MOST_PAIRS:
        return None
    sizes = np.arange(1, int(1.3 * near) + 50)
    weak = np.flatnonzero(_power(sizes, rate, level) < power)
    decided = int(sizes[weak[-1]]) + 1 if len(weak) else 1
    return int(np.ceil(decided / (1 - ties)))


def _power(sizes: NDArray[np.intp], rate: float, level: float) -> Floats:
    from scipy.stats import binom

    # The largest count of losses, or of wins, at which the two-sided test still rejects.
    most = binom.ppf(level / 2, sizes, 0.5)
    most = np.where(binom.cdf(most, sizes, 0.5) > level / 2, most - 1, most)
    return np.asarray(binom.cdf(most, sizes, rate) + binom.cdf(most, sizes, 1 - rate))
