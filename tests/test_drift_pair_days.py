"""Whole days of responses given their prompts: what builds up too slowly for single windows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from text_kit import DAY, START

from detectors.archive import from_bytes, to_bytes
from detectors.drift.conditional import CHANNELS, Channel, PairCalibration, calibrate
from detectors.drift.conditional_detector import KINDS, PairReading, PairState, PairTest, begin, step
from detectors.drift.judged import Judged
from detectors.drift.pair_days import PairDays, calibrate_pair_days
from detectors.drift.pair_usual import Counted, Usually
from detectors.drift.slow import LEAST_DAYS, WEEK

D, N, PER_DAY, DAYS = 8, 60, 4, 28
LENGTH_S = DAY / PER_DAY
STYLE = np.eye(D)[0]


@dataclass(frozen=True)
class Moved:
    """What is other than in the baseline: the mean surprise, and the mean rest."""

    surprise: float = 0.0
    style: float = 0.0


CALM = Moved()
Course = Callable[[int], Moved]  # of each day


def window(number: int, moved: Moved = CALM, n: int = N, seed: int = 0) -> Judged:
    """One of n pairs, whose surprise and rest vary as samples do."""
    random = np.random.RandomState([seed, number])
    surprise = random.standard_normal(n) + moved.surprise
    rest = random.standard_normal(D) / n**0.5 + moved.style * STYLE
    return Judged(START + number * LENGTH_S, surprise, np.arange(n), rest, float(D), float(D), 0.0)


def days(first: int, count: int, course: Course = lambda _: CALM, seed: int = 0) -> list[Judged]:
    """The windows of some days; the course is of the days since the first."""
    numbers = range(first * PER_DAY, (first + count) * PER_DAY)
    return [window(each, course(each // PER_DAY - first), seed=seed) for each in numbers]


@lru_cache(maxsize=1)
def calibration() -> PairCalibration:
    return calibrate(LENGTH_S, days(0, DAYS))


def read(
    windows: Sequence[Judged], state: PairState | None = None, *, slow: bool = True
) -> tuple[PairState, list[PairReading]]:
    state, found = state or begin(calibration()), []
    for each in windows:
        state, reading = step(calibration(), PairTest(300.0, slow=slow), state, each)
        found.append(reading)
    return state, found


def slow_alarms(windows: Sequence[Judged]) -> list[tuple[int, Channel]]:
    """The day on which each begins, counted from the end of the baseline, and its channel."""
    _, readings = read(windows)
    return [(at // PER_DAY, each.slow[0]) for at, each in enumerate(readings) if each.slow is not None]


def test_nothing_is_raised_when_nothing_changes() -> None:
    assert slow_alarms(days(DAYS, 40)) == []


def test_a_model_that_gets_a_little_worse_every_day_is_seen_by_its_days() -> None:
    _, readings = read(days(DAYS, 12, lambda day: Moved(surprise=0.05 * day)))
    begun = [(at, each.slow) for at, each in enumerate(readings) if each.slow is not None]
    ((at, found),) = begun
    assert found is not None
    channel, size = found
    assert channel == "stranger"
    assert at % PER_DAY == 0  # with the first window after the second day
    assert 0.1 < size.value < 0.6
    assert size.lower < size.value


@pytest.mark.parametrize(
    ("moved", "channel"),
    [(Moved(surprise=0.4), "stranger"), (Moved(surprise=-0.4), "closer"), (Moved(style=0.4), "style")],
)
def test_two_days_in_a_row_raise_an_alarm_on_the_third_that_names_its_channel(moved: Moved, channel: Channel) -> None:
    assert slow_alarms(days(DAYS, 3, lambda _: moved)) == [(2, channel)]


def test_one_day_that_is_far_off_raises_nothing() -> None:
    assert slow_alarms(days(DAYS, 8, lambda day: Moved(surprise=1.0 * (day == 3)))) == []


def test_two_days_that_are_far_off_in_other_ways_raise_nothing() -> None:
    way = {2: Moved(surprise=0.5), 3: Moved(surprise=-0.5), 4: Moved(style=0.5)}
    assert slow_alarms(days(DAYS, 8, lambda day: way.get(day, CALM))) == []


def test_days_with_a_gap_between_them_are_not_in_a_row() -> None:
    far = days(DAYS, 4, lambda day: Moved(surprise=0.6 * (day != 1)))
    assert slow_alarms(far[:4] + far[8:12]) == []


def test_a_day_with_few_pairs_is_not_compared() -> None:
    far = [window(number, Moved(surprise=0.8), n=20) for number in range(DAYS * PER_DAY, (DAYS + 6) * PER_DAY)]
    assert slow_alarms(far) == []


def test_an_alarm_goes_on_until_a_week_has_given_no_reason_and_can_come_again() -> None:
    course = {2: 0.5, 3: 0.5, 8: 0.5, 9: 0.5}  # the second two belong to the same alarm
    again = {**course, 22: 0.5, 23: 0.5}
    found = slow_alarms(days(DAYS, 26, lambda day: Moved(surprise=again.get(day, 0.0))))
    assert found == [(4, "stranger"), (24, "stranger")]
    state, _ = read(days(DAYS, 10 + WEEK, lambda day: Moved(surprise=course.get(day, 0.0))))
    assert state.slow.since > 0
    state, _ = read([window((DAYS + 10 + WEEK) * PER_DAY)], state)
    assert state.slow.since == 0


def test_whole_days_are_left_out_where_they_are_not_asked_for() -> None:
    _, readings = read(days(DAYS, 5, lambda _: Moved(surprise=0.5)), slow=False)
    assert all(each.slow is None for each in readings)


def test_a_baseline_of_too_few_days_compares_none() -> None:
    assert calibrate(LENGTH_S, days(0, LEAST_DAYS - 1)).days is None
    found = calibrate(LENGTH_S, days(0, LEAST_DAYS)).days
    assert found is not None
    assert found.count == LEAST_DAYS


def test_days_with_a_memory_have_a_margin() -> None:
    path = np.sin(2 * np.pi * np.arange(DAYS) / 20) * 0.5
    jumping = np.random.RandomState(2).permutation(path)
    reached = []
    for each in (path, jumping):
        found = calibrate(LENGTH_S, days(0, DAYS, lambda day, each=each: Moved(surprise=float(each[day])))).days
        assert found is not None
        reached.append(found.reached)
    assert reached[0] > 1.3 * reached[1]


def of_sizes(sizes: np.ndarray) -> tuple[PairDays, list[Judged]]:
    """The days of a baseline that have exactly these mean surprises and styles, and all days as windows."""
    nothing = Usually(0.0, np.zeros(D), 0.0, 0.0)
    made = [
        Judged(DAY * number, np.full(100, surprise / 10), np.arange(100), style * STYLE, 0.0, 0.0, 0.0)
        for number, (surprise, style) in enumerate(sizes.tolist())
    ]
    known = made[:-2]
    found = calibrate_pair_days(known, [nothing] * len(known), 1.0)
    assert found is not None
    return found, made


def test_two_records_in_a_row_are_no_more_frequent_than_the_budget_is_charged_for() -> None:
    random, k, count = np.random.RandomState(0), LEAST_DAYS, 0
    nothing, draws = Usually(0.0, np.zeros(D), 0.0, 0.0), 300
    for _ in range(draws):
        known, made = of_sizes(random.standard_normal((k + 2, 2)) * [3.0, 1.0])
        records = [known.record(Counted().add(each, nothing, 1.0)) for each in made[-2:]]
        count += records[0] == records[1] >= 0
    charged = 3 / ((k + 1) * (k + 2))
    assert count <= draws * charged + 2 * (draws * charged) ** 0.5


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 5 * PER_DAY - 1))
def test_stopped_and_started_anywhere_it_goes_on_exactly(stop: int) -> None:
    windows = days(DAYS, 5, lambda _: Moved(surprise=0.4))
    state, first = read(windows[:stop])
    again: PairState = from_bytes(to_bytes(state), KINDS)
    end, rest = read(windows[stop:], again)
    whole, readings = read(windows)
    assert first + rest == readings
    assert to_bytes(end) == to_bytes(whole)
    assert [each.slow[0] for each in readings if each.slow is not None] == ["stranger"]


def test_what_was_remembered_before_there_were_whole_days_is_still_read() -> None:
    state, _ = read(days(DAYS, 1))
    assert (
        PairState(*(getattr(state, name) for name in PairState.__dataclass_fields__ if name != "slow")).slow.day.windows
        == 0
    )


@pytest.mark.parametrize("channel", CHANNELS)
def test_both_days_together_tell_how_far_responses_have_moved(channel: Channel) -> None:
    sign = {"stranger": 0.5, "closer": -0.5, "style": 0.0}[channel]
    _, readings = read(days(DAYS, 3, lambda _: Moved(surprise=sign, style=0.5 * (channel == "style"))))
    (found,) = [each.slow for each in readings if each.slow is not None]
    assert found[0] == channel
    assert found[1].value == pytest.approx(sign or 0.25 / D, rel=0.35)
    assert found[1].clears
