"""The windows of a baseline of pairs as its detector would have seen them: beside pairs that do not hold their own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detectors import ood
from detectors.drift.calibrate import LEAST_WINDOWS
from detectors.drift.conditional import LEAST_PAIRS, PairCalibration, calibrate
from detectors.drift.conditional_detector import PairTest, begin, step
from detectors.drift.judged import Judged, judge
from detectors.drift.learn import PARTS
from detectors.drift.pairs import Pairs
from detectors.drift.weeks import by_week
from detectors.neighbours import Indices, Numbers, Rows


@dataclass(frozen=True, slots=True, eq=False)
class PairWindows:
    """n pairs, each window's without those that repeat, in order of the hash of their ids.

    Attributes:
        prompts: (n, d).
        responses: (n, d).
        at: (n,) seconds since 1970.
        part: (n,) which quarter of the baseline's time each belongs to, 0 to 3.
        length_s: of the windows.
    """

    prompts: NDArray[np.float32]
    responses: NDArray[np.float32]
    at: Numbers
    part: Indices
    length_s: float

    def pairs(self, rows: Indices) -> Pairs:
        """Some of them to compare others with."""
        return Pairs.of(self.prompts[rows], self.responses[rows])


def judged(start: float, pairs: Pairs, strange: Numbers, vectors: tuple[Rows, Rows]) -> Judged:
    """A window's pairs beside others: those whose prompt is in distribution.

    Args:
        start: seconds since 1970.
        pairs: to compare with.
        strange: scores of held-out prompts.
        vectors: (n, d) prompts and (n, d) responses.
    """
    seen = pairs.see(*vectors)
    return judge(start, seen, np.flatnonzero(ood.p_values(seen.strange, strange) > ood.LEVEL))


def learn(pairs: Pairs, strange: Numbers, windows: PairWindows) -> PairCalibration | None:
    """What windows are when nothing has changed; None with too few windows to tell.

    The pairs of a window lie nearer to a reference that holds them than any to come, so every quarter is seen beside
    the other three; the last beside the baseline's own.
    """
    found = [each for part in range(PARTS) for each in _judged(pairs, strange, windows, part)]
    if len(found) < LEAST_WINDOWS:
        return None
    fitted = calibrate(windows.length_s, found)
    return replace(fitted, hindsight=by_week(found, lambda rest: calibrate(windows.length_s, rest), _alarms))


def _judged(pairs: Pairs, strange: Numbers, windows: PairWindows, part: int) -> Iterator[Judged]:
    rows, others = np.flatnonzero(windows.part == part), np.flatnonzero(windows.part != part)
    if not len(rows) or not len(others):
        return
    beside = pairs if part == PARTS - 1 else windows.pairs(others)
    seen = beside.see(windows.prompts[rows], windows.responses[rows])
    known = ood.p_values(seen.strange, strange) > ood.LEVEL
    starts = np.floor(windows.at[rows] / windows.length_s)
    for start in np.unique(starts):
        mine = np.flatnonzero((starts == start) & known)
        if len(mine) >= LEAST_PAIRS:
            yield judge(float(start) * windows.length_s, seen, mine)


def _alarms(calibration: PairCalibration, days: float, windows: Sequence[Judged]) -> int:
    # What the weeks around it expect of the next window says nothing of this one.
    state, count = replace(begin(calibration), until=windows[0].start, smooth=np.zeros(2)), 0
    for each in windows:
        state, reading = step(calibration, PairTest(days), state, each)
        count += bool(reading.alarms) + (reading.slow is not None)
    return count
