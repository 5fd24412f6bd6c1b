"""What the judge is shown of an agent: the steps of the whole trace, whatever call of it was drawn."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from fake_judge import FakeJudge
from judging_kit import HOUR, START, Story
from logs import ENGINES, duckdb_log, postgres_log

from detectors.judge.traced import MOST_CALLS, READ, SAID, traced
from detectors.judge.trajectory import MOST_STEPS, Step
from detectors.judge.turns import MODEL, SAYS, Turn, steps_of_turns
from detectors.measurement import Window
from monitor.judging.items import read_items

SECRET = "sk-abcdefghijklmnopqrstuvwxyz0123456789ABCDEF"


def asks(name: str, number: str, **arguments: Any) -> dict[str, Any]:
    return {"id": number, "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}


def turn(tool_calls: Any = None, messages: Any = None, **others: str) -> Turn:
    return Turn(json.dumps(tool_calls) if tool_calls else None, json.dumps(messages) if messages else None, **others)


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "tool", "tool_call_id": "1", "content": "free: 4"}],
        [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "free: 4"}]}],
        [{"role": "tool", "parts": [{"type": "tool_call_response", "id": "1", "response": "free: 4"}]}],
        [{"type": "function_call_output", "call_id": "1", "output": "free: 4"}],
    ],
)
def test_what_a_tool_returned_is_found_in_the_messages_of_a_later_call(messages: Any) -> None:
    found = steps_of_turns([turn([asks("find_table", "1", people=2)]), turn(messages=messages)])
    assert found == [Step("find_table", '{"people":2}', failed=False, result="free: 4")]


def test_words_and_failures_of_a_trace_are_steps_in_their_order() -> None:
    failed = {"type": "tool_result", "tool_use_id": "1", "content": "full", "is_error": True}
    found = steps_of_turns(
        [
            turn([asks("book", "1")], said="I will book."),
            turn(messages=[{"role": "user", "content": [failed]}], error="timeout"),
            turn(said="  "),
        ]
    )
    assert found == [
        Step(SAYS, "", result="I will book."),
        Step("book", "{}", failed=True, result="full"),
        Step(MODEL, "", failed=True, result="timeout"),
    ]


def test_a_result_that_the_log_has_with_the_call_counts_and_hostile_json_is_no_step() -> None:
    known = asks("find", "1") | {"result": "here"}
    later = turn(messages=[{"tool_call_id": "1", "content": "there"}, 7, {"tool_call_id": ["1"], "content": "x"}])
    assert steps_of_turns([turn([known]), later, Turn("{", "[[["), Turn('"text"', "null")]) == [
        Step("find", "{}", failed=False, result="here")
    ]


def test_a_trace_without_end_is_cut() -> None:
    assert len(steps_of_turns([turn([asks("again", str(number)) for number in range(MOST_STEPS)])] * 3)) == MOST_STEPS


def called(number: str, minute: float, trace: str | None = "t1", **values: Any) -> dict[str, Any]:
    texts = {name: json.dumps(value) if isinstance(value, list) else value for name, value in values.items()}
    started = (START + timedelta(minutes=minute)).isoformat()
    return {
        "id": number,
        "started_at": started,
        "latency_s": 1.0,
        "model": "m",
        "trace_id": trace,
        "prompt": "Book!",
    } | texts


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    result = [{"role": "tool", "tool_call_id": "1", "content": f"free: 4, key {SECRET}"}]
    with FakeJudge() as server:
        made = Story(tmp_path_factory.mktemp("traces"), server)
        made.write(
            [
                called("a", 11.8, tool_calls=[asks("find_table", "1", people=2)]),
                called("c", 12, response="Booked.", messages=result),
                called(
                    "b", 11.9, response="One moment.", messages=result, tool_calls=[asks("book_table", "2", table=4)]
                ),
                called("other", 11.9, trace="t2", tool_calls=[asks("weather", "9")]),
                called("alone", 11.85, trace=None, response="Fine.", tool_calls=[asks("clock", "7")]),
                called("words", 11.86, trace=None, response="Fine."),
                called("late", 50, response="Again?", tool_calls=[asks("cancel", "3")]),
            ]
        )
        made.now = START + 2 * HOUR
        made.read()
        yield made
        made.house.close()


def steps(story: Story, *calls: str, minute: float = 12) -> dict[str, str | None]:
    at = START + timedelta(minutes=minute)
    items = read_items(story.house.sources["chat"], calls, Window(at, at + timedelta(minutes=1)), ["trajectory"])
    return {call: item.trajectory for call, item in items.items()}


def test_the_judge_sees_the_steps_of_the_whole_trace_in_the_order_of_event_time(story: Story) -> None:
    shown = steps(story, "c")["c"]
    assert shown is not None
    assert shown.splitlines()[0].startswith('1. find_table {"people":2} -> free: 4, key ')
    assert shown.splitlines()[1:] == ["2. (says) -> One moment.", '3. book_table {"table":4}']
    assert SECRET not in shown
    assert "weather" not in shown


def test_the_first_call_of_a_trace_is_judged_by_where_the_agent_got(story: Story) -> None:
    shown = steps(story, "a", minute=11)["a"]
    assert shown is not None
    assert "book_table" in shown
    assert shown.endswith("(says) -> Booked.")


@pytest.mark.parametrize("engine", ENGINES)
def test_the_first_calls_of_a_trace_are_read_on_every_engine(engine: str, request: pytest.FixtureRequest) -> None:
    calls = [
        {
            "id": f"c{number:03}",
            "started_at": START + timedelta(seconds=number),
            "trace_id": " t ",
            "response": "x" * 3_000,
        }
        for number in range(MOST_CALLS + 5)
    ]
    calls[1] |= {"tool_calls": "[]" + " " * READ, "messages": "[]"}
    calls.append({"id": "alone", "started_at": START, "error": "timeout"})
    log = duckdb_log(calls) if engine == "duckdb" else postgres_log(request.getfixturevalue("postgres_url"), calls)
    span = Window(START, START + timedelta(minutes=1))
    mine, others = traced(log, ["c001", "alone", "gone"], span, HOUR)
    assert mine.keys() == {"c001", "alone"}
    assert (mine["c001"]["tool_calls"], mine["c001"]["messages"], mine["c001"]["trace_id"]) == (None, "[]", "t")
    assert (mine["alone"]["error"], mine["alone"]["response"], mine["alone"]["trace_id"]) == ("timeout", None, "")
    assert {row["id"] for row in others} == {f"c{number:03}" for number in range(MOST_CALLS)}
    assert all(len(row["response"]) == SAID for row in others)


def test_a_trace_that_was_quiet_for_long_is_over_and_a_call_without_one_has_its_own_steps(story: Story) -> None:
    assert steps(story, "late", minute=50) == {"late": "1. cancel {}"}
    assert steps(story, "alone", "words", minute=11) == {"alone": "1. clock {}", "words": None}
