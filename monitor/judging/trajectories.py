"""The way of an agent in the log: the steps of all calls of a trace, in the order of event time, for the judge."""

from collections.abc import Iterable, Sequence

from detectors.derived import MICROSECOND
from detectors.judge.traced import JSON, Row, traced
from detectors.judge.trajectory import render
from detectors.judge.turns import Turn, steps_of_turns
from detectors.measurement import Window
from monitor.house import Watched
from monitor.redact import Redactor


def trajectories(watched: Watched, calls: Sequence[str], window: Window) -> dict[str, str]:
    """The steps of the trace of each call, redacted, as the judge reads them; none for a call without any.

    A trace is as it is for its measurements: quiet for `trace_gap` and it is over, longer than `max_duration` and it is
    none. What a call does after the judged one is a step too: the question is where the agent got. A call that is not
    among the first of its trace, or has none, has its own steps only.

    Args:
        watched: the source; its lock is held.
        calls: ids.
        window: when they ended.

    Raises:
        SourceError: the source could not be read.
    """
    mine, of_traces = traced(watched.source, calls, window, watched.settings.max_duration)
    others: dict[str, list[Row]] = {}
    for row in of_traces:
        others.setdefault(row["trace_id"], []).append(row)
    redactor = Redactor(watched.settings.redact)
    gap = watched.settings.trace_gap // MICROSECOND
    found: dict[str, str] = {}
    for call, row in mine.items():
        together = _together(others.get(row["trace_id"], ()), call, gap) or [row]
        shown = render(steps_of_turns([_turn(each, call, redactor) for each in together]))
        if shown:
            found[call] = redactor.redact(shown)
    return found


def _together(trace: Iterable[Row], call: str, gap: int) -> list[Row]:
    """The calls of a trace around one of them, with no pause in which it was over; none where the one is not there."""
    runs: list[list[Row]] = []
    for row in sorted(trace, key=lambda each: (each["at_us"], each["id"])):
        if not runs or row["at_us"] - runs[-1][-1]["at_us"] >= gap:
            runs.append([])
        runs[-1].append(row)
    return next((run for run in runs if any(each["id"] == call for each in run)), [])


def _turn(row: Row, judged: str, redactor: Redactor) -> Turn:
    tool_calls, messages = (None if row[name] is None else redactor.redact_json(row[name]) for name in JSON)
    return Turn(tool_calls, messages, None if row["id"] == judged else row["response"], row["error"])
