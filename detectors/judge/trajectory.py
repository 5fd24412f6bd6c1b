"""The way an agent went: which tools, in which order, with what success, and whether it went in circles.

What can be computed is computed here; whether the goal was reached is the judge's (criterion `goal_reached`).
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import orjson

from detectors.judge.reference import Check

Order = Literal["exact", "in_order", "any_order"]

MOST_STEPS: Final = 2_000  # of a trajectory; a longer one is judged by its first
_LONGEST_CYCLE: Final = 20  # steps that are looked for as a loop
_ROUNDS: Final = 3  # times that a cycle must come in a row to be one
_RESULT: Final = 1_000  # characters of a result or of arguments that are shown to the judge


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a tool.

    Attributes:
        tool: its name.
        arguments: as JSON, keys sorted.
        failed: whether it went wrong; None when nobody knows.
        result: what it returned, or the error.
    """

    tool: str
    arguments: str = field(default="{}", repr=False)
    failed: bool | None = None
    result: str = field(default="", repr=False)

    @property
    def call(self) -> tuple[str, str]:
        """What was called with what."""
        return self.tool, self.arguments


@dataclass(frozen=True, slots=True)
class Loop:
    """The same steps again and again: `length` steps from place `start` on, `times` in a row."""

    start: int
    length: int
    times: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What a good trajectory looks like; what is empty is not checked.

    Attributes:
        allowed: tools that may be used.
        calls: tools that must be used, in their order, as often as they stand here.
        order: exact: these calls and no others; in_order: these in this order, others between them; any_order.
        most_steps: None is no limit.
    """

    allowed: frozenset[str] = frozenset()
    calls: tuple[str, ...] = ()
    order: Order = "in_order"
    most_steps: int | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """What is wrong with a trajectory.

    Attributes:
        steps: calls of tools.
        forbidden: tools that were used and must not be, in order of their first use.
        missing: calls that were expected and did not come.
        extra: calls beyond the expected ones.
        in_order: whether the expected calls came in their order; None when none are expected.
        precision: share of the calls that were expected; None without calls or expectations.
        recall: share of the expected calls that came; None without expectations.
        loops: the same steps three times in a row or more.
        repeated: calls that had been made before with the same arguments.
        retried_failures: calls that had failed before with the same arguments, and were made again unchanged.
        failed: calls that went wrong.
        ends_failed: whether the last call went wrong; None without calls, or when nobody knows.
        too_long: whether there are more steps than allowed.
    """

    steps: int
    forbidden: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    in_order: bool | None = None
    precision: float | None = None
    recall: float | None = None
    loops: tuple[Loop, ...] = ()
    repeated: int = 0
    retried_failures: int = 0
    failed: int = 0
    ends_failed: bool | None = None
    too_long: bool = False


def report(steps: Sequence[Step], expected: Expected | None = None) -> Report:
    """Everything that can be said of a trajectory without a judge."""
    expected = expected or Expected()
    tools, wanted = [step.tool for step in steps], Counter(expected.calls)
    used = Counter(tools)
    shared = (used & wanted).total()
    forbidden = [tool for tool in dict.fromkeys(tools) if expected.allowed and tool not in expected.allowed]
    return Report(
        steps=len(steps),
        forbidden=tuple(forbidden),
        missing=tuple((wanted - used).elements()),
        extra=tuple((used - wanted).elements()) if wanted else (),
        in_order=in_order(tools, expected.calls, expected.order) if wanted else None,
        precision=shared / len(tools) if wanted and tools else None,
        recall=shared / wanted.total() if wanted else None,
        loops=loops(steps),
        repeated=len(steps) - len({step.call for step in steps}),
        retried_failures=_retried(steps),
        failed=sum(step.failed is True for step in steps),
        ends_failed=steps[-1].failed if steps else None,
        too_long=expected.most_steps is not None and len(steps) > expected.most_steps,
    )


def check(found: Report) -> Check:
    """Whether nothing is wrong: no forbidden tool, nothing missing, the order kept, no loop, not too long."""
    fine = not found.forbidden and not found.missing and not found.loops and not found.too_long
    return Check(1.0 if fine and found.in_order is not False else 0.0)


def in_order(tools: Sequence[str], wanted: Sequence[str], order: Order) -> bool:
    """Whether the expected calls came as expected."""
    if order == "exact":
        return list(tools) == list(wanted)
    if order == "any_order":
        return not Counter(wanted) - Counter(tools)
    rest = iter(tools)
    return all(any(tool == each for each in rest) for tool in wanted)


def loops(steps: Sequence[Step]) -> tuple[Loop, ...]:
    """Cycles of equal calls (tools and arguments), three times in a row or more; the shortest that fits a stretch."""
    calls = [step.call for step in steps[:MOST_STEPS]]
    found, at = [], 0
    while at < len(calls):
        loop = next((loop for length in range(1, _LONGEST_CYCLE + 1) if (loop := _cycle(calls, at, length))), None)
        if loop is None:
            at += 1
        else:
            found.append(loop)
            at += loop.length * loop.times
    return tuple(found)


def _cycle(calls: Sequence[tuple[str, str]], start: int, length: int) -> Loop | None:
    cycle, times = calls[start : start + length], 1
    while calls[start + times * length : start + (times + 1) * length] == cycle and len(cycle) == length:
        times += 1
    return Loop(start, length, times) if times >= _ROUNDS else None


def _retried(steps: Sequence[Step]) -> int:
    failed: set[tuple[str, str]] = set()
    again = 0
    for step in steps:
        again += step.call in failed
        if step.failed is True:
            failed.add(step.call)
        elif step.failed is False:
            failed.discard(step.call)
    return again


def objects_in(text: str | None) -> list[Mapping[str, Any]]:
    """The objects in a text that is a JSON list, or one of them; none where it is no JSON."""
    try:
        read = orjson.loads((text or "[]").encode("utf-8", "surrogatepass"))
    except orjson.JSONDecodeError:
        return []
    return [each for each in (read if isinstance(read, list) else [read]) if isinstance(each, dict)]


def steps_of(tool_calls: str | None) -> list[Step]:
    """The steps in a `tool_calls` column: JSON, a list of calls as OpenAI, Anthropic or OpenTelemetry write them.

    What cannot be read is left out; a text that is no list gives no steps.
    """
    return [step for each in objects_in(tool_calls)[:MOST_STEPS] if (step := step_of(each)) is not None]


def step_of(call: Mapping[str, Any]) -> Step | None:
    """The step that a call of a tool is; None where it names no tool."""
    function = call.get("function")
    inner = function if isinstance(function, dict) else call
    tool = inner.get("name")
    if not isinstance(tool, str) or not tool:
        return None
    given: Any = next((inner[key] for key in ("arguments", "input", "args") if key in inner), {})
    error, result = call.get("error"), call.get("result", call.get("output", call.get("response")))
    failed = True if error else False if result is not None else None
    return Step(tool, arguments(given), failed, text_of(error if error else result))


def arguments(given: Any) -> str:
    """Arguments in one spelling: JSON with sorted keys; a text that is no JSON stays as it is."""
    value = given
    if isinstance(given, str):
        try:
            value = orjson.loads(given.encode("utf-8", "surrogatepass"))
        except orjson.JSONDecodeError:
            return given
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
    except (orjson.JSONEncodeError, RecursionError):
        return repr(value)


def render(steps: Sequence[Step]) -> str:
    """The steps as a text for the judge, one a line."""
    return "\n".join(_line(number, step) for number, step in enumerate(steps[:MOST_STEPS], 1))


def _line(number: int, step: Step) -> str:
    result = step.result[:_RESULT].replace("\n", " ")
    said = f"failed: {result}" if step.failed else result
    called = " ".join(each for each in (step.tool, step.arguments[:_RESULT]) if each)
    return f"{number}. {called}" + (f" -> {said}" if said else "")


def text_of(value: Any) -> str:
    """A result as a text: what is none as JSON."""
    if value is None or isinstance(value, str):
        return value or ""
    return arguments(value)
