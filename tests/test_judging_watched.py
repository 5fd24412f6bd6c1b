"""The judge is itself watched: canaries, a jury, pairs, the test for a rise; and all of it is shown."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_judge import FakeJudge, said
from fastapi import FastAPI
from fastapi.testclient import TestClient
from judging_kit import BAD, DAY, HOUR, PAIRS, START, Story, better, honest, log, two_sides
from pydantic import SecretStr

from alerts.rules import State
from detectors.judge.judged import FAIL, PASS, Judged
from detectors.measurement import Window
from monitor import api_judge, failing_page
from monitor.daemon import check_health
from monitor.exporter import Exporter
from monitor.judging import rising
from monitor.judging.measuring import Look, of_look
from monitor.page import render_page
from monitor.status_json import render_json
from monitor.store import judging, states
from monitor.store.judge_tables import JudgeSeriesRow, JudgeWindowRow, VerdictRow
from monitor.survey import survey

JURY = '    other: {{url: "{url}", model: {model}, api_key: {key}, input_usd_per_million: 1, output_usd_per_million: 4, tries: 2, concurrency: 1, max_tokens: 101}}\n  criteria:'


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with FakeJudge(says=honest) as server:
        made = Story(tmp_path, server)
        yield made
        made.house.close()


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A service that has looked once; for those who only look at it."""
    with FakeJudge(says=honest) as server:
        made = Story(tmp_path_factory.mktemp("judged"), server)
        made.write(log(2, bad_share=0.5))
        made.look(START + 2 * HOUR)
        yield made
        made.house.close()


def values(story: Story, name: str) -> dict[tuple[tuple[str, str], ...], float | None]:
    with story.house.database.reading() as session:
        found = judging.newest(session, "chat", START - DAY)
    whole = next(each for each in found if not each.segment.labels)
    return {key.labels: value.value for key, value in whole.values.items() if key.name == name}


def firing(story: Story) -> list[str]:
    with story.house.database.reading() as session:
        return [each.rule for each, alert in states.alerts(session).items() if alert.state is State.FIRING]


def test_a_judge_that_gets_wrong_what_is_known_is_an_alert_and_says_what_fooled_it(story: Story) -> None:
    story.changes = {"canaries: 0s": "canaries: 1d"}
    story.server.says = lambda _question: said("yes")
    story.write(log(2))
    story.look(START + 2 * HOUR)
    asked = len(story.server.asked)
    check_health(story.house, story.now)
    assert firing(story) == ["judge_untrusted"]
    summary = next(each.summary for each in story.house.judged.values() if "known" in each.summary)
    assert "relevance" in summary
    ratios = values(story, "judge_canary_ratio")
    assert {dict(labels)["kind"] for labels in ratios} == {"plain", "attacked"}
    story.look(story.now + HOUR / 4)
    assert len(story.server.asked) == asked


def test_a_jury_decides_by_majority_and_each_member_is_measured(story: Story) -> None:
    story.config = story.config.replace("  criteria:", JURY, 1)
    story.write(log(2, bad_share=0.5))
    story.look(START + 2 * HOUR)
    with story.house.database.reading() as session:
        rows = judging.drawn(session, "chat", START + HOUR)
    by_voice = {voice: [row for row in rows if row.voice == voice] for voice in ("small", "other", "jury")}
    assert len({len(each) for each in by_voice.values()}) == 1
    assert [row.passed for row in by_voice["jury"]] == [row.passed for row in by_voice["small"]]
    assert {dict(labels)["judge"] for labels in values(story, "judge_fail_ratio")} == {"small", "other", "jury"}


def test_pairs_of_equal_prompts_are_compared_in_both_orders(story: Story) -> None:
    story.changes = {"  sampling:": PAIRS}
    story.server.says = better
    story.write(two_sides(2))
    story.look(START + 2 * HOUR)
    won, bias = values(story, "judge_win_ratio"), values(story, "judge_position_bias")
    assert [dict(labels)["comparison"] for labels in won] == ["sizes"]
    assert list(won.values()) == [1.0]
    assert list(bias.values()) == [0.0]
    with story.house.database.reading() as session:
        kept = judging.pairs(session, "chat", "sizes", START)
    assert 5 <= len(kept) <= 9


def row(number: int, passed: bool, state: str = judging.ANSWERED, rubric: str = "r") -> VerdictRow:
    return VerdictRow(
        source="chat",
        start=START,
        call_id=f"c{number}",
        criterion="relevance",
        voice="small",
        at=START,
        segment="[]",
        stratum=0,
        cluster=f"c{number}",
        pi=0.5,
        rank=number / 100,
        state=state,
        rubric=rubric,
        judge="small:x",
        passed=passed if state == judging.ANSWERED else None,
        word="yes",
        quoted=True,
    )


def lived(shares: list[float], settings: Any, state: str = judging.ANSWERED) -> list[JudgeSeriesRow | None]:
    """The test after each of some windows of six hours, in which these shares of fifty verdicts fail."""
    before: JudgeSeriesRow | None = None
    found: list[JudgeSeriesRow | None] = []
    for number, share in enumerate(shares):
        window = Window(START + number * 6 * HOUR, START + (number + 1) * 6 * HOUR)
        rows = [row(each, each >= share * 50, state) for each in range(50)]
        drawn = JudgeWindowRow(
            source="chat",
            start=window.start,
            end=window.end,
            state="open",
            planned_at=window.end,
            deadline=window.end,
            facts={"population": 100},
        )
        after = rising._stepped(before, settings, drawn, rows, 60.0)
        found.append(after)
        before = after or before
    return found


def test_labels_of_now_and_of_before_that_disagree_ask_for_new_ones(judged: Story) -> None:
    rows = [row(number, number % 5 > 0) for number in range(400)]
    labels = {f"c{number}": (number % 5 > 0, 0.5) for number in range(0, 400, 2)}
    good, bad = (
        Judged.of([FAIL] * 40 + [PASS] * 160, [1.0] * 40 + [missed] * 40 + [0.0] * 120) for missed in (0.0, 1.0)
    )
    found = {}
    for name, earlier in (("good", good), ("bad", bad)):
        values = dict(
            of_look(Look(rows, earlier=earlier, labels=labels), (("criterion", "relevance"), ("judge", "small")))
        )
        found[name] = next(value for key, value in values.items() if key.name == "judge_labels_shift").value
    assert found["good"] == 0
    assert (found["bad"] or 0) < -0.05


USUAL = [0.08, 0.1, 0.12, 0.1]


def test_more_failures_than_usual_raise_an_alarm_that_ends_when_a_day_is_as_usual(judged: Story) -> None:
    settings = judged.house.settings.judge
    calm = USUAL * 12
    found = lived([*calm, *[0.5] * 8, *[0.1] * 8], settings)
    assert all(each is not None and each.alarm is None for each in found[: len(calm)])
    raised = [number for number, each in enumerate(found) if each is not None and each.alarm is not None]
    assert raised
    assert len(calm) <= raised[0] < len(calm) + 8
    alarm = found[raised[0]]
    assert alarm is not None
    assert alarm.alarm["exemplars"][0] == "c0"
    assert "not corrected" in rising.said(alarm_named(alarm), alarm.alarm)
    assert found[-1] is not None
    assert found[-1].alarm is None


def alarm_named(series: JudgeSeriesRow) -> JudgeSeriesRow:
    series.criterion, series.voice = "relevance", "small"
    return series


def test_a_window_that_was_not_all_answered_is_never_read(judged: Story) -> None:
    assert lived([0.1] * 3, judged.house.settings.judge, "outage") == [None] * 3


def test_everything_is_shown_and_no_text_of_a_call_where_no_token_is_asked_for(judged: Story) -> None:
    shown = survey(judged.house, judged.now)
    page = render_page(shown, judged.now, "1")
    assert "not corrected" in page
    document = json.loads(render_json(shown))
    assert document["judge"]["judges"][0]["state"] == "ok"
    exporter = Exporter(lambda: shown, lambda: judged.now, timedelta(hours=1), "1")
    metrics = exporter.render().decode()
    assert 'llm_judge_fail_ratio{corrected="no",criterion="relevance",judge="small"' in metrics
    assert 'llm_judge_fail_ratio_upper{corrected="no",criterion="relevance",judge="small"' in metrics
    assert 'watchkeeper_judge_up{judge="small"} 1.0' in metrics
    for told in (page, metrics, json.dumps(document)):
        assert BAD[:10] not in told


def test_failing_calls_come_with_the_evidence_for_those_who_have_the_token(judged: Story) -> None:
    app = FastAPI()
    app.include_router(api_judge.routes(judged.house, lambda: judged.now, SecretStr("word")))
    client = TestClient(app)
    assert client.get(api_judge.PATH).status_code == 401
    known = {"Authorization": "Bearer word"}
    found = client.get(f"{api_judge.PATH}?criterion=relevance&limit=3", headers=known).json()["failing"]
    assert len(found) == 3
    assert all(each["evidence"] == BAD[:10] and each["verdict"] == "no" for each in found)
    assert client.get(f"{api_judge.PATH}?limit=0", headers=known).status_code == 422


def test_the_page_of_failing_calls_asks_a_browser_for_the_token_once(judged: Story) -> None:
    app = FastAPI()
    app.include_router(failing_page.routes(judged.house, SecretStr("word")))
    client = TestClient(app, base_url="https://watch.example")
    door = client.get(failing_page.PATH)
    assert door.status_code == 401
    assert 'name="token"' in door.text
    assert BAD[:10] not in door.text
    own, path = {"Origin": "https://watch.example"}, f"{failing_page.PATH}?criterion=relevance"
    assert client.post(path, data={"token": "word"}, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.post(path, data={"token": "no"}, headers=own).status_code == 403
    shown = client.post(path, data={"token": "word"}, headers=own)
    assert str(shown.url).endswith(path)
    assert BAD[:10] in shown.text
    assert BAD[:10] in client.get(failing_page.PATH).text
    assert BAD[:10] in TestClient(app).get(failing_page.PATH, headers={"Authorization": "Bearer word"}).text
