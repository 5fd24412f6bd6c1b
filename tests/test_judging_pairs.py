"""Pairs of the service: equal prompts first, then those that are alike, each once; what has no match is counted."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_judge import FakeJudge
from judging_kit import BAD, GOOD, HOUR, PAIRS, START, Story, better
from logs import ENGINES, duckdb_log, postgres_log
from text_kit import embedded

from detectors.embedder import Embedded, EmbeddingError
from detectors.judge.matched import Sides, alone, matches
from detectors.measurement import Window
from monitor.judging import comparing
from monitor.judging.pairing import pairs_of
from monitor.judging.status import judge_status
from monitor.store import judging
from monitor.store.judge_tables import JudgePairRow

PROMPTS = (  # by the large model, by the tiny one; the number is the direction of its vector in degrees
    ("equal 0", "large"),
    ("Equal 0 ", "tiny"),
    ("bus 30", "large"),
    ("bus 33", "tiny"),
    ("bus 45", "tiny"),
    ("basil 80", "large"),
    ("tax 150", "tiny"),
)


class Directions:
    """An embedder whose vectors stand in the texts; counts what it embeds."""

    identity, dimensions = "directions-1", 2

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.broken = ""

    def embed(self, texts: list[str], *_others: Any) -> Embedded:
        if self.broken:
            raise EmbeddingError(self.broken)
        self.texts += texts
        angles = np.radians([float(text.split()[-1]) for text in texts])
        return embedded(np.column_stack([np.cos(angles), np.sin(angles)]))


@pytest.fixture(scope="module")
def server() -> Iterator[FakeJudge]:
    with FakeJudge(says=better) as made:
        yield made


@pytest.fixture
def story(tmp_path: Path, server: FakeJudge) -> Iterator[Story]:
    made = Story(tmp_path, server, changes={"  sampling:": PAIRS, "text: {enabled: false}": "text: {enabled: true}"})
    made.write(
        {
            "id": f"c{number}",
            "started_at": (START + number * HOUR / 10).isoformat(),
            "latency_s": 1.0,
            "model": model,
            "prompt": prompt,
            "response": f"{GOOD if model == 'large' else BAD} {number}",
        }
        for number, (prompt, model) in enumerate(PROMPTS)
    )
    made.house.desk._embedder = Directions()  # type: ignore[assignment]
    made.now = START + HOUR
    made.read()
    yield made
    made.house.close()


def kept(story: Story) -> list[JudgePairRow]:
    with story.house.database.reading() as session:
        return judging.pairs(session, "chat", "sizes", START)


def matched(story: Story) -> Any:
    judge = story.house.settings.judge
    assert judge is not None
    return pairs_of(
        story.house, story.house.sources["chat"], judge.pairs["sizes"], Window(START, START + HOUR), story.now
    )


def test_what_has_no_equal_is_matched_by_meaning_and_the_rest_is_counted(story: Story) -> None:
    equal, near, said = matched(story)
    assert [(each.first, each.second) for each in equal] == [("c0", "c1")]
    assert [(each.first, each.second) for each in near] == [("c2", "c3")]
    assert (said.equal, said.near, said.alone, said.looked_at, said.problem) == (1, 1, (2, 3), (2, 3), "")
    assert said.least == pytest.approx(np.cos(np.radians(3)))
    assert "equal 0" not in story.house.desk.embedder.texts  # type: ignore[attr-defined]


def test_pairs_that_are_alike_are_judged_with_both_prompts_and_once_a_day(story: Story) -> None:
    story.look(START + 2 * HOUR)
    assert {row.pair for row in kept(story)} == {"c0 c1", "c2 c3"}
    both = [each.texts for each in story.server.asked if "user request A" in each.texts]
    assert {("bus 30", "bus 33"), ("bus 33", "bus 30")} <= {
        (each["user request A"], each["user request B"]) for each in both
    }
    with story.house.database.reading() as session:
        values = {
            tuple(dict(key.labels).values()): value
            for each in judging.newest(session, "chat", START)
            for key, value in each.values.items()
            if key.name == "judge_unmatched_ratio"
        }
        words = list(comparing.findings(session, story.house, "chat"))
        status = judge_status(story.house, session, story.now)
    assert {side: (value.value, value.n) for (_, side), value in values.items()} == {
        "first": (pytest.approx(1 / 3), 3),
        "second": (pytest.approx(2 / 4), 4),
    }
    assert len(words) == 1
    assert "2 won, 0 tied, 0 lost (judge only, not corrected); sign test p = 0.5" in words[0]
    assert "matched by equal prompts: 1; by meaning: 1 (cosine 1.00 and more); without a match: 1 and 2" in words[0]
    assert status is not None
    assert words[0] in status.findings
    asked = len(story.server.asked)
    story.restart()
    story.house.desk._embedder = Directions()  # type: ignore[assignment]
    story.look(START + 3 * HOUR)
    assert len(story.server.asked) == asked
    assert len(kept(story)) == 2


@pytest.mark.parametrize(
    ("changes", "broken", "problem"),
    [
        (
            {"criterion: relevance}\n  sampling": "criterion: relevance, alike: 1}\n  sampling"},
            "",
            "only equal prompts",
        ),
        ({"text: {enabled: true}": "text: {enabled: false}"}, "", "texts are not read"),
        ({}, "no endpoint", "could not be embedded: no endpoint"),
    ],
)
def test_where_nothing_can_be_embedded_equal_prompts_are_matched_and_it_is_said(
    story: Story, changes: dict[str, str], broken: str, problem: str
) -> None:
    story.restart()
    story.changes |= changes
    story.house.desk._embedder = Directions()  # type: ignore[assignment]
    story.house.desk.embedder.broken = broken  # type: ignore[attr-defined]
    equal, near, said = matched(story)
    assert (len(equal), near, said.near, said.looked_at) == (1, [], 0, (0, 0))
    assert problem in said.problem


def test_pairs_that_a_judge_did_not_answer_are_asked_at_the_next_look(story: Story) -> None:
    story.server.broken = True
    story.look(START + 2 * HOUR)
    assert kept(story) == []
    story.server.broken = False
    story.look(START + 2 * HOUR + HOUR / 4)
    assert {row.pair for row in kept(story)} == {"c0 c1", "c2 c3"}


@pytest.mark.parametrize("engine", ENGINES)
def test_who_is_alone_is_the_same_on_every_engine(engine: str, request: pytest.FixtureRequest) -> None:
    calls = [
        {"started_at": START, "latency_s": float(number), "response": "yes"}
        | {"id": f"c{number}", "prompt": prompt, "model": model}
        for number, (prompt, model) in enumerate((*PROMPTS, ("bus 30", "large"), ("else", "other"), (" ", "tiny")))
    ]
    log = duckdb_log(calls) if engine == "duckdb" else postgres_log(request.getfixturevalue("postgres_url"), calls)
    span, sides = Window(START, START + HOUR), Sides("model", "large", "tiny")
    assert [(each.first, each.second) for each in matches(log, span, sides, HOUR)] == [("c0", "c1")]
    one, two = alone(log, span, sides, HOUR)
    assert (sorted(one.texts), one.prompts) == (["basil 80", "bus 30"], 2)
    assert (sorted(two.texts), two.prompts) == (["bus 33", "bus 45", "tax 150"], 3)
    hashes = [hashlib.md5(call.encode()).hexdigest() for call in two.ids]
    assert hashes == sorted(hashes), "the order of a sample of texts"
    assert dict(zip(two.ids, two.at_us, strict=True))["c3"] == 3_000_000
