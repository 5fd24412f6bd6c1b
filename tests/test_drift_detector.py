"""The sequential detector in a small world: when it is silent, what it sees and names, and that it goes on exactly."""

from dataclasses import replace
from functools import lru_cache
from itertools import permutations

import drift_kit as kit
import numpy as np
import pytest
from drift_kit import BURST, CALM, DENSE, LONGER, LOST, MIX, NEW_TOPIC, Change, calibrated, calm, read, windows
from hypothesis import given, settings
from hypothesis import strategies as st
from text_kit import START

from detectors.archive import from_bytes, to_bytes
from detectors.drift import calibrate, detector, evidence
from detectors.drift.channels import CHANNELS, along, next_trend
from detectors.drift.detector import Reading, State, begin, step
from detectors.drift.detector import Test as Asked
from detectors.drift.effect import Minimums
from detectors.drift.hindsight import hindsight
from detectors.drift.observed import Observed, observe
from detectors.drift.verdict import RESERVE
from detectors.drift.weeks import BUDGETS, kept_days

DAY = 86_400.0
TEST = Asked(90)  # 28 days of four windows are too few for the fast path at this budget
FAST = Asked(30)


def fast_rate(k: int) -> float:
    """False alarms a day of two windows in a row above all k scores of a baseline, in one channel."""
    return len(CHANNELS) * kit.PER_DAY * 2 / ((k + 1) * (k + 2))


def alarms(readings: list[Reading]) -> list[tuple[int, tuple[str, ...]]]:
    """The number of each window that raised alarms, and their channels."""
    return [(number, each.alarms) for number, each in enumerate(readings) if each.alarms]


@lru_cache(maxsize=1)
def calm_state() -> State:
    """After five calm days."""
    return read(calm(), TEST, windows(28, 5, 2))[0]


def after(*stretches: tuple[float, Change], test: Asked = TEST, seed: int = 2) -> tuple[State, list[Reading]]:
    """Reads some days of each kind after the five calm ones."""
    seen: list[Observed] = []
    for days, change in stretches:
        seen += windows(33 + len(seen) / kit.PER_DAY, days, seed, change)
    return read(calm(), test, seen, calm_state())


@pytest.mark.parametrize("seed", [2, 3])
def test_without_a_change_200_windows_raise_no_alarm(seed: int) -> None:
    _, readings = read(calm(), FAST, windows(28, 50, seed))
    assert not alarms(readings)
    assert not any(each.slow for each in readings)
    p = np.array([each.p for each in readings])
    assert p.mean(axis=0) == pytest.approx(np.full(len(CHANNELS), 0.5), abs=0.1)


@pytest.mark.parametrize("seed", [2, 3])
@pytest.mark.parametrize(
    ("change", "channel", "others"),
    [
        (NEW_TOPIC, "novelty", {"mix", "scan"}),
        (LOST, "novelty", {"mix", "scan"}),
        (BURST, "burst", {"mix"}),
        (MIX, "mix", {"burst", "scan"}),
        (DENSE, "scan", {"burst", "mix"}),
        (LONGER, "descriptors", set()),
    ],
)
def test_a_change_is_seen_within_a_day_and_its_channel_is_named(
    change: Change, channel: str, others: set[str], seed: int
) -> None:
    _, readings = after((1, change), seed=seed)
    raised = alarms(readings)
    assert channel in raised[0][1]
    assert set(raised[0][1]) <= {channel, *others}
    first = readings[raised[0][0]]
    assert first.evidence >= 1
    assert first.clears
    assert first.p[CHANNELS.index(channel)] < 0.05  # type: ignore[arg-type]


def test_the_effect_says_how_large_and_which_topic() -> None:
    _, readings = after((1, BURST))
    burst = readings[3].effects[CHANNELS.index("burst")]
    assert burst.subject == kit.RARE
    assert burst.minimum < burst.lower < 0.3 - kit.SHARES[kit.RARE] < burst.value + 0.1
    _, readings = after((1, LOST))
    novelty = readings[3].effects[CHANNELS.index("novelty")]
    assert novelty.minimum < novelty.lower < novelty.value < 0.3


def test_a_window_that_begins_before_the_end_of_the_last_is_refused() -> None:
    one, two = windows(28, 0.5, 2)
    state, _ = step(calm(), TEST, begin(calm()), two)
    for older in (one, two, replace(two, start=two.start + kit.LENGTH_S - 1)):
        with pytest.raises(ValueError, match="in order"):
            step(calm(), TEST, state, older)
    step(calm(), TEST, state, replace(two, start=two.start + kit.LENGTH_S))


def test_what_the_baseline_holds_is_not_read_again() -> None:
    with pytest.raises(ValueError, match="in order"):
        step(calm(), TEST, begin(calm()), windows(27, 1, 1)[-1])


@pytest.mark.parametrize("change", [CALM, NEW_TOPIC])
def test_the_order_of_the_texts_of_a_window_does_not_matter(change: Change) -> None:
    random, other = np.random.RandomState(0), []
    seen = windows(33, 1.5, 2, change)
    for each in seen:
        texts = kit.texts(each.start, 2, change)
        other.append(observe(each.start, texts.rows(random.permutation(kit.N)), kit.reference().radius))
    for one, two in zip(read(calm(), TEST, seen)[1], read(calm(), TEST, other)[1], strict=True):
        assert (two.p, two.alarms, two.clears) == (one.p, one.alarms, one.clears)
        assert two.evidence == pytest.approx(one.evidence)
        assert np.array(two.effects) == pytest.approx(np.array(one.effects))


def test_the_same_windows_give_the_same_bytes() -> None:
    assert to_bytes(calibrated(windows(0, 28, 1))) == to_bytes(calm())
    assert to_bytes(after((2, NEW_TOPIC))[0]) == to_bytes(after((2, NEW_TOPIC))[0])


@lru_cache(maxsize=1)
def _story() -> tuple[list[Observed], list[State], list[Reading]]:
    """Two calm days, three with longer texts, three with texts from anywhere too, three calm ones; state by state."""
    seen = windows(28, 2, 2) + windows(30, 3, 2, LONGER) + windows(33, 3, 2, replace(LOST, longer=True))
    seen += windows(36, 3, 2)
    states, readings = [begin(calm())], []
    for each in seen:
        state, reading = step(calm(), FAST, states[-1], each)
        states.append(state)
        readings.append(reading)
    return seen, states, readings


@settings(max_examples=12)
@given(st.integers(0, 44))
def test_a_detector_that_is_stopped_and_started_goes_on_exactly(stop: int) -> None:
    seen, states, readings = _story()
    assert len(seen) == 44
    calibration = from_bytes(to_bytes(calm()), calibrate.KINDS)
    restored = from_bytes(to_bytes(states[stop]), detector.KINDS)
    assert to_bytes(restored) == to_bytes(states[stop])
    state, found = read(calibration, FAST, seen[stop:], restored)
    assert found == readings[stop:]
    assert to_bytes(state) == to_bytes(states[-1])


def test_the_story_has_alarms_episodes_and_an_end() -> None:
    _, states, readings = _story()
    assert {"descriptors", "novelty"} <= {channel for _, channels in alarms(readings) for channel in channels}
    assert any(each is not None for each in states[-8].episodes)


def test_a_calibration_comes_back_to_the_last_bit() -> None:
    data = to_bytes(calm())
    again = from_bytes(data, calibrate.KINDS)
    assert to_bytes(again) == data
    assert (again.smooth, again.level, again.windows) == (tuple(calm().smooth), calm().level, calm().windows)


def test_what_is_usual_does_not_depend_on_which_weekday_a_window_was_seen_on() -> None:
    """The windows of Tuesday and Wednesday, hour by hour, in each other's place."""
    seen = windows(0, 28, 1)
    swapped = list(seen)
    for hour in range(kit.PER_DAY):
        one, two = kit.PER_DAY + hour, 2 * kit.PER_DAY + hour
        swapped[one] = replace(seen[two], start=seen[one].start)
        swapped[two] = replace(seen[one], start=seen[two].start)
    other = calibrated(swapped)
    for cell, again in zip(calm().cells, other.cells, strict=True):
        for name in ("features", "shares", "strange", "described", "noise"):
            assert getattr(again, name) == pytest.approx(getattr(cell, name), abs=1e-9)
    assert other.residuals == pytest.approx(calm().residuals, abs=2)
    assert not np.array_equal(other.residuals, calm().residuals)


def test_the_hour_is_part_of_what_is_usual() -> None:
    """The first topic has half as much again at night; read six hours off, that is drift."""
    seen = windows(28, 20, 2)
    shifted = [replace(each, start=each.start + 2 * kit.LENGTH_S) for each in seen]
    mix, burst = CHANNELS.index("mix"), CHANNELS.index("burst")
    right, wrong = (np.mean([each.p for each in read(calm(), TEST, some)[1]], axis=0) for some in (seen, shifted))
    assert wrong[mix] < right[mix] - 0.1
    assert wrong[burst] < right[burst]


def test_a_channel_whose_alarm_goes_on_raises_no_second_one() -> None:
    state, readings = after((8, LONGER))
    assert [channels for _, channels in alarms(readings)] == [("descriptors",)]
    episode = state.episodes[CHANNELS.index("descriptors")]
    assert episode is not None
    assert episode.quiet == 0
    assert episode.since == START + 33 * DAY + (alarms(readings)[0][0] + 1) * kit.LENGTH_S
    assert not state.sums[CHANNELS.index("descriptors")].any()


def test_an_alarm_ends_after_two_quiet_days_and_the_next_change_raises_another() -> None:
    place = CHANNELS.index("descriptors")
    state, _ = after((2, LONGER))
    quiet = []
    for each in windows(35, 3, 2):
        state, reading = step(calm(), TEST, state, each)
        assert not reading.alarms
        episode = state.episodes[place]
        quiet.append(None if episode is None else episode.quiet)
    assert quiet == [0] * 4 + [1] * 4 + [None] * 4
    _, readings = after((2, LONGER), (3, CALM), (2, LONGER))
    assert [channels for _, channels in alarms(readings)] == [("descriptors",)] * 2


def test_an_alarm_of_the_scan_goes_on_as_long_as_its_place_is_dense() -> None:
    place = CHANNELS.index("scan")
    state, readings = after((6, DENSE))
    assert sum("scan" in channels for _, channels in alarms(readings)) == 1
    assert state.episodes[place] is not None
    state, _ = read(calm(), TEST, windows(39, 2.25, 2), state)
    assert state.episodes[place] is None


def test_one_quiet_day_between_does_not_end_an_alarm() -> None:
    _, readings = after((2, LONGER), (1, CALM), (2, LONGER), (1, CALM), (2, LONGER))
    assert [channels for _, channels in alarms(readings)] == [("descriptors",)]


def test_a_day_on_which_nothing_was_read_after_the_alarm_is_no_quiet_day() -> None:
    """The alarm is raised by the last window of its day."""
    place = CHANNELS.index("descriptors")
    state, readings = after((0.5, CALM), (0.5, LONGER), test=FAST)
    assert [number for number, _ in alarms(readings)] == [3]
    quiet = []
    for each in windows(34, 3, 2):
        state, _ = step(calm(), FAST, state, each)
        episode = state.episodes[place]
        quiet.append(None if episode is None else episode.quiet)
    assert quiet == [0] * 4 + [1] * 4 + [None] * 4


def test_another_channel_can_raise_an_alarm_meanwhile() -> None:
    state, readings = after((2, LONGER), (2, replace(LOST, longer=True)))
    raised = alarms(readings)
    assert raised[0][1] == ("descriptors",)
    later = {channel for number, channels in raised for channel in channels if number >= 8}
    assert "novelty" in later
    assert "descriptors" not in later
    assert state.episodes[CHANNELS.index("descriptors")] is not None


def test_evidence_without_a_clear_effect_raises_nothing() -> None:
    large = Asked(90, Minimums(novelty=0.9, burst=0.9, scan=0.9, descriptors=1_000.0))
    _, readings = after((2, LONGER), test=large)
    assert readings[-1].evidence > 100
    assert not [each for each in readings if each.alarms and "descriptors" in each.alarms and not each.clears]
    silent = [each for each in readings if each.evidence >= 1 and not each.clears]
    assert len(silent) > 2
    assert not any(each.alarms for each in silent)


def test_a_clear_effect_without_evidence_raises_nothing() -> None:
    patient = Asked(1e12)
    _, readings = after((2, LOST), test=patient)
    assert any(each.clears for each in readings)
    assert not alarms(readings)


def test_evidence_is_the_weighted_mean_of_the_sums_in_units_of_the_threshold() -> None:
    state, readings = read(calm(), TEST, windows(28, 3, 2))
    assert readings[-1].by_channel == pytest.approx(state.sums.mean(axis=1) / len(CHANNELS) / TEST.days / RESERVE)
    assert readings[-1].evidence == pytest.approx(sum(readings[-1].by_channel))


def test_the_first_bet_counts_the_days_since_the_baseline() -> None:
    """Three days without a window are three days of bets."""
    seen = windows(31, 0.25, 2)[0]
    state, reading = step(calm(), TEST, begin(calm()), seen)
    expected = [3.25 * evidence.e_values(p, calm().windows) for p in reading.p]
    assert state.sums == pytest.approx(np.array(expected))


def test_two_gross_windows_are_enough_for_the_fast_path() -> None:
    _, readings = after((1, LONGER), test=FAST)
    number, channels = alarms(readings)[0]
    assert (number, channels) == (1, ("descriptors",))
    assert sum(readings[number].by_channel) < 1 == readings[number].evidence


def test_the_fast_path_is_off_where_it_would_cost_more_than_a_fifth_of_the_budget() -> None:
    for test, on in ((Asked(60), True), (Asked(70), False)):
        assert (fast_rate(calm().windows) <= 0.2 / test.days) is on
        _, readings = after((1, LONGER), test=test)
        assert (alarms(readings)[0][0] == 1) is on
    few = calm(14)
    assert fast_rate(few.windows) > 0.2 / FAST.days
    _, readings = read(few, FAST, windows(14, 2, 2, LONGER))
    assert alarms(readings)
    assert all(sum(each.by_channel) >= 1 for each in readings if each.alarms)


def test_what_the_fast_path_costs_is_taken_from_the_budget() -> None:
    state, readings = read(calm(), FAST, windows(28, 3, 2))
    left = 1 / FAST.days - fast_rate(calm().windows)
    assert readings[-1].by_channel == pytest.approx(state.sums.mean(axis=1) / len(CHANNELS) * left / RESERVE)


@pytest.mark.parametrize("k", [2, 3, 4])
def test_two_records_in_a_row_are_as_rare_as_the_fast_path_says(k: int) -> None:
    """All orders of K + 2 different scores, of which the last two are new."""
    orders = list(permutations(range(k + 2)))
    rare = sum(min(order[k:]) > max(order[:k]) for order in orders) / len(orders)
    assert fast_rate(k) == pytest.approx(len(CHANNELS) * kit.PER_DAY * rare)


def test_a_descriptor_that_no_text_has_says_nothing() -> None:
    state = calm_state()
    seen = windows(33, 0.25, 2)[0]
    unknown = replace(seen, described=np.full_like(seen.described, np.nan))
    after_it, reading = step(calm(), TEST, state, unknown)
    assert reading.p[CHANNELS.index("descriptors")] == 1.0
    assert np.isfinite(after_it.described).all()
    assert after_it.described == pytest.approx(state.described)
    assert np.isfinite(np.array(reading.effects)).all()


def test_fewer_texts_are_no_drift() -> None:
    _, readings = read(calm(), FAST, windows(28, 20, 4, n=50))
    assert not alarms(readings)


def test_two_record_days_in_a_row_raise_one_slow_alarm_that_goes_on_until_a_week_was_normal() -> None:
    state, readings = after((5, MIX))
    assert [number for number, each in enumerate(readings) if each.slow] == [2 * kit.PER_DAY]
    assert state.slow.since == START + 35 * DAY
    state, _ = read(calm(), TEST, windows(38, 6.25, 2), state)
    assert state.slow.since == START + 35 * DAY
    state, _ = read(calm(), TEST, windows(44.25, 1, 2), state)
    assert state.slow.since == 0
    _, again = read(calm(), TEST, windows(45.25, 0.75, 2) + windows(46, 2.25, 2, MIX), state)
    assert sum(each.slow is not None for each in again) == 1


def test_one_record_day_raises_no_slow_alarm() -> None:
    _, readings = after((1, MIX), (2, CALM), (1, MIX), (2, CALM))
    assert not any(each.slow for each in readings)


def test_whole_days_are_left_out_where_they_are_not_asked_for() -> None:
    _, readings = after((3, MIX), test=Asked(90, slow=False))
    assert not any(each.slow for each in readings)
    short = calibrated(windows(0, 13, 1))
    assert short.days is None
    assert not any(each.slow for each in read(short, TEST, windows(13, 3, 2, MIX))[1])


def test_a_day_with_few_texts_is_not_compared() -> None:
    _, readings = read(calm(), TEST, [windows(33 + day, 0.25, 2, MIX)[0] for day in range(5)])
    assert not any(each.slow for each in readings)


def test_days_of_a_baseline_with_a_memory_of_days_have_a_margin() -> None:
    """In turn fourteen days of one mix and fourteen of another; then the same windows day by day in turn."""
    halves = windows(0, 14, 1, MIX) + windows(14, 14, 1)
    mixed = [windows(day, 1, 1, MIX if day % 2 else CALM) for day in range(28)]
    long, short = calibrated(halves), calibrated([each for day in mixed for each in day])
    assert long.days is not None
    assert short.days is not None
    assert long.days.reached > short.days.reached > calm().days.reached  # type: ignore[union-attr]
    assert long.days.count == short.days.count == 28


def test_a_calm_baseline_would_have_raised_no_alarm() -> None:
    assert hindsight(windows(0, 28, 1), calm()) == tuple((budget, 0) for budget in BUDGETS)


@pytest.mark.parametrize("change", [MIX, LONGER])
def test_an_odd_week_of_the_baseline_would_have_raised_alarms(change: Change) -> None:
    seen = windows(0, 7, 1) + windows(7, 7, 1, change) + windows(14, 7, 1)
    found = dict(hindsight(seen, calibrated(seen)))
    assert found[10.0] > 0
    assert found[10.0] >= found[30.0] >= found[300.0]


@pytest.mark.parametrize("days", [8, 14.25, 20])
def test_under_three_weeks_nobody_can_tell_what_would_have_been(days: float) -> None:
    seen = windows(0, days, 1)
    assert hindsight(seen, calibrated(seen)) == ()


def test_with_too_few_windows_without_a_week_nobody_can_tell_either() -> None:
    """28 windows of a day: three weeks of them are no calibration, and unknown is not zero."""
    daily = [kit.window(START + day * DAY, 1) for day in range(28)]
    assert hindsight(daily, calibrated(daily, DAY)) == ()


def test_where_a_baseline_would_have_alarmed_too_often_the_threshold_is_raised_until_it_would_not() -> None:
    found = ((10.0, 9), (30.0, 5), (90.0, 1), (300.0, 0))
    assert kept_days(30, found, 28) == 90
    assert kept_days(10, found, 28) == 90
    assert kept_days(120, found, 28) == 120
    assert kept_days(30, ((10.0, 2), (30.0, 1), (90.0, 0), (300.0, 0)), 28) == 30
    assert kept_days(30, ((10.0, 9), (30.0, 9), (90.0, 9), (300.0, 9)), 28) == 300
    assert kept_days(30, (), 28) == 30


def test_the_direction_in_which_ordinary_windows_went_says_nothing_of_the_next() -> None:
    random, trend, found = np.random.RandomState(0), np.zeros(20), []
    for _ in range(500):
        window = random.standard_normal(20)
        found.append(along(window, trend))
        trend = next_trend(trend, window)
    assert np.mean(found[1:]) == pytest.approx(0, abs=0.15)
    assert np.std(found[1:]) == pytest.approx(1, abs=0.1)


def test_a_lean_that_goes_on_stands_out_although_no_topic_does() -> None:
    random, trend, found = np.random.RandomState(1), np.zeros(80), []
    for _ in range(20):
        window = random.standard_normal(80) + 0.5 * np.sign(np.arange(80) % 2 - 0.5)
        found.append(along(window, trend))
        trend = next_trend(trend, window)
    assert np.mean(found[8:]) > 2.5
