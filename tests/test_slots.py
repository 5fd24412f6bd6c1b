"""Slots: properties that hold for every length of slot and every stretch of time."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.measurement import Window
from monitor.slots import DAY, EPOCH, STEPS_PER_LENGTH, Pace, Plan, ceil, closing, floor, step_of

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
MIDNIGHT = datetime(2026, 3, 5, tzinfo=UTC)

moments = st.integers(-(10**15), 4 * 10**15).map(lambda us: EPOCH + timedelta(microseconds=us))
# Every length that the settings take: it divides a day.
slots = st.sampled_from([timedelta(seconds=each) for each in (1, 7.5, 30, 60, 300, 900, 3600, 86400)])
lengths = st.integers(1, 3000)


def ends_of(stretches: Iterator[tuple[datetime, datetime]], slot: timedelta) -> list[datetime]:
    """Every slot end of some stretches, in the order in which they are closed."""
    plan = Plan.of(slot, slot, [])
    return [end for first, last in stretches for end in plan.ends(first, last)]


@given(moments, slots)
def test_floor_and_ceil_are_the_nearest_slot_ends_on_both_sides(at: datetime, slot: timedelta) -> None:
    below, above = floor(at, slot), ceil(at, slot)
    assert below <= at <= above
    assert (below - EPOCH) % slot == timedelta(0) == (above - EPOCH) % slot
    assert at - below < slot
    assert above - at < slot
    assert (below == above) == (below == at)


@given(moments, slots)
def test_floor_and_ceil_of_a_slot_end_are_itself(at: datetime, slot: timedelta) -> None:
    end = floor(at, slot)
    assert floor(end, slot) == end == ceil(end, slot)


@given(moments, slots, st.integers(0, 400))
def test_closing_covers_every_slot_exactly_once_and_in_order(at: datetime, slot: timedelta, count: int) -> None:
    decided = floor(at, slot)
    complete = decided + count * slot + slot / 2
    assert ends_of(closing(decided, complete, slot), slot) == [decided + (k + 1) * slot for k in range(count)]


@given(moments, slots, st.timedeltas(timedelta(0), timedelta(hours=60)))
def test_without_a_pace_a_stretch_never_crosses_midnight(at: datetime, slot: timedelta, ahead: timedelta) -> None:
    for first, last in closing(at, at + min(ahead, 5000 * slot), slot):
        assert first <= last
        # The slot that ends at midnight belongs to the day that ends there.
        assert floor(first - slot, DAY) == floor(last - slot, DAY)


@given(moments, slots, st.integers(0, 300), st.data())
def test_any_split_of_a_span_gives_the_same_slots(
    at: datetime, slot: timedelta, count: int, data: st.DataObject
) -> None:
    decided, complete = floor(at, slot), floor(at, slot) + count * slot
    stops = data.draw(st.lists(st.integers(0, count), max_size=5).map(sorted))
    found = []
    for stop in [*stops, count]:
        for first, last in closing(decided, floor(at, slot) + stop * slot, slot):
            found += list(Plan.of(slot, slot, []).ends(first, last))
            decided = last
    assert found == ends_of(closing(floor(at, slot), complete, slot), slot)


@given(moments, slots, st.integers(0, 300), st.lists(st.floats(0, 1e9), min_size=1, max_size=20))
def test_at_any_pace_the_same_slots_are_closed(at: datetime, slot: timedelta, count: int, calls: list[float]) -> None:
    decided, pace, found = floor(at, slot), Pace(), []
    for number, (first, last) in enumerate(closing(decided, decided + count * slot, slot, pace)):
        assert last - first < pace.span
        assert last == decided + count * slot or last == floor(last, DAY)
        found += list(Plan.of(slot, slot, []).ends(first, last))
        pace.note(calls[number % len(calls)])
    assert found == [decided + (k + 1) * slot for k in range(count)]


@pytest.mark.parametrize(("calls", "days"), [(0, 14), (10_000, 14), (100_000, 2), (150_000, 1), (10**9, 1)])
def test_a_stretch_has_about_so_many_calls_and_at_most_two_weeks(calls: float, days: int) -> None:
    pace = Pace()
    assert pace.span == DAY
    pace.note(calls)
    assert pace.span == days * DAY
    pace.note(calls * days)
    assert pace.span == days * DAY


def test_a_source_that_does_not_advance_closes_nothing() -> None:
    assert list(closing(MIDNIGHT, MIDNIGHT, MINUTE)) == []
    assert list(closing(MIDNIGHT, MIDNIGHT - HOUR, MINUTE)) == []
    assert list(closing(MIDNIGHT, MIDNIGHT + MINUTE - timedelta(microseconds=1), MINUTE)) == []


@given(moments, slots, slots, st.integers(0, 50))
def test_after_a_change_of_the_slots_length_no_stretch_of_time_is_left_out(
    at: datetime, before: timedelta, after: timedelta, count: int
) -> None:
    decided = floor(at, before)
    complete = decided + count * after
    ends = ends_of(closing(decided, complete, after), after)
    assert all(later - earlier == after for earlier, later in pairwise(ends))
    if ends:
        assert ends[0] - after <= decided
        assert ends[0] > decided
        assert ends[-1] == floor(complete, after)


@given(lengths, slots)
def test_a_step_is_whole_slots_divides_the_length_and_is_taken_at_most_sixty_times(count: int, slot: timedelta) -> None:
    length = count * slot
    step = step_of(length, slot)
    assert step % slot == timedelta(0) == length % step
    assert length // step <= STEPS_PER_LENGTH
    shorter = [k for k in range(1, step // slot) if count % k == 0 and count // k <= STEPS_PER_LENGTH]
    assert shorter == []


@pytest.mark.parametrize(
    ("length", "step"), [(MINUTE, 1), (5 * MINUTE, 1), (HOUR, 1), (90 * MINUTE, 2), (61 * MINUTE, 61), (24 * HOUR, 24)]
)
def test_the_step_of_a_trailing_window_in_minutes(length: timedelta, step: int) -> None:
    assert step_of(length, MINUTE) == step * MINUTE


@given(moments, st.integers(0, 200), st.lists(st.integers(1, 1500), max_size=3))
def test_windows_of_a_plan_lie_on_their_grid_and_end_inside(at: datetime, count: int, trailing: list[int]) -> None:
    plan = Plan.of(MINUTE, HOUR, [k * MINUTE for k in trailing])
    first, last = floor(at, MINUTE), floor(at, MINUTE) + count * MINUTE
    for length, step in plan.steps.items():
        windows = plan.windows(length, first, last)
        assert all(window.length == length for window in windows)
        assert all((window.end - EPOCH) % step == timedelta(0) for window in windows)
        assert [window.end for window in windows] == [end for end in plan.ends(first, last) if plan.due(length, end)]


@given(moments, st.integers(1, 200), st.integers(1, 199))
def test_windows_do_not_depend_on_how_slots_are_batched(at: datetime, count: int, cut: int) -> None:
    plan = Plan.of(MINUTE, HOUR, [5 * MINUTE, 90 * MINUTE])
    first, last = floor(at, MINUTE), floor(at, MINUTE) + count * MINUTE
    middle = first + min(cut, count) * MINUTE
    for length in plan.steps:
        split = plan.windows(length, first, middle - MINUTE) + plan.windows(length, middle, last)
        assert split == plan.windows(length, first, last)


@given(moments, st.integers(1, 3000))
def test_base_and_history_windows_are_disjoint_and_cover_everything(at: datetime, count: int) -> None:
    plan = Plan.of(MINUTE, HOUR, [5 * MINUTE])
    for length in (MINUTE, HOUR):
        windows = plan.windows(length, at, at + count * MINUTE)
        assert all(a.end == b.start for a, b in pairwise(windows))


def test_a_rule_over_the_length_of_the_history_windows_is_measured_more_often_than_they_close() -> None:
    plan = Plan.of(MINUTE, HOUR, [HOUR])
    assert plan.steps[HOUR] == MINUTE
    assert Window(MIDNIGHT, MIDNIGHT + HOUR) in plan.windows(HOUR, MIDNIGHT, MIDNIGHT + 2 * HOUR)


def test_a_rule_over_the_base_length_is_measured_at_every_slot() -> None:
    assert Plan.of(MINUTE, HOUR, [MINUTE]).steps == {MINUTE: MINUTE, HOUR: HOUR}
