"""The golden set as a service: asked when due, within the budget, once; a failure is no change, a change is an alert."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_chat import ANSWER_TOKENS, KEY, PROMPT_TOKENS, FakeChat, completion
from fake_embeddings import answer, error, rate_limited
from fake_http import HANGS_UP, Answer, refused_address
from reading_kit import WordVectors
from sqlmodel import select

from alerts.notifier import Message
from alerts.rules import AlertId, State
from config.golden import ChatApi, Golden
from config.load import load
from detectors.chat_api import ChatEndpoint
from detectors.endpoint import TRIES, EndpointError
from detectors.golden import GOLDEN
from monitor.commands import golden as commands
from monitor.daemon import Service, check_health, maintain
from monitor.exporter import Exporter
from monitor.golden.prompts import PromptsError, read_prompts
from monitor.golden.run import LEASE, LEASE_LENGTH, RETRY_AFTER, Asking, look
from monitor.house import House
from monitor.opening import open_house
from monitor.page import render_page
from monitor.snapshot import GoldenStatus
from monitor.status_json import render_json
from monitor.store import golden, outbox, states
from monitor.store.golden_tables import GoldenAnswerRow
from monitor.store.tables import OutboxRow
from monitor.survey import survey

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PROMPTS = 8
CALLS = 2 * PROMPTS
PRICE = (PROMPT_TOKENS * 1 + ANSWER_TOKENS * 2) / 1e6
CONFIG = """
sources: {{app: {{kind: files, paths: [log.jsonl], silent_after: 0s}}}}
receivers:
  phone: {{kind: slack, webhook_url: "https://hooks.slack.com/services/T/B/x", group_interval: 0s, repeat_interval: 0s}}
golden:
  prompts: golden.jsonl
  endpoint:
    url: {url}
    model: gpt-x
    api_key: {key}
    input_usd_per_million: 1
    output_usd_per_million: 2
    max_tokens: 100
    temperature: 0.3
    params: {{top_p: 0.9}}
  budget_usd_per_day: {budget}
"""


def lines(*answers: str) -> str:
    each = ({"id": f"p{number}", "prompt": f"question {number}"} for number in range(PROMPTS))
    return "".join(json.dumps(line | ({"answers": list(answers)} if answers else {})) + "\n" for line in each)


def steady(prompt: str, number: int) -> str:
    return f"about {prompt} we say yes and then some {number % 2}"


def changed(prompt: str, number: int) -> str:
    return f"NO WAY {prompt}!!! {number % 2}"


@dataclass
class Story:
    """A service with a golden set, its endpoint and its clock."""

    folder: Path
    chat: FakeChat
    now: datetime = NOW
    stop_after: int | None = None
    house: House = field(init=False)

    def start(self, budget: float = 1, url: str = "") -> None:
        text = CONFIG.format(url=url or self.chat.url, key=KEY, budget=budget)
        (self.folder / "watchkeeper.yaml").write_text(text)
        self.house = open_house(load(self.folder / "watchkeeper.yaml", {}))
        self.house.desk._embedder = WordVectors()

    def restart(self, **changes: Any) -> None:
        self.house.close()
        self.start(**changes)

    def look(self, later: timedelta = timedelta(0), **more: bool) -> str:
        self.now += later
        asking = Asking(lambda: self.now, self.chat.wait, self._stops)
        return look(self.house, asking, **more)

    def _stops(self) -> bool:
        return self.stop_after is not None and len(self.chat.asked) >= self.stop_after

    @property
    def status(self) -> GoldenStatus:
        found = survey(self.house, self.now).golden
        assert found is not None
        return found

    def alerts(self) -> dict[str, State]:
        """What the health check makes of it."""
        self.now += timedelta(seconds=10)
        check_health(self.house, self.now)
        with self.house.database.reading() as session:
            return {each.rule: alert.state for each, alert in states.alerts(session).items()}

    def told(self) -> list[Message]:
        with self.house.database.reading() as session:
            return [outbox.message_of(row) for row in session.exec(select(OutboxRow).order_by(OutboxRow.id))]  # type: ignore[arg-type]

    def spent(self) -> float:
        with self.house.database.reading() as session:
            return golden.spent(session, self.now)


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    (tmp_path / "golden.jsonl").write_text(lines())
    with FakeChat(says=steady) as chat:
        story = Story(tmp_path, chat)
        story.start()
        yield story
        story.house.close()


def test_the_first_run_freezes_and_later_ones_compare_when_they_are_due(story: Story) -> None:
    assert story.status.state == "unused"
    assert story.look() == "done"
    assert len(story.chat.asked) == CALLS
    assert story.status.measured is not None
    assert story.look(DAY - HOUR) == "not due"
    assert story.look(HOUR) == "done"
    assert len(story.chat.asked) == 2 * CALLS
    body = json.loads(story.chat.requests[0].body)
    sent = {"role": "user", "content": "question 0"}
    assert body == {"model": "gpt-x", "messages": [sent], "temperature": 0.3, "max_tokens": 100, "top_p": 0.9}
    assert story.alerts().get("golden_changed", State.INACTIVE) is State.INACTIVE
    assert story.told() == []


def test_a_model_that_answers_otherwise_is_an_alert_until_it_is_accepted(
    story: Story, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    story.look()
    story.alerts()
    story.chat.says = changed
    assert story.look(DAY) == "done"
    assert story.alerts()["golden_changed"] is State.FIRING
    (message,) = story.told()
    assert message.alerts[0].summary.startswith("The same prompts are answered otherwise than before: ")
    assert "watchkeeper golden accept" in message.alerts[0].summary
    assert message.alerts[0].labels["asked_model"] == "gpt-x"
    assert story.look(DAY) == "done"
    assert story.alerts()["golden_changed"] is State.FIRING
    monkeypatch.setattr(commands, "clock", lambda: story.now)
    assert commands.accept(story.folder / "watchkeeper.yaml") == 0
    assert "count from now on" in capsys.readouterr().out
    assert "golden_changed" not in story.alerts()
    assert [each.action for each in story.told()] == ["trigger", "resolve"]
    assert story.look(DAY) == "done"
    assert "golden_changed" not in story.alerts()
    assert commands.show(story.folder / "watchkeeper.yaml") == 0
    shown = capsys.readouterr().out
    assert "no change (alarms at p of 0.03333 and below)" in shown
    assert KEY not in shown


def test_answers_of_the_file_count_from_the_start(story: Story) -> None:
    (story.folder / "golden.jsonl").write_text(lines("something quite different", "something else entirely"))
    assert story.look() == "done"
    assert story.alerts()["golden_changed"] is State.FIRING


def test_a_prompt_that_is_new_or_edited_is_frozen_and_the_others_are_compared(story: Story) -> None:
    story.look()
    text = lines().replace("question 0", "another question") + json.dumps({"id": "new", "prompt": "new?"}) + "\n"
    (story.folder / "golden.jsonl").write_text(text)
    story.look(DAY)
    found = story.status.measured
    assert found is not None
    assert {value.n for key, value in found.values.items() if key.name == "golden_p_value"} == {PROMPTS - 1}
    story.look(DAY)
    found = story.status.measured
    assert found is not None
    assert {value.n for key, value in found.values.items() if key.name == "golden_p_value"} == {PROMPTS + 1}


def test_what_was_answered_is_not_asked_again_after_a_restart(story: Story) -> None:
    story.stop_after = 5
    assert story.look() == "stopped"
    story.restart()
    story.stop_after = None
    assert story.look() == "done"
    assert len(story.chat.asked) == CALLS
    assert story.spent() == pytest.approx(CALLS * PRICE)


def test_a_service_that_died_while_it_asked_has_spent_what_it_reserved(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(ChatEndpoint, "ask", dies)
        with pytest.raises(KeyboardInterrupt):
            story.look()
    reserved = story.spent()
    assert reserved > 100 * 2 / 1e6
    story.restart()
    assert story.look() == "done"
    assert story.spent() == pytest.approx(reserved + CALLS * PRICE)


def test_the_budget_is_never_exceeded_and_the_run_goes_on_the_next_day(story: Story) -> None:
    story.restart(budget=0.001)
    assert story.look() == "waiting"
    first = len(story.chat.asked)
    assert 1 < first < CALLS
    assert story.spent() <= 0.001
    assert "the budget of the day (0.001 US dollars) is used up" in story.status.problem
    assert story.look(11 * HOUR) == "not due"
    assert "golden_failing" not in story.alerts()
    outcomes = [story.look(DAY) for _ in range(3)]
    assert "done" in outcomes
    with story.house.database.reading() as session:
        usd = [row.usd for row in session.exec(select(GoldenAnswerRow)) if row.run == 1]
    assert usd == [pytest.approx(PRICE)] * CALLS


def test_a_call_that_no_budget_allows_is_never_made(story: Story) -> None:
    (story.folder / "golden.jsonl").write_text(json.dumps({"id": "long", "prompt": "x" * 100_000}) + "\n")
    story.restart(budget=0.05)
    assert story.look() == "failing"
    assert "more than the budget of a day" in story.status.problem
    assert story.chat.requests == []


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (
            [error(500, "broken", "server_error")] * TRIES,
            "the endpoint is broken at the moment (HTTP 500, server_error)",
        ),
        ([rate_limited("3600")], "the endpoint asks to slow down (HTTP 429, requests, rate_limit_exceeded)"),
        ([error(429, "no credit", "insufficient_quota", "insufficient_quota")], "insufficient_quota"),
        (
            [error(401, f"Incorrect API key: {KEY}", "invalid_request_error", "invalid_api_key")],
            "does not accept the api_key",
        ),
        ([HANGS_UP] * TRIES, "the endpoint cannot be reached"),
        ([Answer(200, "<html>")], "no text that can be read"),
        ([answer({"choices": []})], "no text that can be read"),
        ([completion(["no", "text"])], "no text that can be read"),
    ],
)
def test_a_failing_endpoint_is_an_alert_of_its_own_and_never_a_change(
    story: Story, answers: list[Answer], said: str
) -> None:
    story.look()
    story.alerts()
    story.chat.script(*answers)
    assert story.look(DAY) == "failing"
    assert said in story.status.problem
    assert KEY not in story.status.problem
    assert story.status.state == "failing"
    assert story.look(RETRY_AFTER / 2) == "not due"
    assert story.alerts()["golden_failing"] is State.FIRING
    assert "golden_changed" not in story.alerts()
    counts = story.house.counters.counted().counts["golden_calls"]
    assert counts == {("answered",): CALLS, ("failed",): 1}
    assert story.look(RETRY_AFTER) == "done"
    assert "golden_failing" not in story.alerts()
    assert [each.action for each in story.told()] == ["trigger", "resolve"]


def test_a_busy_endpoint_is_asked_again_after_the_time_that_it_names(story: Story) -> None:
    story.chat.script(rate_limited("7"), error(503, "overloaded", "server_error"))
    assert story.look() == "done"
    assert story.chat.waited == [7, 2]
    assert story.spent() == pytest.approx(CALLS * PRICE)


def test_what_is_not_answered_in_time_may_have_been_paid_for_and_is_not_sent_twice(story: Story) -> None:
    settings = ChatApi(
        url=story.chat.url, model="m", input_usd_per_million=1, output_usd_per_million=1, timeout="0.05s"
    )  # type: ignore[arg-type]
    story.chat.script(Answer(hangs=True))
    with pytest.raises(EndpointError, match="did not answer in time") as raised:
        ChatEndpoint(settings, story.chat.wait).ask([{"role": "user", "content": "x"}])
    assert raised.value.unsure
    assert len(story.chat.requests) == 1


def test_an_endpoint_that_nobody_runs_fails(story: Story) -> None:
    story.restart(url=f"{refused_address()}/v1")
    assert story.look() == "failing"
    assert story.spent() == 0


def test_an_answer_without_usage_costs_the_most_that_it_can(story: Story) -> None:
    chat = ChatEndpoint(story.house.settings.golden.endpoint, story.chat.wait)  # type: ignore[union-attr]
    messages = [{"role": "user", "content": "ü" * 100}]
    story.chat.script(completion("x", usage=None), completion(None), completion("x", usage={"prompt_tokens": -1}))
    first, second, third = (chat.ask(messages) for _ in range(3))
    assert first.usd == third.usd == chat.worst_usd(messages) > (200 + 100 * 2) / 1e6
    assert (second.text, second.usd, second.model, second.fingerprint) == ("", PRICE, "gpt-x", "fp_1")
    assert "x" not in repr(first).replace("gpt-x", "").replace("fingerprint", "")


def test_two_processes_never_ask_at_the_same_time(story: Story) -> None:
    with story.house.database.transaction() as session:
        assert states.take_lease(session, LEASE, "another", story.now, LEASE_LENGTH)
    assert story.look() == "busy"
    assert story.chat.requests == []
    assert story.look(LEASE_LENGTH + timedelta(seconds=1)) == "done"


def test_everything_that_shows_the_service_shows_the_golden_set(story: Story) -> None:
    story.look()
    story.chat.says = changed
    story.look(DAY)
    shown = survey(story.house, story.now)
    metrics = Exporter(lambda: shown, lambda: story.now + DAY, HOUR, "1").render().decode()
    for spec in GOLDEN:
        assert f"llm_{spec.name}{{" in metrics
    assert 'llm_golden_distance{kind="embedding",source="watchkeeper"}' in metrics
    document = json.loads(render_json(shown))["golden"]
    assert (document["state"], document["model"], len(document["moved"])) == ("done", "gpt-x", 5)
    page = render_page(shown, story.now, "1")
    assert "Golden set" in page
    assert KEY not in page + metrics + json.dumps(document)


def test_old_answers_are_forgotten_and_frozen_ones_stay(story: Story) -> None:
    story.look()
    story.look(DAY)
    maintain(story.house, story.now + 500 * DAY)
    with story.house.database.reading() as session:
        assert {row.run for row in session.exec(select(GoldenAnswerRow))} == {1}


def test_nothing_is_asked_unless_it_is_configured(story: Story) -> None:
    (story.folder / "watchkeeper.yaml").write_text("sources: {app: {kind: files, paths: [log.jsonl]}}\n")
    house = open_house(load(story.folder / "watchkeeper.yaml", {}))
    assert look(house, Asking(lambda: NOW, story.chat.wait, lambda: False), at_once=True) == "not due"
    assert survey(house, NOW).golden is None
    assert house.rule_of(AlertId("golden_failing", "watchkeeper", (), ())) is None  # type: ignore[arg-type]
    house.close()
    assert commands.show(story.folder / "watchkeeper.yaml") == 2
    assert story.chat.requests == []


def test_the_service_asks_on_its_schedule(story: Story) -> None:
    service = Service(story.house, {})
    jobs: dict[str, Any] = {}
    service.every = lambda _seconds, job, name: jobs.update({name: job})  # type: ignore[method-assign,assignment]
    service._scheduler.start = lambda: None  # type: ignore[method-assign,assignment]
    service.start()
    jobs["golden set"]()
    assert len(story.chat.asked) == CALLS


def test_golden_run_asks_at_once_within_the_same_budget(
    story: Story, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "clock", lambda: story.now)
    monkeypatch.setattr(commands, "open_house", lambda _: story.house)
    monkeypatch.setattr(House, "close", lambda _: None)
    path = story.folder / "watchkeeper.yaml"
    assert commands.accept(path) == 2
    assert commands.run(path) == 0
    assert "the answers are frozen; the next run is compared" in capsys.readouterr().out
    story.chat.script(error(401, KEY, "invalid_request_error", "invalid_api_key"))
    assert commands.run(path) == 1
    shown = capsys.readouterr()
    assert "does not accept the api_key" in shown.out
    assert KEY not in shown.out + shown.err
    assert commands.show(path) == 1
    assert commands.run(path) == 0


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds 0 prompts"),
        ("secret words", "line 1: is no JSON"),
        ('{"prompt": "x"}', "must be an object with an id"),
        ('{"id": "a"}', "must have either prompt"),
        ('{"id": "a", "prompt": "x", "messages": [{"role": "user"}]}', "must have either prompt"),
        ('{"id": "a", "messages": []}', "must have either prompt"),
        ('{"id": "a", "prompt": "x", "answers": "y"}', "answers must be a list"),
        ('{"id": "a", "prompt": "x"}\n{"id": "a", "prompt": "y"}', "line 2: the id was used before"),
    ],
)
def test_a_file_that_is_no_golden_set_is_refused_without_quoting_it(tmp_path: Path, text: str, problem: str) -> None:
    (tmp_path / "g.jsonl").write_text(text)
    with pytest.raises(PromptsError, match=problem) as raised:
        read_prompts(tmp_path / "g.jsonl")
    assert "secret" not in str(raised.value)


def test_a_missing_file_fails_before_anything_is_paid(story: Story) -> None:
    (story.folder / "golden.jsonl").unlink()
    assert story.look() == "failing"
    assert "the prompts cannot be read" in story.status.problem
    assert story.chat.requests == []


@pytest.mark.parametrize(
    "changes",
    [
        {"every": "1m"},
        {"budget_usd_per_day": 0},
        {"samples": 6},
        {"endpoint": {"params": {"model": "x"}}},
        {"endpoint": {"params": {"max_completion_tokens": "many"}}},
        {"endpoint": {"url": "ftp://x"}},
    ],
)
def test_settings_that_could_cost_more_than_is_said_are_refused(changes: dict[str, Any]) -> None:
    endpoint = {"model": "m", "input_usd_per_million": 1, "output_usd_per_million": 1}
    good: dict[str, Any] = {"prompts": "p", "budget_usd_per_day": 1, "endpoint": endpoint}
    assert Golden.model_validate(good).samples == 2
    bad = good | changes | {"endpoint": endpoint | changes.get("endpoint", {})}
    with pytest.raises(ValueError, match="validation error"):
        Golden.model_validate(bad)
