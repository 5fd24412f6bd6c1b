"""The steps of a whole trace: an agent calls a model many times to serve one request.

Each answer asks for tools, and what they returned stands in the messages of a later call.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from detectors.judge.trajectory import MOST_STEPS, Step, objects_in, step_of, text_of

SAYS: Final = "(says)"  # a step that is no tool: words of the agent
MODEL: Final = "(model)"  # … a call of the model that failed


@dataclass(frozen=True, slots=True)
class Turn:
    """What one call of a trace adds to the way: the texts of its columns, None where the log has none.

    Attributes:
        tool_calls: that its answer asks for.
        messages: that it was sent: among them what tools returned.
        said: its answer, where that is a step; that of the judged call is not.
        error: why it failed.
    """

    tool_calls: str | None = field(default=None, repr=False)
    messages: str | None = field(default=None, repr=False)
    said: str | None = field(default=None, repr=False)
    error: str | None = field(default=None, repr=False)


def steps_of_turns(turns: Sequence[Turn]) -> list[Step]:
    """The steps of all calls of a trace, in their order: what was said, what tools were asked for, what they returned.

    Results are looked up by the id of the tool call. A call that failed is a step of its own.
    """
    returned: dict[str, tuple[Any, bool]] = {}
    for turn in turns:
        returned |= _results(turn.messages)
    steps: list[Step] = []
    for turn in turns:
        if turn.error:
            steps.append(Step(MODEL, "", failed=True, result=turn.error))
        if turn.said and turn.said.strip():
            steps.append(Step(SAYS, "", result=turn.said))
        for call in objects_in(turn.tool_calls):
            step = step_of(call)
            if step is not None:
                steps.append(_with_result(step, returned.get(_id_of(call))))
        if len(steps) >= MOST_STEPS:
            break
    return steps[:MOST_STEPS]


def _with_result(step: Step, found: tuple[Any, bool] | None) -> Step:
    if found is None or step.failed is not None:
        return step
    return replace(step, failed=found[1], result=text_of(found[0]))


def _results(messages: str | None) -> dict[str, tuple[Any, bool]]:
    """What tools returned and whether they failed, by the id of the tool call: as OpenAI, Anthropic and OpenTelemetry
    write messages."""
    found: dict[str, tuple[Any, bool]] = {}
    for message in objects_in(messages):
        lists: Iterator[list[Any]] = (
            message[key] for key in ("content", "parts") if isinstance(message.get(key), list)
        )
        inner = next(lists, [])
        for part in (message, *(each for each in inner if isinstance(each, dict))):
            number = next((part[key] for key in ("tool_call_id", "tool_use_id", "call_id") if key in part), None)
            if number is None and part.get("type") == "tool_call_response":
                number = part.get("id")
            said = next((part[key] for key in ("content", "response", "result", "output") if key in part), None)
            if isinstance(number, str) and said is not None:
                found[number] = (said, bool(part.get("is_error")))
    return found


def _id_of(call: Mapping[str, Any]) -> str:
    number = call.get("id", call.get("call_id"))
    return number if isinstance(number, str) else ""
