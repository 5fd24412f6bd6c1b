"""Event time, latency and kind of error of a single call, on DuckDB and PostgreSQL."""

from datetime import datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from logs import ENGINES, duckdb_log, log_maker, postgres_log
from oracle import call_of, us
from random_logs import START, random_calls

from detectors.derived import derive

SECOND = timedelta(seconds=1)


@pytest.fixture(params=ENGINES)
def derived(request: pytest.FixtureRequest) -> Any:
    """A function from rows to the derived rows, in the order of their ids."""
    log_of = log_maker(request)
    return lambda rows: derive(log_of(rows).call_table).to_pandas().sort_values("id", ignore_index=True)


def kinds(derived: Any, rows: list[dict[str, Any]]) -> list[str | None]:
    """The kind of error of each row."""
    rows = [{"id": f"{number:03}", "started_at": START} | row for number, row in enumerate(rows)]
    return [None if pd.isna(kind) else kind for kind in derived(rows)["kind"]]


def test_every_call_is_derived_as_by_hand(derived: Any) -> None:
    rows = sorted(random_calls(1, 600), key=lambda row: str(row["id"]))
    found = derived(rows)
    for expected, (_, row) in zip(map(call_of, rows), found.iterrows(), strict=True):
        assert row["id"] == expected.row["id"]
        assert (row["started_us"], row["at_us"]) == (expected.started, expected.at)
        assert row["duration_us"] == expected.at - expected.started
        assert (None if pd.isna(row["kind"]) else row["kind"]) == expected.kind
        assert (None if pd.isna(row["latency"]) else row["latency"]) == expected.latency
        assert (row["ok"], row["failed"]) == (expected.ok, expected.failed)
        assert row["ok"] + row["failed"] + row["cancelled"] == 1


@pytest.mark.parametrize(
    "moment",
    ["1970-01-01T00:00:00.000001", "1969-12-31T23:59:59.999999", "2026-03-29T01:59:59.999999", "2105-01-01T00:00:00.5"],
)
def test_times_are_exact_to_the_microsecond(derived: Any, moment: str) -> None:
    at = datetime.fromisoformat(f"{moment}+00:00")
    assert derived([{"id": "1", "started_at": at}])["at_us"].tolist() == [us(at)]


def test_event_time_is_the_end_then_start_and_latency_then_the_start(derived: Any) -> None:
    rows = [
        {"id": "1", "started_at": START, "ended_at": START + 3 * SECOND, "latency_s": 2.0},
        {"id": "2", "started_at": START, "ended_at": None, "latency_s": 2.5},
        {"id": "3", "started_at": START, "ended_at": None, "latency_s": None},
        {"id": "4", "started_at": START, "ended_at": START - SECOND, "latency_s": None},
        {"id": "5", "started_at": START, "ended_at": START - SECOND, "latency_s": 1.0},
    ]
    found = derived(rows)
    assert [at - us(START) for at in found["at_us"]] == [3_000_000, 2_500_000, 0, 0, 1_000_000]
    assert [None if pd.isna(each) else each for each in found["latency"]] == [2.0, 2.5, None, None, 1.0]


def test_an_end_at_infinity_is_none(postgres_url: str) -> None:
    log = postgres_log(postgres_url, [{"id": "1", "started_at": START}])
    import psycopg

    with psycopg.connect(postgres_url) as writer:
        writer.execute(f"update {log.call_table.get_name()} set ended_at = 'infinity'")
    assert derive(log.call_table, ["id"]).to_pandas()["at_us"].tolist() == [us(START)]


def test_the_types_of_the_closed_set_are_kept_whatever_the_status(derived: Any) -> None:
    rows = [{"error_type": "timeout", "status_code": 500}, {"error_type": " Server ", "status_code": 200}]
    assert kinds(derived, rows) == ["timeout", "server"]


def test_a_status_tells_the_kind_where_no_type_does(derived: Any) -> None:
    statuses = [429, 408, 504, 401, 403, 499, 404, 500, 529, 200, 302, None]
    assert kinds(
        derived, [{"status_code": status, "error_type": "APIError" if status == 404 else ""} for status in statuses]
    ) == [
        "rate_limited",
        "timeout",
        "timeout",
        "auth",
        "auth",
        "cancelled",
        "bad_request",
        "server",
        "server",
        None,
        None,
        None,
    ]


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Rate limit reached for gpt-4o in organization org-x", "rate_limited"),
        ("Error code: 429 - {'error': …}", "rate_limited"),
        ("You exceeded your current quota", "rate_limited"),
        ("request 0429af failed: connection reset", "server"),
        ("Request timed out.", "timeout"),
        ("context deadline exceeded", "timeout"),
        ("ReadTimeout", "timeout"),
        ("Output blocked by content filtering policy", "content_filter"),
        ("Client disconnected", "cancelled"),
        ("asyncio.CancelledError", "cancelled"),
        ("Incorrect API key provided", "auth"),
        ("This model's maximum context length is 8192 tokens", "bad_request"),
        ("Overloaded", "server"),
        ("The server had an error", "server"),
        ("no idea", "other"),
        ("  \n", None),
        ("", None),
    ],
)
def test_words_tell_the_kind_where_neither_type_nor_status_does(message: str, kind: str | None) -> None:
    log = duckdb_log([{"id": "1", "started_at": START, "error": message, "status_code": 200}])
    found = derive(log.call_table).to_pandas()["kind"][0]
    assert (None if pd.isna(found) else found) == kind


def test_an_unknown_type_is_a_failure_even_without_a_message(derived: Any) -> None:
    assert kinds(derived, [{"error_type": "KaboomError"}, {"error_type": "APITimeoutError"}]) == ["other", "timeout"]


def test_a_content_filter_is_seen_behind_a_plain_400(derived: Any) -> None:
    rows = [{"status_code": 400, "error": "The response was filtered due to Azure OpenAI's content management policy"}]
    assert kinds(derived, rows) == ["content_filter"]


def test_a_message_of_a_megabyte_is_read_at_its_start(derived: Any) -> None:
    rows = [{"error": "timeout " + "<td>" * 250_000}, {"error": "<td>" * 250_000 + "timeout"}]
    assert kinds(derived, rows) == ["timeout", "other"]


def test_impossible_numbers_are_unknown(derived: Any) -> None:
    nonsense = {
        "latency_s": float("nan"),
        "ttft_s": float("inf"),
        "cost_usd": -1.0,
        "input_tokens": -5,
        "output_tokens": 10**15,
    }
    row = derived([{"id": "1", "started_at": START, **nonsense}]).iloc[0]
    assert [name for name in (*nonsense, "latency") if not pd.isna(row[name])] == []
    assert row["at_us"] == us(START)
