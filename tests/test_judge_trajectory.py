"""The way an agent went."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from fake_judge import FakeJudge, said
from hypothesis import given
from hypothesis import strategies as st
from judge_kit import judge_of

from detectors.judge.criterion import built_in
from detectors.judge.prompt import Item
from detectors.judge.trajectory import (
    MOST_STEPS,
    Expected,
    Loop,
    Step,
    check,
    in_order,
    loops,
    render,
    report,
    steps_of,
)


def steps(names: str) -> list[Step]:
    return [Step(name) for name in names]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ("abcd", ()),
        ("aabb", ()),
        ("aaa", (Loop(0, 1, 3),)),
        ("xaaaay", (Loop(1, 1, 4),)),
        ("abab", ()),
        ("ababab", (Loop(0, 2, 3),)),
        ("xabcabcabcaaa", (Loop(1, 3, 3), Loop(10, 1, 3))),
        ("abababa", (Loop(0, 2, 3),)),
        ("", ()),
    ],
)
def test_the_same_steps_three_times_in_a_row_are_a_loop(names: str, found: tuple[Loop, ...]) -> None:
    assert loops(steps(names)) == found


def test_the_same_tool_with_other_arguments_is_no_loop() -> None:
    assert loops([Step("search", json.dumps({"page": page})) for page in range(9)]) == ()


@given(st.lists(st.sampled_from("ab"), max_size=40))
def test_a_loop_is_really_there_and_loops_do_not_overlap(names: list[str]) -> None:
    end = 0
    for loop in loops(steps("".join(names))):
        assert loop.start >= end
        assert loop.times >= 3
        cycle = names[loop.start : loop.start + loop.length]
        end = loop.start + loop.length * loop.times
        assert names[loop.start : end] == cycle * loop.times


@pytest.mark.parametrize(
    ("names", "wanted", "order", "holds"),
    [
        ("abc", "abc", "exact", True),
        ("abxc", "abc", "exact", False),
        ("abxc", "abc", "in_order", True),
        ("acb", "abc", "in_order", False),
        ("cab", "abc", "any_order", True),
        ("ab", "aab", "any_order", False),
        ("ab", "aab", "in_order", False),
        ("x", "", "in_order", True),
    ],
)
def test_expected_calls_come_as_expected(names: str, wanted: str, order: Any, holds: bool) -> None:
    assert in_order(names, wanted, order) is holds


def test_a_report_says_what_is_wrong() -> None:
    gone = [
        Step("login", failed=True, result="bad password"),
        Step("login", failed=True, result="bad password"),
        Step("delete", '{"id": 3}', failed=False),
        Step("search", failed=True),
    ]
    found = report(gone, Expected(frozenset({"login", "search", "pay"}), ("login", "pay"), most_steps=3))
    assert (found.steps, found.forbidden, found.missing, found.extra) == (
        4,
        ("delete",),
        ("pay",),
        ("login", "delete", "search"),
    )
    assert (found.in_order, found.precision, found.recall) == (False, 1 / 4, 1 / 2)
    assert (found.repeated, found.retried_failures, found.failed, found.ends_failed) == (1, 1, 3, True)
    assert found.too_long
    assert check(found).score == 0


def test_nothing_expected_is_nothing_checked() -> None:
    found = report(steps("abc"))
    assert (found.in_order, found.precision, found.recall, found.missing, found.extra) == (None, None, None, (), ())
    assert found.ends_failed is None
    assert check(found).score == 1
    assert report([]).ends_failed is None


def test_a_failure_that_was_put_right_may_be_repeated() -> None:
    assert report([Step("a", failed=True), Step("a", failed=False), Step("a", failed=False)]).retried_failures == 1


@pytest.mark.parametrize(
    "written",
    [
        {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"b": 2, "a": 1}'}},
        {"type": "tool_use", "name": "find", "input": {"b": 2, "a": 1}},
        {"name": "find", "args": {"a": 1, "b": 2}},
        {"name": "find", "arguments": {"a": 1, "b": 2}},
    ],
)
def test_calls_are_read_as_their_makers_write_them(written: dict[str, Any]) -> None:
    (step,) = steps_of(json.dumps([written]))
    assert (step.tool, step.arguments, step.failed) == ("find", '{"a":1,"b":2}', None)


def test_results_and_errors_are_read() -> None:
    written = [{"name": "a", "result": {"x": 1}}, {"name": "b", "error": "no"}, {"name": "c", "output": "fine"}]
    assert [(each.failed, each.result) for each in steps_of(json.dumps(written))] == [
        (False, '{"x":1}'),
        (True, "no"),
        (False, "fine"),
    ]


@pytest.mark.parametrize("text", [None, "", "nonsense", "3", '[3, null, {}, {"name": 7}]', "\ud800", "[" * 5_000])
def test_what_is_no_list_of_calls_has_no_steps(text: str | None) -> None:
    assert steps_of(text) == []


def test_a_single_call_and_odd_arguments_are_read() -> None:
    assert steps_of('{"name": "a", "arguments": "not json"}') == [Step("a", "not json")]


def test_a_long_trajectory_is_read_by_its_start() -> None:
    many: Sequence[Step] = [Step("a", str(number)) for number in range(MOST_STEPS + 10)]
    assert len(render(many).splitlines()) == MOST_STEPS


def test_the_goal_is_judged_by_the_steps() -> None:
    gone = [
        Step("find", '{"id":3}', failed=False, result='{"free":true}'),
        Step("book", failed=True, result="time\nout"),
    ]
    assert render(gone) == '1. find {"id":3} -> {"free":true}\n2. book {} -> failed: time out'
    with FakeJudge(says=lambda question: said("no", "failed: time out")) as server:
        item = Item("t", prompt="Book it.", trajectory=render(gone))
        (verdict,) = judge_of(server).ask([item], built_in("goal_reached"))
        assert server.asked[0].texts == {"user request": "Book it.", "steps of the agent": render(gone)}
    assert (verdict.word, verdict.passed, verdict.quoted) == ("no", False, True)
