"""Which segments exist, and who is admitted."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from logs import duckdb_log, postgres_log
from oracle import ended_in, segment_of
from random_logs import MAX_DURATION, MINUTE, START, random_calls, windows

from detectors.measurement import NONE, OTHER, Segment
from detectors.segments import MOST_SEEN, admit, is_other, measurable, other, seen


def model(name: str) -> Segment:
    return Segment.of(model=name)


def test_both_engines_count_every_combination_as_by_hand(postgres_url: str) -> None:
    rows = random_calls(11, 600)
    columns = ("service", "model")
    expected: list[dict[Segment, int]] = []
    for window in windows(6):
        expected.append({})
        for call in ended_in(rows, window):
            segment = segment_of(call.row, columns)
            expected[-1][segment] = expected[-1].get(segment, 0) + 1
    for log in (duckdb_log(rows), postgres_log(postgres_url, rows)):
        assert seen(log, windows(6), columns, MAX_DURATION) == expected


def test_the_whole_of_a_source_is_one_segment() -> None:
    log = duckdb_log([{"id": "1", "started_at": START}])
    assert seen(log, windows(2), (), MAX_DURATION) == [{Segment(): 1}, {}]


def test_only_the_largest_of_very_many_combinations_are_reported(postgres_url: str) -> None:
    rows = [{"id": str(i), "started_at": START, "model": f"m{i}"} for i in range(MOST_SEEN + 50)]
    rows += [{"id": "twice", "started_at": START, "model": f"m{MOST_SEEN + 49}"}]
    for log in (duckdb_log(rows), postgres_log(postgres_url, rows)):
        found = seen(log, windows(1), ("model",), MAX_DURATION)[0]
        assert len(found) == MOST_SEEN
        assert found[model(f"m{MOST_SEEN + 49}")] == 2


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, NONE),
        ("", NONE),
        (" \t\n", NONE),
        (" a ", "a"),
        ("a\x1fb", "a b"),
        ("x" * 10_000, "x" * 128),
        ("x" * 127 + " y", "x" * 127),
        ("💥" * 200, "💥" * 128),
        ("'; drop table x; --", "'; drop table x; --"),
    ],
)
def test_a_label_is_a_trimmed_and_cut_value(postgres_url: str, value: str | None, shown: str) -> None:
    rows = [{"id": "1", "started_at": START, "model": value}]
    for log in (duckdb_log(rows), postgres_log(postgres_url, rows)):
        assert seen(log, windows(1), ("model",), MAX_DURATION) == [{model(shown): 1}]


def test_a_grouping_without_its_column_cannot_be_measured() -> None:
    assert measurable(("model",), frozenset({"id", "model"}))
    assert not measurable(("model", "service"), frozenset({"id", "model"}))
    assert measurable((), frozenset())


def test_larger_volume_is_admitted_first_and_ties_go_by_name() -> None:
    counts = {model("c"): 1, model("b"): 1, model("a"): 1, model("z"): 9}
    admitted = admit({}, windows(1), [counts], 3)
    assert admitted == dict.fromkeys([model("z"), model("a"), model("b"), model(OTHER)], START)


def test_who_was_admitted_stays_and_keeps_its_time() -> None:
    before = {model("old"): START - MINUTE}
    admitted = admit(before, windows(2), [{}, {model("old"): 1, model("new"): 100}], 1)
    assert admitted == {model("old"): START - MINUTE, model(OTHER): START + MINUTE}
    assert before == {model("old"): START - MINUTE}


def test_the_rest_takes_no_place_even_when_it_is_logged_by_name() -> None:
    admitted = admit({}, windows(1), [{model(OTHER): 5, model("a"): 1}], 1)
    assert set(admitted) == {model(OTHER), model("a")}


counts = st.dictionaries(st.sampled_from([model(name) for name in "abcdefg"]), st.integers(1, 5), max_size=5)


@given(st.lists(counts, min_size=1, max_size=8), st.integers(0, 5), st.data())
def test_admission_does_not_depend_on_batches(all_counts: list[Any], limit: int, data: st.DataObject) -> None:
    grid = windows(len(all_counts))
    cut = data.draw(st.integers(0, len(grid)))
    first = admit({}, grid[:cut], all_counts[:cut], limit)
    assert admit(first, grid[cut:], all_counts[cut:], limit) == admit({}, grid, all_counts, limit)


@given(st.lists(counts, min_size=1, max_size=8), st.integers(0, 5))
def test_places_are_never_exceeded_and_never_left_empty(all_counts: list[Any], limit: int) -> None:
    admitted = admit({}, windows(len(all_counts)), all_counts, limit)
    named = [segment for segment in admitted if not is_other(segment)]
    everyone = {segment for each in all_counts for segment in each}
    assert len(named) == min(limit, len(everyone))
    assert (other(("model",)) in admitted) == (len(everyone) > limit)


def test_a_window_is_known_by_the_time_of_admission() -> None:
    admitted = admit({}, windows(3), [{}, {model("a"): 1}, {model("b"): 1}], 5)
    assert admitted == {model("a"): START + MINUTE, model("b"): START + timedelta(minutes=2)}
