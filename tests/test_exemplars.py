"""The calls behind a measurement, on DuckDB and PostgreSQL."""

from datetime import timedelta
from typing import Any

import pytest
from logs import ENGINES, duckdb_log, log_maker
from random_logs import MINUTE, START

from detectors.exemplars import Search, exemplars
from detectors.measurement import Key, Segment, Window
from detectors.segments import other

WINDOW = Window(START, START + MINUTE)
SECOND = timedelta(seconds=1)


def call(id_: str, second: int, **columns: Any) -> dict[str, Any]:
    """A call that ended in a second of the window."""
    return {"id": id_, "started_at": START, "ended_at": START + second * SECOND} | columns


CALLS = [
    call("fast", 1, model="a", input_tokens=10, cost_usd=0.1, response="Sure.", finish_reason="stop"),
    call(
        "slow", 30, model="a", input_tokens=900, cost_usd=0.3, response="I cannot help with that.", finish_reason="stop"
    ),
    call("slower", 40, model="b", input_tokens=20, cost_usd=0.2, response="", finish_reason="length", ttft_s=3.0),
    call("limited", 50, model="b", status_code=429),
    call("also limited", 51, model="a", status_code=429),
    call("broken", 52, model="O'Hara", status_code=500, input_tokens=5),
    call("cancelled", 53, model="c", status_code=499),
    call("after", 60, model="a", status_code=429, cost_usd=99.0),
]


@pytest.fixture(params=ENGINES)
def log(request: pytest.FixtureRequest) -> Any:
    """The calls in a log."""
    return log_maker(request)(CALLS)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (Key.of("error_ratio"), ("broken", "also limited", "limited")),
        (Key.of("failed_calls", error_type="rate_limited"), ("also limited", "limited")),
        (Key.of("cancelled_ratio"), ("cancelled",)),
        (Key.of("latency_seconds", percentile="99"), ("slower", "slow", "fast")),
        (Key.of("time_to_first_token_seconds", percentile="50"), ("slower",)),
        (Key.of("tokens", type="input"), ("slow", "slower", "fast")),
        (Key.of("cost_usd"), ("slow", "slower", "fast")),
        (Key.of("truncated_ratio"), ("slower",)),
        (Key.of("refusal_ratio"), ("slow",)),
        (Key.of("empty_ratio"), ("slower",)),
        (Key.of("calls"), ("cancelled", "broken", "also limited")),
    ],
)
def test_a_measurement_leads_to_the_calls_that_made_it(log: Any, key: Key, expected: tuple[str, ...]) -> None:
    assert exemplars(log, key, Segment(), WINDOW) == expected


def test_only_calls_of_the_segment_are_shown(log: Any) -> None:
    errors = Key.of("error_ratio")
    assert exemplars(log, errors, Segment.of(model="O'Hara"), WINDOW) == ("broken",)
    assert exemplars(log, errors, Segment.of(model="nobody"), WINDOW) == ()


def test_the_rest_is_who_was_not_admitted(log: Any) -> None:
    search = Search(admitted=frozenset({Segment.of(model="a"), Segment.of(model="O'Hara")}))
    assert exemplars(log, Key.of("error_ratio"), other(("model",)), WINDOW, search) == ("limited",)


def test_no_more_calls_are_shown_than_asked_for(log: Any) -> None:
    assert exemplars(log, Key.of("error_ratio"), Segment(), WINDOW, Search(limit=1)) == ("broken",)


def test_equal_calls_are_shown_by_id() -> None:
    rows = [call(name, 1, status_code=500) for name in "cabd"]
    assert exemplars(duckdb_log(rows), Key.of("error_ratio"), Segment(), WINDOW) == ("a", "b", "c")
