"""The budget of false alarms: so many a time for the whole installation, split over everything that can raise one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Stream = Literal["prompt", "response", "response_given_prompt"]
Spender = Stream | Literal["judge"]  # a stream's drift detector, or the judge's test that it flags more than it used to

# Who looks for a change of the users should hear of it first; a response changes with its prompt by design.
WEIGHTS: Mapping[Spender, float] = {"prompt": 4.0, "response_given_prompt": 2.0, "response": 1.0, "judge": 1.0}
_SLOW_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Share:
    """What one detector may spend.

    Attributes:
        days: mean time between two of its false alarms.
        slow: whether it may raise alarms by whole days too.
    """

    days: float
    slow: bool


def split(days: float, streams: Sequence[Spender], slow_rates: Sequence[float]) -> list[Share]:
    """The share of each detector. Rates of false alarms add up however the detectors depend on each other.

    What the detectors of whole days spend is fixed by how many days their baselines have. Together they have half of
    the budget at most: the streams that weigh most come first, and one whose detectors do not fit is left out. The rest
    is split by `WEIGHTS`.

    Args:
        days: mean time between two false alarms of all detectors together.
        streams: of each detector.
        slow_rates: false alarms a day of each detector's whole days; 0 where it has none.
    """
    spent, affordable = 0.0, set[Spender]()
    for stream in sorted(set(streams), key=lambda each: (-WEIGHTS[each], each)):
        cost = sum(rate for each, rate in zip(streams, slow_rates, strict=True) if each == stream)
        if spent + cost <= _SLOW_SHARE / days:
            spent, affordable = spent + cost, affordable | {stream}
    left = 1 / days - spent
    total = sum(WEIGHTS[each] for each in streams)
    return [
        Share(total / WEIGHTS[stream] / left, stream in affordable and rate > 0)
        for stream, rate in zip(streams, slow_rates, strict=True)
    ]
