"""Calls that hang are seen when they end, in the window in which they end, and at its first close."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlmodel import select

from config.load import load
from monitor.cycle import cycle
from monitor.opening import open_house
from monitor.store.tables import MeasurementRow

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
HANGS = timedelta(minutes=10)
CALLS_A_MINUTE = 200
CLOSED = range(11, 14)  # the minutes whose windows close in the test: hung calls end in each of them

CONFIG = """
sources:
  chat: {kind: files, paths: [log.jsonl], lateness: 5s, groupings: [[]]}
start: 1h
"""


def log() -> list[dict[str, Any]]:
    """Three calls in a hundred hang for ten minutes; of these every third one fails then."""
    random = np.random.default_rng(1)
    calls = []
    for number in range(15 * CALLS_A_MINUTE):
        started = START + number * MINUTE / CALLS_A_MINUTE
        hung = number % 100 in (4, 36, 69)
        seconds = HANGS.total_seconds() if hung else float(random.gamma(2.0, 0.5))
        call = {"id": f"{number}", "started_at": started, "ended_at": started + timedelta(seconds=seconds)}
        failed = hung and number % 2
        calls.append(call | {"latency_s": seconds, "error_type": "timeout" if failed else None})
    return sorted(calls, key=lambda call: call["ended_at"])


def measured(row: MeasurementRow, name: str, **labels: str) -> float:
    return next(value for key, own, value, *_ in row.body if (key, dict(own)) == (name, labels))


@pytest.fixture
def rows(tmp_path: Path) -> dict[datetime, MeasurementRow]:
    """What is stored of each minute after the service read the log as it grew, a cycle a minute."""
    calls = log()
    (tmp_path / "watchkeeper.yaml").write_text(CONFIG)
    house = open_house(load(tmp_path / "watchkeeper.yaml", {}))
    for minute in CLOSED:
        now = START + (minute + 1) * MINUTE + timedelta(seconds=6)
        there = (call for call in calls if call["ended_at"] <= now)
        (tmp_path / "log.jsonl").write_text("".join(json.dumps(call, default=str) + "\n" for call in there))
        for watched in house.sources.values():
            cycle(house, watched, now, lambda: False)
    with house.database.reading() as session:
        found = session.exec(select(MeasurementRow).where(MeasurementRow.length_s == 60)).all()
    house.close()
    return {row.start: row for row in found}


def test_their_windows_are_right_at_first_close(rows: dict[datetime, MeasurementRow]) -> None:
    for minute in CLOSED:
        start = START + minute * MINUTE
        ended = [call for call in log() if start <= call["ended_at"] < start + MINUTE]
        succeeded = [call["latency_s"] for call in ended if call["error_type"] is None]
        failed = len(ended) - len(succeeded)
        row = rows[start]
        assert failed >= 2
        assert row.revision == 0
        assert measured(row, "calls") == len(ended)
        assert measured(row, "error_ratio") == failed / len(ended)
        p99 = float(np.quantile(succeeded, 0.99))
        assert p99 > 60
        assert measured(row, "latency_seconds", percentile="99") == pytest.approx(p99, rel=1e-12)


def test_while_they_hang_nothing_is_known_of_them(rows: dict[datetime, MeasurementRow]) -> None:
    before = rows[START + 8 * MINUTE]
    assert measured(before, "error_ratio") == 0
    assert measured(before, "latency_seconds", percentile="99") < 60
