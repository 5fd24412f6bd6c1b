"""A PostgreSQL table as a source: what is read, as which type, and how it fails."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

import ibis
import pytest
from samples_table import Postgres, rows_of, utc

from config.calls import CALL_COLUMN_NAMES, FEEDBACK_COLUMNS
from detectors.derived import derive, microseconds
from monitor.sources.base import SourceError
from monitor.sources.table import TableLog

NOW = utc(2026, 11, 1, 12)
HOUR = timedelta(hours=1)
SOURCE = 'id text, "startTime" timestamp, model text'
MAPPED = {"started_at": '"startTime"'}


@pytest.fixture
def postgres(postgres_url: str, tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(postgres_url, tmp_path)
    yield server
    server.close()


def never() -> bool:
    return False


def last_hour(log: TableLog) -> list[dict[str, Any]]:
    return rows_of(log, NOW - HOUR, NOW)


def minutes_ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def naive(at: datetime) -> datetime:
    return at.replace(tzinfo=None)


# -- what is read


def test_a_table_in_canonical_names_needs_no_mapping(postgres: Postgres) -> None:
    row = {
        "id": "a",
        "started_at": minutes_ago(5),
        "model": "m",
        "latency_s": 1.5,
        "input_tokens": 7,
        "cache_hit": True,
        "tags": '{"team": ["x"]}',
    }
    log = postgres.open(table=postgres.canonical([row]))
    assert log.poll(NOW, never).newest == minutes_ago(5) + timedelta(seconds=1.5)
    assert log.columns == set(CALL_COLUMN_NAMES)
    (found,) = last_hour(log)
    assert {name: found[name] for name in row} == row
    assert all(found[name] is None for name in CALL_COLUMN_NAMES if name not in row)


def test_columns_that_the_table_lacks_are_null_and_not_named_as_present(postgres: Postgres) -> None:
    log = postgres.open(table=postgres.table(SOURCE, ["a", naive(minutes_ago(1)), "m"]), columns=MAPPED)
    (found,) = last_hour(log)
    assert log.columns == {"id", "started_at", "model"}
    assert set(found) == set(CALL_COLUMN_NAMES)
    assert found["prompt"] is None


def test_values_arrive_as_canonical_types_whatever_the_table_holds(postgres: Postgres) -> None:
    name = postgres.table(
        "id uuid, started_at bigint, ended_at text, ingested_at date, latency_s interval, ttft_s text, cost_usd numeric,"
        "input_tokens numeric, output_tokens text, streamed integer, cache_hit text, tool_calls text[], tags jsonb,"
        "messages text, model varchar(9), status_code double precision, context json",
        [
            "12345678-1234-1234-1234-123456789abc",
            int(minutes_ago(3).timestamp() * 1000),
            minutes_ago(2).isoformat(),
            NOW.date(),
            timedelta(seconds=2.5),
            " 0.25 ",
            "0.000123",
            "12.0",
            "13",
            1,
            "False",
            ["x"],
            '{"a": 1}',
            "no json",
            "m",
            429.0,
            '{"b":2}',
        ],
    )
    (found,) = last_hour(postgres.open(table=name))
    assert {name: value for name, value in found.items() if value is not None} == {
        "id": "12345678-1234-1234-1234-123456789abc",
        "started_at": minutes_ago(3),
        "ended_at": minutes_ago(2),
        "ingested_at": utc(2026, 11, 1),
        "latency_s": 2.5,
        "ttft_s": 0.25,
        "cost_usd": 0.000123,
        "input_tokens": 12,
        "output_tokens": 13,
        "streamed": True,
        "cache_hit": False,
        "tool_calls": '["x"]',
        "tags": '{"a": 1}',
        "messages": '"no json"',
        "model": "m",
        "status_code": 429,
        "context": '{"b":2}',
    }


def test_a_text_that_cannot_be_read_is_null_and_stops_nobody(postgres: Postgres) -> None:
    columns = "id text, started_at text, latency_s text, input_tokens double precision, cache_hit text"
    rows = [
        ["a", minutes_ago(1).isoformat(), "fast", float("nan"), "perhaps"],
        ["b", minutes_ago(2).isoformat(), "NaN", float("inf"), ""],
        ["c", "yesterday, I think", "1", 1, "True"],
        ["d", minutes_ago(3).isoformat(), "1", 1, "True"],
    ]
    found = last_hour(postgres.open(table=postgres.table(columns, *rows)))
    read = [(row["id"], row["latency_s"], row["input_tokens"], row["cache_hit"]) for row in found]
    assert read == [("d", 1.0, 1, True), ("b", None, None, None), ("a", None, None, None)]


def test_only_calls_of_the_range_that_have_an_id_are_given(postgres: Postgres) -> None:
    starts = [("before", 61), ("first", 60), ("last", 0.001), ("after", 0), (None, 5), ("  ", 5)]
    rows = [[id_, naive(minutes_ago(minutes)), "m"] for id_, minutes in starts]
    rows.append(["timeless", None, "m"])
    log = postgres.open(table=postgres.table(SOURCE, *rows), columns=MAPPED)
    assert [row["id"] for row in last_hour(log)] == ["first", "last"]


def test_sums_of_decimals_and_big_integers_are_plain_numbers(postgres: Postgres) -> None:
    name = postgres.table(
        "id int, started_at timestamptz, cost_usd numeric(20, 10), input_tokens bigint",
        *([number, minutes_ago(1), "0.1", 10**15] for number in range(10)),
    )
    calls = postgres.open(table=name).calls(NOW - HOUR, NOW)
    sums = calls.aggregate(cost=calls.cost_usd.sum(), tokens=calls.input_tokens.sum())
    frame = sums.to_pandas()
    assert (str(frame["cost"].dtype), str(frame["tokens"].dtype)) == ("float64", "int64")
    assert sums.to_pyarrow().to_pylist() == [{"cost": pytest.approx(1.0), "tokens": 10**16}]


def test_times_without_a_zone_are_read_in_the_zone_of_the_source(postgres: Postgres) -> None:
    # Berlin leaves summer time in the night of 25 October 2026, at 01:00 UTC.
    rows = [["summer", datetime(2026, 10, 25, 1, 30), "m"], ["winter", datetime(2026, 10, 25, 3, 30), "m"]]  # noqa: DTZ001
    name = postgres.table(SOURCE, *rows)
    log = postgres.open(table=name, columns=MAPPED, timezone="Europe/Berlin")
    found = rows_of(log, utc(2026, 10, 24), utc(2026, 10, 26))
    assert [row["started_at"] for row in found] == [utc(2026, 10, 24, 23, 30), utc(2026, 10, 25, 2, 30)]
    assert [row["id"] for row in rows_of(log, utc(2026, 10, 25), utc(2026, 10, 26))] == ["winter"]
    assert log.oldest() == utc(2026, 10, 24, 23, 30)


def test_a_query_and_expressions_with_comments_and_braces_are_taken_as_they_are(postgres: Postgres) -> None:
    name = postgres.table("k text, at timestamptz, m jsonb", ["a", minutes_ago(1), '{"x": {"y.z": "v%s"}}'])
    log = postgres.open(
        query=f"SELECT * FROM {name} WHERE m IS NOT NULL; -- all of it\n",
        columns={"id": "k -- the key", "started_at": "at", "model": "m #>> '{x,y.z}'", "route": "E'\\x41'"},
        where="at >= {since} AND at < {until} -- {since}",
    )
    (found,) = last_hour(log)
    assert (found["id"], found["model"], found["route"]) == ("a", "v%s", "A")


def test_names_with_schema_quotes_and_capitals_are_taken_as_they_are(postgres: Postgres) -> None:
    postgres.run('CREATE SCHEMA IF NOT EXISTS "Od""d"')
    name = postgres.table('"The ""id""" text, "Start" timestamptz', ["a", minutes_ago(1)], name='"Od""d"."Spend Logs"')
    log = postgres.open(table=name, columns={"id": '"The ""id"""', "started_at": '"Start"'})
    assert [row["id"] for row in last_hour(log)] == ["a"]
    postgres.run('DROP SCHEMA "Od""d" CASCADE')


def test_hostile_text_comes_through_unchanged(postgres: Postgres) -> None:
    texts = [
        "'; DROP TABLE x; --",
        '"\\"\\\\%s {since} $1 :name',
        "<script>&amp;</script>",
        "\u202e🏴 \x01\x1b[31m",
        "x" * 1_000_000,
    ]
    rows = [{"id": str(number), "started_at": minutes_ago(1), "prompt": text} for number, text in enumerate(texts)]
    found = last_hour(postgres.open(table=postgres.canonical(rows)))
    assert [row["prompt"] for row in found] == texts


def test_the_latest_row_of_an_id_wins_when_the_settings_say_by_what(postgres: Postgres) -> None:
    rows = [
        {"id": "a", "started_at": minutes_ago(9), "ingested_at": minutes_ago(1), "response": "new"},
        {"id": "a", "started_at": minutes_ago(9), "ingested_at": minutes_ago(8), "response": "old"},
        {"id": "a", "started_at": minutes_ago(9), "ingested_at": None, "response": "unknown"},
        {"id": "b", "started_at": minutes_ago(2), "response": "only"},
    ]
    name = postgres.canonical(rows)
    found = last_hour(postgres.open(table=name, latest_by="ingested_at"))
    assert [(row["id"], row["response"]) for row in found] == [("a", "new"), ("b", "only")]
    assert len(last_hour(postgres.open(table=name))) == 4


def test_feedback_is_windowed_by_its_own_time_and_must_name_its_call(postgres: Postgres) -> None:
    rows = [
        {"call_id": "a", "at": minutes_ago(1), "key": "thumbs", "score": 1.0},
        {"call_id": "b", "at": minutes_ago(70), "key": "thumbs", "score": 0.0},
        {"call_id": None, "at": minutes_ago(2), "key": "thumbs", "score": 0.0},
    ]
    log = postgres.open(table=postgres.canonical([]), feedback={"table": postgres.canonical(rows, FEEDBACK_COLUMNS)})
    assert log.poll(NOW, never).quarantined == {"missing_call_id": 1}
    assert log.feedback_columns == {column.name for column in FEEDBACK_COLUMNS}
    found = log.feedback(NOW - HOUR, NOW).to_pyarrow().to_pylist()
    assert [(row["call_id"], row["score"]) for row in found] == [("a", 1.0)]


def test_what_aggregates_derive_runs_in_a_read_only_session(postgres: Postgres) -> None:
    rows = [
        {"id": "a", "started_at": minutes_ago(2), "latency_s": 3.0},
        {"id": "b", "started_at": minutes_ago(2), "error": "429 Too Many Requests"},
    ]
    calls = derive(postgres.open(table=postgres.canonical(rows), timezone="Asia/Kolkata").calls(NOW - HOUR, NOW))
    found = calls.order_by("id").select("id", "at_us", "latency", "kind").to_pyarrow().to_pylist()
    at = microseconds(minutes_ago(2))
    assert [tuple(row.values()) for row in found] == [("a", at + 3_000_000, 3.0, None), ("b", at, None, "rate_limited")]


# -- polling


def test_a_quiet_source_vouches_for_all_but_its_lateness(postgres: Postgres) -> None:
    log = postgres.open(table=postgres.canonical([]), lateness="90s")
    poll = log.poll(NOW, never)
    assert (poll.complete_until, poll.newest, poll.quarantined) == (NOW - timedelta(seconds=90), None, {})
    assert log.oldest() is None
    assert log.poll(NOW + HOUR, never).complete_until == NOW + HOUR - timedelta(seconds=90)


def test_the_newest_event_is_the_last_completion_and_never_in_the_future(postgres: Postgres) -> None:
    rows = [
        {"id": "long", "started_at": minutes_ago(3), "ended_at": minutes_ago(1)},
        {"id": "short", "started_at": minutes_ago(2.5), "latency_s": 1.0},
        {"id": "running", "started_at": minutes_ago(4), "ended_at": NOW + HOUR},
        {"id": "odd", "started_at": minutes_ago(2.7), "latency_s": 1e300},
    ]
    log = postgres.open(table=postgres.canonical(rows))
    assert log.poll(NOW, never).newest == minutes_ago(1)
    assert log.poll(NOW + 2 * HOUR, never).newest == minutes_ago(1)


def test_rows_without_an_id_are_counted_once(postgres: Postgres) -> None:
    name = postgres.canonical([{"id": None, "started_at": minutes_ago(30)}, {"id": " ", "started_at": minutes_ago(2)}])
    log = postgres.open(table=name, lateness="1m")
    assert log.poll(NOW, never).quarantined == {"missing_id": 2}
    assert log.poll(NOW + timedelta(seconds=30), never).quarantined == {}
    postgres.run(f"INSERT INTO {name} (started_at) VALUES (%s)", minutes_ago(0.2))
    assert log.poll(NOW + timedelta(seconds=30), never).quarantined == {}
    assert log.poll(NOW + HOUR, never).quarantined == {"missing_id": 1}
    assert log.poll(NOW + 2 * HOUR, never).quarantined == {}


def test_the_oldest_call_is_not_one_whose_time_stands_for_unknown(postgres: Postgres) -> None:
    name = postgres.table(SOURCE, ["a", naive(minutes_ago(90)), "m"], ["zero", datetime(1970, 1, 1), "m"])  # noqa: DTZ001
    postgres.run(f"INSERT INTO {name} VALUES ('b', '-infinity'), ('c', 'infinity')")
    assert postgres.open(table=name, columns=MAPPED).oldest() == minutes_ago(90)


def test_a_service_that_stops_does_not_start_another_query(postgres: Postgres) -> None:
    name = postgres.canonical([])
    log = postgres.open(table=name, lateness="1m")
    log.poll(NOW, never)
    postgres.run(f"DROP TABLE {name}")
    assert log.poll(NOW + HOUR, lambda: True).complete_until == NOW - timedelta(minutes=1)


# -- the session


def settings_of_session(postgres: Postgres, **settings: Any) -> dict[str, Any]:
    shown = {
        "model": "transaction_read_only",
        "route": "statement_timeout",
        "provider": "TimeZone",
        "service": "application_name",
    }
    columns = {column: f"current_setting('{setting}')" for column, setting in shown.items()}
    query = f"SELECT 'a' AS id, TIMESTAMPTZ '{minutes_ago(1)}' AS started_at"
    (found,) = last_hour(postgres.open(query=query, columns=columns, **settings))
    return {setting: found[column] for column, setting in shown.items()}


def test_the_session_reads_only_has_a_time_out_and_says_who_it_is(postgres: Postgres) -> None:
    assert settings_of_session(postgres, statement_timeout="7s", timezone="Asia/Tokyo") == {
        "transaction_read_only": "on",
        "statement_timeout": "7s",
        "TimeZone": "Asia/Tokyo",
        "application_name": "watchkeeper",
    }


def test_a_query_that_writes_is_refused_by_the_database(postgres: Postgres) -> None:
    name = postgres.canonical([{"id": "a", "started_at": minutes_ago(1)}])
    postgres.run(
        f"CREATE FUNCTION writes_{name}() RETURNS text AS "
        f"$$ INSERT INTO {name} (id) VALUES ('intruder') RETURNING id $$ LANGUAGE sql"
    )
    log = postgres.open(table=name, columns={"model": f"writes_{name}()"})
    with pytest.raises(SourceError, match="read-only transaction"):
        last_hour(log)
    assert postgres.run(f"SELECT count(*) FROM {name}").fetchone() == (1,)


def test_nothing_is_created_in_the_database_not_even_temporarily(postgres: Postgres) -> None:
    log = postgres.open(query=f"SELECT * FROM {postgres.canonical([])}")
    before = postgres.run("SELECT max(oid::bigint) FROM pg_class").fetchone()
    log.poll(NOW, never)
    log.oldest()
    last_hour(log)
    assert postgres.run("SELECT max(oid::bigint) FROM pg_class").fetchone() == before


def test_a_query_that_takes_too_long_is_stopped_and_the_next_one_runs(postgres: Postgres) -> None:
    name = postgres.canonical([{"id": "a", "started_at": minutes_ago(1)}])
    columns = {"model": "CASE WHEN pg_sleep(60)::text = '' THEN 'slow' END"}
    log = postgres.open(table=name, columns=columns, statement_timeout="200ms".replace("200m", "0.2"))
    with pytest.raises(SourceError, match=r"sources\.app: .*statement_timeout \(0\.2s\).*index.*sources\.app\.where"):
        last_hour(log)
    assert log.poll(NOW, never).newest == minutes_ago(1)


def test_a_running_query_can_be_cancelled_from_another_thread(postgres: Postgres) -> None:
    query = "SELECT 'a' AS id, now() AS started_at, pg_sleep(60) IS NULL AS streamed"
    log = postgres.open(query=query)
    errors: list[SourceError] = []

    def read() -> None:
        try:
            log.calls(NOW, NOW + timedelta(days=36500)).select("streamed").execute()
        except SourceError as error:
            errors.append(error)

    calls_running = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%%streamed%%'"
    thread = Thread(target=read)
    thread.start()
    while thread.is_alive() and postgres.run(calls_running).fetchone() == (0,):
        postgres.run("SELECT pg_sleep(0.01)")
    log.cancel()
    thread.join(timeout=30)
    assert [str(error) for error in errors] == ["sources.app: the query was cancelled"]


@pytest.mark.parametrize("where", [None, '"startTime" >= {since} AND "startTime" < {until}'])
def test_an_index_on_a_start_without_a_zone_serves(postgres: Postgres, where: str | None) -> None:
    name = postgres.table(SOURCE)
    postgres.run(
        f"INSERT INTO {name} SELECT g::text, TIMESTAMP '2026-10-01' + g * INTERVAL '1 minute', 'm' FROM generate_series(1, 50000) g"
    )
    postgres.run(f'CREATE INDEX ON {name} ("startTime")')
    postgres.run(f"ANALYZE {name}")
    log = postgres.open(table=name, columns=MAPPED, where=where)
    calls = log.calls(NOW - HOUR, NOW)
    for query in (
        ibis.to_sql(calls.group_by("model").agg(n=calls.count())),
        log._projections[next(iter(log._projections))].oldest(),
    ):
        plan = postgres.run(f"EXPLAIN {query}").fetchall()
        assert any("Index" in line for (line,) in plan), plan


# -- failures


def failure(log: TableLog) -> str:
    with pytest.raises(SourceError) as raised:
        log.poll(NOW, never)
    assert raised.value.__cause__ is None
    return str(raised.value)


def test_an_unknown_table_is_answered_with_the_nearest(postgres: Postgres) -> None:
    postgres.table(SOURCE, name='"LiteLLM_SpendLogs"')
    message = failure(postgres.open(table="LiteLLM_SpendLogs", columns=MAPPED))
    assert message.startswith('sources.app.table: relation "litellm_spendlogs" does not exist')
    assert '"LiteLLM_SpendLogs"' in message
    postgres.run('DROP TABLE "LiteLLM_SpendLogs"')


def test_a_query_that_is_no_sql_is_named(postgres: Postgres) -> None:
    assert failure(postgres.open(query="SELEC 1", columns=MAPPED)).startswith("sources.app.query: syntax error")


def test_required_columns_that_are_nowhere_are_named_with_what_there_is(postgres: Postgres) -> None:
    message = failure(postgres.open(table=postgres.table("k text, ts timestamptz")))
    assert "sources.app.columns.id: the table has no column id" in message
    assert "sources.app.columns.started_at: " in message
    assert "k, ts" in message


def test_every_expression_that_cannot_work_is_named_at_once(postgres: Postgres) -> None:
    columns = {"started_at": "startTime", "model": "modell", "latency_s": "1 +", "ended_at": "TRUE"}
    message = failure(postgres.open(table=postgres.table(SOURCE), columns=columns))
    assert 'sources.app.columns.started_at: column "starttime" does not exist (Perhaps you meant' in message
    assert "sources.app.columns.latency_s: syntax error" in message
    assert "sources.app.columns.model" in message
    right = {**columns, "started_at": '"startTime"', "model": "model", "latency_s": "1"}
    message = failure(postgres.open(table=postgres.table(SOURCE), columns=right))
    assert message == "sources.app.columns.ended_at: gives bool, which is not a time"


def test_a_condition_that_cannot_work_is_named(postgres: Postgres) -> None:
    log = postgres.open(table=postgres.table(SOURCE), columns=MAPPED, where="day >= {since}")
    assert failure(log) == 'sources.app.where: column "day" does not exist'


def test_a_column_to_choose_the_latest_row_by_must_exist(postgres: Postgres) -> None:
    message = failure(postgres.open(table=postgres.table(SOURCE), columns=MAPPED, latest_by="ingested_at"))
    assert message == "sources.app.latest_by: the table has no ingested_at; map it in columns"


def test_feedback_that_cannot_be_read_is_named_as_feedback(postgres: Postgres) -> None:
    feedback = {"table": postgres.table("who text"), "columns": {"call_id": "whom"}}
    message = failure(postgres.open(table=postgres.canonical([]), feedback=feedback))
    assert "sources.app.feedback.columns.at" in message


def test_an_expression_that_fails_on_a_row_is_named_without_the_rows_text(postgres: Postgres) -> None:
    name = postgres.canonical([{"id": "a", "started_at": minutes_ago(1), "prompt": 'my "secret" diary'}])
    log = postgres.open(table=name, columns={"cost_usd": "prompt::numeric"})
    log.poll(NOW, never)
    with pytest.raises(SourceError) as raised:
        last_hour(log)
    assert str(raised.value) == "sources.app.columns.cost_usd: invalid input syntax for type numeric: '…'"


def test_a_table_that_changes_is_looked_at_again_after_an_error(postgres: Postgres) -> None:
    name = postgres.table("id text, started_at timestamptz, model text", ["a", minutes_ago(1), "m"])
    log = postgres.open(table=name)
    log.poll(NOW, never)
    postgres.run(f"ALTER TABLE {name} RENAME COLUMN model TO route")
    with pytest.raises(SourceError, match="model"):
        last_hour(log)
    assert [row["route"] for row in last_hour(log)] == ["m"]
    assert log.columns == {"id", "started_at", "route"}


def test_a_connection_that_was_ended_while_idle_is_opened_again_without_an_error(postgres: Postgres) -> None:
    log = postgres.open(table=postgres.canonical([]))
    log.poll(NOW, never)
    calls = log.calls(NOW - HOUR, NOW)
    ended = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE application_name = 'watchkeeper'"
    assert postgres.run(ended).fetchone() != (0,)
    assert log.poll(NOW + HOUR, never).complete_until > NOW
    assert calls.count().execute() == 0


def test_json_of_any_shape_stays_json(postgres: Postgres) -> None:
    value = {"a": [1, None, "é\n\"'"], "b": {}}
    log = postgres.open(
        table=postgres.canonical([{"id": "a", "started_at": minutes_ago(1), "tags": json.dumps(value)}])
    )
    (found,) = last_hour(log)
    assert json.loads(found["tags"]) == value
