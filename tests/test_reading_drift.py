"""Drift as an alert: from texts that change to a message, once, whatever happens in between."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import reading_kit
from reading_kit import AN_HOUR, DAY, HOUR, START, SUBJECTS, WORDS, lived, written
from sqlmodel import select

from alerts.grouping import fingerprint
from alerts.rules import State
from alerts.view import labels_of
from detectors.drift.effect import Effect
from detectors.measurement import Key, Reason
from monitor import alertbook
from monitor.daemon import check_health
from monitor.drifting import ended, in_words
from monitor.house import House
from monitor.reading.alarming import ALL, EFFECTS, ENDED_KEPT, facts_of, leading
from monitor.reading.drift import EVIDENCE
from monitor.store import baselines, drift, states, texts
from monitor.store.tables import DriftRow, OutboxRow, TransitionRow
from monitor.survey import survey

LEARNT = START + 21 * DAY
CHANGE, END = START + 22 * DAY, START + 22.75 * DAY
CONFIG = """
sources:
  chat: {kind: files, paths: [log.jsonl], lateness: 0s, groupings: [[]], silent_after: 0s}
text: {streams: [prompt], baseline_days: 21, sample: 200, window: 4h, refit: 0s}
receivers:
  team: {kind: slack, webhook_url: "https://hooks.slack.com/services/x"}
window: 1h
start: 60d
"""
KEY = Key.of(EVIDENCE, channel=ALL, stream="prompt")


def log(days: int = 23) -> Iterator[dict[str, Any]]:
    """Prompts about six subjects; from the 23rd day on three in ten are about a seventh."""
    random = np.random.default_rng(5)
    for number in range(days * 24 * AN_HOUR):
        at = START + number * HOUR / AN_HOUR
        subject = str(random.choice(SUBJECTS))
        if random.random() < 0.3 and at >= CHANGE:
            subject = "recall battery fire danger"
        words = " ".join(random.choice(WORDS, 4))
        prompt = f"{subject} {subject} {subject} {words} {number}"
        route = "new" if "recall" in prompt else "old" if number % 3 else "new"
        yield {"id": f"c{number}", "started_at": at.isoformat(), "latency_s": 1.0, "prompt": prompt, "route": route}


@pytest.fixture(scope="module")
def learnt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service that has learnt what is normal, and has read the day after that."""
    folder = written(tmp_path_factory.mktemp("drift") / "learnt", log(), CONFIG)
    house = reading_kit.opened(folder)
    lived(house, CHANGE)
    house.close()
    return folder


@pytest.fixture(scope="module")
def changed(learnt: Path) -> Path:
    """The same service when it has read what is different."""
    folder = shutil.copytree(learnt, learnt.parent / "changed")
    house = reading_kit.opened(folder)
    lived(house, END)
    house.close()
    return folder


@pytest.fixture
def opened(tmp_path: Path, learnt: Path) -> Iterator[Callable[..., House]]:
    houses: list[House] = []

    def make(name: str = "one", config: str = CONFIG, of: Path = learnt) -> House:
        folder = tmp_path / name
        if not folder.exists():
            shutil.copytree(of, folder)
            (folder / "watchkeeper.yaml").write_text(config)
        houses.append(reading_kit.opened(folder))
        return houses[-1]

    yield make
    for house in houses:
        house.close()


def history(house: House) -> list[TransitionRow]:
    with house.database.reading() as session:
        rows = session.exec(select(TransitionRow).order_by(TransitionRow.id)).all()  # type: ignore[arg-type]
        return [row for row in rows if row.rule == "drift"]


def messages(house: House) -> list[OutboxRow]:
    with house.database.reading() as session:
        return list(session.exec(select(OutboxRow)).all())


def test_a_new_topic_becomes_one_alert_that_says_what_has_changed(opened: Callable[..., House]) -> None:
    house = opened()
    check_health(house, CHANGE)
    assert history(house) == []
    lived(house, END)
    check_health(house, END)
    (fired,) = history(house)
    assert (fired.to_state, fired.source) == (State.FIRING, "chat")
    assert fired.value is not None
    assert fired.value >= 1
    assert fired.exemplars
    planted = {each["id"] for each in log() if "recall" in each["prompt"]}
    assert set(fired.exemplars) <= planted
    (message,) = messages(house)
    (alert,) = message.message["alerts"]
    assert "Prompts have drifted" in alert["summary"]
    assert "recall" in alert["summary"]
    # Sixty-three windows of three weeks have not seen enough to call people at night.
    assert alert["labels"]["severity"] == "warning"
    assert "of it from route new" in alert["summary"]
    assert "calls an hour" in alert["summary"]
    for words in ("New topic: ", "its words: ", "Their form: ", "Its parts: route new"):
        assert words in alert["description"]
    with house.database.reading() as session:
        name = fingerprint(labels_of(states.alert_id_of(fired)))
        answer = alertbook.book(session, house.settings, name).as_json()["drift"]
    assert answer["channels"][0] == answer["channel"]
    assert answer["effects"][answer["channel"]]["lower"] > 0
    assert any("recall" in each["terms"] for each in answer["new"])
    assert set(answer["new"][0]["exemplars"]) <= planted
    assert {"grown", "shrunk", "descriptors"} <= set(answer)
    (shown,) = survey(house, END).texts
    assert alert["summary"] in shown.findings
    check_health(house, END + timedelta(seconds=10))
    assert len(messages(house)) == 1


def test_an_alarm_is_named_after_a_channel_whose_own_change_is_sure() -> None:
    sure, unsure = Effect(0.1, 0.05, 0.015), Effect(0.2, 0.01, 0.015)
    shares = {"novelty": 0.4, "burst": 0.7, "mix": 0.1}
    assert leading(("novelty", "burst"), {"novelty": sure, "burst": unsure}, shares) == "novelty"
    assert leading(("novelty", "burst"), {"novelty": unsure, "burst": unsure}, shares) == "burst"
    facts = {"value": 0.2, "lower": 0.01, "minimum": 0.015, "about": "refunds"}
    assert in_words("burst", facts).endswith("(refunds), +20.0 points, its size unsure")
    assert in_words("novelty", facts | {"lower": 0.05, "about": None}).endswith("+20.0 points, at least 5.0")


def test_what_an_alarm_said_is_kept_when_it_is_over(opened: Callable[..., House]) -> None:
    house = opened()
    lived(house, END)
    with house.database.reading() as session:
        (said,), (stored,) = drift.all_facts(session), baselines.in_use(session)
        (measured, *_) = texts.between(session, "chat", LEARNT, END)
    (alarm,) = said.facts["open"]
    assert {each["column"] for each in alarm["segments"]} == {"route"}
    assert sum(each["part"] for each in alarm["segments"]) == pytest.approx(1)
    kept = facts_of((stored, 63, measured), said.facts, lambda _: False, [])
    assert kept["open"] == []
    for _ in range(30):
        kept = facts_of((stored, 63, measured), {"open": [alarm], "ended": kept["ended"]}, lambda _: False, [])
    assert len(kept["ended"]) == ENDED_KEPT
    (over, *_) = ended(replace(said, facts=kept), stored)
    assert over.until == measured.window.end
    assert over.summary().startswith("Prompts have drifted")


def test_every_window_says_how_large_the_change_is_that_each_channel_sees(opened: Callable[..., House]) -> None:
    house = opened()
    lived(house, END)
    with house.database.reading() as session:
        newest = texts.newest(session, "chat", CHANGE)[0]
    novelty = newest.findings[EFFECTS]["novelty"]
    assert novelty["value"] > novelty["lower"] > novelty["minimum"]


def test_the_evidence_is_measured_in_every_window_and_rises_with_the_change(
    opened: Callable[..., House], changed: Path
) -> None:
    house = opened(of=changed)
    with house.database.reading() as session:
        measured = texts.between(session, "chat", LEARNT, END)
    before = [each.values[KEY].value for each in measured if each.window.end <= CHANGE]
    after = [each.values[KEY].value for each in measured if each.window.start >= CHANGE]
    assert before
    assert all(value is not None and value < 1 for value in before)
    assert max(value or 0.0 for value in after) >= 1


def test_killed_after_any_window_the_detector_goes_on_as_if_it_had_not_been(
    opened: Callable[..., House], changed: Path
) -> None:
    for end in (CHANGE + 4 * HOUR, CHANGE + 12 * HOUR, END):
        stepwise = opened("stepwise")
        lived(stepwise, end)
    at_once = opened("at-once", of=changed)
    found = []
    for house in (stepwise, at_once):
        with house.database.reading() as session:
            (row,) = session.exec(select(DriftRow)).all()
            found.append((row.until, row.facts, row.body))
    assert found[0] == found[1]


def test_an_accepted_change_ends_the_alert_and_the_detector_starts_anew(
    opened: Callable[..., House], changed: Path
) -> None:
    house = opened(of=changed)
    check_health(house, END)
    assert [row.to_state for row in history(house)] == [State.FIRING]
    with house.database.transaction() as session:
        (used,) = baselines.in_use(session)
        session.exec(baselines.update(baselines.BaselineRow).values(state=baselines.RETIRED))
    check_health(house, END + timedelta(seconds=10))
    assert [row.to_state for row in history(house)] == [State.FIRING, State.INACTIVE]
    with house.database.transaction() as session:
        drift.expire(session)
        assert used.state == baselines.ACCEPTED


def test_a_detector_that_is_behind_tells_nobody_of_what_may_be_over(
    opened: Callable[..., House], changed: Path
) -> None:
    house = opened(of=changed)
    with house.database.transaction() as session:
        (used,) = baselines.in_use(session)
        baselines.note_read(session, used, CHANGE)
        (row,) = session.exec(select(DriftRow)).all()
        row.until = CHANGE
    check_health(house, END)
    assert history(house) == []


def test_where_a_baseline_has_too_few_windows_the_evidence_is_unknown_and_not_zero(tmp_path: Path) -> None:
    house = reading_kit.opened(written(tmp_path, log(6), CONFIG.replace("baseline_days: 21", "baseline_days: 4")))
    lived(house, START + 6 * DAY)
    with house.database.reading() as session:
        measured = texts.between(session, "chat", START, END)
    house.close()
    assert {(each.values[KEY].value, each.values[KEY].reason) for each in measured} == {(None, Reason.TOO_FEW)}


def test_drift_alarms_can_be_turned_off(opened: Callable[..., House]) -> None:
    house = opened(config=CONFIG + "drift: {enabled: false}\n")
    lived(house, END)
    check_health(house, END)
    assert history(house) == []
