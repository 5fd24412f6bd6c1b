"""The sequential detector of responses given their prompts: a pure step from one window to the next."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from detectors.drift import evidence
from detectors.drift.conditional import CHANNELS, Channel, PairCalibration, by_channel
from detectors.drift.detector import DAY_S
from detectors.drift.effect import Effect
from detectors.drift.judged import Judged
from detectors.drift.moved import MINIMUMS, Counted, Minimums, add, effect
from detectors.drift.verdict import Stakes, bet, named
from detectors.neighbours import Numbers

_QUIET_DAYS = 2


class PairTest(NamedTuple):
    """What is promised and asked for: days to a false alarm, and effects below which nobody is called."""

    days: float
    minimums: Minimums = MINIMUMS


@dataclass(frozen=True, slots=True, eq=False)
class PairEpisode:
    """An alarm that goes on: its channel is not tested until the effect has gone.

    Attributes:
        since: when it was raised, seconds since 1970.
        today: what was counted on the day under way.
        day: which day that is, days since 1970.
        quiet: days in a row on which the effect was gone.
    """

    since: float
    today: Counted
    day: int
    quiet: int = 0


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
    """

    until: float
    smooth: Numbers
    sums: Numbers
    rise: Numbers
    since: tuple[Counted, ...]
    records: tuple[bool, ...]
    episodes: tuple[PairEpisode | None, ...]


@dataclass(frozen=True, slots=True)
class PairReading:
    """What a window came to; the same names as of `detectors.drift.detector.Reading`."""

    evidence: float
    by_channel: tuple[float, ...]
    p: tuple[float, ...]
    effects: tuple[Effect, ...]
    alarms: tuple[Channel, ...]
    clears: bool


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
    bets = bet(stakes, (state.sums, state.rise, state.records), p, free, (end - state.until) / DAY_S)
    since = tuple(
        add(before, judged, calibration) if rises else Counted()
        for before, rises in zip(state.since, bets.rise >= 1, strict=True)
    )
    effects = tuple(
        effect(each, channel, calibration, test.minimums) for each, channel in zip(since, CHANNELS, strict=True)
    )
    begins, clears = named(bets, effects, free)
    after = PairState(
        until=end,
        smooth=np.array(
            [float(each.next(q, y)) for each, q, y in zip(calibration.filters, state.smooth, scores, strict=True)]
        ),
        sums=bets.sums,
        rise=bets.rise,
        since=since,
        records=bets.records,
        episodes=tuple(
            None if each is None else _goes_on(each, channel, (calibration, test), judged)
            for each, channel in zip(state.episodes, CHANNELS, strict=True)
        ),
    )
    alarms = tuple(channel for channel, is_named in zip(CHANNELS, begins, strict=True) if is_named)
    return _raised(after, begins, end), PairReading(
        float(bets.by_channel.sum()), tuple(bets.by_channel.tolist()), tuple(p), effects, alarms, clears
    )


def _goes_on(
    episode: PairEpisode, channel: Channel, by: tuple[PairCalibration, PairTest], judged: Judged
) -> PairEpisode | None:
    """The episode after one more window; None when the effect was gone on two days in a row."""
    calibration, test = by
    day = int(judged.start // DAY_S)
    if day != episode.day:
        quiet = episode.quiet
        if episode.today.windows:  # none where the alarm was raised by the last window of its day
            today = effect(episode.today, channel, calibration, test.minimums)
            quiet = quiet + 1 if today.lower <= today.minimum / 2 else 0
        if quiet >= _QUIET_DAYS:
            return None
        episode = replace(episode, day=day, today=Counted(), quiet=quiet)
    return replace(episode, today=add(episode.today, judged, calibration))


def _raised(state: PairState, begins: NDArray[np.bool_], end: float) -> PairState:
    """With an episode of each channel that raised an alarm; the others go on."""
    if not begins.any():
        return state
    fresh = PairEpisode(end, Counted(), int((end - 1) // DAY_S))
    return replace(
        state,
        sums=np.where(begins[:, np.newaxis], 0.0, state.sums),
        rise=np.where(begins, 1.0, state.rise),
        since=tuple(Counted() if is_named else each for each, is_named in zip(state.since, begins, strict=True)),
        episodes=tuple(fresh if is_named else each for each, is_named in zip(state.episodes, begins, strict=True)),
    )


KINDS: dict[str, type] = {each.__name__: each for each in (Counted, PairEpisode, PairState)}
