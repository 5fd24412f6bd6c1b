"""The month so far, with limits that always hold; and a new normal, which a person accepts."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_judge import FakeJudge
from fastapi import FastAPI
from fastapi.testclient import TestClient
from judging_kit import DAY, HOUR, START, Story, honest, log
from pydantic import SecretStr
from sqlmodel import select
from stores import ENGINES, url_of

from alerts.rules import State
from config.judge import Judge
from detectors.measurement import Measured, Value
from monitor import api_judge
from monitor.commands.judge_answers import accept as accept_command
from monitor.daemon import check_health
from monitor.judging import lasting
from monitor.judging.account import StoredAccount
from monitor.page import render_page
from monitor.store import judging, labels, states
from monitor.store.database import Database
from monitor.store.judge_tables import JudgeSeriesRow
from monitor.store.labels import Vote
from monitor.survey import survey

ALARM = {"evidence": 3.0, "share": 0.5, "usual": 0.1, "calm": [], "exemplars": ["c1"]}
LEARNT = {"days": [[0.1, 0.001]] * 7, "today": [], "usual": [0.1, 0.0, 0.12], "sums": None, "evidence": 3.0}


@pytest.fixture(scope="module")
def server() -> Iterator[FakeJudge]:
    with FakeJudge(says=honest) as made:
        yield made


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, server: FakeJudge) -> Iterator[Story]:
    """A service that has looked twice, in one month."""
    made = Story(tmp_path_factory.mktemp("normal"), server)
    made.write(log(3, bad_share=0.5))
    made.look(START + 2 * HOUR)
    made.look(START + 3 * HOUR)
    yield made
    made.house.close()


def series(story: Story) -> JudgeSeriesRow:
    with story.house.database.reading() as session:
        return session.exec(select(JudgeSeriesRow)).one()


def newest(story: Story) -> Measured:
    with story.house.database.reading() as session:
        return next(each for each in judging.newest(session, "chat", START) if not each.segment.labels)


def number(found: Measured, name: str, corrected: str) -> Value:
    return next(v for k, v in found.values.items() if k.name == name and ("corrected", corrected) in k.labels)


def alarmed(story: Story) -> None:
    """The test for a rise has an alarm, and people were told."""
    with story.house.database.transaction() as session:
        row = session.exec(select(JudgeSeriesRow)).one()
        facts = {**row.facts, **LEARNT, "until": row.until.timestamp()}
        row.facts, row.alarm = facts, {**ALARM, "at": row.until.timestamp()}
        session.add(row)
    story.now += timedelta(minutes=1)
    check_health(story.house, story.now)
    assert firing(story) == ["judged_worse"]


def firing(story: Story) -> list[str]:
    with story.house.database.reading() as session:
        return [each.rule for each, alert in states.alerts(session).items() if alert.state is State.FIRING]


def is_begun_anew(story: Story, month: Any) -> None:
    row = series(story)
    assert row.alarm is None
    assert (row.facts["days"], row.facts["usual"], row.facts["sums"]) == ([], None, None)
    assert row.facts["accepted"]
    assert row.facts[lasting.MONTH] == month, "what the month has shown is no matter of what is usual"
    story.now += timedelta(minutes=1)
    check_health(story.house, story.now)
    assert firing(story) == []


def test_the_month_so_far_has_limits_that_hold_always_and_so_are_wider(story: Story) -> None:
    found = newest(story)
    month, once = (number(found, name, "no") for name in ("judge_month_fail_ratio", "judge_fail_ratio"))
    assert month.value is not None
    assert month.lower is not None
    assert month.upper is not None
    assert 0 < month.lower < month.value < month.upper < 1
    assert month.lower < 0.5 < month.upper
    assert (month.n or 0) > (once.n or 0), "of both windows"
    assert number(found, "judge_month_fail_ratio", "yes").value is None


def test_the_page_says_whether_the_month_is_corrected(story: Story) -> None:
    page = render_page(survey(story.house, story.now), story.now, "1")
    assert "This month so far" in page
    assert "judge only" in page
    assert 'href="label"' in page


def test_labels_of_the_month_correct_it_and_a_new_month_begins_anew(story: Story) -> None:
    with story.house.database.reading() as session:
        rows = judging.verdicts(session, "chat", (START, START + DAY))
    votes = [Vote(row.call_id, "relevance", "ann", row.at, row.word == "yes", "import", row.at) for row in rows]
    with story.house.database.transaction() as session:
        labels.keep(session, "chat", votes)
    with story.house.database.reading() as session:
        values = dict(lasting.values(session, story.house, "chat", START + 3 * HOUR))
        later = dict(lasting.values(session, story.house, "chat", START + 40 * DAY))
    found = {dict(key.labels)["corrected"]: value for key, value in values.items()}
    assert found["yes"].value == pytest.approx(found["no"].value)
    assert found["yes"].lower is not None
    assert found["yes"].upper is not None
    assert found["yes"].lower <= (found["yes"].value or 0) <= found["yes"].upper
    assert later == {}


def test_accepting_a_new_normal_ends_the_alarm_and_learns_anew(
    story: Story, capsys: pytest.CaptureFixture[str]
) -> None:
    month = series(story).facts[lasting.MONTH]
    alarmed(story)
    summary = next(each.summary for each in story.house.judged.values() if each.summary)
    assert "watchkeeper judge accept relevance --source chat" in summary
    assert accept_command(story.folder / "watchkeeper.yaml", "relevance", "chat") == 0
    assert "chat: what small flags of relevance is learnt anew, for 7 days" in capsys.readouterr().out
    is_begun_anew(story, month)
    findings = survey(story.house, story.now).judge
    assert findings is not None
    assert any("accepted as the new normal on" in each for each in findings.findings)


def test_it_can_be_accepted_over_http_by_who_has_the_token(story: Story) -> None:
    month = series(story).facts[lasting.MONTH]
    alarmed(story)
    app = FastAPI()
    app.include_router(api_judge.routes(story.house, lambda: story.now, SecretStr("word")))
    client, known = TestClient(app), {"Authorization": "Bearer word"}
    assert client.post(api_judge.ACCEPT, json={"criterion": "relevance"}).status_code == 401
    assert client.post(api_judge.ACCEPT, json={"criterion": "no"}, headers=known).status_code == 404
    form = client.post(api_judge.ACCEPT, content=json.dumps({"criterion": "relevance"}), headers=known)
    assert form.status_code == 415, "a page from elsewhere may send text, not JSON"
    answer = client.post(api_judge.ACCEPT, json={"criterion": "relevance"}, headers=known)
    assert answer.json() == {"accepted": [{"source": "chat", "criterion": "relevance", "judge": "small"}]}
    is_begun_anew(story, month)


def test_what_cannot_be_accepted_is_said(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    config = story.folder / "watchkeeper.yaml"
    assert accept_command(config, "helpfulness", "") == 2
    assert accept_command(config, "relevance", "other") == 2
    said = capsys.readouterr().err
    assert "'helpfulness' is not judged: judge.criteria holds relevance" in said
    assert "no test watches relevance of other yet: there are verdicts of chat" in said


def test_an_alarm_of_a_judge_that_was_exchanged_is_over(story: Story) -> None:
    alarmed(story)
    story.restart()
    story.changes = {"max_tokens: 100": "max_tokens: 100, params: {seed: 2}"}
    story.write(log(1, start=START + 3 * HOUR), "more.jsonl")
    story.look(START + 4 * HOUR)
    check_health(story.house, story.now)
    assert firing(story) == []
    month = number(newest(story), "judge_month_fail_ratio", "no")
    with story.house.database.reading() as session:
        assert month.n == len(judging.drawn(session, "chat", START + 3 * HOUR)), "of the new judge only"


@pytest.mark.parametrize("engine", ENGINES)
def test_two_that_spend_at_the_same_time_never_spend_more_than_there_is(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest, server: FakeJudge
) -> None:
    url = url_of(engine, tmp_path, request)
    one, other = Database.open(url), Database.open(url)
    endpoint = {"url": server.url, "model": "m", "input_usd_per_million": 1, "output_usd_per_million": 1}
    settings = Judge.model_validate(
        {"judges": {"small": endpoint}, "criteria": ["relevance"], "budget_usd_per_day": 24 * 0.1}
    )
    accounts = [StoredAccount(each, settings, lambda: START) for each in (one, other)]
    with ThreadPoolExecutor(2) as pool:
        taken = list(pool.map(lambda account: [account.reserve(0.01) for _ in range(10)], accounts))
    assert sum(map(sum, taken)) == 10
    with one.reading() as session:
        assert judging.spent(session, START).day == pytest.approx(0.1)
    one.close()
    other.close()
