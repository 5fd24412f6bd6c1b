"""The texts of a source: learnt when it is time, measured window by window, each once, and never in the way of traffic."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlmodel import select

from config.load import load
from detectors.embedder import Embedded
from detectors.measurement import Key, Segment
from monitor.cycle import cycle
from monitor.house import House
from monitor.opening import open_house
from monitor.reading.cycle import read_texts
from monitor.reading.place import Place
from monitor.store import texts
from monitor.store.tables import BaselineRow, ScoreRow
from monitor.survey import survey

START = datetime(2026, 3, 2, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
END = START + 9 * DAY
NEW_TOPIC = START + 8 * DAY
SUBJECTS = ("parcel", "refund", "password", "invoice", "voucher", "address")
WORDS = ("where", "is", "my", "please", "tell", "me", "now", "about", "the", "order")
PROMPT = Place("chat", Segment(), "prompt")

CONFIG = """
sources:
  chat: {kind: files, paths: [log.jsonl], lateness: 0s, groupings: [[]], silent_after: 0s}
text: {streams: [prompt], baseline_days: 7, reservoir: 1500, sample: 200}
window: 1h
start: 30d
"""


class WordVectors:
    """An embedder that needs no model: the normalised sum of a random vector for each word."""

    dimensions = 24

    def __init__(self, identity: str = "words") -> None:
        self.identity = identity

    def embed(self, given: Sequence[str], _cache: Any = None, _progress: Any = None) -> Embedded:
        rows = np.array([self._of(text) for text in given], np.float32).reshape(len(given), self.dimensions)
        return Embedded(rows, rows, np.arange(len(given)))

    def _of(self, text: str) -> Any:
        total = sum((_vector(word) for word in text.split()), np.full(self.dimensions, 1e-3))
        return total / np.linalg.norm(total)


def _vector(word: str) -> Any:
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
    return np.random.default_rng(seed).normal(size=WordVectors.dimensions)


def log(new_share: float = 0.3) -> Iterator[dict[str, Any]]:
    """Twenty calls an hour about six subjects; from the ninth day on, some are about a seventh."""
    random = np.random.default_rng(3)
    for number in range(9 * 24 * 20):
        at = START + number * HOUR / 20
        subject = str(random.choice(SUBJECTS))
        if at >= NEW_TOPIC and random.random() < new_share:
            subject = "recall battery fire danger"
        words = " ".join(random.choice(WORDS, 4))
        prompt = f"{subject} {subject} {subject} {words} {number}"
        yield {"id": f"c{number}", "started_at": at.isoformat(), "latency_s": 1.0, "prompt": prompt}


def never() -> bool:
    return False


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[[], House]]:
    (tmp_path / "watchkeeper.yaml").write_text(CONFIG)
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(call) + "\n" for call in log()))
    houses: list[House] = []

    def make(identity: str = "words") -> House:
        house = open_house(load(tmp_path / "watchkeeper.yaml", {}))
        house.desk._embedder = WordVectors(identity)
        houses.append(house)
        return house

    yield make
    for house in houses:
        house.close()


def lived(house: House, until: datetime) -> int:
    """The service read traffic and then texts."""
    (watched,) = house.sources.values()
    cycle(house, watched, until, never)
    return read_texts(house, watched, until, never)


def accepted(house: House) -> list[BaselineRow]:
    with house.database.reading() as session:
        return [row for row in texts.baselines(session) if row.state == texts.ACCEPTED]


def test_before_a_week_has_passed_nothing_is_measured(opened: Callable[[], House]) -> None:
    house = opened()
    (watched,) = house.sources.values()
    with watched.using:
        watched.source.poll(START + 3 * DAY, never)
    # The whole file is there already: what counts is how far the source vouches for it.
    assert lived(house, START + 6 * DAY) == 0
    assert house.desk.states[PROMPT].phase == "learning"
    assert survey(house, START + 6 * DAY).texts[0].baseline is None


def test_a_new_topic_is_found_after_learning(opened: Callable[[], House]) -> None:
    house = opened()
    assert lived(house, END) > 0
    (row,) = accepted(house)
    assert (row.fitted_from, row.fitted_until) == (START, START + 7 * DAY)
    with house.database.reading() as session:
        windows = texts.between(session, "chat", START, END)
        scores = session.exec(select(ScoreRow)).all()
    key = Key.of("out_of_distribution_ratio", stream="prompt")
    before = [each.values[key].value for each in windows if each.window.end <= NEW_TOPIC]
    after = [each.values[key].value for each in windows if each.window.start >= NEW_TOPIC]
    assert before
    assert after
    assert max(filter(None, before), default=0.0) < 0.2 < min(value or 0.0 for value in after)
    named = [topic["name"] for each in windows if each.window.start >= NEW_TOPIC for topic in each.findings["new"]]
    assert named
    assert all("recall" in name or "battery" in name or "fire" in name for name in named)
    assert {score.call_id for score in scores if score.p <= 0.05} != set()
    status = survey(house, END).texts[0]
    assert status.phase == "ready"
    assert any(finding.startswith("new topic") for finding in status.findings)


def test_a_window_is_measured_once_and_a_restart_goes_on(opened: Callable[[], House]) -> None:
    house = opened()
    first = lived(house, NEW_TOPIC)
    assert lived(house, NEW_TOPIC) == 0
    again = opened()
    more = lived(again, END)
    assert more > 0
    with again.database.reading() as session:
        assert len(texts.between(session, "chat", START, END)) == first + more
    assert len(accepted(again)) == 1


def test_stopping_ends_between_two_windows(opened: Callable[[], House]) -> None:
    house = opened()
    (watched,) = house.sources.values()
    cycle(house, watched, END, never)
    looks = iter([False, False, False, True])
    assert read_texts(house, watched, END, lambda: next(looks, True)) == 2


def test_another_model_is_refused_and_learnt_anew(opened: Callable[..., House]) -> None:
    house = opened()
    lived(house, NEW_TOPIC)
    (before,) = accepted(house)
    other = opened("another model")
    lived(other, END)
    (after,) = accepted(other)
    assert after.version != before.version
    assert other.desk.opened(after).settings.identity == "another model"


def test_a_pinned_baseline_of_another_model_is_kept_and_not_measured_against(opened: Callable[..., House]) -> None:
    house = opened()
    lived(house, NEW_TOPIC)
    (row,) = accepted(house)
    with house.database.transaction() as session:
        session.get_one(BaselineRow, (row.source, row.segment, row.stream, row.version)).pinned = True
    other = opened("another model")
    lived(other, END)
    kept = {each.version: each for each in accepted(other)}
    assert len(kept) == 2
    assert kept[row.version].read_until == NEW_TOPIC


def test_too_little_text_is_a_reason_and_no_error(opened: Callable[[], House], tmp_path: Path) -> None:
    calls = [call for number, call in enumerate(log()) if number % 40 == 0]
    (tmp_path / "log.jsonl").write_text("".join(json.dumps(call) + "\n" for call in calls))
    house = opened()
    assert lived(house, END) == 0
    assert "a baseline needs" in house.desk.states[PROMPT].problem


def test_a_log_without_texts_is_left_alone(opened: Callable[[], House], tmp_path: Path) -> None:
    calls = [{**call, "prompt": None} for call in log()]
    (tmp_path / "log.jsonl").write_text(
        "".join(json.dumps({k: v for k, v in call.items() if v}) + "\n" for call in calls)
    )
    house = opened()
    assert lived(house, END) == 0
    assert house.desk.states == {}
