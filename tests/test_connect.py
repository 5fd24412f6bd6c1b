"""`check --connect`: what a source holds, what its missing columns cost, and that nothing of it harms who looks."""

import io
import json
import os
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from landing_kit import new_store
from pydantic import TypeAdapter
from rich.console import Console
from samples_table import utc, write_duckdb

from config.calls import CALL_COLUMNS, FEEDBACK_COLUMNS
from config.sources import AnySource
from config.sources.common import Redaction
from monitor.commands.connect import connect, show, shown
from monitor.connect import Inspection, inspect
from monitor.redact import Redactor
from monitor.sources import landed
from monitor.sources.base import SourceError
from monitor.sources.registry import SourceContext, build

NOW = utc(2026, 11, 1, 12)
CALL: dict[str, Any] = {
    "id": "a",
    "started_at": NOW - timedelta(minutes=5),
    "model": "m",
    "latency_s": 2.0,
    "status_code": 200,
}
ESCAPES = "\x1b]0;owned\x07 [red]markup[/red] \u202e\x00end"
SECRET = "mail bob@example.com, key sk-abcdefghijklmnopqrstuvwxyz0123456789ABCD"


def looked_at(folder: Path, now: datetime = NOW, **settings: Any) -> Inspection:
    """The inspection of a source in a folder."""
    parsed: AnySource = TypeAdapter(AnySource).validate_python(settings)
    source = build("app", parsed, SourceContext(folder, folder / "landed", new_store(folder)))
    try:
        return inspect("app", source, parsed, folder, now)
    finally:
        source.close()


def table(folder: Path, rows: list[dict[str, Any]], **settings: Any) -> Inspection:
    """The inspection of a DuckDB table with all canonical columns."""
    write_duckdb(folder / "log.db", "calls", rows)
    return looked_at(folder, kind="table", url="duckdb://log.db", table="calls", **settings)


def lines(folder: Path, *records: dict[str, Any], name: str = "log.jsonl", **settings: Any) -> Inspection:
    """The inspection of a file of JSON lines."""
    text = "".join(json.dumps(record, default=str) + "\n" for record in records)
    (folder / name).write_text(text, encoding="utf-8")
    return looked_at(folder, kind="files", paths=["log.*"], **settings)


def printed(found: Inspection, **settings: Any) -> str:
    out = io.StringIO()
    parsed: AnySource = TypeAdapter(AnySource).validate_python({"kind": "files", "paths": ["x"], **settings})
    show(found, parsed, Console(file=out, width=300, force_terminal=True))
    return out.getvalue()


# -- what is found


def test_the_share_of_values_is_that_of_the_newest_calls(tmp_path: Path) -> None:
    rows = [CALL | {"id": str(number), "prompt": "hi" if number % 4 else None} for number in range(8)]
    found = table(tmp_path, rows)
    shares = {each.column.name: each.share for each in found.calls.shares}
    assert (found.calls.rows, shares["id"], shares["model"], shares["prompt"]) == (8, 1.0, 1.0, 0.75)
    assert shares["response"] == 0.0
    assert [each.column for each in found.calls.shares] == list(CALL_COLUMNS)
    assert (found.whole, found.oldest, found.newest) == (True, CALL["started_at"], NOW - timedelta(seconds=298))


def test_a_missing_column_is_told_with_what_it_costs(tmp_path: Path) -> None:
    record = {"id": "a", "started_at": str(NOW - timedelta(minutes=1)), "prompt": None, "response": "yes"}
    found = lines(tmp_path, record)
    feeds = "prompt drift, out-of-distribution prompts and the judge"
    assert f"prompt has no value in the sample; off without it: {feeds}" in found.calls.costs
    assert "ttft_s is missing; off without it: time to first token" in found.calls.costs
    either = "none of error_type, status_code, error has a value; off without one of them: errors, "
    assert [cost.startswith(either) for cost in found.calls.costs if "error" in cost] == [True]
    assert not any(cost.startswith(("response ", "tags ", "id ")) for cost in found.calls.costs)


@pytest.mark.parametrize(
    ("there", "needless"),
    [({"latency_s": 1.0}, "ended_at"), ({"ended_at": NOW}, "latency_s"), ({"status_code": 200}, "error_type")],
)
def test_a_column_that_another_one_replaces_costs_nothing(tmp_path: Path, there: dict[str, Any], needless: str) -> None:
    found = lines(tmp_path, {"id": "a", "started_at": NOW - timedelta(seconds=9), **there})
    assert not any(needless in cost for cost in found.calls.costs)


def test_examples_come_from_the_files_that_were_written_last(tmp_path: Path) -> None:
    for number, ids in enumerate(["abc", "def", "g"]):
        path = tmp_path / f"log.{number}.jsonl"
        path.write_text("".join(json.dumps(CALL | {"id": each}, default=str) + "\n" for each in ids))
        os.utime(path, (number + 1, number + 1))
    found = looked_at(tmp_path, kind="files", paths=["log.*"])
    assert [example.mapped["id"] for example in found.examples] == list("cdefg")


def test_an_old_log_is_sampled_where_it_is(tmp_path: Path) -> None:
    old = CALL | {"started_at": utc(2023, 11, 16, 18)}
    found = table(tmp_path, [old, old | {"id": "b"}])
    assert (found.calls.rows, found.oldest, found.newest) == (2, old["started_at"], None)
    assert [example.mapped["id"] for example in found.examples] != []


def test_an_empty_log_can_be_read_and_says_so(tmp_path: Path) -> None:
    found = table(tmp_path, [])
    assert (found.calls.rows, found.oldest, found.examples) == (0, None, ())
    assert {each.share for each in found.calls.shares} == {None}
    assert found.calls.costs == ()
    assert "holds no calls yet" in printed(found)


def test_feedback_is_sampled_beside_the_calls(tmp_path: Path) -> None:
    write_duckdb(tmp_path / "log.db", "rated", [{"call_id": "a", "at": NOW - timedelta(hours=2)}], FEEDBACK_COLUMNS)
    found = table(tmp_path, [CALL], feedback={"table": "rated"})
    assert found.feedback is not None
    assert found.feedback.rows == 1
    assert "score has no value in the sample; off without it: feedback score and positive ratio" in found.feedback.costs
    assert "feedback: 1 rows sampled" in printed(found)


def test_rows_without_id_or_time_are_counted(tmp_path: Path) -> None:
    rows = [CALL, CALL | {"id": None}, CALL | {"started_at": None}, {"model": "m"}]
    assert table(tmp_path, rows).unusable == {"missing_id": 1, "missing_started_at": 2}
    records = [
        {"id": "a", "started_at": str(NOW)},
        {"started_at": str(NOW)},
        {"id": "b"},
        {"id": "c", "started_at": "x"},
    ]
    (tmp_path / "lines").mkdir()
    found = lines(tmp_path / "lines", *records)
    assert found.unusable == {"missing_id": 1, "missing_started_at": 2}
    assert found.unreadable == {"started_at": 1}


# -- records beside calls


def test_the_newest_rows_of_a_table_stand_beside_the_calls_they_become(tmp_path: Path) -> None:
    rows = [CALL | {"id": str(number), "started_at": NOW - timedelta(minutes=number)} for number in range(1, 9)]
    blank = CALL | {"id": " ", "started_at": NOW - timedelta(seconds=30)}
    found = table(tmp_path, [*rows, blank], columns={"route": "'/v1/' || id"})
    assert [example.raw["id"] for example in found.examples] == [" ", "1", "2", "3", "4"]
    first = found.examples[1]
    assert (first.raw["id"], first.mapped["route"], first.mapped["latency_s"]) == ("1", "/v1/1", "2.0")
    assert "route" not in {name for name, value in first.raw.items() if value is not None}
    assert {example.raw["id"]: example.reason for example in found.examples if example.reason} == {" ": "missing_id"}


RECORDS = [
    {"req": "a", "t": "2026-11-01T11:00:00Z", "usage": {"in": 3}},
    {"req": None, "t": "2026-11-01T11:00:01Z"},
    {"req": "c", "t": "2026-11-01T11:00:02Z", "usage": {"in": 5}},
]
COLUMNS = {"id": "req", "started_at": "t", "input_tokens": "usage->>'$.in'"}


def test_lines_of_json_stand_beside_the_calls_they_become(tmp_path: Path) -> None:
    found = lines(tmp_path, *RECORDS, columns=COLUMNS)
    assert [example.raw for example in found.examples] == RECORDS
    assert [example.mapped.get("input_tokens") for example in found.examples] == [3, None, 5]
    assert [example.reason for example in found.examples] == ["", "missing_id", ""]


def test_lines_of_csv_stand_beside_the_calls_they_become(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_text("id,started_at,model\na,2026-11-01 11:00,m\n")
    (example,) = looked_at(tmp_path, kind="files", paths=["log.csv"]).examples
    assert example.raw == {"id": "a", "started_at": "2026-11-01 11:00", "model": "m"}
    assert example.mapped == {"id": "a", "started_at": utc(2026, 11, 1, 11), "model": "m"}


def test_rows_of_parquet_stand_beside_the_calls_they_become(tmp_path: Path) -> None:
    rows = [{"req": "a", 'odd "name"': 1, "t": NOW}, {"req": None, 'odd "name"': 2, "t": NOW}]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "log.parquet")
    found = looked_at(tmp_path, kind="files", paths=["*.parquet"], columns={"id": "req", "started_at": "t"})
    assert [example.raw["req"] for example in found.examples] == ["a", None]
    assert found.examples[0].mapped == {"id": "a", "started_at": NOW}
    assert found.examples[1].reason == "missing_id"


def test_a_log_that_is_longer_than_what_a_check_reads_is_said_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(landed, "BATCH_RECORDS", 1)
    for number in range(9):
        (tmp_path / f"log.{number}.jsonl").write_text(json.dumps({"id": f"{number}", "started_at": str(NOW)}) + "\n")
    found = looked_at(tmp_path, now=NOW + timedelta(hours=1), kind="files", paths=["log.*"])
    assert not found.whole
    assert 0 < found.calls.rows < 9
    assert "only the beginning of the log was read" in printed(found)


def test_a_source_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no file matches"):
        looked_at(tmp_path, kind="files", paths=["nothing.jsonl"])
    with pytest.raises(SourceError, match=r"sources\.app\.url: there is no file"):
        looked_at(tmp_path, kind="table", url="duckdb://nothing.db", table="calls")


# -- what is shown


@pytest.mark.parametrize("source", ["table", "lines"])
def test_what_a_log_says_cannot_reach_the_terminal_or_leak(tmp_path: Path, source: str) -> None:
    record = {"id": "a", "started_at": NOW - timedelta(minutes=1), "prompt": f"{ESCAPES} {SECRET}", "model": ESCAPES}
    make: Callable[..., Inspection] = (
        (lambda: table(tmp_path, [record]))
        if source == "table"
        else (lambda: lines(tmp_path, record | {"started_at": str(record["started_at"]), "\x1b[2J" + SECRET: 1}))
    )
    text = printed(make())
    assert "bob@example.com" not in text
    assert "sk-abcdef" not in text
    assert "\x1b]0;" not in text
    assert "\x1b[2J" not in text
    assert "\u202e" not in text
    assert "[red]markup[/red]" in text


def test_a_long_text_is_cut_without_showing_half_a_secret() -> None:
    redactor = Redactor(Redaction())
    text = "a@b.example " * 1_665 + "bob.smith.with.a.long.name@example.com " * 10
    assert len(shown(text, redactor)) <= 120
    assert "bob" not in shown("x" * 19_990 + " bob@example.com", redactor)
    assert shown("x" * 1_000_000, redactor) == ""


def test_texts_are_shown_as_they_are_when_redaction_is_off(tmp_path: Path) -> None:
    found = table(tmp_path, [CALL | {"prompt": SECRET}])
    assert "bob@example.com" in printed(found, redact={"enabled": False})


def test_the_command_shows_every_source_and_fails_when_one_cannot_be_read(tmp_path: Path) -> None:
    write_duckdb(tmp_path / "log.db", "calls", [CALL | {"started_at": utc(2026, 11, 1)}])
    config = tmp_path / "watchkeeper.yaml"
    good = "  good: {kind: table, url: 'duckdb://log.db', table: calls}\n"
    config.write_text(
        f"sources:\n{good}  bad: {{kind: table, url: 'postgresql://u:topsecret@/x?host=/nowhere', table: t}}\n"
    )
    out = io.StringIO()
    assert connect(config, Console(file=out, width=300)) == 2
    assert "good (table)" in out.getvalue()
    assert "calls: 1 rows sampled" in out.getvalue()
    assert "sources.bad.url: " in out.getvalue()
    assert "topsecret" not in out.getvalue()
    config.write_text(f"sources:\n{good}")
    assert connect(config, Console(file=out, width=300)) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.db", "watchkeeper.yaml"]
