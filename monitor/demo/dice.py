"""Draws of chance: everything random in the demonstration comes from one of these, seeded by what it stands for."""

import math
import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


class Dice(random.Random):
    """A seeded source of chance; the same key gives the same draws on every machine."""

    def __new__(cls, *key: int | str) -> "Dice":
        """The key is for `__init__`; the base class wants a single seed."""
        return super().__new__(cls)

    def __init__(self, *key: int | str) -> None:
        super().__init__("/".join(map(str, key)))

    def chance(self, probability: float) -> bool:
        """True with the given probability."""
        return self.random() < probability

    def pick(self, options: Sequence[T]) -> T:
        """One of the options, all equally likely."""
        return options[int(self.random() * len(options))]

    def spread(self, median: float, sigma: float) -> float:
        """A log-normal draw: `median` times a factor whose logarithm has the standard deviation `sigma`."""
        return median * math.exp(self.gauss(0.0, sigma))

    def poisson(self, mean: float) -> int:
        """A Poisson draw by inversion; meant for the small means of a minute."""
        # The exponential underflows beyond 700: a large mean is drawn in halves.
        if mean > 300:
            return self.poisson(mean / 2) + self.poisson(mean / 2)
        count, product, limit = 0, self.random(), math.exp(-mean)
        while product > limit:
            count += 1
            product *= self.random()
        return count
