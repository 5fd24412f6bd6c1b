"""A query is compiled once, and then asked of any log at any time."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from logs import ENGINES, Log, duckdb_log, log_maker
from oracle import assert_row, ended_in, traffic
from random_logs import MAX_DURATION, MINUTE, START, random_calls, windows

from detectors import anchored
from detectors.anchored import ORIGIN, Anchored, ask
from detectors.derived import microseconds
from detectors.feedback import Feedback
from detectors.measurement import Segment
from detectors.protocols import Aggregate
from detectors.segments import seen
from detectors.traces import Traces
from detectors.traffic import Traffic

if TYPE_CHECKING:
    import ibis.expr.types as ir

AGGREGATES: tuple[Aggregate, ...] = (
    Traffic(MAX_DURATION),
    Traces(MAX_DURATION, MINUTE),
    Feedback(MAX_DURATION, 0.0, 5),
)
FEEDBACK = [{"call_id": "1", "at": START + MINUTE, "key": "stars", "score": 1.0}]


@dataclass(frozen=True)
class Ended:
    """When the calls of a minute ended."""

    written: list[object]

    def __call__(self, log: Anchored) -> "ir.Table":
        self.written.append(log)
        return log.ended(timedelta(0), MINUTE, MAX_DURATION, ("id",)).select("id", "at_us")

    def __hash__(self) -> int:
        return id(self)


@pytest.fixture(params=ENGINES)
def log_of(request: pytest.FixtureRequest) -> Callable[..., Log]:
    return log_maker(request)


def test_times_are_counted_from_the_origin(log_of: Any) -> None:
    rows = [{"id": str(number), "started_at": START + number * MINUTE + timedelta(seconds=1)} for number in range(3)]
    for number in range(3):
        answer = ask(log_of(rows), START + number * MINUTE, Ended([]))
        assert (answer["id"].tolist(), answer["at_us"].tolist()) == ([str(number)], [1_000_000])


def test_the_origin_is_a_column_of_the_log(log_of: Any) -> None:
    @dataclass(frozen=True)
    class Origin:
        def __call__(self, log: Anchored) -> "ir.Table":
            return log.calls(timedelta(0), MINUTE).select(ORIGIN)

    answer = ask(log_of([{"id": "1", "started_at": START}]), START, Origin())
    assert answer[ORIGIN].tolist() == [microseconds(START)]


def test_a_query_is_written_once_for_all_logs_and_times_of_an_engine() -> None:
    query = Ended([])
    for number in range(3):
        ask(duckdb_log([{"id": "1", "started_at": START}]), START + number * MINUTE, query)
    assert len(query.written) == 2  # once to see what it reads, once in the engine's dialect


@pytest.mark.parametrize("grouping", [(), ("model",)])
@pytest.mark.parametrize("aggregate", AGGREGATES, ids=lambda aggregate: type(aggregate).__name__)
def test_another_minute_of_another_log_needs_no_new_query(aggregate: Aggregate, grouping: tuple[str, ...]) -> None:
    segments = {Segment.of(model="a"): START - MINUTE} if grouping else {}
    aggregate.measure(duckdb_log(random_calls(1, 50), FEEDBACK), windows(2), grouping, segments)
    known = list(anchored._known)
    later = windows(2, start=START + 3 * MINUTE)
    aggregate.measure(duckdb_log(random_calls(2, 50), FEEDBACK), later, grouping, segments)
    assert set(anchored._known) == set(known)


def test_another_minute_needs_no_new_query_to_see_who_is_there() -> None:
    log = duckdb_log(random_calls(1, 50))
    seen(log, windows(2), ("model",), MAX_DURATION)
    known = list(anchored._known)
    seen(log, windows(2, start=START + 3 * MINUTE), ("model",), MAX_DURATION)
    assert set(anchored._known) == set(known)


def test_both_engines_are_asked_the_same_in_turn(postgres_url: str) -> None:
    from logs import postgres_log

    rows = random_calls(5, 200)
    logs = (duckdb_log(rows), postgres_log(postgres_url, rows))
    for number in range(4):
        batch = windows(1, start=START + number * MINUTE)
        measured = Traffic(MAX_DURATION).measure(logs[number % 2], batch, (), {})
        assert_row(measured, 0, traffic(ended_in(rows, batch[0]), batch[0]))


def test_the_number_of_compiled_queries_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(anchored, "MOST_KEPT", 3)
    log = duckdb_log([{"id": "1", "started_at": START}])
    for _ in range(5):
        ask(log, START, Ended([]))
    assert len(anchored._known) == 3
