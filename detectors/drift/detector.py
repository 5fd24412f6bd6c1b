"""The sequential detector of one stream: a pure step from one window to the next."""

from dataclasses import dataclass, field, replace

import numpy as np

from detectors.drift import evidence
from detectors.drift.calibrate import Calibration
from detectors.drift.channels import CHANNELS, Channel, Level, lean, next_trend, scores
from detectors.drift.effect import Effect, Minimums, Since, add, effect, of_day
from detectors.drift.episodes import Episode, begun, on_day_of, put
from detectors.drift.expected import Expected, cell_of
from detectors.drift.observed import Observed
from detectors.drift.places import Place, follow
from detectors.drift.slow import Day, Excursion, SlowState, step_day
from detectors.drift.verdict import Stakes, bet, named
from detectors.neighbours import Numbers
from detectors.profile import DAY

LEAST_TEXTS = 50
_SEES_TOPICS = np.isin(CHANNELS, ["mix", "burst", "scan"])  # what wanders with the topics


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
class State:
    """What the detector remembers; J channels.

    Attributes:
        until: end of the last window that was read, seconds since 1970.
        level: (D,) what the mean features of the next window are expected to differ by.
        trend: (K,) where its topics have been leaning; zero where they wander.
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
    trend: Numbers
    described: Numbers
    places: tuple[Place, ...]
    smooth: Numbers
    sums: Numbers
    rise: Numbers
    since: tuple[Since, ...]
    slow: SlowState
    records: tuple[bool, ...]
    episodes: tuple[Episode[Since] | None, ...]


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
        slow: how far a topic has grown on the day with which an alarm of whole days begins; None where none begins.
    """

    evidence: float
    by_channel: tuple[float, ...]
    p: tuple[float, ...]
    effects: tuple[Effect, ...]
    alarms: tuple[Channel, ...]
    clears: bool
    slow: Effect | None = None


def begin(calibration: Calibration) -> State:
    """Right after the baseline."""
    channels = len(CHANNELS)
    return State(
        until=calibration.until,
        level=calibration.levels,
        trend=calibration.trend,
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
    usual = calibration.cells[cell_of(observed.start)]
    places, place = follow(state.places, observed, usual, calibration.radius)
    noise = calibration.level.noise / observed.n
    level = Level(state.level, noise, state.trend, state.described, place)
    raw = scores(observed, usual, level, calibration.scale) - calibration.centre
    p = [evidence.p_value(float(x), row) for x, row in zip(raw - state.smooth, calibration.residuals, strict=True)]
    free = np.array([each is None for each in state.episodes])
    stakes = Stakes(calibration.windows, calibration.length_s, test.days, len(CHANNELS))
    bets = bet(stakes, (state.sums, state.rise, state.records), p, free, (end - state.until) / DAY)
    since = tuple(
        add(before, channel, observed, usual, calibration.radius) if rises else Since()
        for before, channel, rises in zip(state.since, CHANNELS, bets.rise >= 1, strict=True)
    )
    effects = tuple(
        effect(replace(each, places=places), channel, calibration, test.minimums)
        for each, channel in zip(since, CHANNELS, strict=True)
    )
    begins, clears = named(bets, effects, free, _SEES_TOPICS & calibration.wanders)
    slow, day = state.slow, None
    if calibration.days is not None and test.slow:
        slow, day = step_day(calibration.days, slow, observed, usual)
    sums, rise = bets.without(begins)
    scanned = effects[CHANNELS.index("scan")].subject
    subject = () if scanned < 0 else ([each for each in places if each.texts][scanned].emptied(),)
    going_on = [
        None if each is None else _goes_on(calibration, test, channel, each, (observed, usual))
        for channel, each in zip(CHANNELS, state.episodes, strict=True)
    ]
    after = State(
        until=end,
        level=calibration.level.next(state.level, observed.features - usual.features),
        trend=state.trend if calibration.wanders else next_trend(state.trend, lean(observed, usual)),
        described=_pulled(calibration, state.described, observed, usual),
        places=places,
        smooth=np.array(
            [each.next(q, y) for each, q, y in zip(calibration.smooth, state.smooth, raw, strict=True)], np.float64
        ),
        sums=sums,
        rise=rise,
        since=put(since, begins, Since()),
        slow=slow,
        records=bets.records,
        # The channels without an alarm go on, so that a second incident is seen.
        episodes=put(going_on, begins, begun(end, Since(places=subject))),
    )
    alarms = tuple(channel for channel, is_named in zip(CHANNELS, begins, strict=True) if is_named)
    total = float(bets.by_channel.sum())
    return after, Reading(
        evidence=max(total, 1.0) if alarms else total,
        by_channel=tuple(bets.by_channel.tolist()),
        p=tuple(p),
        effects=effects,
        alarms=alarms,
        clears=clears,
        slow=None if day is None else effect(of_day(day), "burst", calibration, test.minimums),
    )


def _pulled(calibration: Calibration, before: Numbers, observed: Observed, usual: Expected) -> Numbers:
    """What the next window's descriptors are expected to differ by; one that no text had tells nothing."""
    seen = observed.described - usual.described
    return np.where(np.isnan(seen), before, calibration.described.next(before, np.nan_to_num(seen)))


def _goes_on(
    calibration: Calibration, test: Test, channel: Channel, episode: Episode[Since], seen: tuple[Observed, Expected]
) -> Episode[Since] | None:
    """The episode after one more window; None when it has ended."""

    def size(day: Since) -> Effect | None:
        return effect(day, channel, calibration, test.minimums) if day.windows else None

    observed, usual = seen
    found = on_day_of(episode, observed.start, size, lambda day: Since(places=tuple(map(Place.emptied, day.places))))
    if found is None:
        return None
    return replace(found, today=add(found.today, channel, observed, usual, calibration.radius))


KINDS: dict[str, type] = {  # for `archive.from_bytes`
    each.__name__: each for each in (Day, Episode, Excursion, Place, Since, SlowState, State)
}
