"""The same window gives the same sample, numbers and report through files, which DuckDB reads, and through PostgreSQL, in any
order of rows."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from reading_kit import AN_HOUR, DAY, HOSTILE, SUBJECTS, lived, opened
from reading_kit import START as BEGIN
from samples_table import Postgres

from detectors.measurement import Segment, Window
from monitor.house import House
from monitor.reading.place import Place
from monitor.reading.sitting import Sitting
from monitor.report.gather import gather
from monitor.report.question import Question
from monitor.report.render import as_json, render
from monitor.store import texts

NEW, END = BEGIN + 2 * DAY, BEGIN + 3 * DAY
NUMBERS = ("latency_s", "input_tokens", "cost_usd")
# Neither NUL nor halves of characters: PostgreSQL has no such text.
ATTACK = HOSTILE.replace("\x00", "").encode("utf-8", "ignore").decode()


@cache
def calls() -> list[dict[str, Any]]:
    """Two days to learn from and a third with a new topic in one service, an attack, and a user who repeats himself."""
    random = np.random.default_rng(7)
    rows = []
    for number in range(3 * 24 * AN_HOUR):
        at = BEGIN + number * DAY / 24 / AN_HOUR
        words = " ".join(random.choice([f"w{each}" for each in range(40)], 4))
        prompt, service = f"{random.choice(SUBJECTS)} {words}", str(random.choice(["shop", "search"]))
        if at >= NEW and random.random() < 0.25:
            prompt, service = f"recall battery fire danger {words}", "shop"
            if number % 5 == 0:
                prompt = f"{ATTACK} {number % 7}"
        row = {"id": f"c{number}", "started_at": at, "latency_s": 1.0 + number % 3, "prompt": prompt}
        row |= {"service": service, "model": None if number % 11 else "große-1", "user_id": f"u{number % 50}"}
        row |= {"input_tokens": None if number % 7 == 0 else number % 90, "cost_usd": number % 13 / 1000}
        rows.append(row)
    # Ten calls a minute before the end, nine of which repeat the first.
    storm = [rows[-30] | {"id": f"s{n}", "user_id": "robot", "prompt": "again and again"} for n in range(10)]
    return [*rows, *storm]


def shuffled(seed: int) -> list[dict[str, Any]]:
    return [calls()[row] for row in np.random.default_rng(seed).permutation(len(calls()))]


def as_lines(folder: Path, rows: Sequence[dict[str, Any]]) -> str:
    lines = (json.dumps(row | {"started_at": row["started_at"].isoformat()}) for row in rows)
    (folder / "log.jsonl").write_text("\n".join(lines) + "\n")
    return "{kind: files, paths: [log.jsonl]"


def as_postgres(folder: Path, rows: Sequence[dict[str, Any]], url: str) -> str:
    server = Postgres(url, folder)
    table = server.table(
        "id text, started_at timestamptz, latency_s double precision, prompt text, service text, model text,"
        " user_id text, input_tokens bigint, cost_usd double precision"
    )
    with server.writer.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN".encode()) as copy:
        for row in rows:
            copy.write_row(list(row.values()))
    server.close()
    return f"{{kind: table, url: '{url}', table: {table}"


def learnt(folder: Path, source: str) -> House:
    """A service over a source, that has learnt from two days and measured the third."""
    (folder / "watchkeeper.yaml").write_text(
        f"sources:\n  chat: {source}, lateness: 0s, groupings: [[]], silent_after: 0s, redact: {{enabled: false}}}}\n"
        "text: {streams: [prompt], baseline_days: 2, sample: 150, learn: 2000, window: 4h}\nwindow: 1h\nstart: 30d\n"
    )
    house = opened(folder)
    lived(house, END)
    return house


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory, postgres_url: str) -> Iterator[dict[str, House]]:
    def folder(name: str) -> Path:
        return tmp_path_factory.mktemp(name)

    lines, server = folder("lines"), folder("postgres")
    made = {
        "files": learnt(lines, as_lines(lines, calls())),
        "postgres": learnt(server, as_postgres(server, shuffled(1), postgres_url)),
    }
    yield made
    for house in made.values():
        house.close()


def sampled(house: House, start: datetime, end: datetime) -> Any:
    (watched,) = house.sources.values()
    sitting = Sitting.at(house, watched, END)
    place = Place("chat", Segment(), "prompt")
    return sitting.draw(place, Window(start, end), 300, sitting.cuts, NUMBERS)


def test_the_sample_is_the_same(houses: dict[str, House]) -> None:
    expected = sampled(houses["files"], NEW, END)
    assert sampled(houses["postgres"], NEW, END) == expected
    assert expected.population == 490
    by_id = {row["id"]: row for row in calls()}
    for name in NUMBERS:
        assert list(expected.numbers[name]) == [by_id[each][name] for each in expected.ids]
    assert set(expected.columns["model"]) == {None, "große-1"}


def test_the_baseline_and_the_numbers_of_every_window_are_the_same(houses: dict[str, House]) -> None:
    found, expected = (_measured(houses[name]) for name in ("postgres", "files"))
    assert len(expected) == 6
    assert found == expected


def _measured(house: House) -> Any:
    (watched,) = house.sources.values()
    (stored,) = Sitting.at(house, watched, END).in_use(Place("chat", Segment(), "prompt"))
    with house.database.reading() as session:
        return texts.against(session, stored.key, BEGIN, END)


def test_the_report_is_the_same(houses: dict[str, House]) -> None:
    found, expected = (gather(houses[name], Question(evidently=False), END) for name in ("postgres", "files"))
    assert as_json(found) == as_json(expected)
    assert render(found) == render(expected)
    (part,) = expected.parts
    assert any("battery" in topic.name for topic in part.new)
    storm = {each.name: each for each in part.descriptors}["retry"]
    assert (storm.before, storm.now) == (0, 9 / 490)
    assert {(each.column, each.value) for each in part.contributions} >= {("service", "shop"), ("model", "(none)")}
