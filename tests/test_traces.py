"""Traces: sessions of calls with one id, on DuckDB and PostgreSQL, against a loop over sorted calls."""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from logs import ENGINES, duckdb_log, log_maker
from oracle import Call, Expected, assert_row, call_of, distribution, mean_of, ratio, sane, segment_of, us
from random_logs import MAX_DURATION, MINUTE, START, random_calls, windows

from detectors.catalogue import BY_NAME
from detectors.derived import MICROSECOND
from detectors.measurement import Batch, Key, Reason, Segment, Window
from detectors.segments import other
from detectors.traces import Traces

GAP = timedelta(seconds=10)
TRACES = Traces(MAX_DURATION, GAP)
Session = tuple[Segment, list[Call]]


@pytest.fixture(params=ENGINES)
def log_of(request: pytest.FixtureRequest) -> Any:
    """A function from calls and feedback to a log, for each engine."""
    return log_maker(request)


def sessions(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Iterator[Session]:
    """All traces of a log, the slow way."""
    by_id: dict[tuple[Segment, str], list[Call]] = {}
    for call in map(call_of, rows):
        if (call.row.get("trace_id") or "").strip() and call.at - call.started <= MAX_DURATION // MICROSECOND:
            by_id.setdefault((segment_of(call.row, columns), call.row["trace_id"]), []).append(call)
    for (segment, _), calls in by_id.items():
        calls.sort(key=lambda call: call.at)
        session: list[Call] = []
        for call in calls:
            if session and call.at - session[-1].at >= GAP // MICROSECOND:
                yield segment, session
                session = []
            session.append(call)
        yield segment, session


def latency(calls: Sequence[Call]) -> float:
    return (max(call.at for call in calls) - min(call.started for call in calls)) / 1e6


def expected(traces: Sequence[Sequence[Call]], window: Window) -> Expected:
    """All measurements of `detectors.traces` of one segment and window."""
    n = len(traces)
    result: Expected = {Key.of("traces"): (n, n), Key.of("traces_per_second"): (n / window.length_s, n)}
    result[Key.of("calls_per_trace")] = (mean_of([len(calls) for calls in traces]), n)
    succeeded = [any(call.ok and call.at == calls[-1].at for call in calls) for calls in traces]
    result |= ratio("trace_success_ratio", succeeded)
    result |= distribution("trace_latency_seconds", [latency(calls) for calls in traces])
    for kind in ("input", "output"):
        tokens = [
            sum(found)
            for calls in traces
            if (found := [t for c in calls if (t := sane(c.row.get(f"{kind}_tokens"), 1e9)) is not None])
        ]
        result[Key.of("tokens_per_trace", type=kind)] = (mean_of(tokens), len(tokens))
    return result


def traced_calls(seed: int, count: int) -> list[dict[str, Any]]:
    """A random log with traces: some long, some that come back, some whose calls end in the same microsecond."""
    chance = random.Random(seed)
    rows = random_calls(seed, count)
    for row in rows:
        row["trace_id"] = chance.choice(
            (None, "", f"t{chance.randrange(count // 6)}", f"t{chance.randrange(3)}", "O'x\\%s")
        )
        if chance.random() < 0.3:
            row["ended_at"] = (
                START + chance.randrange(72) * timedelta(seconds=5) + chance.choice((0, 0, -1)) * MICROSECOND
            )
    return rows


def measured(log: Any, batch: Sequence[Window], segments: Mapping[Segment, datetime] | None = None) -> Batch:
    columns = () if segments is None else ("model",)
    return TRACES.measure(log, batch, columns, segments or {})


@pytest.mark.parametrize("length", [MINUTE, 3 * MINUTE])
def test_traces_are_measured_as_by_hand(log_of: Any, length: timedelta) -> None:
    rows = traced_calls(21, 500)
    longest = MAX_DURATION.total_seconds()
    found = list(sessions(rows, ()))
    assert any(latency(calls) > longest for _, calls in found)
    batch = measured(log_of(rows), windows(7, length, MINUTE))
    for number, (_, window) in enumerate(batch.rows):
        ended = [
            calls
            for _, calls in found
            if us(window.start) <= calls[-1].at + GAP // MICROSECOND < us(window.end) and latency(calls) <= longest
        ]
        assert_row(batch, number, expected(ended, window))


def test_traces_of_segments_are_measured_as_by_hand(log_of: Any) -> None:
    rows = traced_calls(22, 500)
    admitted = {Segment.of(model="m1"): START - MINUTE, Segment.of(model="m2"): START + 2 * MINUTE}
    found = list(sessions(rows, ("model",)))
    batch = measured(log_of(rows), windows(6), admitted)
    for number, (segment, window) in enumerate(batch.rows):
        ended = [
            calls
            for named, calls in found
            if us(window.start) <= calls[-1].at + GAP // MICROSECOND < us(window.end)
            and latency(calls) <= MAX_DURATION.total_seconds()
            and (
                named == segment
                or (segment == other(("model",)) and (named not in admitted or window.end <= admitted[named]))
            )
        ]
        assert_row(batch, number, expected(ended, window))


def test_a_window_does_not_depend_on_calls_after_it_nor_on_how_windows_are_batched() -> None:
    rows = traced_calls(23, 500)
    whole = measured(duckdb_log(rows), windows(6))
    for number, window in enumerate(windows(6)):
        known = [row for row in rows if call_of(row).at < us(window.end)]
        assert measured(duckdb_log(known), [window]).measured(0) == whole.measured(number)


def test_a_retry_that_worked_makes_a_trace_a_success(log_of: Any) -> None:
    second = timedelta(seconds=1)
    rows = [
        {"id": "1", "trace_id": "healed", "started_at": START, "ended_at": START + second, "status_code": 500},
        {
            "id": "2",
            "trace_id": "healed",
            "started_at": START + second,
            "ended_at": START + 3 * second,
            "status_code": 200,
        },
        {"id": "3", "trace_id": "broken", "started_at": START, "ended_at": START + second, "status_code": 200},
        {"id": "4", "trace_id": "broken", "started_at": START, "ended_at": START + 2 * second, "status_code": 500},
    ]
    values = measured(log_of(rows), windows(1)).measured(0).values
    assert values[Key.of("trace_success_ratio")].value == 0.5
    assert values[Key.of("trace_latency_seconds", percentile="99")].value == pytest.approx(2.99)
    assert values[Key.of("calls_per_trace")].value == 2


def test_a_trace_ends_when_it_was_quiet_for_the_gap(log_of: Any) -> None:
    """A call exactly one gap later is a new trace: at that time the first is already counted."""
    edge = START + MINUTE
    rows = [
        {"id": "1", "trace_id": "a", "started_at": edge - GAP},
        {"id": "2", "trace_id": "a", "started_at": edge},
        {"id": "3", "trace_id": "b", "started_at": edge - GAP - MICROSECOND},
        {"id": "4", "trace_id": "c", "started_at": edge - GAP},
        {"id": "5", "trace_id": "c", "started_at": edge - MICROSECOND},
    ]
    batch = measured(log_of(rows), windows(2))
    assert batch.series[Key.of("traces")].value.tolist() == [1, 3]
    assert batch.series[Key.of("calls_per_trace")].value.tolist() == [1, 4 / 3]


def test_a_log_without_traces_has_zero_or_no_column(log_of: Any) -> None:
    columns = {"id", "started_at", "trace_id"}
    values = measured(log_of([], columns=columns), windows(1)).measured(0).values
    assert values[Key.of("traces")].value == 0
    assert values[Key.of("calls_per_trace")].reason == Reason.NO_CALLS
    assert values[Key.of("trace_success_ratio")].reason == Reason.MISSING_COLUMN
    rows = [{"id": "1", "started_at": START}]
    values = measured(log_of(rows), windows(1)).measured(0).values
    assert {value.reason for value in values.values()} == {Reason.MISSING_COLUMN}


def test_the_catalogue_lists_what_traces_measure() -> None:
    batch = measured(duckdb_log([]), windows(1))
    assert {key.name for key in batch.series} == TRACES.measures
    for name in TRACES.measures:
        labels = [dict(key.labels) for key in batch.series if key.name == name]
        for label, values in BY_NAME[name].labels:
            assert tuple(each[label] for each in labels) == values
