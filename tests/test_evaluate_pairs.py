"""Two models of the log beside each other, on equal prompts and on prompts that are nearly equal."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_judge import FakeJudge, Question, said
from label_kit import CONFIG, KEY, MINUTE, NOW, START, living

from detectors.embedder import Embedded
from detectors.judge.matched import Sides
from detectors.measurement import Window
from monitor.commands import evaluation
from monitor.commands.evaluation import Asked, evaluate
from monitor.evaluate.pairing import pick_pairs
from monitor.evaluate.picked import Pick
from monitor.evaluate.question import Place
from monitor.evaluate.values import EvaluationError, Row, Rows
from monitor.house import House
from monitor.judging.crew import Outside

# Prompts by model: four of each are equal, one pair differs in a word, the last ones are about something else.
PROMPTS = {
    "large": ["bus 1", "bus 2", "BUS 3 ", "bus 4", "which tram", "weather"],
    "small": ["bus 1", "bus 2", "bus 3", "bus 4", "what tram", "money"],
}
DAY = Window(START, START + timedelta(hours=1))
MEANT = {"bus": 0, "tram": 1, "weather": 2, "money": 3}


class ByWord:
    """An embedder that knows four words."""

    identity, dimensions = "by-word", 4

    def embed(self, texts: Any, cache: Any = None, progress: Any = None) -> Embedded:
        found = np.array([np.eye(4)[next(at for word, at in MEANT.items() if word in text.lower())] for text in texts])
        return Embedded(found.astype(np.float32), found.astype(np.float32), np.arange(len(texts)))


class Texts:
    embedder = ByWord()


def prefers_buses_of_the_large(question: Question) -> str:
    best = next(label for label, text in question.texts.items() if label.startswith("answer") and "large" in text)
    return said(best.removeprefix("answer ").lower(), evidence="large")


@pytest.fixture(scope="module")
def judge() -> Iterator[FakeJudge]:
    with FakeJudge() as server:
        server.says = prefers_buses_of_the_large
        yield server


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory, judge: FakeJudge) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    calls = [
        {
            "id": f"{model}-{number}",
            "started_at": (START + number * MINUTE).isoformat(),
            "latency_s": 1.0,
            "model": model,
            "prompt": prompt,
            "response": f"A {model} answer. bob@example.org",
        }
        for model, prompts in PROMPTS.items()
        for number, prompt in enumerate(prompts)
    ]
    (folder / "log.jsonl").write_text("".join(json.dumps(each) + "\n" for each in calls))
    rated = {"call_id": "large-1", "at": (START + MINUTE).isoformat(), "key": "thumbs", "score": 0.0, "kind": "user"}
    (folder / "feedback.jsonl").write_text(json.dumps(rated) + "\n")
    path = folder / "watchkeeper.yaml"
    path.write_text(CONFIG.format(url=judge.url, chat=judge.url, key=KEY))
    return path


@pytest.fixture(scope="module")
def house(config: Path) -> Iterator[House]:
    with living(config) as opened:
        yield opened


def picked(house: House, **more: Any) -> Rows:
    wanted = Pick("", DAY, sides=Sides("model", "large", "small"), **more)
    place = Place(house.settings, house.folder, house, Texts())  # type: ignore[arg-type]
    return pick_pairs(place, wanted, ["prompt", "response"], NOW)


def test_equal_prompts_are_paired_and_both_texts_are_redacted(house: House) -> None:
    found = picked(house)
    assert sorted(row.item.id for row in found.rows) == [f"large-{n} small-{n}" for n in range(4)]
    assert found.population == 4
    assert "model large against small: 4 pairs of equal prompts" in found.what
    for row in found.rows:
        assert "bob@example.org" not in f"{row.item.response} {row.other}"
        assert Row.of_json(json.loads(json.dumps(row.as_json()))) == row


def test_alike_prompts_are_paired_after_the_equal_ones(house: House) -> None:
    found = picked(house, alike=0.9)
    assert [row.item.id for row in found.rows][4:] == ["large-4 small-4"]
    assert found.rows[4].second.prompt == "what tram"
    assert found.what.endswith("4 pairs of equal prompts, 1 of alike ones")
    assert len(picked(house, alike=0.9, sample=2).rows) == 2


def test_a_pair_counts_when_its_first_call_fits(house: House) -> None:
    found = picked(house, where=("negative_feedback",), alike=0.9)
    assert [row.item.id for row in found.rows] == ["large-1 small-1"]
    with pytest.raises(EvaluationError, match="no prompt was answered by both; --alike"):
        picked(house, where=("error",))


def test_a_column_that_the_log_has_not_is_named(house: House) -> None:
    place = Place(house.settings, house.folder, house)
    with pytest.raises(EvaluationError, match="route=…: calls are chosen by model"):
        pick_pairs(place, Pick("", DAY, sides=Sides("route", "a", "b")), ["prompt"], NOW)


def test_two_models_of_the_log_are_judged_in_both_orders(
    config: Path, house: House, judge: FakeJudge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "clock", lambda: NOW)
    outside = Outside(clock=lambda: NOW, seconds=lambda: judge.now, pause=judge.pause, stopping=lambda: False)
    span = (DAY.start.isoformat(), DAY.end.isoformat())
    asked = Asked(
        pairs=("relevance",), sides=("model=large", "model=small"), span=span, most_usd=1, into=tmp_path / "run"
    )
    assert evaluate(config, asked, outside) == 0
    assert len(judge.asked) == 8
    found = json.loads((tmp_path / "run" / "report.json").read_text())["findings"][0]
    assert (found["win"]["value"], found["win"]["wins"]) == (1.0, 4)
    assert evaluate(config, asked, outside) == 0
    assert len(judge.asked) == 8


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (Asked(sides=("model=a", "model=b"), span=("7d", "")), "--pairs"),
        (Asked(sides=("model=a", ""), pairs=("relevance",), span=("7d", "")), "two values of one column"),
        (Asked(sides=("model=a", "route=b"), pairs=("relevance",), span=("7d", "")), "two values of one column"),
        (Asked(sides=("model=a", "model=a"), pairs=("relevance",), span=("7d", "")), "two values of one column"),
        (Asked(sides=("model=a", "model=b"), pairs=("relevance",), endpoint="x"), "leave out --endpoint"),
        (Asked(alike=0.9, span=("7d", "")), "--first and --second"),
    ],
)
def test_sides_that_make_no_pairs_are_refused(
    config: Path, asked: Asked, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(config, asked) == 2
    assert why in " ".join(capsys.readouterr().err.split())
