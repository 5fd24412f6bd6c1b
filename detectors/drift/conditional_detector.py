"""The sequential detector of responses given their prompts: a pure step from one window to the next."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from detectors.drift import evidence
from detectors.drift.conditional import CHANNELS, Channel, PairCalibration, by_channel
from detectors.drift.effect import Effect
from detectors.drift.episodes import Episode, begun, on_day_of, put
from detectors.drift.judged import Judged
from detectors.drift.moved import MINIMUMS, Minimums, add, effect
from detectors.drift.pair_days import PairDaysState, step_pair_day
from detectors.drift.pair_usual import Counted
from detectors.drift.verdict import Stakes, bet, named
from detectors.neighbours import Numbers
from detectors.profile import DAY


class PairTest(NamedTuple):
    """What is promised and asked for: days to a false alarm, effects below which nobody is called, and whether whole
    days are compared too."""

    days: float
    minimums: Minimums = MINIMUMS
    slow: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class PairState:
    """What the detector remembers.

    Attributes:
        until: end of the last window that was read, seconds since 1970.
        smooth: (2,) what the scores of the next window are expected to be.
        sums: (3, 2) Shiryaev-Roberts sums in days, of each channel and bet.
        rise: (3,) the bets since the most likely moment of a change, multiplied (the CUSUM of their logarithms).
        since: what each channel counted since that moment.
        records: whose last score was beyond all of the baseline's.
        episodes: of the channels that are not tested.
        slow: of the detector of whole days.
    """

    until: float
    smooth: Numbers
    sums: Numbers
    rise: Numbers
    since: tuple[Counted, ...]
    records: tuple[bool, ...]
    episodes: tuple[Episode[Counted] | None, ...]
    slow: PairDaysState = field(default_factory=PairDaysState)


@dataclass(frozen=True, slots=True)
class PairReading:
    """What a window came to; the same names as of `detectors.drift.detector.Reading`.

    `slow` is the channel in which an alarm of the detector of whole days begins with this window, and how far responses
    have moved on the two days behind it; None where none does.
    """

    evidence: float
    by_channel: tuple[float, ...]
    p: tuple[float, ...]
    effects: tuple[Effect, ...]
    alarms: tuple[Channel, ...]
    clears: bool
    slow: tuple[Channel, Effect] | None = None


def begin(calibration: PairCalibration) -> PairState:
    """Right after the baseline."""
    return PairState(
        until=calibration.until,
        smooth=calibration.smoothed,
        sums=np.zeros((len(CHANNELS), len(evidence.KAPPAS))),
        rise=np.ones(len(CHANNELS)),
        since=(Counted(),) * len(CHANNELS),
        records=(False,) * len(CHANNELS),
        episodes=(None,) * len(CHANNELS),
    )


def step(
    calibration: PairCalibration, test: PairTest, state: PairState, judged: Judged
) -> tuple[PairState, PairReading]:
    """Reads one window of three pairs or more, once.

    Raises:
        ValueError: the window begins before the end of the last one.
    """
    if judged.start < state.until:
        raise ValueError("a window is read once and in order: this one begins before the end of the last")
    end = judged.start + calibration.length_s
    scores = calibration.scores(judged)
    rests = by_channel(scores - state.smooth)
    p = [evidence.p_value(float(x), row) for x, row in zip(rests, calibration.residuals, strict=True)]
    free = np.array([each is None for each in state.episodes])
    stakes = Stakes(calibration.windows, calibration.length_s, test.days, len(CHANNELS))
    bets = bet(stakes, (state.sums, state.rise, state.records), p, free, (end - state.until) / DAY)
    since = tuple(
        add(before, judged, calibration) if rises else Counted()
        for before, rises in zip(state.since, bets.rise >= 1, strict=True)
    )
    effects = tuple(
        effect(each, channel, calibration, test.minimums) for each, channel in zip(since, CHANNELS, strict=True)
    )
    begins, clears = named(bets, effects, free)
    slow, found = _whole_days(calibration, test, state.slow, judged)
    sums, rise = bets.without(begins)
    going_on = [
        None if each is None else _goes_on(each, channel, (calibration, test), judged)
        for each, channel in zip(state.episodes, CHANNELS, strict=True)
    ]
    after = PairState(
        until=end,
        smooth=np.array(
            [float(each.next(q, y)) for each, q, y in zip(calibration.filters, state.smooth, scores, strict=True)]
        ),
        sums=sums,
        rise=rise,
        since=put(since, begins, Counted()),
        records=bets.records,
        episodes=put(going_on, begins, begun(end, Counted())),
        slow=slow,
    )
    alarms = tuple(channel for channel, is_named in zip(CHANNELS, begins, strict=True) if is_named)
    return after, PairReading(
        evidence=float(bets.by_channel.sum()),
        by_channel=tuple(bets.by_channel.tolist()),
        p=tuple(p),
        effects=effects,
        alarms=alarms,
        clears=clears,
        slow=found,
    )


def _whole_days(
    calibration: PairCalibration, test: PairTest, state: PairDaysState, judged: Judged
) -> tuple[PairDaysState, tuple[Channel, Effect] | None]:
    """One more window of the day under way, and the alarm that begins, as in `PairReading`."""
    if calibration.days is None or not test.slow:
        return state, None
    by = calibration.usual(judged.start), calibration.spread
    state, found = step_pair_day(calibration.days, state, judged, by)
    if found is None:
        return state, None
    channel = CHANNELS[found.channel]
    return state, (channel, effect(found.counted, channel, calibration, test.minimums))


def _goes_on(
    episode: Episode[Counted], channel: Channel, by: tuple[PairCalibration, PairTest], judged: Judged
) -> Episode[Counted] | None:
    """The episode after one more window; None when it has ended."""
    calibration, test = by

    def size(day: Counted) -> Effect | None:
        return effect(day, channel, calibration, test.minimums) if day.windows else None

    found = on_day_of(episode, judged.start, size, lambda _: Counted())
    return None if found is None else replace(found, today=add(found.today, judged, calibration))


KINDS: dict[str, type] = {each.__name__: each for each in (Counted, Episode, PairDaysState, PairState)}
