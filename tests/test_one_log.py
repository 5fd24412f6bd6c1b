"""One log, however it is read: through files or a database, live or in a replay, the numbers and decisions are the same."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alerts.watch import Readings
from config.calls import CALL_COLUMNS, FEEDBACK_COLUMNS, Column
from config.load import load
from monitor.canonical import ARROW_TYPES
from monitor.cycle import cycle
from monitor.demo.generator import generate, generate_feedback
from monitor.house import House
from monitor.opening import open_house
from monitor.replay import replay, scratch
from monitor.sources.engines.postgres import Postgres
from monitor.store import outbox, states
from monitor.store.tables import MeasurementRow, TransitionRow

ANCHOR = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
START, END = ANCHOR - timedelta(minutes=20), ANCHOR + timedelta(hours=1)
SEED = 5
SLOT = timedelta(minutes=10)
LATENESS = timedelta(minutes=1)
RULES = """
rules:
  errors: {measure: error_ratio, by: [service, model], over: 20m, above: 0.15, clear: 0.1, min_calls: 10, severity: critical}
  slow: {measure: latency_seconds, labels: {percentile: "50"}, by: [service, model], above: 2.5, for: 10m}
window: 10m
start: 1d
"""
GROUPINGS = "groupings: [[], [service, model]], lateness: 1m, max_duration: 15m, silent_after: 0s"


@cache
def records() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Calls and feedback of 80 minutes with incidents."""
    return list(generate(SEED, START, END, ANCHOR)), list(generate_feedback(SEED, START, END, ANCHOR))


def written(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row, default=str) + "\n" for row in rows))


def table_of(rows: list[dict[str, Any]], columns: tuple[Column, ...]) -> Any:
    """The records as an Arrow table with the canonical columns that they have."""
    there = [column for column in columns if any(column.name in row for row in rows)]
    return pa.table(
        {each.name: pa.array([_typed(row, each) for row in rows], ARROW_TYPES[each.type]) for each in there}
    )


def _typed(row: dict[str, Any], column: Column) -> Any:
    value = row.get(column.name)
    if column.type == "timestamp" and isinstance(value, str):
        return datetime.fromisoformat(value)
    return json.dumps(value) if column.type == "json" and value is not None else value


def as_jsonl(folder: Path, _: str) -> str:
    calls, feedback = records()
    written(folder / "calls.jsonl", calls)
    written(folder / "feedback.jsonl", feedback)
    return f"{{kind: files, paths: [calls.jsonl], feedback: {{paths: [feedback.jsonl]}}, {GROUPINGS}}}"


def as_parquet(folder: Path, _: str) -> str:
    calls, feedback = records()
    half = len(calls) // 2
    pq.write_table(table_of(calls[:half], CALL_COLUMNS), folder / "calls-1.parquet")
    pq.write_table(table_of(calls[half:], CALL_COLUMNS), folder / "calls-2.parquet")
    pq.write_table(table_of(feedback, FEEDBACK_COLUMNS), folder / "feedback.parquet")
    return f"{{kind: files, paths: [calls-*.parquet], feedback: {{paths: [feedback.parquet]}}, {GROUPINGS}}}"


def as_postgres(folder: Path, url: str) -> str:
    calls, feedback = records()
    types = Postgres.types
    with psycopg.connect(url, autocommit=True) as connection:
        for name, rows, columns in (("one_calls", calls, CALL_COLUMNS), ("one_feedback", feedback, FEEDBACK_COLUMNS)):
            table = table_of(rows, columns)
            of = {column.name: types[column.type] for column in columns}
            fields = ", ".join(f'"{name}" {of[name]}' for name in table.column_names)
            connection.execute(f"DROP TABLE IF EXISTS {name}; CREATE TABLE {name} ({fields})".encode())
            with connection.cursor() as cursor, cursor.copy(f"COPY {name} FROM STDIN".encode()) as copy:
                for row in zip(*(column.to_pylist() for column in table.columns), strict=True):
                    copy.write_row(row)
    # As the server gives it: through a socket, with the path as a parameter.
    return f"{{kind: table, url: '{url}', table: one_calls, feedback: {{table: one_feedback}}, {GROUPINGS}}}"


WAYS: dict[str, Callable[[Path, str], str]] = {"jsonl": as_jsonl, "parquet": as_parquet, "postgres": as_postgres}


def configured(folder: Path, source: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "watchkeeper.yaml"
    path.write_text(f"sources:\n  chat: {source}\n{RULES}")
    return path


def replayed(config: Path) -> tuple[list[str], list[str]]:
    """What `replay --json` prints: measurements and transitions, sorted."""
    measured: list[str] = []
    changed: list[str] = []

    def emit(readings: Readings, transitions: list[TransitionRow]) -> None:
        for batch in readings.batches.values():
            measured.extend(json.dumps(each.as_json(), default=str) for row in batch for each in row)
        changed.extend(json.dumps(outbox.transition_json(row), default=str) for row in transitions)

    with scratch(load(config, {})) as house:
        replay(house, (START, END), END + timedelta(hours=1), emit)
    return sorted(measured), changed


def as_told(lines: list[str]) -> dict[str, dict[str, Any]]:
    """The numbers of each line by everything else in it: what it is about, and nulls and reasons where there is none."""
    told = {}
    for number, line in enumerate(map(json.loads, lines)):
        numbers = {name: line.pop(name) for name in ("value", "lower", "upper", "n") if line.get(name) is not None}
        order = number if line["type"] == "transition" else ""
        told[f"{order} {json.dumps(line)}"] = numbers
    return told


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], list[str]]:
    folder = tmp_path_factory.mktemp("reference")
    return replayed(configured(folder, as_jsonl(folder, "")))


def test_the_log_has_something_to_tell(reference: tuple[list[str], list[str]]) -> None:
    measured, changed = reference
    assert {"firing", "inactive"} <= {json.loads(line)["to"] for line in changed}
    names = {json.loads(line)["name"] for line in measured if json.loads(line)["value"] is not None}
    assert {"calls", "latency_seconds", "trace_latency_seconds", "feedback_score", "cost_usd"} <= names


@pytest.mark.parametrize("way", ["parquet", "postgres"])
def test_a_log_gives_the_same_numbers_however_it_is_stored(
    way: str, reference: tuple[list[str], list[str]], tmp_path: Path, postgres_url: str
) -> None:
    measured, changed = (as_told(lines) for lines in replayed(configured(tmp_path, WAYS[way](tmp_path, postgres_url))))
    expected, expected_changes = map(as_told, reference)
    assert changed == expected_changes
    assert measured.keys() == expected.keys()
    for identity, numbers in measured.items():
        # Two engines may round the last bit of an interpolated percentile differently; counts and reasons are equal.
        assert numbers == pytest.approx(expected[identity], rel=1e-12), identity


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The service over the same log as it grows: after each slot the source is read and decided."""
    folder = tmp_path_factory.mktemp("lived")
    calls, feedback = records()
    house = open_house(load(configured(folder, as_jsonl(folder, "")), {}))
    now = START + SLOT + LATENESS
    while now <= END + LATENESS:
        # What was written by now: calls at their end, ratings when they were given.
        written(folder / "calls.jsonl", [row for row in calls if datetime.fromisoformat(row["ended_at"]) <= now])
        written(folder / "feedback.jsonl", [row for row in feedback if datetime.fromisoformat(row["at"]) <= now])
        for watched in house.sources.values():
            cycle(house, watched, now, lambda: False)
        now += SLOT / 2
    yield house
    house.close()


def test_a_replay_gives_what_the_live_service_stored(lived: House, reference: tuple[list[str], list[str]]) -> None:
    from sqlmodel import select

    from monitor.store.measurements import segment_of

    stored = []
    with lived.database.reading() as session:
        rows = session.exec(select(MeasurementRow)).all()
        for row in rows:
            for name, labels, value, lower, upper, n, reason in row.body:
                shape = (
                    segment_of(row.segment).as_dict(),
                    float(row.length_s),
                    row.start.isoformat(),
                    name,
                    dict(labels),
                )
                stored.append(json.dumps([*shape, value, lower, upper, n, reason], sort_keys=True))
    first = min(row.start for row in rows)
    expected = []
    for line in map(json.loads, reference[0]):
        shape = (line["segment"], line["length_s"], line["start"], line["name"], line["labels"])
        if datetime.fromisoformat(line["start"]) >= first:
            numbers = (line["value"], line["lower"], line["upper"], line["n"], line["reason"])
            expected.append(json.dumps([*shape, *numbers], sort_keys=True))
    assert len(stored) > 1_000
    assert sorted(stored) == sorted(expected)


def test_a_replay_decides_what_the_live_service_decided(lived: House, reference: tuple[list[str], list[str]]) -> None:
    with lived.database.reading() as session:
        transitions = outbox.transitions(session, 1_000)[::-1]
        assert states.alerts(session) is not None
    assert [json.dumps(outbox.transition_json(row), default=str) for row in transitions] == reference[1]
