"""Which calls are judged: by chance, the riskier the likelier, each with a probability that is known and kept.

Each call is drawn on its own with probability π (Poisson sampling), by the hash of its id: a second run draws the same
calls, and a larger budget draws them and more. Without π the rate of the traffic can never be recovered from a sample
that was drawn by risk; with it, see `weighted`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.measurement import Floats
from detectors.ood import LEVEL

MOST_ODDS = 20.0  # beyond that the few calls without risk that are drawn would weigh too much


@dataclass(frozen=True, slots=True)
class Odds:
    """How many times likelier a call is drawn for each sign of risk; several add up, to `MOST_ODDS` at most.

    With 8, the twentieth of the traffic that carries a sign gets three tenths of the verdicts. Where such calls fail
    ten times as often as others, that is as precise as an even sample and finds 2.5 times the failures.
    """

    out_of_distribution: float = 6.0
    negative_feedback: float = 8.0
    new_topic: float = 6.0
    error: float = 4.0

    def __post_init__(self) -> None:
        if min(self.out_of_distribution, self.negative_feedback, self.new_topic, self.error) < 1:
            raise ValueError("odds: a sign of risk must not make a call less likely to be drawn: 1 or more")


@dataclass(frozen=True, slots=True, eq=False)
class Signs:
    """What is known of the calls of a window before any is judged; each (n,).

    Attributes:
        p: out-of-distribution p-values; NaN where the text was not read.
        negative_feedback, new_topic, error: whether.
    """

    p: Floats
    negative_feedback: NDArray[np.bool_]
    new_topic: NDArray[np.bool_]
    error: NDArray[np.bool_]


class Drawn(NamedTuple):
    """Which calls (n,) are judged, and with which probability (n,) each was, drawn or not."""

    taken: NDArray[np.bool_]
    pi: Floats


def odds(signs: Signs, of: Odds) -> Floats:
    """(n,): 1 without any sign of risk."""
    found = np.ones(len(signs.p))
    for sign, times in (
        (signs.p <= LEVEL, of.out_of_distribution),
        (signs.negative_feedback, of.negative_feedback),
        (signs.new_topic, of.new_topic),
        (signs.error, of.error),
    ):
        found += np.where(sign, times - 1, 0.0)
    return np.minimum(found, MOST_ODDS)


def probabilities(weights: Floats, expected: float) -> Floats:
    """(n,): π = min(1, b · weight), where b makes them sum to what is expected; all 1 when that is more than n.

    Args:
        weights: (n,) above 0.
        expected: how many calls are to be drawn in the mean; 0 or more.
    """
    if expected >= len(weights):
        return np.ones(len(weights))
    descending = np.sort(weights)[::-1]
    rest = descending[::-1].cumsum()[::-1]  # Σ of the weights from each place on
    # With the first j capped at 1, b = (expected - j) / rest; the first j at which the next is not capped is right.
    scale = np.maximum(expected - np.arange(len(weights)), 0.0) / rest
    place = int(np.argmax(scale * descending <= 1))
    return np.asarray(np.minimum(1.0, weights * scale[place]))


def uniform(ids: Sequence[str], salt: str) -> Floats:
    """(n,): numbers in [0, 1) from the hash of each id, the same at all times.

    Args:
        ids: of the calls.
        salt: what is drawn for. Two draws with one salt choose the same calls first; with two, they are independent:
            a draw among calls that were themselves chosen by hash needs a salt of its own.
    """
    return np.array([_uniform(f"{salt}\0{each}") for each in ids], np.float64)


def _uniform(text: str) -> float:
    # 53 bits: 64 would round up to 1 now and then.
    return (int.from_bytes(sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big") >> 11) * 2.0**-53


def draw(pi: Floats, numbers: Floats, most: int | None = None) -> Drawn:
    """The calls whose number lies below π, but at most so many.

    When more are drawn than there is money for, those with the smallest number / π are kept, and the first that is left
    out lowers the probability of all others to π · its number / π: with these the estimates stay without bias
    (N. Duffield, C. Lund and M. Thorup, "Priority sampling for estimation of arbitrary subset sums", JACM 54, 2007).
    Calls must be judged in the order of `queue` for that, whatever their risk.

    Args:
        pi: (n,) from `probabilities`.
        numbers: (n,) from `uniform`.
        most: how many can be judged.
    """
    rank = _rank(pi, numbers)
    taken = rank < 1
    if most is None or int(taken.sum()) <= most:
        return Drawn(taken, pi)
    threshold = float(np.partition(rank, most)[most])
    return Drawn(rank < threshold, pi * threshold)


def queue(pi: Floats, numbers: Floats) -> NDArray[np.intp]:
    """The drawn calls in the order in which they must be judged, so that running out of money keeps π known."""
    rank = _rank(pi, numbers)
    order = np.argsort(rank, kind="stable")
    return np.asarray(order[rank[order] < 1])


def _rank(pi: Floats, numbers: Floats) -> Floats:
    return np.asarray(np.divide(numbers, pi, out=np.full(len(pi), np.inf), where=pi > 0))
