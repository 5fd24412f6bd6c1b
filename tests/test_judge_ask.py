"""A judge is asked: what becomes a verdict, what it costs, and what becomes of everything that an endpoint can do."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fake_http import HANGS, HANGS_UP, Answer, refused_address
from fake_judge import ANSWERED, KEY, MODEL, SENT, FakeJudge, Question, completion, said, unsupported
from judge_kit import BAD, GOOD, RELEVANCE, Memory, calls, judge_of, outcomes
from pydantic import SecretStr

from detectors.judge.client import ChatDoor, Completion, JudgeError
from detectors.judge.forms import Form
from detectors.judge.judge import Judge
from detectors.judge.price import Purse
from detectors.judge.prompt import Item, task_of
from detectors.judge.verdict import Problem
from detectors.price import most_usd

PAID = (SENT * 1.0 + ANSWERED * 4.0) / 1e6


def honest(question: Question) -> str:
    """Says yes when the answer is about the bus, and quotes it."""
    text = question.texts["answer"]
    return said("yes", "Line 12") if "Line 12" in text else said("no", text[:10])


@pytest.fixture
def server() -> Iterator[FakeJudge]:
    with FakeJudge(says=honest) as fake:
        yield fake


def test_each_call_gets_its_verdict_with_evidence_and_cost(server: FakeJudge) -> None:
    judge = judge_of(server)
    good, bad = judge.ask(calls(GOOD, BAD), RELEVANCE)
    assert (good.item, good.word, good.passed, good.score, good.quoted) == ("0", "yes", True, 1.0, True)
    assert (bad.item, bad.word, bad.passed, bad.score, bad.evidence) == ("1", "no", False, 0.0, "Basil like")
    assert good.usd == pytest.approx(PAID)
    assert (good.tries, good.source, good.model) == (1, "judge", "judge-1-2026-01-01")
    assert (good.judge, good.rubric) == (judge.identity, RELEVANCE.identity)
    assert "Basil" not in repr(bad)


def test_the_request_asks_for_evidence_first_in_a_strict_schema(server: FakeJudge) -> None:
    judge_of(server).ask(calls(GOOD), RELEVANCE)
    question = server.asked[0]
    schema = question.body["response_format"]["json_schema"]["schema"]
    assert list(schema["properties"]) == ["evidence", "reasoning", "verdict"]
    assert question.menu == ["yes", "no", "cannot_tell"]
    assert question.texts == {"user request": "Which bus goes to the airport?", "answer": GOOD}
    assert RELEVANCE.question in question.rules
    assert question.body["temperature"] == 0
    assert "tools" not in question.body


def test_marks_differ_from_call_to_call(server: FakeJudge) -> None:
    judge_of(server).ask(calls(GOOD, BAD), RELEVANCE)
    assert server.asked[0].mark != server.asked[1].mark
    assert server.asked[0].rules == server.asked[1].rules


def test_evidence_that_the_text_does_not_hold_is_flagged(server: FakeJudge) -> None:
    server.says = lambda question: said("yes", "The airport is far")
    (verdict,) = judge_of(server).ask(calls(GOOD), RELEVANCE)
    assert (verdict.word, verdict.quoted) == ("yes", False)
    server.says = lambda question: said("no", "")
    (verdict,) = judge_of(server).ask(calls(GOOD), RELEVANCE)
    assert (verdict.word, verdict.quoted) == ("no", None)


def test_evidence_from_another_text_than_the_judged_one_is_flagged(server: FakeJudge) -> None:
    server.says = lambda question: said("yes", "Which bus goes")
    (verdict,) = judge_of(server).ask(calls(GOOD), RELEVANCE)
    assert verdict.quoted is False


def test_probabilities_weigh_the_score_where_the_endpoint_gives_them(server: FakeJudge) -> None:
    server.chances = {"yes": 0.6, "no": 0.2, "cannot": 0.1, "perhaps": 0.1}
    (verdict,) = judge_of(server).ask(calls(GOOD), RELEVANCE)
    assert verdict.word == "yes"
    assert verdict.score == pytest.approx(0.75)
    assert verdict.pass_probability == pytest.approx(0.75)
    server.chances = {"I": 0.9, "yes": 0.1}
    (verdict,) = judge_of(server).ask(calls(GOOD), RELEVANCE)
    assert (verdict.score, verdict.pass_probability) == (1.0, None)


def test_a_judge_that_cannot_tell_has_answered_and_scores_nothing(server: FakeJudge) -> None:
    server.says = lambda question: said("cannot_tell")
    (verdict,) = judge_of(server).ask(calls(GOOD), RELEVANCE)
    assert (verdict.word, verdict.passed, verdict.score, verdict.problem) == ("cannot_tell", None, None, None)


@pytest.mark.parametrize(
    ("words", "problem", "detail"),
    [
        ('{"evidence": "x", "verdict": "ye', Problem.UNPARSEABLE, "no_verdict"),
        (json.dumps({"verdict": "maybe"}), Problem.UNPARSEABLE, "off_menu"),
        (json.dumps({"score": 7}), Problem.UNPARSEABLE, "no_verdict"),
        ("I'd say yes, it lacks accuracy", Problem.UNPARSEABLE, "no_verdict"),
        ("", Problem.UNPARSEABLE, "empty"),
        (completion(None), Problem.UNPARSEABLE, "empty"),
        (completion('{"evid', finish="length"), Problem.UNPARSEABLE, "no_verdict, cut at its longest length"),
        (said("yes", "y" * 100_000), Problem.UNPARSEABLE, "too_long"),
        (completion(None, refusal="I cannot judge this."), Problem.REFUSED, ""),
        (completion("", finish="content_filter"), Problem.REFUSED, ""),
    ],
)
def test_an_answer_without_a_verdict_is_none_and_is_paid_for(
    server: FakeJudge, words: Any, problem: Problem, detail: str
) -> None:
    server.says = lambda question: words
    (verdict,) = judge_of(server).ask(calls(GOOD), RELEVANCE)
    assert (verdict.word, verdict.passed, verdict.score) == (None, None, None)
    assert (verdict.problem, verdict.detail) == (problem, detail)
    assert verdict.answered
    assert verdict.usd == pytest.approx(PAID)


def test_what_needs_no_judge_is_not_asked(server: FakeJudge) -> None:
    items = [*calls(None, "", "Thought process:"), Item("3", response=GOOD), Item("4", prompt=" ", response=GOOD)]
    verdicts = judge_of(server).ask(items, RELEVANCE)
    assert outcomes(verdicts) == ["missing_text", "no", "no", "missing_text", "missing_text"]
    assert [each.detail for each in verdicts] == ["it has no response", "", "", "it has no prompt", "it has no prompt"]
    assert (verdicts[1].source, verdicts[1].passed, verdicts[1].usd) == ("rule", False, 0)
    assert outcomes(judge_of(server).ask(calls(""), replace(RELEVANCE, empty=None))) == ["says_nothing"]
    assert server.asked == []


def test_equal_questions_are_asked_once_and_known_ones_not_at_all(server: FakeJudge) -> None:
    judge = Judge("small", server.settings(), server.desk(cache=Memory()))
    first = judge.ask(calls(GOOD, GOOD, BAD), RELEVANCE)
    assert outcomes(first) == ["yes", "yes", "no"]
    assert [each.usd > 0 for each in first] == [True, False, True]
    again = judge.ask(calls(GOOD, BAD), RELEVANCE)
    assert [(each.source, each.usd, each.tries) for each in again] == [("cache", 0, 0)] * 2
    assert [(each.word, each.evidence, each.quoted) for each in again] == [
        ("yes", "Line 12", True),
        ("no", "Basil like", True),
    ]
    assert len(server.asked) == 2


def test_a_changed_rubric_judge_order_or_repetition_is_asked_anew(server: FakeJudge) -> None:
    memory = Memory()
    desk = server.desk(cache=memory)
    judge = Judge("small", server.settings(), desk)
    judge.ask(calls(GOOD), RELEVANCE)
    judge.ask(calls(GOOD), replace(RELEVANCE, version=2))
    judge.ask(calls(GOOD), replace(RELEVANCE, examples=()))
    judge.ask(calls(GOOD), RELEVANCE, repeat=1)
    Judge("small", server.settings(temperature=1), desk).ask(calls(GOOD), RELEVANCE)
    Judge("other", server.settings(), desk).ask(calls(GOOD), RELEVANCE)
    assert len(server.asked) == len(memory.kept) == 6
    Judge("small", server.settings(api_key=SecretStr(KEY), tries=2, input_usd_per_million=9), desk).ask(
        calls(GOOD), RELEVANCE
    )
    assert len(server.asked) == 6


def test_only_verdicts_are_remembered_and_rotten_memory_is_asked_again(server: FakeJudge) -> None:
    memory = Memory()
    judge = Judge("small", server.settings(), server.desk(cache=memory))
    server.says = lambda question: "well"
    judge.ask(calls(GOOD), RELEVANCE)
    assert memory.kept == {}
    server.says = honest
    judge.ask(calls(GOOD), RELEVANCE)
    (key,) = memory.kept
    for rotten in (
        b"{",
        b"[]",
        b'{"text": 3, "model": "", "chances": null}',
        b'{"text": "yes", "model": "", "chances": [1]}',
        b"\xff",
    ):
        memory.kept[key] = rotten
        assert judge.ask(calls(GOOD), RELEVANCE)[0].source == "judge"


def test_verdicts_are_told_as_they_come(server: FakeJudge) -> None:
    told: list[str] = []
    judge_of(server).ask(calls("", GOOD, BAD), RELEVANCE, told=lambda verdict: told.append(verdict.item))
    assert told == ["0", "1", "2"]


# Time and money


def test_questions_are_under_way_side_by_side(server: FakeJudge, monkeypatch: pytest.MonkeyPatch) -> None:
    together = threading.Barrier(3)

    def send(*_: object) -> Completion:
        together.wait(timeout=30)
        return Completion(said("yes"))

    monkeypatch.setattr(ChatDoor, "send", send)
    assert outcomes(judge_of(server, concurrency=3).ask(calls(*"abcdef"), RELEVANCE)) == ["yes"] * 6


def test_the_pace_is_kept(server: FakeJudge) -> None:
    judge_of(server, requests_per_minute=30).ask(calls(*"abcde"), RELEVANCE)
    assert server.waited == [2, 2, 2, 2]


def test_a_storm_of_429_is_waited_out_as_the_endpoint_asks(server: FakeJudge) -> None:
    server.per_minute = 3
    verdicts = judge_of(server, concurrency=3).ask(calls(*"abcdefgh"), RELEVANCE)
    assert outcomes(verdicts) == ["no"] * 8
    assert len(server.asked) == 8
    assert server.now >= 120


def test_busy_answers_and_broken_ones_are_tried_again(server: FakeJudge) -> None:
    server.script(Answer(500, "oops"), HANGS_UP, Answer(200, "<html>"), Answer(200, json.dumps({"choices": []})))
    (verdict,) = judge_of(server, tries=5).ask(calls(GOOD), RELEVANCE)
    assert (verdict.word, verdict.tries) == ("yes", 5)
    assert server.waited == [1, 2, 4, 8]


def test_what_may_have_been_worked_on_counts_as_paid(server: FakeJudge) -> None:
    most = most_usd(server.settings(), *_request())
    server.script(HANGS_UP, Answer(500, "oops"))
    purse = Purse(1.0)
    judge = Judge("small", server.settings(tries=3), server.desk(account=purse))
    (verdict,) = judge.ask(calls(GOOD), RELEVANCE)
    assert verdict.usd == pytest.approx(most + PAID)
    assert purse.spent_usd == pytest.approx(verdict.usd)


def test_a_timeout_is_an_outage_and_no_verdict(server: FakeJudge) -> None:
    server.script(HANGS)
    (verdict,) = judge_of(server, tries=1, timeout=0.05).ask(calls(GOOD), RELEVANCE)
    assert (verdict.problem, verdict.detail) == (Problem.OUTAGE, "the judge did not answer in time")
    assert verdict.usd > 0


def test_a_judge_that_is_down_is_not_asked_on_and_on(server: FakeJudge) -> None:
    server.broken = True
    judge = judge_of(server, tries=2)
    verdicts = judge.ask(calls(*map(str, range(50))), RELEVANCE)
    assert outcomes(verdicts) == ["outage"] * 50
    assert len(server.requests) == 3 * 2
    assert judge.down == "the judge is broken at the moment (HTTP 503, server_error)"
    assert all(each.detail == judge.down and each.usd == 0 and not each.answered for each in verdicts)
    server.broken = False
    assert outcomes(judge.ask(calls(GOOD), RELEVANCE)) == ["yes"]
    assert judge.down == ""


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (
            Answer(401, json.dumps({"error": {"message": f"Bad key {KEY}", "code": "invalid_api_key"}})),
            "does not accept the api_key (HTTP 401, invalid_api_key)",
        ),
        (Answer(404, "nothing here"), "does not know the model, or the url is wrong (HTTP 404)"),
        (
            Answer(429, json.dumps({"error": {"code": "insufficient_quota"}})),
            "has no credit left for this api_key (HTTP 429, insufficient_quota)",
        ),
        (Answer(402, ""), "has no credit left for this api_key (HTTP 402)"),
        (Answer(307, "", {"Location": "http://127.0.0.1:1/elsewhere"}), "refuses the request (HTTP 307)"),
    ],
)
def test_what_no_waiting_helps_is_told_at_once(server: FakeJudge, answer: Answer, says: str) -> None:
    server.script(*[answer] * 10)
    judge = judge_of(server, logprobs=False, answer_form="text")
    verdict = judge.ask(calls(GOOD), RELEVANCE)[0]
    assert verdict.word is None
    assert verdict.detail == f"the judge {says}"
    assert server.waited == []
    assert KEY not in repr(verdict) + judge.down


def test_an_endpoint_that_wants_hours_of_rest_is_down(server: FakeJudge) -> None:
    server.script(Answer(429, "", {"Retry-After": "3600"}))
    judge = judge_of(server)
    assert outcomes(judge.ask(calls(GOOD, BAD), RELEVANCE)) == ["outage", "outage"]
    assert server.waited == []
    assert len(server.requests) == 1


def test_nobody_there_is_an_outage_that_costs_nothing() -> None:
    with FakeJudge() as server:
        judge = judge_of(server, url=f"{refused_address()}/v1", tries=1)
        verdicts = judge.ask(calls(*"abcdef"), RELEVANCE)
    assert outcomes(verdicts) == ["outage"] * 6
    assert sum(each.usd for each in verdicts) == 0
    assert judge.down == "the judge cannot be reached (ConnectError)"


def test_a_budget_is_never_exceeded_and_what_it_does_not_reach_is_said(server: FakeJudge) -> None:
    most = most_usd(server.settings(), *_request())
    purse = Purse(most + 2.5 * PAID)
    judge = Judge("small", server.settings(concurrency=4), server.desk(account=purse))
    verdicts = judge.ask([*calls(*[GOOD[:-1] + "." * 1 + str(n) for n in range(9)])], RELEVANCE)
    asked = sum(each.word is not None for each in verdicts)
    assert 0 < asked < 9
    assert outcomes(verdicts).count("budget") == 9 - asked
    assert purse.spent_usd == pytest.approx(asked * PAID)
    assert purse.spent_usd <= purse.limit_usd


def test_a_run_that_is_broken_off_leaves_the_rest_unasked(server: FakeJudge) -> None:
    desk = replace(server.desk(), pause=lambda seconds: True)
    judge = Judge("small", server.settings(requests_per_minute=60), desk)
    assert outcomes(judge.ask(calls(GOOD, BAD, "c"), RELEVANCE)) == ["yes", "stopped", "stopped"]


def test_one_question_that_is_refused_is_no_outage(server: FakeJudge) -> None:
    too_long = json.dumps(
        {"error": {"message": "too long", "code": "context_length_exceeded", "type": "invalid_request_error"}}
    )
    server.says = lambda question: Answer(400, too_long) if BAD in question.shown else honest(question)
    verdicts = judge_of(server).ask(calls(BAD, GOOD), RELEVANCE)
    assert outcomes(verdicts) == ["rejected", "yes"]
    assert (
        verdicts[0].detail == "the judge refuses the request (HTTP 400, invalid_request_error, context_length_exceeded)"
    )
    assert len(server.asked) == 2


# Endpoints that take less than OpenAI's


@pytest.mark.parametrize(
    ("refuses", "sent"),
    [
        ({"logprobs"}, {"logprobs": None, "response_format": "json_schema"}),
        ({"json_schema"}, {"response_format": "json_object"}),
        ({"json_schema", "logprobs"}, {"logprobs": None, "response_format": "json_object"}),
        ({"response_format"}, {"response_format": None}),
        ({"temperature"}, {"temperature": None}),
        ({"max_tokens"}, {"max_tokens": None, "max_completion_tokens": 512}),
        (
            {"max_tokens", "temperature", "logprobs", "response_format"},
            {"max_completion_tokens": 512, "response_format": None},
        ),
    ],
)
def test_an_endpoint_is_asked_in_the_form_that_it_takes(
    server: FakeJudge, refuses: set[str], sent: dict[str, Any]
) -> None:
    server.refuses = frozenset(refuses)
    judge = judge_of(server, tries=1)
    assert outcomes(judge.ask(calls(GOOD, BAD), RELEVANCE)) == ["yes", "no"]
    for question in server.asked:
        form = (question.body.get("response_format") or {}).get("type")
        found = {**question.body, "response_format": form}
        assert {name: found.get(name) for name in sent} == sent
    assert len(server.asked) == 2


def test_an_endpoint_that_names_nothing_is_tried_with_less_and_less(server: FakeJudge) -> None:
    server.says = lambda question: Answer(400, "no") if "response_format" in question.body else honest(question)
    assert outcomes(judge_of(server).ask(calls(GOOD), RELEVANCE)) == ["yes"]
    server.says = lambda question: Answer(400, "no")
    judge = judge_of(server)
    assert outcomes(judge.ask(calls(GOOD), RELEVANCE)) == ["rejected"]
    server.says = honest
    server.asked.clear()
    judge.ask(calls(GOOD), RELEVANCE)
    assert server.asked[0].body["response_format"]["type"] == "json_schema"


def test_a_form_that_was_chosen_is_kept(server: FakeJudge) -> None:
    server.refuses = frozenset({"json_schema"})
    judge = judge_of(server, answer_form="json_schema", logprobs=False)
    assert outcomes(judge.ask(calls(GOOD), RELEVANCE)) == ["rejected"]


def test_azure_is_asked_at_the_address_of_its_deployment(server: FakeJudge) -> None:
    judge = judge_of(server, url=server.base, azure_api_version="2024-10-21")
    assert outcomes(judge.ask(calls(GOOD), RELEVANCE)) == ["yes"]
    assert server.requests[0].path == f"/openai/deployments/{MODEL}/chat/completions?api-version=2024-10-21"


def test_what_the_environment_says_of_openai_is_not_sent(server: FakeJudge, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "of-another-program")
    judge_of(server, api_key=None, tries=1).ask(calls(GOOD), RELEVANCE)
    judge_of(server).ask(calls(GOOD), RELEVANCE)
    assert all("of-another-program" not in str(request.headers) for request in server.requests)
    assert "authorization" not in {name.lower() for name in server.requests[0].headers}


def test_further_parameters_are_sent_as_they_are(server: FakeJudge) -> None:
    judge_of(server, params={"seed": 7, "max_completion_tokens": 99}).ask(calls(GOOD), RELEVANCE)
    body = server.asked[0].body
    assert (body["seed"], body["max_completion_tokens"], body.get("max_tokens")) == (7, 99, None)


def test_a_key_that_no_header_can_carry_is_refused_without_showing_it() -> None:
    with FakeJudge() as server, pytest.raises(ValueError, match="no header can carry") as raised:
        judge_of(server, api_key=SecretStr("sk-Ключ"))
    assert "sk-" not in str(raised.value)


def test_no_error_of_the_client_flies_past_the_door(server: FakeJudge) -> None:
    messages, schema = _request()
    for answer in (
        Answer(200, b"\xff\xfe"),
        Answer(200, "[" * 50_000),
        Answer(200, "null"),
        Answer(204),
        Answer(302),
        Answer(418, "{}"),
    ):
        server.script(answer)
        with pytest.raises(JudgeError) as raised:
            ChatDoor(server.settings()).send(messages, schema, Form())
        assert KEY not in str(raised.value)
    server.script(
        Answer(
            200,
            json.dumps(
                {
                    "choices": [
                        {
                            "message": {"content": "x"},
                            "logprobs": {"content": [{"token": 3, "top_logprobs": [{"token": "a"}, 7]}, 9]},
                        }
                    ],
                    "usage": {"prompt_tokens": -1, "completion_tokens": True},
                }
            ),
        )
    )
    done = ChatDoor(server.settings()).send(messages, schema, Form())
    assert (done.text, done.used, done.model) == ("x", None, "")


def test_unsupported_parameters_are_named_without_the_message(server: FakeJudge) -> None:
    server.script(unsupported("seed"))
    with pytest.raises(
        JudgeError,
        match=r"^the judge refuses the request \(HTTP 400, invalid_request_error, unsupported_parameter, seed\)$",
    ):
        ChatDoor(server.settings()).send(*_request(), Form())


def test_the_cost_of_a_run_is_known_before(server: FakeJudge) -> None:
    judge = judge_of(server)
    cost = judge.cost(calls(GOOD, BAD, "", None), RELEVANCE)
    assert cost.questions == 2
    assert 0 < cost.likely < cost.most
    assert cost.times(10).most == pytest.approx(cost.most * 10)
    assert server.requests == []


def _request() -> tuple[list[dict[str, str]], dict[str, Any]]:
    task = task_of(calls(GOOD)[0], RELEVANCE, 12_000)
    return task.messages(lambda: "0" * 16), task.schema()
