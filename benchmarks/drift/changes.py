"""What can happen to the traffic, and how many windows pass until somebody is called."""

from dataclasses import dataclass, replace

import numpy as np

from benchmarks.drift.traffic import DAY, HOUR_S, START, TEXTS, Traffic
from benchmarks.drift.world import World, joined
from detectors.drift.calibrate import Calibration
from detectors.drift.channels import Channel
from detectors.drift.detector import State, Test, begin, step
from detectors.drift.exemplars import exemplars
from detectors.drift.observed import Texts
from detectors.neighbours import Indices, Numbers

WARM_UP, HORIZON = 24, 72


@dataclass(frozen=True, slots=True)
class Change:
    """A change: `share` of each window is replaced by texts of `kind`."""

    name: str
    kind: str
    share: float


CHANGES = (
    Change("5 % out of scope", "strange", 0.05),
    Change("10 % out of scope", "strange", 0.1),
    Change("3 % of an unseen intent", "unseen", 0.03),
    Change("one domain +10 pp", "domain", 0.1),
    Change("a known intent +5 %", "intent", 0.05),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one change.

    Attributes:
        delay: windows until somebody was called; None: not within 72.
        channels: that were named.
        planted: of the texts that show what scan and novelty saw, how many belong to the change.
        shown: how many those are.
    """

    delay: int | None
    channels: tuple[str, ...]
    planted: int = 0
    shown: int = 0


def outcome(traffic: Traffic, calibration: Calibration, test: Test, change: Change) -> Outcome:
    """One change that begins at a random hour, after a day of ordinary windows."""
    random, world = traffic.random, traffic.world
    first = int(random.integers(7 * DAY)) + 35 * DAY
    starts = START + HOUR_S * (first + np.arange(WARM_UP + HORIZON))
    shares = traffic.shares(starts)
    subject = subject_of(world, change, random)
    state = begin(calibration)
    for t, start in enumerate(starts.tolist()):
        texts, planted = change_of(traffic, change if t >= WARM_UP else None, subject, shares[t])
        state, reading = step(calibration, test, state, world.observe(start, texts))
        if t == WARM_UP - 1:
            fresh = begin(calibration)
            state = replace(
                state,
                sums=fresh.sums,
                rise=fresh.rise,
                since=fresh.since,
                records=fresh.records,
                episodes=fresh.episodes,
            )
        if t >= WARM_UP and reading.alarms:
            return Outcome(t - WARM_UP + 1, reading.alarms, *_planted(texts, state, reading.alarms, planted))
    return Outcome(None, ())


def _planted(texts: Texts, state: State, channels: tuple[Channel, ...], planted: int) -> tuple[int, int]:
    """Of the texts that show what scan and novelty saw, those among the last rows, which are the change's, and all."""
    named = [name for name in channels if name in ("scan", "novelty")]
    rows = [row for name in named for row in exemplars(name, texts.vectors, -texts.p, texts.labels, state.places)]
    return sum(int(row) >= TEXTS - planted for row in rows), len(rows)


def subject_of(world: World, change: Change, random: np.random.Generator) -> Indices | int:
    """Rows of the pool that the change draws from, or the domain that grows."""
    if change.kind == "domain":
        return int(random.integers(len(world.members)))
    if change.kind == "strange":
        return np.arange(world.strange.rows)
    intents = world.unseen_intent if change.kind == "unseen" else world.intent
    return np.flatnonzero(intents == random.choice(np.unique(intents)))


def change_of(traffic: Traffic, change: Change | None, subject: Indices | int, shares: Numbers) -> tuple[Texts, int]:
    """Texts of a window, those of the change last where it brings its own, and how many these are."""
    random, world = traffic.random, traffic.world
    if change is None:
        return world.live.draw(world.rows(shares, TEXTS, random), random), 0
    if isinstance(subject, int):
        grown = (1 - change.share) * shares
        grown[subject] += change.share
        return world.live.draw(world.rows(grown, TEXTS, random), random), 0
    count = int(random.binomial(TEXTS, change.share))
    pool = {"strange": world.strange, "unseen": world.unseen}.get(change.kind, world.live)
    ordinary = world.live.draw(world.rows(shares, TEXTS - count, random), random)
    return joined(ordinary, pool.draw(random.choice(subject, count), random)), count
