"""One kind of traffic of one seed of the benchmark, and the changes under some of them."""

from dataclasses import dataclass, field
from functools import lru_cache
from time import process_time

from benchmarks.drift.changes import CHANGES, outcome
from benchmarks.drift.days import days_until
from benchmarks.drift.traffic import HOUR_S, KINDS, START, TEXTS, Kind, Traffic
from benchmarks.drift.world import World, jittered
from benchmarks.texts import Data
from detectors.drift.calibrate import Calibration, calibrate
from detectors.drift.detector import LEAST_TEXTS, State, Test, begin, step
from detectors.drift.hindsight import hindsight
from detectors.drift.weeks import Hindsight, kept_days

DAYS, BUDGET_DAYS = 28, 30.0
SEEN, SAID = 10, "how do i get my money back for the order that never came"
BUDGETS = (10.0, 30.0, 90.0, 300.0)
WITH_CHANGES = KINDS[:3]
WANDERING = KINDS[1:3]


@dataclass(frozen=True, slots=True)
class Found:
    """What one seed under one kind of traffic came to.

    Attributes:
        alarms: in windows without any change, by whole days apart.
        delays: of each change and budget; None: missed.
        shown: of each change that brings texts of its own, how many of the texts that alarms show are the change's, and
            how many they show.
        seconds: a window took to be tested, and to be seen beside the reference and tested.
        days: until the detector of whole days saw a shift, one that has just begun and one that remembers what came and
            went in the windows without change; None: missed.
        hindsight: how often the detector would have alarmed in its own baseline, leave-week-out, by budget.
    """

    kind: str
    alarms: int
    slow: int
    delays: dict[tuple[str, float], list[int | None]]
    shown: dict[str, tuple[int, int]]
    seconds: tuple[float, float]
    days: list[tuple[float | None, float | None]] = field(default_factory=list)
    hindsight: Hindsight = ()


def measure(data: Data, sizes: tuple[int, int], job: tuple[int, int]) -> Found:
    """One kind of traffic of one seed.

    Args:
        data: the texts.
        sizes: windows without change, and changes of each sort.
        job: the seed, and which of `KINDS`.
    """
    seed, kind = job
    return _measure(_world(data, seed), KINDS[kind], seed, sizes)


@lru_cache(maxsize=1)
def _world(data: Data, seed: int) -> World:
    return World.build(data, seed)


def _measure(world: World, kind: Kind, seed: int, sizes: tuple[int, int]) -> Found:
    windows, repeats = sizes
    traffic = Traffic.of(world, kind, seed)
    reference = world.fitted.reference
    baseline = traffic.baseline(DAYS)
    calibration = calibrate(HOUR_S, baseline, reference.radius, reference.topics)
    past = hindsight(baseline, calibration)
    test = Test(kept_days(BUDGET_DAYS, past, DAYS))
    state, alarms, slow, seconds = _without_change(traffic, calibration, test, windows)
    delays: dict[tuple[str, float], list[int | None]] = {}
    shown: dict[str, tuple[int, int]] = {}
    for change in CHANGES if kind in WITH_CHANGES else ():
        for budget in BUDGETS if kind is KINDS[0] else (BUDGET_DAYS,):
            test = Test(kept_days(budget, past, DAYS))
            found = [outcome(traffic, calibration, test, change) for _ in range(repeats)]
            delays[change.name, budget] = [each.delay for each in found]
            if change.kind in ("strange", "unseen"):
                shown[change.name] = sum(each.planted for each in found), sum(each.shown for each in found)
    days = [days_until(traffic, calibration, state.slow.past) for _ in range(repeats if kind in WANDERING else 0)]
    return Found(kind.name, alarms, slow, delays, shown, (seconds, seconds + _seeing(traffic)), days, past)


def _seeing(traffic: Traffic) -> float:
    """Seconds until a window's embeddings are seen: neighbours, features, topics, places, forms of the texts."""
    random, world = traffic.random, traffic.world
    vectors = jittered(world.live.texts.vectors[: world.live.rows], random)
    started = process_time()
    for _ in range(SEEN):
        rows = random.integers(world.live.rows, size=TEXTS)
        world.observe(START, world.fitted.see(vectors[rows], [SAID] * TEXTS))
    return (process_time() - started) / SEEN


def _without_change(
    traffic: Traffic, calibration: Calibration, test: Test, windows: int
) -> tuple[State, int, int, float]:
    state, alarms, slow, spent, tested = begin(calibration), 0, 0, 0.0, 0
    for observed in traffic.live(DAYS, windows):
        if observed.n < LEAST_TEXTS:
            continue
        started = process_time()
        state, reading = step(calibration, test, state, observed)
        spent, tested = spent + process_time() - started, tested + 1
        alarms, slow = alarms + bool(reading.alarms), slow + (reading.slow is not None)
    return state, alarms, slow, spent / tested
