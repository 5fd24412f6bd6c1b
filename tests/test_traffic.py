"""Traffic: what the engine computes equals what plain Python computes, on DuckDB and on PostgreSQL."""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from logs import ENGINES, Log, duckdb_log, log_maker, postgres_log
from oracle import assert_row, ended_in, segment_of, traffic
from random_logs import MAX_DURATION, MINUTE, START, random_calls, windows

from detectors.catalogue import MEASUREMENTS
from detectors.derived import MICROSECOND
from detectors.measurement import Batch, Key, Reason, Segment, Window
from detectors.segments import other
from detectors.traffic import METRICS, Traffic

TRAFFIC = Traffic(MAX_DURATION)
WHOLE = Segment()


def measure(log: Log, batch: Sequence[Window], *columns: str, **since: datetime) -> Batch:
    """Measures; keyword arguments are admitted values of a single column."""
    segments = {Segment(((columns[0], value),)): time for value, time in since.items()}
    return TRAFFIC.measure(log, batch, columns, segments)


def assert_equal(one: Batch, two: Batch) -> None:
    """The same rows, counts and reasons; every number to the last but few bits."""
    assert sorted(one.rows) == sorted(two.rows)
    for segment, window in one.rows:
        for key in one.series:
            a, b = one.value(segment, window, key), two.value(segment, window, key)
            assert a is not None
            assert b is not None
            assert (a.n, a.reason) == (b.n, b.reason)
            for x, y in zip((a.value, a.lower, a.upper), (b.value, b.lower, b.upper), strict=True):
                assert x == y or x == pytest.approx(y, rel=1e-12, abs=0), key


@pytest.fixture(params=ENGINES)
def log_of(request: pytest.FixtureRequest) -> Any:
    """A function from calls and feedback to a log, for each engine."""
    return log_maker(request)


@pytest.mark.parametrize("length", [1, 3])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_whole_of_a_log_is_measured_as_by_hand(log_of: Any, seed: int, length: int) -> None:
    rows = random_calls(seed, 400)
    batch = measure(log_of(rows), windows(7, length * MINUTE, MINUTE, START - 2 * MINUTE))
    assert len(batch.rows) == 7
    for number, (segment, window) in enumerate(batch.rows):
        assert segment == WHOLE
        assert_row(batch, number, traffic(ended_in(rows, window), window))


def test_segments_with_hostile_names_are_measured_as_by_hand(log_of: Any) -> None:
    rows = random_calls(3, 500)
    columns = ("service", "model")
    names = sorted({segment_of(row, columns) for row in rows})
    admitted = dict.fromkeys(names[: len(names) // 2], START - MINUTE)
    admitted[names[-1]] = START + 2 * MINUTE  # admitted in the third window
    batch = TRAFFIC.measure(log_of(rows), windows(5), columns, admitted)
    assert [row for row in batch.rows if row[0] in admitted] == [
        (segment, window) for segment in admitted for window in windows(5) if window.end > admitted[segment]
    ]
    for number, (segment, window) in enumerate(batch.rows):
        calls = [
            call
            for call in ended_in(rows, window)
            if (named := segment_of(call.row, columns)) == segment
            or (segment == other(columns) and (named not in admitted or window.end <= admitted[named]))
        ]
        assert_row(batch, number, traffic(calls, window))


@pytest.mark.parametrize("length", [MINUTE, 5 * MINUTE])
def test_numbers_do_not_depend_on_how_windows_are_batched(length: timedelta) -> None:
    log = duckdb_log(random_calls(4, 300))
    all_windows = windows(6, length, MINUTE)
    admitted = {"m1": START, "m2": START + 2 * MINUTE, "__other__": START + MINUTE}
    whole = measure(log, all_windows, "model", **admitted)
    parts = [measure(log, part, "model", **admitted) for part in (all_windows[:1], all_windows[1:3], all_windows[3:])]
    assert sorted(row for part in parts for row in part.rows) == sorted(whole.rows)
    for part in parts:
        for number, row in enumerate(part.rows):
            assert part.measured(number) == whole.measured(whole.rows.index(row))


def test_both_engines_and_any_order_of_rows_give_the_same_numbers(postgres_url: str) -> None:
    rows = random_calls(5, 400)
    shuffled = random.Random(0).sample(rows, len(rows))
    admitted = {"m1": START, "m2": START + 2 * MINUTE}
    results = [
        measure(log, windows(6), "model", **admitted)
        for log in (duckdb_log(rows), duckdb_log(shuffled), postgres_log(postgres_url, shuffled))
    ]
    assert_equal(results[0], results[1])
    assert_equal(results[0], results[2])


def test_sums_of_a_shuffled_log_are_equal_to_the_last_bit() -> None:
    rows = random_calls(6, 1_000, span=MINUTE)
    shuffled = random.Random(0).sample(rows, len(rows))
    one, two = (measure(duckdb_log(each), windows(1)) for each in (rows, shuffled))
    assert one.measured(0) == two.measured(0)


def test_a_call_at_a_windows_end_belongs_to_the_next_window(log_of: Any) -> None:
    edge = START + MINUTE
    rows = [
        {"id": "before", "started_at": START, "ended_at": edge - MICROSECOND},
        {"id": "at", "started_at": START, "ended_at": edge},
        {"id": "by latency", "started_at": START, "latency_s": 60.0, "ended_at": None},
        {"id": "after", "started_at": edge, "ended_at": edge + MICROSECOND},
    ]
    batch = measure(log_of(rows), windows(2))
    assert batch.series[Key.of("calls")].value.tolist() == [1, 3]


def test_a_latency_from_two_times_is_exact_to_the_microsecond(log_of: Any) -> None:
    rows = [{"id": "1", "started_at": START + 999_999 * MICROSECOND, "ended_at": START + 1_000_002 * MICROSECOND}]
    value = measure(log_of(rows), windows(1)).value(WHOLE, windows(1)[0], Key.of("latency_seconds", percentile="50"))
    assert value is not None
    assert value.value == 3e-6


def test_an_empty_log_has_zero_calls_and_no_latency(log_of: Any) -> None:
    columns = {"id", "started_at", "error_type", "latency_s", "input_tokens", "cost_usd"}
    batch = measure(log_of([], columns=columns), windows(3), "model", m1=START)
    assert batch.rows == [(Segment.of(model="m1"), window) for window in windows(3)]
    values = batch.measured(0).values
    zeros = [
        Key.of("calls"),
        Key.of("calls_per_second"),
        Key.of("failed_calls", error_type="server"),
        Key.of("tokens", type="input"),
        Key.of("tokens_per_second", type="input"),
        Key.of("cost_usd"),
    ]
    assert [values[key].value for key in zeros] == [0] * 6
    assert values[Key.of("latency_seconds", percentile="99")].reason == Reason.NO_CALLS
    assert values[Key.of("error_ratio")].reason == Reason.NO_CALLS
    assert values[Key.of("tokens", type="output")].reason == Reason.MISSING_COLUMN


def test_a_column_that_the_source_lacks_is_a_reason_and_not_a_zero(log_of: Any) -> None:
    rows = [{"id": "1", "started_at": START, "latency_s": None, "input_tokens": None}]
    values = measure(log_of(rows), windows(1)).measured(0).values
    assert values[Key.of("calls")].value == 1
    assert {
        values[key].reason for key in values if key.name in ("error_ratio", "failed_calls", "cost_usd", "empty_ratio")
    } == {Reason.MISSING_COLUMN}
    assert values[Key.of("latency_seconds", percentile="mean")].reason == Reason.NO_VALUES
    assert values[Key.of("tokens", type="input")].reason == Reason.NO_VALUES


def test_a_failed_call_stays_out_of_latency_and_tokens_per_call(log_of: Any) -> None:
    rows = [
        {"id": "1", "started_at": START, "latency_s": 1.0, "output_tokens": 10, "status_code": 200},
        {"id": "2", "started_at": START, "latency_s": 30.0, "output_tokens": 1, "status_code": 500},
        {"id": "3", "started_at": START, "latency_s": 20.0, "output_tokens": 2, "status_code": 499},
    ]
    values = measure(log_of(rows), windows(1)).measured(0).values
    assert values[Key.of("latency_seconds", percentile="99")].value == 1.0
    assert values[Key.of("tokens_per_call", type="output")].value == 10
    assert values[Key.of("tokens", type="output")].value == 13
    assert values[Key.of("error_ratio")].value == 0.5
    assert values[Key.of("cancelled_ratio")].value == pytest.approx(1 / 3)


def test_a_call_longer_than_the_longest_duration_is_in_no_window(log_of: Any) -> None:
    rows = [
        {"id": "long", "started_at": START - MAX_DURATION, "ended_at": START},
        {"id": "too long", "started_at": START - MAX_DURATION, "ended_at": START + MICROSECOND},
    ]
    assert measure(log_of(rows), windows(1)).series[Key.of("calls")].value.tolist() == [1]


def test_windows_with_gaps_between_them_leave_out_what_lies_there() -> None:
    rows = [{"id": str(second), "started_at": START + timedelta(seconds=second)} for second in range(0, 300, 10)]
    batch = measure(duckdb_log(rows), windows(3, MINUTE, 90 * timedelta(seconds=1)))
    assert batch.series[Key.of("calls")].value.tolist() == [6, 6, 6]


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ([], "at least one window"),
        ([*windows(1), *windows(1, 2 * MINUTE)], "one length"),
        (windows(2)[::-1], "in order"),
        (windows(2, 3 * MINUTE, 2 * MINUTE), "divide their length"),
    ],
)
def test_a_batch_that_is_none_is_refused(batch: list[Window], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        measure(duckdb_log([]), batch)


def test_a_refusal_is_an_opening_and_not_an_apology(log_of: Any) -> None:
    answers = {
        "I'm sorry, but I can't help with that.": True,
        "I’m sorry, I can’t assist with this request.": True,
        "As an AI language model, I have no opinion.": True,
        "I must decline.": True,
        "That goes against my guidelines.": True,
        "We are not able to provide that.": True,
        "I'm sorry to hear that your order is late.": False,
        "A taxi can't help if the road is closed.": False,
        "y" * 200 + " I can't help with that.": False,
    }
    times = [START + i * MINUTE for i in range(len(answers))]
    rows = [{"id": text, "started_at": at, "response": text} for at, text in zip(times, answers, strict=True)]
    series = measure(log_of(rows), windows(len(rows))).series[Key.of("refusal_ratio")]
    assert series.value.tolist() == [float(expected) for expected in answers.values()]


def test_the_catalogue_lists_what_traffic_measures() -> None:
    batch = measure(duckdb_log([]), windows(1))
    names = {metric.name for metric in METRICS} | {metric.rate for metric in METRICS if metric.rate}
    for spec in (spec for spec in MEASUREMENTS if spec.name in names):
        labels = [dict(key.labels) for key in batch.series if key.name == spec.name]
        assert {tuple(label) for label in labels} == {tuple(name for name, _ in spec.labels)}
        for name, values in spec.labels:
            assert tuple(label[name] for label in labels) == values
    assert names == {key.name for key in batch.series}
    assert names <= {spec.name for spec in MEASUREMENTS}
