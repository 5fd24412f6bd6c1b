"""The judge killed at every named place, one after the other, and started again: nothing is lost, doubled or overspent."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from fake_judge import ANSWERED, SENT, FakeJudge, Question
from judging_kit import HOUR, PAIRS, START, Story, better, two_sides
from sqlmodel import select

from monitor import failpoints
from monitor.failpoints import JUDGE_NAMES
from monitor.store import judge_tables as tables

PAID = (SENT * 1.0 + ANSWERED * 4.0) / 1e6
COMPARED = (
    tables.JudgeWindowRow,
    tables.VerdictRow,
    tables.JudgeMeasurementRow,
    tables.JudgeCanaryRow,
    tables.JudgeSeriesRow,
    tables.JudgePairRow,
)
# A reply that was there before the kill comes from the cache. It is not paid for again (its cost stands in the account),
# and it is not asked for once more to see whether it stays.
OF_THE_CACHE = {"usd", "tries", "origin", "again"}
OF_THE_CACHE_MEASURED = {"judge_cost_usd", "judge_repeat_ratio"}


class Killed(BaseException):
    """What a kill is to a process that goes on."""


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """How the store ends undisturbed, and after a kill at every place; all ask one endpoint, which is part of a judge."""
    with pytest.MonkeyPatch.context() as patch, FakeJudge(says=better) as server:
        yield {name: lived(tmp_path_factory.mktemp(name), server, places, patch) for name, places in STORIES.items()}


# Places that one life comes by only when the judge itself has answered something have a story of their own.
STATES = tuple(each for each in JUDGE_NAMES if each.startswith("judge.state"))
REPEAT = JUDGE_NAMES.index("judge.repeat.before_commit")
KILLED = {
    "early": JUDGE_NAMES[:REPEAT],
    "late": tuple(each for each in JUDGE_NAMES[REPEAT:] if each not in STATES),
    **{each: (each,) for each in STATES},
}
STORIES: dict[str, tuple[str, ...]] = {"undisturbed": (), **KILLED}


def lived(folder: Path, server: FakeJudge, places: tuple[str, ...], patch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A story that dies at each of some places, starts again and comes to its end."""
    kills: list[str] = []
    server.asked.clear()

    def dies(_status: int) -> NoReturn:
        # Threads of a process that was killed ask nothing more.
        server.broken = True
        kills.append(place)
        raise Killed

    story = Story(folder, server, changes={"canaries: 0s": "canaries: 1d", "repeat: 0": "repeat: 1"})
    story.changes["  sampling:"] = PAIRS
    story.write(two_sides(2, an_hour=12))
    patch.setattr(failpoints.os, "_exit", dies)
    for place in places:
        patch.setenv("WATCHKEEPER_FAILPOINT", place)
        failpoints._hits.clear()
        with pytest.raises(Killed):
            story.look(START + 2 * HOUR)
        server.broken = False
        story.restart()
    patch.setenv("WATCHKEEPER_FAILPOINT", "")
    story.look(START + 2 * HOUR)
    found = {"kills": kills, "rows": rows(story), "spent": spent(story), "charged": PAID * len(server.asked)}
    story.house.close()
    return found | {"asked": Counter(map(asked, server.asked))}


def asked(question: Question) -> str:
    """A question without its random mark."""
    return json.dumps([question.rules, question.texts])


def rows(story: Story) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    with story.house.database.reading() as session:
        for table in COMPARED:
            kept = [row.model_dump(mode="json", exclude=OF_THE_CACHE) for row in session.exec(select(table))]
            for row in kept:
                if table is tables.JudgeMeasurementRow:
                    row["body"] = sorted(
                        json.dumps(each) for each in row["body"] if each[0] not in OF_THE_CACHE_MEASURED
                    )
            found[str(table.__tablename__)] = sorted(json.dumps(row, sort_keys=True) for row in kept)
    return found


def spent(story: Story) -> float:
    with story.house.database.reading() as session:
        return sum(row.usd for row in session.exec(select(tables.JudgeSpendRow)))


def test_every_place_kills_once(ends: dict[str, dict[str, Any]]) -> None:
    assert {name: tuple(ends[name]["kills"]) for name in KILLED} == KILLED
    assert {each for places in KILLED.values() for each in places} == set(JUDGE_NAMES)
    assert ends["undisturbed"]["rows"]["judge_pair"]
    assert ends["undisturbed"]["rows"]["judge_canary"]


@pytest.mark.parametrize("story", KILLED)
def test_no_verdict_is_lost_doubled_or_changed(ends: dict[str, dict[str, Any]], story: str) -> None:
    for table, kept in ends["undisturbed"]["rows"].items():
        assert ends[story]["rows"][table] == kept, table


@pytest.mark.parametrize("story", KILLED)
def test_nothing_is_asked_twice_but_what_was_under_way(ends: dict[str, dict[str, Any]], story: str) -> None:
    assert ends[story]["asked"].keys() <= ends["undisturbed"]["asked"].keys()
    again = ends[story]["asked"] - ends["undisturbed"]["asked"]
    assert again.total() <= sum(each.startswith(("judge.reserve", "judge.settle")) for each in KILLED[story])


def test_what_was_paid_for_is_in_the_account_and_within_the_budget(ends: dict[str, dict[str, Any]]) -> None:
    for story in ends.values():
        assert story["charged"] <= story["spent"] + 1e-9
        assert story["spent"] <= 10 * 3 / 24
    assert ends["undisturbed"]["spent"] == pytest.approx(ends["undisturbed"]["charged"])
