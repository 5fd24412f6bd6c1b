"""The sequential detector of one stream: a pure step from one window to the next."""

from dataclasses import dataclass, field, replace

import numpy as np

from detectors.drift import evidence
from detectors.drift.calibrate import Calibration
from detectors.drift.channels import CHANNELS, Channel, Level, scores
from detectors.drift.effect import Effect, Minimums, Since, add, effect
from detectors.drift.expected import Expected, cell_of
from detectors.drift.observed import Observed
from detectors.drift.places import Place, follow
from detectors.drift.slow import Day, SlowState, step_day
from detectors.neighbours import Numbers

RESERVE = 3.0  # for what the filters do not remove; see docs/drift-statistics.md
DAY_S = 86_400.0
LEAST_TEXTS = 50
NEW_NORMAL_DAYS = 7.0
_QUIET_DAYS = 2
_FAST_SHARE = 0.2  # of the budget, at most
_NAMED = 0.5  # channels with this share of the largest evidence are named with it


@dataclass(frozen=True, slots=True)
class Test:
    """What is promised and asked for.

    Attributes:
        days: mean time between two false alarms of this detector.
        minimums: effects below which nobody is called.
        slow: whether whole days are compared too.
    """

    days: float
    minimums: Minimums = field(default_factory=Minimums)
    slow: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """An alarm that goes on: its channel is not tested until the effect has gone.

    Attributes:
        since: when it was raised, seconds since 1970.
        today: what was counted on the day under way.
        day: which day that is, days since 1970.
        quiet: days in a row on which the effect was gone.
    """

    since: float
    today: Since
    day: int
    quiet: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """What the detector remembers; J channels.

    Attributes:
        until: end of the last window that was read, seconds since 1970.
        level: (D,) what the mean features of the next window are expected to differ by.
        described: (M,) the same for its mean descriptors.
        places: that are followed.
        smooth: (J,) what its scores are expected to be.
        sums: (J, 2) Shiryaev-Roberts sums in days.
        rise: (J,) the bets since the most likely moment of a change, multiplied (the CUSUM of their logarithms).
        since: what each channel counted since that moment.
        slow: of the detector of whole days.
        records: which channels' last score was above all of the baseline's.
        episodes: of the channels that are not tested.
    """

    until: float
    level: Numbers
    described: Numbers
    places: tuple[Place, ...]
    smooth: Numbers
    sums: Numbers
    rise: Numbers
    since: tuple[Since, ...]
    slow: SlowState
    records: tuple[bool, ...]
    episodes: tuple[Episode | None, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a window came to.

    Attributes:
        evidence: 1 is the threshold of an alarm; the fast path lifts it there.
        by_channel: the share of each channel in it.
        p: how rare each channel's score is.
        effects: of each channel since its evidence began to rise.
        alarms: channels whose alarm begins with this window.
        clears: whether the effect of a channel is large enough beyond doubt.
        slow: whether an alarm of the detector of whole days begins with this window.
    """

    evidence: float
    by_channel: tuple[float, ...]
    p: tuple[float, ...]
    effects: tuple[Effect, ...]
    alarms: tuple[Channel, ...]
    clears: bool
    slow: bool = False


def begin(calibration: Calibration) -> State:
    """Right after the baseline."""
    channels = len(CHANNELS)
    return State(
        until=calibration.until,
        level=calibration.levels,
        described=calibration.pulled,
        places=calibration.places,
        smooth=calibration.smoothed,
        sums=np.zeros((channels, len(evidence.KAPPAS))),
        rise=np.ones(channels),
        since=(Since(),) * channels,
        slow=SlowState(),
        records=(False,) * channels,
        episodes=(None,) * channels,
    )


def step(calibration: Calibration, test: Test, state: State, observed: Observed) -> tuple[State, Reading]:
    """Reads one window, once.

    Raises:
        ValueError: the window begins before the end of the last one.
    """
    if observed.start < state.until:
        raise ValueError("a window is read once and in order: this one begins before the end of the last")
    end = observed.start + calibration.length_s
    days = (end - state.until) / DAY_S
    usual = calibration.cells[cell_of(observed.start)]
    places, place = follow(state.places, observed, usual, calibration.radius)
    level = Level(state.level, calibration.level.noise / observed.n, state.described, place)
    raw = scores(observed, usual, level, calibration.scale) - calibration.centre
    rest = raw - state.smooth
    k = calibration.windows
    p = [evidence.p_value(float(x), row) for x, row in zip(rest, calibration.residuals, strict=True)]
    bets = np.stack([evidence.e_values(each, k) for each in p])
    free = np.array([each is None for each in state.episodes])
    sums = np.where(free[:, np.newaxis], evidence.sums(state.sums, days, bets), 0.0)
    fast = _fast_rate(calibration)
    may_be_fast = fast <= _FAST_SHARE / test.days
    by_channel = sums.mean(axis=1) / len(CHANNELS) * (1 / test.days - fast * may_be_fast) / RESERVE
    rise = np.maximum(state.rise, 1.0) * bets[:, 0]
    since = tuple(
        add(before, channel, observed, usual, calibration.radius) if rises else Since()
        for before, channel, rises in zip(state.since, CHANNELS, rise >= 1, strict=True)
    )
    effects = tuple(
        effect(replace(each, places=places), channel, calibration, test.minimums)
        for each, channel in zip(since, CHANNELS, strict=True)
    )
    records = tuple(each == 1 / (k + 1) for each in p)
    total = float(by_channel.sum())
    twice = [may_be_fast and a and b for a, b in zip(records, state.records, strict=True)]
    alarms, clears = _alarms(by_channel, effects, twice, free)
    slow, slow_alarm = state.slow, False
    if calibration.days is not None and test.slow:
        slow, slow_alarm = step_day(calibration.days, slow, observed, usual)
    after = State(
        until=end,
        level=calibration.level.next(state.level, observed.features - usual.features),
        described=_pulled(calibration, state.described, observed, usual),
        places=places,
        smooth=np.array(
            [each.next(q, y) for each, q, y in zip(calibration.smooth, state.smooth, raw, strict=True)], np.float64
        ),
        sums=sums,
        rise=rise,
        since=since,
        slow=slow,
        records=records,
        episodes=_episodes(calibration, test, state.episodes, (observed, usual)),
    )
    scanned = effects[CHANNELS.index("scan")].subject
    subject = () if scanned < 0 else ([each for each in places if each.texts][scanned].emptied(),)
    return _raised(after, alarms, end, subject), Reading(
        max(total, 1.0) if alarms else total, tuple(by_channel.tolist()), tuple(p), effects, alarms, clears, slow_alarm
    )


def _fast_rate(calibration: Calibration) -> float:
    """False alarms a day of the fast path: two windows in a row above every score of the baseline, in one channel.

    Of K + 2 exchangeable scores the last two are the largest with the probability 2 / ((K + 1)(K + 2)).
    """
    k = calibration.windows
    return len(CHANNELS) * 2 / ((k + 1) * (k + 2)) * DAY_S / calibration.length_s


def _pulled(calibration: Calibration, before: Numbers, observed: Observed, usual: Expected) -> Numbers:
    """What the next window's descriptors are expected to differ by; one that no text had tells nothing."""
    seen = observed.described - usual.described
    return np.where(np.isnan(seen), before, calibration.described.next(before, np.nan_to_num(seen)))


def _alarms(
    by_channel: Numbers, effects: tuple[Effect, ...], twice: list[bool], free: Numbers
) -> tuple[tuple[Channel, ...], bool]:
    strong = by_channel >= _NAMED * by_channel.max() if by_channel.max() > 0 else np.zeros(len(by_channel), bool)
    # The effect of an alarm that goes on does not open the gate for the other channels.
    clear = np.array([each.clears for each in effects]) & free
    enough = bool(by_channel.sum() >= 1)
    clears = bool(clear.any())
    named = ((strong | clear) if enough and clears else np.zeros(len(strong), bool)) | (np.array(twice) & clear)
    named = named & free
    return tuple(channel for channel, is_named in zip(CHANNELS, named, strict=True) if is_named), clears


def _episodes(
    calibration: Calibration, test: Test, episodes: tuple[Episode | None, ...], seen: tuple[Observed, Expected]
) -> tuple[Episode | None, ...]:
    found = []
    for channel, episode in zip(CHANNELS, episodes, strict=True):
        found.append(None if episode is None else _goes_on(calibration, test, channel, episode, seen))
    return tuple(found)


def _goes_on(
    calibration: Calibration, test: Test, channel: Channel, episode: Episode, seen: tuple[Observed, Expected]
) -> Episode | None:
    """The episode after one more window; None when the effect was gone on two days in a row."""
    observed, usual = seen
    day = int(observed.start // DAY_S)
    if day != episode.day:
        quiet = episode.quiet
        if episode.today.windows:  # none where the alarm was raised by the last window of its day
            today = effect(episode.today, channel, calibration, test.minimums)
            quiet = quiet + 1 if today.lower <= today.minimum / 2 else 0
        kept = Since(places=tuple(each.emptied() for each in episode.today.places))
        episode = replace(episode, day=day, today=kept, quiet=quiet)
        if episode.quiet >= _QUIET_DAYS:
            return None
    return replace(episode, today=add(episode.today, channel, observed, usual, calibration.radius))


def _raised(state: State, alarms: tuple[Channel, ...], end: float, subject: tuple[Place, ...]) -> State:
    """With an episode of each channel that raised an alarm; the others go on, so that a second incident is seen."""
    if not alarms:
        return state
    named = np.array([channel in alarms for channel in CHANNELS])
    fresh = Episode(end, Since(places=subject), int((end - 1) // DAY_S))
    return replace(
        state,
        sums=np.where(named[:, np.newaxis], 0.0, state.sums),
        rise=np.where(named, 1.0, state.rise),
        since=tuple(Since() if is_named else each for each, is_named in zip(state.since, named, strict=True)),
        episodes=tuple(fresh if is_named else each for each, is_named in zip(state.episodes, named, strict=True)),
    )


KINDS: dict[str, type] = {  # for `archive.from_bytes`
    each.__name__: each for each in (Day, Episode, Place, Since, SlowState, State)
}
