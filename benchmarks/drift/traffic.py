"""How the mix of domains moves when nothing has changed: eight kinds of traffic that must not raise alarms."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.drift.world import Pool, World
from detectors.drift.observed import Observed
from detectors.neighbours import Numbers

HOUR_S, DAY = 3_600.0, 24
DOMAINS = 10
START = 1_699_920_000.0  # 2023-11-14, a Tuesday
TEXTS = 200
LEAST, MOST = 117, 500  # calls an hour where volume follows the day


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of traffic.

    Attributes:
        name: of the result.
        rho, wander: log weights of the domains follow AR(1) from hour to hour, with this standard deviation.
        weekend: standard deviation of what weekends add to the log weights.
        by_day: standard deviation of what each day adds.
        volume: whether calls an hour follow the day; the live stream has so many times as many as the baseline.
    """

    name: str
    rho: float = 0.0
    wander: float = 0.0
    weekend: float = 0.0
    by_day: float = 0.0
    volume: float = 0.0


KINDS = (
    Kind("iid and diurnal"),
    Kind("wandering mix, rho .9", rho=0.9, wander=0.3),
    Kind("wandering mix, rho .98", rho=0.98, wander=0.3),
    Kind("weekend shift", weekend=0.3),
    Kind("day effect", by_day=0.15),
    Kind("117 to 500 calls a window", volume=1.0),
    Kind("volume doubled", volume=2.0),
    Kind("volume halved", volume=0.5),
)


@dataclass(frozen=True, eq=False)
class Traffic:
    """Windows of a world under one kind of traffic.

    Attributes:
        size: texts that are tested of a window, at most.
        weekend: (10,) what weekends add to the log weights.
    """

    world: World
    kind: Kind
    random: np.random.Generator
    size: int
    weekend: Numbers

    @classmethod
    def of(cls, world: World, kind: Kind, seed: int) -> "Traffic":
        """With a random stream of its own."""
        random = np.random.default_rng([seed, KINDS.index(kind)])
        # As a baseline does it: the 5 % quantile of the calls of its windows.
        size = int(np.quantile(_calls(START + HOUR_S * np.arange(DAY), 1.0), 0.05)) if kind.volume else TEXTS
        return cls(world, kind, random, size, kind.weekend * random.standard_normal(DOMAINS))

    def shares(self, starts: Numbers) -> Numbers:
        """(windows, 10) shares of the domains in hourly windows."""
        weights = daily(starts) + self.kind.wander * self._wander(len(starts))
        is_weekend = (starts // 86_400 + 3) % 7 >= 5
        weights = weights + is_weekend[:, np.newaxis] * self.weekend
        day = (starts // 86_400 - starts[0] // 86_400).astype(int)
        weights = weights + (self.kind.by_day * self.random.standard_normal((day[-1] + 1, DOMAINS)))[day]
        return shares_of(weights)

    def baseline(self, days: int) -> list[Observed]:
        """The windows of a baseline."""
        starts = START + HOUR_S * np.arange(days * DAY)
        return list(self._windows(starts, self.world.baseline, 1.0))

    def live(self, first_day: int, windows: int) -> Iterator[Observed]:
        """Windows in which nothing has changed."""
        starts = START + HOUR_S * (first_day * DAY + np.arange(windows))
        return self._windows(starts, self.world.live, self.kind.volume)

    def _windows(self, starts: Numbers, pool: Pool, volume: float) -> Iterator[Observed]:
        calls = _calls(starts, volume) if self.kind.volume else np.full(len(starts), TEXTS)
        for start, shares, n in zip(starts.tolist(), self.shares(starts), calls.tolist(), strict=True):
            rows = self.world.rows(shares, min(int(n), self.size), self.random)
            yield self.world.observe(start, pool.draw(rows, self.random))

    def _wander(self, windows: int) -> Numbers:
        noise = self.random.standard_normal((windows, DOMAINS))
        path = noise.copy()
        for t in range(1, windows if self.kind.wander else 0):
            path[t] = self.kind.rho * path[t - 1] + (1 - self.kind.rho**2) ** 0.5 * noise[t]
        return path


def daily(starts: Numbers) -> Numbers:
    """(windows, 10) log weights of the domains, which follow the hour."""
    hour = starts % 86_400 / HOUR_S
    return np.asarray(np.sin(2 * np.pi * (hour[:, np.newaxis] / 24 + np.arange(DOMAINS) / 10)))


def shares_of(log_weights: Numbers) -> Numbers:
    """Shares of the domains, (windows, 10)."""
    raw = np.exp(log_weights)
    return np.asarray(raw / raw.sum(axis=1, keepdims=True))


def _calls(starts: Numbers, volume: float) -> Numbers:
    hour = starts % 86_400 / HOUR_S
    return np.floor(volume * (LEAST + (MOST - LEAST) * (1 + np.cos(2 * np.pi * (hour - 15) / 24)) / 2))
