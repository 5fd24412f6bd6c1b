"""`watchkeeper baseline`: what was learnt is listed and shown, accepted, pinned and compared; learning can be asked for."""

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from reading_kit import CONFIG, END, START, WordVectors, lived, log, opened, written

from monitor.commands import baseline
from monitor.commands.baseline import Asked
from monitor.commands.baseline_compare import compare
from monitor.store import baselines
from monitor.store.baselines import StoredBaseline
from monitor.store.database import Database

STRETCH = ("2026-03-02", "2026-03-08")


@pytest.fixture(scope="module")
def learnt_from(calm_house: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which a service has learnt from a log."""
    folder = shutil.copytree(calm_house, tmp_path_factory.mktemp("learnt") / "one")
    house = opened(folder)
    lived(house, END)
    house.close()
    return folder


@pytest.fixture
def config(learnt_from: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it; no command loads a model."""
    monkeypatch.setattr("detectors.embedder.build", lambda _settings: WordVectors())
    shutil.copytree(learnt_from, tmp_path / "service")
    return tmp_path / "service" / "watchkeeper.yaml"


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    return lambda: " ".join("".join(capsys.readouterr()).split())


def rows(config: Path) -> list[StoredBaseline]:
    database = Database.open(f"sqlite:///{config.parent}/watchkeeper-data/watchkeeper.db")
    with database.reading() as session:
        found = baselines.known(session)
    database.close()
    return found


def facts(config: Path, stored: StoredBaseline) -> dict[str, Any]:
    database = Database.open(f"sqlite:///{config.parent}/watchkeeper-data/watchkeeper.db")
    with database.reading() as session:
        found = baselines.facts(session, stored)
    database.close()
    return found


def test_what_was_learnt_is_listed_and_shown(config: Path, said: Callable[[], str]) -> None:
    (row,) = rows(config)
    assert baseline.show_all(config) == 0
    assert f"{row.version[:8]} accepted prompts of chat, 2026-03-02 to 2026-03-09" in said()
    assert baseline.show(config, row.version[:6]) == 0
    assert facts(config, row)["topics"][0]["name"] in said()


def test_a_fitted_baseline_is_a_candidate_until_it_is_accepted(config: Path, said: Callable[[], str]) -> None:
    (learnt,) = rows(config)
    assert baseline.fit(config, Asked(*STRETCH), accept=False) == 0
    (candidate,) = [row for row in rows(config) if row.version != learnt.version]
    assert candidate.state == baselines.CANDIDATE
    assert f"baseline accept {candidate.version[:8]}" in said()
    assert baseline.change(config, candidate.version, "accept") == 0
    assert {row.version: row.state for row in rows(config)} == {
        learnt.version: baselines.RETIRED,
        candidate.version: baselines.ACCEPTED,
    }


def test_a_planned_change_is_accepted_with_one_command_and_a_pinned_one_stays(
    config: Path, said: Callable[[], str]
) -> None:
    (learnt,) = rows(config)
    assert baseline.change(config, learnt.version[:8], "pin") == 0
    said()
    assert baseline.fit(config, Asked(*STRETCH), accept=True) == 0
    assert "accepted prompts of chat" in said()
    assert [row.state for row in rows(config)] == [baselines.ACCEPTED, baselines.ACCEPTED]
    assert baseline.change(config, learnt.version[:8], "unpin") == 0
    assert not any(row.pinned for row in rows(config))
    assert [row.state for row in rows(config)] == [baselines.RETIRED, baselines.ACCEPTED]


def test_a_baseline_is_learnt_from_a_file(config: Path, tmp_path: Path) -> None:
    (learnt,) = rows(config)
    file = tmp_path / "golden.jsonl"
    calls = [call for number, call in enumerate(log(0.0)) if number % 2]
    file.write_text("".join(json.dumps(call) + "\n" for call in calls))
    assert baseline.fit(config, Asked(file=file), accept=False) == 0
    (of_file,) = [row for row in rows(config) if row.version != learnt.version]
    assert facts(config, of_file)["population"] == len(calls)
    assert of_file.fitted_from >= START
    last = max(datetime.fromisoformat(call["started_at"]) for call in calls)
    assert last < of_file.fitted_until <= last + timedelta(hours=2), "not until now: the file ended before"


def test_two_baselines_are_compared(config: Path, said: Callable[[], str]) -> None:
    (learnt,) = rows(config)
    baseline.fit(config, Asked(*STRETCH), accept=False)
    (other,) = [row for row in rows(config) if row.version != learnt.version]
    said()
    assert compare(config, (learnt.version, other.version)) == 0
    told = said()
    assert "are strange to the first" in told
    assert "days are in both" in told
    assert "topic" in told
    assert compare(config, (learnt.version, "zzz")) == 2
    assert "no baseline whose version begins with 'zzz'" in said()


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (Asked("2026-03-02", "2026-03-01"), "must end after it starts"),
        (Asked("2026-03-02", "2026-03-02T02:00Z"), "prompts of chat: a baseline needs"),
        (Asked(source="chta"), "there is no source 'chta'"),
        (Asked(file=Path("/nowhere.jsonl")), "/nowhere.jsonl: there is no such file"),
    ],
)
def test_what_cannot_be_learnt_is_explained(config: Path, said: Callable[[], str], asked: Asked, why: str) -> None:
    assert baseline.fit(config, asked, accept=False) == 2
    assert why in said()


def test_an_unknown_version_is_explained(config: Path, said: Callable[[], str]) -> None:
    assert baseline.show(config, "zzz") == 2
    assert "no baseline whose version begins with 'zzz'" in said()


def test_before_a_service_has_run_it_says_what_to_do_and_fits_the_segments_that_it_finds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: Callable[[], str]
) -> None:
    monkeypatch.setattr("detectors.embedder.build", lambda _settings: WordVectors())
    calls = [call | {"service": "ab"[number % 2]} for number, call in enumerate(log(0.0, days=3))]
    config = written(tmp_path / "new", calls, CONFIG.replace("[[]]", "[[], [service]]")) / "watchkeeper.yaml"
    assert baseline.show_all(config) == 0
    assert "nothing has been learnt yet" in said()
    assert baseline.fit(config, Asked(), accept=False) == 0
    assert {row.segment.as_dict()["service"] for row in rows(config)} == {"a", "b"}
