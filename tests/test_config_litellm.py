"""The mapping of LiteLLM's request log, in a real PostgreSQL, on rows as the proxy writes them."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from config.calls import CALL_COLUMNS
from config.load import load
from config.sources import TableSource

EXAMPLE = Path(__file__).parents[1] / "config" / "examples" / "litellm.yaml"
ENVIRON = {
    "WATCHKEEPER__SOURCES__LITELLM__URL": "postgresql://localhost/litellm",
    "WATCHKEEPER__RECEIVERS__TEAM__WEBHOOK_URL": "https://hooks.slack.com/services/T/B/x",
}
TYPES = {
    "string": "text",
    "timestamp": "timestamptz",
    "float": "double precision",
    "integer": "bigint",
    "boolean": "boolean",
    "json": "text",
}
START = datetime(2026, 11, 1, 8, tzinfo=UTC)

TABLE = """
CREATE TEMP TABLE "LiteLLM_SpendLogs" (
  request_id text PRIMARY KEY, call_type text NOT NULL, api_key text DEFAULT '', spend double precision DEFAULT 0,
  total_tokens integer DEFAULT 0, prompt_tokens integer DEFAULT 0, completion_tokens integer DEFAULT 0,
  "startTime" timestamp(3) NOT NULL, "endTime" timestamp(3) NOT NULL, "completionStartTime" timestamp(3),
  model text DEFAULT '', model_id text DEFAULT '', model_group text DEFAULT '', custom_llm_provider text DEFAULT '',
  "user" text DEFAULT '', metadata jsonb DEFAULT '{}', cache_hit text DEFAULT '', cache_key text DEFAULT '',
  request_tags jsonb DEFAULT '[]', team_id text, end_user text, session_id text, status text,
  messages jsonb DEFAULT '{}', response jsonb DEFAULT '{}', proxy_server_request jsonb DEFAULT '{}'
)
"""


def row(request_id: str, seconds: float, first_token: float | None = None, **values: Any) -> dict[str, Any]:
    """A row of a call that took some seconds; without a first token it was not streamed."""
    naive = START.replace(tzinfo=None)
    end = naive + timedelta(seconds=seconds)
    return {
        "request_id": request_id,
        "call_type": "acompletion",
        "startTime": naive,
        "endTime": end,
        "completionStartTime": end if first_token is None else naive + timedelta(seconds=first_token),
        "model": "azure/gpt-5-mini-2026",
        "model_group": "gpt-5-mini",
        "custom_llm_provider": "azure",
        "cache_hit": "False",
        "status": "success",
        "session_id": "trace-1",
    } | values


def failure(request_id: str, error_class: str, code: str) -> dict[str, Any]:
    """A row of a failed call, as the proxy writes it: no length, zeroes, the error in the metadata."""
    information = {"error_code": code, "error_class": error_class, "error_message": "it failed", "traceback": "…"}
    return row(request_id, 0, status="failure", metadata={"status": "failure", "error_information": information})


def stored_request(*messages: dict[str, Any]) -> dict[str, Any]:
    return {"model": "gpt-5-mini", "messages": list(messages)}


def answer(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": text, "tool_calls": None}
    return {"choices": [{"index": 0, "finish_reason": "stop", "message": message}], "system_fingerprint": "fp_1"}


PARTS = [
    {"type": "text", "text": "What is"},
    {"type": "image_url", "image_url": {"url": "…"}},
    {"type": "text", "text": "this?"},
]
ROWS = [
    row(
        "streamed",
        4.5,
        0.5,
        prompt_tokens=100,
        completion_tokens=20,
        spend=0.25,
        end_user="u1",
        metadata={
            "user_api_key_alias": "key-1",
            "user_api_key_team_alias": "support",
            "usage_object": {
                "prompt_tokens_details": {"cached_tokens": 64},
                "completion_tokens_details": {"reasoning_tokens": 8},
                "cache_creation_input_tokens": 16,
            },
        },
        proxy_server_request=stored_request(
            {"role": "system", "content": "Be kind."},
            {"role": "user", "content": "Hello"},
            {"role": "assistant", "content": "Hi"},
            {"role": "user", "content": "Where is my parcel?"},
        ),
        response=answer("On its way."),
    ),
    row("whole", 2.0, prompt_tokens=10, completion_tokens=1, metadata={"user_api_key_alias": "key-1"}),
    row("parts", 1.0, proxy_server_request=stored_request({"role": "user", "content": PARTS})),
    row(
        "cut",
        1.0,
        proxy_server_request=stored_request({"role": "user", "content": "Long … (litellm_truncated 900 chars) … end"}),
    ),
    row("from-cache_cache_hit17", 0.01, cache_hit="True", prompt_tokens=10, spend=0.0),
    row("old", 3.0, status=None, prompt_tokens=5),
    failure("slow-down", "RateLimitError", "429"),
    failure("no-answer", "Timeout", "408"),
    failure("odd", "ProxyException", ""),
    failure("broken", "InternalServerError", "500"),
    failure("refused", "ContentPolicyViolationError", "400"),
    failure("malformed", "BadRequestError", "400"),
    failure("no-key", "AuthenticationError", "401"),
]


def select(source: TableSource) -> str:
    """The canonical columns of the table, by the expressions of the example."""
    types = {column.name: TYPES[column.type] for column in CALL_COLUMNS}
    columns = [f"CAST(({expression}) AS {types[name]}) AS {name}" for name, expression in source.columns.items()]
    assert source.where is not None
    where = source.where.format(since=f"TIMESTAMPTZ '{START}'", until=f"TIMESTAMPTZ '{START + timedelta(hours=1)}'")
    return f"SELECT {', '.join(columns)} FROM {source.table} AS t WHERE {where}"


@pytest.fixture(scope="module")
def mapped(postgres_url: str) -> Iterator[dict[str, dict[str, Any]]]:
    """The rows as canonical calls, by id, read by a session in another time zone than the server's."""
    source = load(EXAMPLE, ENVIRON).settings.sources["litellm"]
    assert isinstance(source, TableSource)
    with psycopg.connect(postgres_url) as connection:
        connection.execute(TABLE)
        for each in ROWS:
            values = [json.dumps(value) if isinstance(value, dict) else value for value in each.values()]
            names = ", ".join(f'"{name}"' for name in each)
            holes = ", ".join(["%s"] * len(each))
            connection.execute(f'INSERT INTO "LiteLLM_SpendLogs" ({names}) VALUES ({holes})'.encode(), values)
        connection.execute(f"SET TIME ZONE '{source.timezone}'".encode())
        cursor = connection.execute(select(source).encode())
        assert cursor.description is not None
        names_ = [column.name for column in cursor.description]
        yield {values[0]: dict(zip(names_, values, strict=True)) for values in cursor.fetchall()}


def test_every_row_is_found_by_its_naive_start_time(mapped: dict[str, dict[str, Any]]) -> None:
    assert set(mapped) == {each["request_id"] for each in ROWS}
    assert all(call["started_at"] == START for call in mapped.values())
    assert mapped["streamed"]["ended_at"] == START + timedelta(seconds=4.5)


def test_the_first_token_has_a_time_only_where_it_came_before_the_end(mapped: dict[str, dict[str, Any]]) -> None:
    assert (mapped["streamed"]["ttft_s"], mapped["streamed"]["streamed"]) == (0.5, True)
    assert (mapped["whole"]["ttft_s"], mapped["whole"]["streamed"]) == (None, False)


def test_failed_calls_carry_a_type_and_neither_latency_nor_tokens(mapped: dict[str, dict[str, Any]]) -> None:
    types = {
        name: mapped[name]["error_type"]
        for name in ("slow-down", "no-answer", "odd", "broken", "refused", "malformed", "no-key")
    }
    assert types == {
        "slow-down": "rate_limited",
        "no-answer": "timeout",
        "odd": "other",
        "broken": "server",
        "refused": "content_filter",
        "malformed": "bad_request",
        "no-key": "auth",
    }
    failed = mapped["slow-down"]
    assert [failed[name] for name in ("latency_s", "ttft_s", "input_tokens", "output_tokens")] == [None] * 4
    assert (failed["status_code"], failed["error"]) == (429, "it failed")
    assert mapped["odd"]["status_code"] is None


def test_answers_and_rows_without_a_status_are_no_failures(mapped: dict[str, dict[str, Any]]) -> None:
    assert [mapped[name]["error_type"] for name in ("streamed", "whole", "old")] == [None] * 3
    assert (mapped["old"]["latency_s"], mapped["old"]["input_tokens"]) == (3.0, 5)


def test_an_answer_from_litellms_cache_says_nothing_of_speed_and_price(mapped: dict[str, dict[str, Any]]) -> None:
    hit = mapped["from-cache_cache_hit17"]
    assert (hit["cache_hit"], hit["latency_s"], hit["cost_usd"]) == (True, None, None)
    assert (mapped["whole"]["cache_hit"], mapped["streamed"]["cost_usd"]) == (False, 0.25)


def test_cached_and_reasoning_tokens_come_from_the_usage_object(mapped: dict[str, dict[str, Any]]) -> None:
    tokens = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "reasoning_tokens")
    assert [mapped["streamed"][name] for name in tokens] == [100, 20, 64, 16, 8]
    assert mapped["whole"]["cached_input_tokens"] is None


def test_the_prompt_is_the_last_user_message(mapped: dict[str, dict[str, Any]]) -> None:
    assert mapped["streamed"]["prompt"] == "Where is my parcel?"
    assert mapped["parts"]["prompt"] == "What is this?"
    assert (mapped["whole"]["prompt"], mapped["whole"]["messages"]) == (None, None)
    assert mapped["streamed"]["response"] == "On its way."
    assert (mapped["streamed"]["finish_reason"], mapped["streamed"]["tool_calls"]) == ("stop", None)


def test_texts_that_litellm_has_cut_are_marked(mapped: dict[str, dict[str, Any]]) -> None:
    assert (mapped["cut"]["text_truncated"], mapped["streamed"]["text_truncated"]) == (True, False)


def test_who_called_and_what_answered_are_told_apart(mapped: dict[str, dict[str, Any]]) -> None:
    call = mapped["streamed"]
    assert (call["service"], mapped["whole"]["service"]) == ("support", "key-1")
    assert (call["model"], call["response_model"], call["provider"]) == ("gpt-5-mini", "azure/gpt-5-mini-2026", "azure")
    assert (call["trace_id"], call["session_id"], call["user_id"]) == ("trace-1", None, "u1")
    assert call["operation"] == "chat"
