"""One seed of the benchmark: all kinds of traffic, and the changes under some of them."""

from dataclasses import dataclass
from time import process_time

from benchmarks.drift.changes import CHANGES, outcome
from benchmarks.drift.traffic import HOUR_S, KINDS, Kind, Traffic
from benchmarks.drift.world import World
from benchmarks.texts import Data
from detectors.drift.calibrate import Calibration, calibrate
from detectors.drift.detector import LEAST_TEXTS, Test, begin, step

DAYS, BUDGET_DAYS = 28, 30.0
BUDGETS = (10.0, 30.0, 90.0, 300.0)
WITH_CHANGES = KINDS[:3]


@dataclass(frozen=True, slots=True)
class Found:
    """What one seed under one kind of traffic came to.

    Attributes:
        alarms: in windows without any change, by whole days apart.
        delays: of each change and budget; None: missed.
        shown: of each change that brings texts of its own, how many of the texts that alarms show are the change's, and
            how many they show.
        seconds: a window took.
    """

    kind: str
    alarms: int
    slow: int
    delays: dict[tuple[str, float], list[int | None]]
    shown: dict[str, tuple[int, int]]
    seconds: float


def measure(data: Data, windows: int, repeats: int, seed: int) -> list[Found]:
    """All kinds of traffic of one seed."""
    world = World.build(data, seed)
    return [_measure(world, kind, seed, (windows, repeats)) for kind in KINDS]


def _measure(world: World, kind: Kind, seed: int, sizes: tuple[int, int]) -> Found:
    windows, repeats = sizes
    traffic = Traffic.of(world, kind, seed)
    reference = world.fitted.reference
    calibration = calibrate(HOUR_S, traffic.baseline(DAYS), reference.radius, reference.topics)
    alarms, slow, seconds = _without_change(traffic, calibration, windows)
    delays: dict[tuple[str, float], list[int | None]] = {}
    shown: dict[str, tuple[int, int]] = {}
    for change in CHANGES if kind in WITH_CHANGES else ():
        for budget in BUDGETS if kind is KINDS[0] else (BUDGET_DAYS,):
            found = [outcome(traffic, calibration, Test(budget), change) for _ in range(repeats)]
            delays[change.name, budget] = [each.delay for each in found]
            if change.kind in ("strange", "unseen"):
                shown[change.name] = sum(each.planted for each in found), sum(each.shown for each in found)
    return Found(kind.name, alarms, slow, delays, shown, seconds)


def _without_change(traffic: Traffic, calibration: Calibration, windows: int) -> tuple[int, int, float]:
    state, alarms, slow, spent, tested = begin(calibration), 0, 0, 0.0, 0
    for observed in traffic.live(DAYS, windows):
        if observed.n < LEAST_TEXTS:
            continue
        started = process_time()
        state, reading = step(calibration, Test(BUDGET_DAYS), state, observed)
        spent, tested = spent + process_time() - started, tested + 1
        alarms, slow = alarms + bool(reading.alarms), slow + reading.slow
    return alarms, slow, spent / tested
