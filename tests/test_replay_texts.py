"""Texts in a replay and in a backfill: the numbers and the drift alarms of the live run on the same log."""

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import reading_kit
from reading_kit import CONFIG, DAY, END, HOUR, NEW_TOPIC, lived, log, written

from config.load import load
from detectors.measurement import Key, Measured, Value
from monitor.house import House
from monitor.reading.alarming import ALL
from monitor.replay import backfill, replay, scratch
from monitor.store import baselines, drift, texts
from monitor.store.tables import DriftRow, TextRow, TransitionRow

SHORT = CONFIG.replace("baseline_days: 7", "baseline_days: 7, window: 4h, refit: 0s")
SHORT += "rules: {strange: {measure: out_of_distribution_ratio, above: 0.15, fires_on: interval}}\n"
SPAN = (NEW_TOPIC - 8 * HOUR, END)
EVIDENCE = Key.of("drift_evidence", baseline="rolling", channel=ALL, stream="prompt")


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = written(tmp_path_factory.mktemp("replay") / "house", log(), SHORT)
    house = reading_kit.opened(folder)
    lived(house, END)
    house.close()
    return folder


@pytest.fixture(scope="module")
def replayed(lived_in: Path) -> tuple[list[Measured], list[TransitionRow]]:
    """What a replay of the last day says of texts."""
    measured: list[Measured] = []
    transitions: list[TransitionRow] = []
    with scratch(load(lived_in / "watchkeeper.yaml", {})) as house:
        house.desk._embedder = reading_kit.WordVectors()
        replay(house, SPAN, END, lambda _, more: transitions.extend(more), measured.extend)
    return measured, transitions


@pytest.fixture
def house(lived_in: Path, tmp_path: Path) -> Iterator[House]:
    """A copy of the live service."""
    shutil.copytree(lived_in, tmp_path / "house")
    made = reading_kit.opened(tmp_path / "house")
    yield made
    made.close()


def stored(house: House) -> dict[datetime, dict[Key, Value]]:
    """What the live store has of texts, by the start of the window."""
    with house.database.reading() as session:
        return {each.window.start: dict(each.values) for each in texts.between(session, "chat", *SPAN)}


def bare(measured: Measured) -> dict[Key, Value]:
    """Without the label of the baseline."""
    return {
        Key(key.name, tuple(each for each in key.labels if each[0] != "baseline")): value
        for key, value in measured.values.items()
    }


def test_a_replay_gives_the_numbers_of_the_live_run(
    house: House, replayed: tuple[list[Measured], list[TransitionRow]]
) -> None:
    live = stored(house)
    assert len(live) == 8
    assert {each.window.start: bare(each) for each in replayed[0]} == live
    assert [each.window.start for each in replayed[0]] == sorted(live)


def test_a_replay_says_when_drift_alarms_began(
    house: House, replayed: tuple[list[Measured], list[TransitionRow]]
) -> None:
    with house.database.reading() as session:
        (said,) = drift.all_facts(session)
    (alarm,) = said.facts["open"]
    (fired,) = [row for row in replayed[1] if row.rule == "drift"]
    assert fired.to_state == "firing"
    assert fired.at.timestamp() == alarm["at"]
    assert fired.value == pytest.approx(alarm["evidence"])


def test_a_replay_steps_the_rules_about_texts(replayed: tuple[list[Measured], list[TransitionRow]]) -> None:
    first, *_ = [row for row in replayed[1] if row.rule == "strange"]
    assert (first.to_state, first.at) == ("firing", NEW_TOPIC + 4 * HOUR)


def test_a_replay_leaves_the_live_store_as_it_was(house: House, lived_in: Path) -> None:
    with house.database.reading() as session:
        before = [each.read_until for each in baselines.in_use(session)]
    again = reading_kit.opened(lived_in)
    with again.database.reading() as session:
        assert [each.read_until for each in baselines.in_use(session)] == before == [END]
    again.close()


def test_a_replay_without_a_baseline_reads_no_texts(tmp_path: Path) -> None:
    folder = written(tmp_path / "new", log(days=1), SHORT)
    found: list[Any] = []
    with scratch(load(folder / "watchkeeper.yaml", {})) as house:
        replay(house, (END - 9 * DAY, END - 8 * DAY), END, lambda *_: None, found.extend)
        assert house.desk._embedder is None
    assert found == []


def test_a_backfill_writes_the_numbers_again_and_leaves_the_evidence_and_the_detector(house: House) -> None:
    live = stored(house)
    with house.database.transaction() as session:
        (state,) = session.exec(drift.select(DriftRow)).all()
        kept = (state.until, dict(state.facts), bytes(state.body))
        rows = sorted(session.exec(drift.select(TextRow)).all(), key=lambda row: row.start)
        session.delete(rows[-1])
        rows[-2].body = [each for each in rows[-2].body if each[0] == "drift_evidence"]
    assert backfill(house, SPAN, END, poll=False) >= 8
    again = stored(house)
    last = max(live)
    assert {start: again[start] for start in live if start != last} == {s: v for s, v in live.items() if s != last}
    assert again[last] == {key: value for key, value in live[last].items() if key.name != "drift_evidence"}
    with house.database.reading() as session:
        (state,) = session.exec(drift.select(DriftRow)).all()
        assert (state.until, dict(state.facts), bytes(state.body)) == kept


def test_a_backfill_takes_vectors_and_a_replay_lends_them_without_a_change(house: House) -> None:
    cache = texts.StoredCache(house.database, END)
    cache.put({"a": b"1"})
    with scratch(load(house.folder / "watchkeeper.yaml", {})) as other:
        borrowed = texts.StoredCache(other.database, END, other.desk.lender)
        assert borrowed.get(["a", "b"]) == {"a": b"1"}
        assert texts.StoredCache(other.database, END).get(["a"]) == {}
