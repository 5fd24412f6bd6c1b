"""A DuckDB file as a source, and the engines that only Ibis knows."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from samples_table import open_table, rows_of, utc, write_duckdb

from config.calls import FEEDBACK_COLUMNS
from detectors.derived import derive
from monitor.canonical import CALLS
from monitor.sources.base import SourceError
from monitor.sources.engines.bound_once import BoundOnce
from monitor.sources.engines.other import Other
from monitor.sources.introspect import introspect
from monitor.sources.projection import Place
from monitor.sources.table import TableLog

NOW = utc(2026, 11, 1, 12)
HOUR = timedelta(hours=1)
CALL = {"id": "a", "started_at": NOW - timedelta(minutes=5), "model": "m", "latency_s": 2.0, "prompt": "né\x00\x1b'\""}


def never() -> bool:
    return False


def run(path: Path, *statements: str) -> None:
    with duckdb.connect(str(path)) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


def opened(path: Path, **settings: Any) -> TableLog:
    return open_table(f"duckdb://{path.name}", path.parent, **settings)


def read(path: Path, **settings: Any) -> list[dict[str, Any]]:
    return rows_of(opened(path, **settings), NOW - HOUR, NOW)


def failure(log: TableLog) -> str:
    with pytest.raises(SourceError) as raised:
        log.poll(NOW, never)
    return str(raised.value)


def test_a_relative_path_starts_at_the_folder_of_the_configuration(path: Path) -> None:
    write_duckdb(path, "calls", [CALL])
    for url in ("duckdb://log.db", "duckdb://./log.db", f"duckdb://{path}"):
        log = open_table(url, path.parent, table="calls")
        assert log.poll(NOW, never).newest == CALL["started_at"] + timedelta(seconds=2)
        assert log.oldest() == CALL["started_at"]
        (found,) = rows_of(log, NOW - HOUR, NOW)
        assert {name: found[name] for name in CALL} == CALL


def test_feedback_comes_from_the_same_file(path: Path) -> None:
    write_duckdb(path, "calls", [CALL])
    write_duckdb(
        path, "feedback", [{"call_id": "a", "at": NOW - HOUR, "score": 1.0}, {"at": NOW - HOUR}], FEEDBACK_COLUMNS
    )
    log = opened(path, table="calls", feedback={"table": "feedback"})
    assert log.poll(NOW, never).quarantined == {"missing_call_id": 1}
    assert [row["call_id"] for row in log.feedback(NOW - HOUR, NOW).to_pyarrow().to_pylist()] == ["a"]


def test_duckdb_binds_a_query_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A method of Ibis' own does it: where Ibis no longer calls it, each query would be bound twice again.
    write_duckdb(path, "calls", [CALL])
    log, asked = opened(path, table="calls"), []
    log.poll(NOW, never)
    calls, raw_sql = log.calls(NOW - HOUR, NOW), BoundOnce.raw_sql

    def note(backend: BoundOnce, query: Any, **options: Any) -> Any:
        asked.append(query)
        return raw_sql(backend, query, **options)

    monkeypatch.setattr(BoundOnce, "raw_sql", note)
    assert calls.to_pandas()["id"].tolist() == calls.to_pyarrow()["id"].to_pylist() == ["a"]
    assert len(asked) == 2


def test_expressions_reach_duckdb_letter_by_letter(path: Path) -> None:
    # Printed again by an SQL library, the key "a.b" becomes the path a, b, which is NULL.
    run(
        path,
        'CREATE TABLE calls AS SELECT \'a\' AS id, now() AS ts, \'{"a.b": "key", "a": {"b": "path"}}\'::JSON AS tags',
    )
    log = opened(path, table="calls", columns={"started_at": "ts", "model": "tags->>'a.b'", "route": "tags->>'$.a.b'"})
    (found,) = rows_of(log, utc(2020, 1, 1), utc(2200, 1, 1))
    assert (found["model"], found["route"]) == ("key", "path")


def test_values_arrive_as_canonical_types_whatever_the_table_holds(path: Path) -> None:
    run(
        path,
        """CREATE TABLE calls AS SELECT uuid() AS id, TIMESTAMP_NS '2026-11-01 11:30:00.123456789' AS started_at,
        epoch_ms(TIMESTAMP '2026-11-01 11:31:00') AS ended_at, DATE '2026-11-01' AS ingested_at,
        INTERVAL 1500 MILLISECOND AS latency_s, '0.25' AS ttft_s, 'NaN'::DOUBLE AS cost_usd, 12.0::DECIMAL(9, 2) AS input_tokens,
        'many' AS output_tokens, 1 AS streamed, 'False' AS cache_hit, [{'name': 'f'}] AS tool_calls, {'a': [1]} AS tags""",
    )
    (found,) = read(path, table="calls")
    assert {name: value for name, value in found.items() if value is not None and name != "id"} == {
        "started_at": utc(2026, 11, 1, 11, 30, 0, 123456),
        "ended_at": utc(2026, 11, 1, 11, 31),
        "ingested_at": utc(2026, 11, 1),
        "latency_s": 1.5,
        "ttft_s": 0.25,
        "input_tokens": 12,
        "streamed": True,
        "cache_hit": False,
        "tool_calls": '[{"name":"f"}]',
        "tags": '{"a":[1]}',
    }


def test_times_without_a_zone_are_read_in_the_zone_of_the_source(path: Path) -> None:
    # Berlin leaves summer time in the night of 25 October 2026, at 01:00 UTC.
    run(
        path,
        "CREATE TABLE calls(id VARCHAR, started_at TIMESTAMP)",
        "INSERT INTO calls VALUES ('summer', '2026-10-25 01:30:00'), ('winter', '2026-10-25 03:30:00')",
    )
    log = opened(path, table="calls", timezone="Europe/Berlin")
    found = rows_of(log, utc(2026, 10, 24), utc(2026, 10, 26))
    assert [row["started_at"] for row in found] == [utc(2026, 10, 24, 23, 30), utc(2026, 10, 25, 2, 30)]
    assert [row["id"] for row in rows_of(log, utc(2026, 10, 25), utc(2026, 10, 26))] == ["winter"]
    where = "started_at >= {since} AND started_at < {until}"
    log = opened(path, table="calls", timezone="Europe/Berlin", where=where)
    assert rows_of(log, utc(2026, 10, 24), utc(2026, 10, 26)) == found
    assert log.oldest() == utc(2026, 10, 24, 23, 30)
    assert log.poll(utc(2026, 10, 25, 2, 31), never).newest == utc(2026, 10, 25, 2, 30)


@pytest.mark.parametrize("kind", ["TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMPTZ", "VARCHAR"])
@pytest.mark.parametrize("zone", ["UTC", "America/St_Johns"])
def test_a_range_is_exact_for_every_kind_of_time(path: Path, kind: str, zone: str) -> None:
    run(
        path,
        f"SET TimeZone = '{zone}'",
        f"CREATE TABLE calls AS SELECT i::VARCHAR AS id, (TIMESTAMPTZ '2026-11-01 10:59:58+00' + INTERVAL (i) SECOND)::{kind} AS started_at "
        "FROM range(3605) AS t(i)",
    )
    log = opened(path, table="calls", timezone=zone)
    starts = [row["started_at"] for row in rows_of(log, NOW - HOUR, NOW)]
    assert (len(starts), starts[0], starts[-1]) == (3600, NOW - HOUR, NOW - timedelta(seconds=1))


def test_views_of_the_file_can_be_read(path: Path) -> None:
    run(
        path,
        "CREATE SCHEMA s",
        "CREATE TABLE s.raw AS SELECT 'a' AS id, TIMESTAMPTZ '2026-11-01 11:30:00+00' AS started_at",
        "CREATE VIEW calls AS SELECT * FROM log.s.raw",
    )
    assert [row["id"] for row in read(path, table="calls")] == ["a"]
    assert [row["id"] for row in read(path, table="log.s.raw")] == ["a"]
    assert [row["id"] for row in read(path, query="SELECT * FROM s.raw;")] == ["a"]


def test_a_url_without_a_file_reads_other_files(path: Path) -> None:
    parquet = path.with_suffix(".parquet")
    run(path, f"COPY (SELECT 'a' AS id, TIMESTAMPTZ '2026-11-01 11:30:00+00' AS started_at) TO '{parquet}'")
    log = open_table("duckdb://", path.parent, query=f"SELECT * FROM read_parquet('{parquet}')")
    assert [row["id"] for row in rows_of(log, NOW - HOUR, NOW)] == ["a"]


def test_the_file_is_free_for_its_writer_between_two_reads(path: Path) -> None:
    write_duckdb(path, "calls", [CALL])
    log = opened(path, table="calls")
    log.poll(NOW, never)
    calls = log.calls(NOW - HOUR, NOW)
    script = f"import duckdb; duckdb.connect({str(path)!r}).execute(\"INSERT INTO calls BY NAME SELECT 'b' AS id, TIMESTAMPTZ '{NOW - HOUR}' AS started_at\")"
    subprocess.run([sys.executable, "-c", script], check=True)
    assert calls.count().execute() == 2


@pytest.fixture
def locked(path: Path) -> Iterator[Path]:
    write_duckdb(path, "calls", [CALL])
    script = f"import duckdb, sys; c = duckdb.connect({str(path)!r}); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        yield path
        assert writer.stdin is not None
        writer.stdin.close()


def test_a_file_that_another_process_holds_open_is_an_error_with_a_hint(locked: Path) -> None:
    message = failure(opened(locked, table="calls"))
    assert message.startswith("sources.app.url: IO Error: Could not set lock")
    assert "it must close it between its writes" in message


def test_a_file_that_is_not_there_is_an_error_with_a_hint(path: Path) -> None:
    message = failure(opened(path, table="calls"))
    assert message.startswith(f"sources.app.url: there is no file {path} (duckdb:///")
    assert not path.exists()


def test_a_file_that_is_no_database_is_an_error(path: Path) -> None:
    path.write_text("no database" * 1000)
    assert "not a valid DuckDB database file" in failure(opened(path, table="calls"))


def test_a_source_that_failed_recovers_with_the_next_poll(path: Path) -> None:
    log = opened(path, table="calls")
    failure(log)
    write_duckdb(path, "other", [])
    assert failure(log).startswith("sources.app.table: Catalog Error: Table with name calls does not exist")
    write_duckdb(path, "calls", [CALL])
    assert log.poll(NOW, never).newest is not None


def test_reading_changes_nothing_in_the_file(path: Path) -> None:
    write_duckdb(path, "calls", [CALL])
    before = path.read_bytes()
    log = opened(path, table="calls")
    log.poll(NOW, never)
    rows_of(log, NOW - HOUR, NOW)
    log.close()
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["log.db"]


def test_a_query_that_takes_too_long_is_stopped_and_the_next_one_runs(path: Path) -> None:
    write_duckdb(path, "calls", [CALL])
    slow = "(SELECT count(*) FROM range(100000000) AS a, range(100000000) AS b WHERE a.range + b.range = t.latency_s)::VARCHAR"
    log = opened(path, table="calls", columns={"model": slow}, statement_timeout="0.3s")
    with pytest.raises(SourceError, match=r"sources\.app: .*statement_timeout \(0\.3s\)"):
        rows_of(log, NOW - HOUR, NOW)
    assert log.poll(NOW, never).newest is not None


def test_an_unknown_table_is_answered_with_the_nearest(path: Path) -> None:
    write_duckdb(path, "llm_calls", [])
    assert "; the nearest is llm_calls" in failure(opened(path, table="llm_call"))


def test_every_expression_that_cannot_work_is_named_at_once(path: Path) -> None:
    write_duckdb(path, "calls", [CALL])
    message = failure(opened(path, table="calls", columns={"model": "modell", "route": "1 +", "error": "nope(id)"}))
    assert 'sources.app.columns.model: Binder Error: Referenced column "modell" not found' in message
    assert "sources.app.columns.route: Parser Error" in message
    assert "sources.app.columns.error: Catalog Error" in message
    assert "LINE" not in message


def test_an_expression_that_fails_on_a_row_is_named_without_the_rows_text(path: Path) -> None:
    write_duckdb(path, "calls", [CALL | {"prompt": "my secret"}])
    log = opened(path, table="calls", columns={"cost_usd": "prompt::DOUBLE"})
    log.poll(NOW, never)
    with pytest.raises(SourceError) as raised:
        rows_of(log, NOW - HOUR, NOW)
    assert str(raised.value).startswith("sources.app.columns.cost_usd: Conversion Error: Could not convert string '…'")
    assert "secret" not in str(raised.value)


def test_a_start_that_can_be_no_time_is_refused(path: Path) -> None:
    run(path, "CREATE TABLE calls AS SELECT 'a' AS id, true AS started_at")
    assert failure(opened(path, table="calls")) == "sources.app.columns.started_at: gives BOOLEAN, which is not a time"


# -- engines that only Ibis knows


def test_another_engine_of_ibis_gives_the_same_calls(path: Path) -> None:
    write_duckdb(path, "calls", [CALL, CALL | {"id": None}, CALL | {"id": "late", "started_at": NOW}])
    engine = Other(f"duckdb://{path}")
    place = Place(
        "sources.app", CALLS, "calls", None, "started_at >= {since} AND started_at < {until}", {"route": "model"}
    )
    calls = derive(introspect(engine, place).table(NOW - HOUR, NOW))
    (found,) = calls.to_pyarrow().to_pylist()
    assert (found["id"], found["started_at"], found["route"], found["latency"]) == ("a", CALL["started_at"], "m", 2.0)
    assert engine.tables() == ["calls"]
    engine.close()


@pytest.mark.parametrize("url", ["nothing://u:topsecret@host/db", "snowflake://u:topsecret@host/db?token=topsecret2"])
def test_an_engine_that_cannot_be_opened_is_an_error_without_the_password(tmp_path: Path, url: str) -> None:
    message = failure(open_table(url, tmp_path, table="calls"))
    assert message.startswith("sources.app")
    assert "topsecret" not in message


@pytest.mark.parametrize("url", ["calls.db", "", "://x"])
def test_what_is_no_url_is_refused_before_anything_is_opened(tmp_path: Path, url: str) -> None:
    with pytest.raises(SourceError, match=r"sources\.app\.url: not a URL"):
        open_table(url, tmp_path, table="calls")


def test_times_of_the_answer_are_utc(path: Path) -> None:
    write_duckdb(path, "calls", [CALL])
    frame = opened(path, table="calls", timezone="Asia/Tokyo").calls(NOW - HOUR, NOW).to_pandas()
    at = frame["started_at"][0].to_pydatetime()
    assert (at, at.utcoffset()) == (CALL["started_at"], timedelta(0))
    assert isinstance(at, datetime)
    assert at.tzinfo is not None
    assert str(frame["started_at"].dtype).endswith(f"{UTC}]")
