"""The judge in the service: from a closed window to verdicts, measurements and alerts, within the budget."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fake_http import Answer
from fake_judge import ANSWERED, SENT, FakeJudge, completion, said
from judging_kit import BAD, DAY, HOUR, START, Story, honest, log
from sqlmodel import select

from alerts.rules import State
from detectors.judge.verdict import Problem
from detectors.judge_catalogue import JUDGED_BY_NAME
from detectors.measurement import Measured, Segment, Value
from monitor.daemon import Service, check_health
from monitor.judging.asking import finish, give_up
from monitor.store import judging, labels, outbox, states
from monitor.store.judge_tables import JudgeSpendRow, VerdictRow
from monitor.store.labels import Vote

PAID = (SENT * 1.0 + ANSWERED * 4.0) / 1e6
WHOLE = Segment()
FAIL_RULE = """rules:
  bad: {measure: judge_fail_ratio, labels: {criterion: relevance, corrected: "no"}, above: 0.1}
text:"""


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    with FakeJudge(says=honest) as server:
        made = Story(tmp_path, server)
        yield made
        made.house.close()


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """A service with 26 hours of log that has looked once; for those who only look at it."""
    with FakeJudge(says=honest) as server:
        made = Story(tmp_path_factory.mktemp("judged"), server)
        made.write(log(26, bad_share=0.5))
        assert made.look(START + 26 * HOUR) == 1
        yield made
        made.house.close()


def rows(story: Story) -> list[VerdictRow]:
    with story.house.database.reading() as session:
        return list(session.exec(select(VerdictRow).order_by(VerdictRow.rank)))  # type: ignore[arg-type]


def measured(story: Story, segment: Segment = WHOLE, length: timedelta = HOUR) -> Measured:
    with story.house.database.reading() as session:
        found = judging.newest(session, "chat", START - DAY)
    return next(each for each in found if each.segment == segment and each.window.length == length)


def number(found: Measured, name: str, **labels: str) -> Value:
    """The value of a measurement that has these labels, whatever others it has."""
    keys = [key for key in found.values if key.name == name and labels.items() <= dict(key.labels).items()]
    assert len(keys) == 1, keys
    return found.values[keys[0]]


def spent(story: Story) -> float:
    with story.house.database.reading() as session:
        return sum(row.usd for row in session.exec(select(JudgeSpendRow)))


def test_a_closed_window_becomes_verdicts_with_their_probabilities(judged: Story) -> None:
    found = rows(judged)
    assert 5 <= len(found) <= 22
    assert {row.state for row in found} == {judging.ANSWERED}
    assert {row.start for row in found} == {START + 25 * HOUR}, "the past of a new judge is not judged"
    assert all(0.1 <= row.pi <= 1 and 0 <= row.rank < 1 for row in found)
    for row in found:
        assert (row.word == "no") == (row.evidence == BAD[:10])
        assert row.usd == pytest.approx(PAID)
        assert row.model == "judge-1-2026-01-01"
    assert spent(judged) == pytest.approx(len(found) * PAID)
    assert judged.look(judged.now) == 0
    assert len(judged.server.asked) == len(found)


def test_what_the_judge_says_is_measured_and_called_uncorrected(judged: Story) -> None:
    story, whole = judged, measured(judged)
    fail = number(whole, "judge_fail_ratio", corrected="no")
    assert fail.value is not None
    assert fail.lower is not None
    assert fail.upper is not None
    assert fail.lower <= 0.5 <= fail.upper
    assert number(whole, "judge_pass_ratio", corrected="no").value == pytest.approx(1 - fail.value)
    assert number(whole, "judge_score").value == pytest.approx(1 - fail.value)
    assert number(whole, "judge_fail_ratio", corrected="yes").value is None
    assert number(whole, "judge_cost_usd").value == pytest.approx(spent(story))
    assert number(whole, "judge_parse_failure_ratio").value == 0
    tiny = measured(story, Segment.of(model="tiny"))
    assert number(tiny, "judge_fail_ratio", corrected="no").n is not None
    with story.house.database.reading() as session:
        every = judging.newest(session, "chat", START - DAY)
    for key in {key for each in every for key in each.values}:
        assert set(dict(key.labels)) <= {name for name, _ in JUDGED_BY_NAME[key.name].labels}


def test_the_service_judges_on_a_schedule_of_its_own(story: Story) -> None:
    story.changes = {"share: 0.4": "share: 0.1"}
    story.write(log(2))
    story.now = START + 2 * HOUR
    story.read()
    Service(story.house, {})._judge()
    assert rows(story)
    assert {row.state for row in rows(story)} == {judging.ANSWERED}


def test_labels_of_people_correct_the_number(story: Story) -> None:
    story.write(log(3, bad_share=0.5))
    story.look(START + 2 * HOUR)
    votes = [Vote(row.call_id, "relevance", "ann", row.at, row.word == "yes", "import", row.at) for row in rows(story)]
    with story.house.database.transaction() as session:
        labels.keep(session, "chat", votes)
    story.look(START + 3 * HOUR)
    whole = measured(story)
    corrected = number(whole, "judge_fail_ratio", corrected="yes")
    assert corrected.value is not None
    assert number(whole, "judge_kappa").value == pytest.approx(1)
    sensitivity = number(whole, "judge_sensitivity")
    assert sensitivity.value == 1
    assert (sensitivity.lower or 1) < 1


def test_a_rule_on_the_interval_fires_with_calls_that_failed(story: Story) -> None:
    story.changes = {"text:": FAIL_RULE}
    story.write(log(2, bad_share=0.6))
    story.look(START + 2 * HOUR)
    with story.house.database.reading() as session:
        alerts = {each: alert for each, alert in states.alerts(session).items() if each.rule == "bad"}
        transition = outbox.transitions(session, 10)[0]
    ((alert_id, alert),) = alerts.items()
    assert alert.state is State.FIRING
    assert dict(alert_id.labels)["criterion"] == "relevance"
    failed = {row.call_id for row in rows(story) if row.passed is False}
    assert transition.exemplars
    assert set(transition.exemplars) <= failed


def test_an_outage_of_hours_makes_up_no_verdict_and_is_an_alert(story: Story) -> None:
    story.changes = {"share: 0.4, floor: 0.1": "share: 0.15, floor: 0.02"}
    story.write(log(12))
    story.server.broken = True
    for hour in (2, 4, 9):
        story.look(START + hour * HOUR)
        check_health(story.house, story.now)
    found = rows(story)
    assert {row.state for row in found} <= {judging.WAITING, "outage"}
    assert any(row.state == "outage" for row in found)
    assert all(row.word is None and row.passed is None and row.score is None for row in found)
    assert all(0 < row.pi <= 1 for row in found)
    value = number(measured(story), "judge_fail_ratio", corrected="no")
    assert value.value is None
    assert number(measured(story), "judge_error_ratio").value == 1
    with story.house.database.reading() as session:
        failing = [each for each, alert in states.alerts(session).items() if alert.state is State.FIRING]
        assert "503" in judging.states(session)["small"].problem
    assert [each.rule for each in failing] == ["judge_failing"]
    story.server.broken = False
    story.look(START + 10 * HOUR)
    check_health(story.house, story.now)
    assert number(measured(story), "judge_fail_ratio", corrected="no").value is not None
    with story.house.database.reading() as session:
        assert judging.states(session)["small"].failing_since is None
        assert not [each for each, alert in states.alerts(session).items() if alert.state is State.FIRING]


def test_money_that_runs_out_is_never_overspent_and_what_was_skipped_is_kept(story: Story) -> None:
    story.changes = {"budget_usd_per_day: 10": "budget_usd_per_day: 0.2"}
    used = {"prompt_tokens": 2_000, "completion_tokens": 100, "total_tokens": 2_100}
    story.server.says = lambda _question: completion(said("yes"), usage=used)
    story.write(log(3, start=START + 23 * HOUR, an_hour=40))
    for hours in (24.1, 24.5, 25.1, 26.1):
        story.look(START + hours * HOUR)
        assert spent(story) <= 0.2 * (story.now.hour + 1) / 24 + 1e-9
    first = [row for row in rows(story) if row.start == START + 23 * HOUR]
    skipped = [row for row in first if row.state == "budget"]
    answered = [row for row in first if row.state == judging.ANSWERED]
    assert skipped
    assert answered
    assert max(row.rank for row in answered) < min(row.rank for row in skipped)
    assert all(row.word is None and 0 < row.pi < 1 for row in skipped)
    with story.house.database.reading() as session:
        window = judging.windows(session, "chat", START, START + DAY)[0]
        numbers = judging.measured(session, "chat", START, START + DAY)
    assert {each["why"] for each in window.facts["starved"]} <= {"budget", "traffic"}
    ratio = number(next(each for each in numbers if each.segment == WHOLE), "judge_skipped_ratio")
    assert ratio.value == pytest.approx(len(skipped) / len(first))


def test_the_first_question_that_is_not_asked_gives_the_others_their_probability() -> None:
    def row(call: str, rank: float, state: str, detail: str = "") -> VerdictRow:
        return VerdictRow(
            source="chat",
            start=START,
            call_id=call,
            criterion="relevance",
            voice="small",
            at=START,
            segment="[]",
            stratum=0,
            cluster=call,
            pi=0.5,
            rank=rank,
            state=state,
            detail=detail,
        )

    waits = judging.WAITING
    before = [
        row("a", 0.1, judging.ANSWERED),
        row("b", 0.4, waits, "budget: "),
        row("c", 0.6, judging.ANSWERED),
        row("d", 0.9, waits),
    ]
    give_up({"small": Problem.STOPPED}, before)
    finish(before)
    after = {each.call_id: (each.state, each.pi) for each in before}
    assert after == {"a": ("answered", 0.2), "b": ("budget", 0.5), "c": ("left_out", 0.5), "d": ("budget", 0.5)}


def test_a_restart_in_the_middle_asks_nothing_twice(story: Story) -> None:
    story.write(log(2))
    answers: list[str] = []

    def dies(question: object) -> str | Answer:
        answers.append("one")
        return honest(question) if len(answers) <= 5 else Answer(500, "{}")  # type: ignore[arg-type]

    story.server.says = dies  # type: ignore[assignment]
    assert story.look(START + 2 * HOUR) == 0
    kept = {row.call_id: row.judged_at for row in rows(story) if row.state == judging.ANSWERED}
    assert len(kept) >= 4
    story.restart()
    story.server.says = honest
    before = len(story.server.asked)
    assert story.look(START + 2 * HOUR + timedelta(minutes=15)) == 1
    found = rows(story)
    assert {row.state for row in found} == {judging.ANSWERED}
    assert len(story.server.asked) - before == len(found) - len(kept)
    assert kept == {row.call_id: row.judged_at for row in found if row.call_id in kept}


def test_hostile_replies_are_no_verdicts_and_most_of_them_are_an_alert(story: Story) -> None:
    replies = ["yes", "{", said("maybe"), "x" * 20_000, said("no", "\ud800<script>\x00"), '{"verdict": "Y"}', ""]
    turn = iter(range(10_000))
    story.server.says = lambda _question: replies[next(turn) % len(replies)]
    story.write(log(2))
    story.look(START + 2 * HOUR)
    found = rows(story)
    assert {row.state for row in found} <= {judging.ANSWERED, "unparseable"}
    assert {row.word for row in found} <= {None, "yes", "no"}
    assert all("\x00" not in row.evidence for row in found)
    ratio = number(measured(story), "judge_parse_failure_ratio").value
    assert (ratio or 0) > 0.5
    later = story.now + timedelta(minutes=10)
    check_health(story.house, later)
    with story.house.database.reading() as session:
        failing = [each.rule for each, alert in states.alerts(session).items() if alert.state is State.FIRING]
    assert failing == ["judge_failing"]


def test_another_rubric_is_another_series(story: Story) -> None:
    story.write(log(4))
    story.look(START + 2 * HOUR)
    first = {key for key in measured(story).values if key.name == "judge_fail_ratio"}
    story.restart()
    story.changes = {"max_tokens: 100": "max_tokens: 100, params: {seed: 2}"}
    story.look(START + 3 * HOUR)
    second = {key for key in measured(story).values if key.name == "judge_fail_ratio"}
    assert {dict(key.labels)["judge"] for key in first} == {dict(key.labels)["judge"] for key in second} == {"small"}
    assert not first & second


def test_a_long_rule_reads_all_windows_of_its_length(story: Story) -> None:
    rule = FAIL_RULE.replace("above: 0.1}", "above: 0.1, over: 3h}")
    story.changes = {"text:": rule}
    story.write(log(4, bad_share=0.5))
    for hour in (2, 3, 4):
        story.look(START + hour * HOUR)
    long, short = measured(story, length=3 * HOUR), measured(story)
    n = number(long, "judge_fail_ratio", corrected="no").n
    assert n == len(rows(story)) > (number(short, "judge_fail_ratio", corrected="no").n or 0)
    with story.house.database.reading() as session:
        assert [each.rule for each in states.alerts(session)] == ["bad"]


def test_an_empty_window_says_nothing(story: Story) -> None:
    story.write(log(1))
    story.write(log(1, start=START + 5 * HOUR))
    story.look(START + 4 * HOUR)
    assert rows(story) == []
    value = number(measured(story), "judge_fail_ratio", corrected="no")
    assert (value.value, value.reason) == (None, "no_values")


def test_words_of_the_judge_are_forgotten_and_its_verdicts_stay(judged: Story) -> None:
    assert any(row.evidence for row in rows(judged))
    with judged.house.database.transaction() as session:
        judging.expire(session, START + 40 * DAY, judged.house.settings.retention, timedelta(days=30))
    assert rows(judged)
    assert all(not row.evidence and not row.reasoning and row.word for row in rows(judged))
