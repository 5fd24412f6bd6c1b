"""Feedback of LangSmith: `GET /api/v1/feedback`, what `Client.list_feedback` gives, and runs with `feedback_stats`.

Feedback is about a run, which may be a chain around the call; a run that is the root has the id of its trace.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from monitor.labels.opinion import UNKNOWN, Found, Opinion, first, number, section, text
from monitor.labels.words import UnreadableError

PEOPLE: Final = ("app",)  # in the application, in an annotation queue too; api is what programs send, users' thumbs too


def opinions(values: Mapping[str, Any]) -> Iterator[Found]:
    """The feedback of a record, or all that a run is said of.

    Raises:
        UnreadableError: it is no feedback, and no run.
    """
    if text(values, "key"):
        yield _feedback(values)
    elif "feedback_stats" in values and text(values, "id"):
        yield from _of_run(values)
    else:
        raise UnreadableError("is neither feedback of LangSmith (key, run_id, score) nor a run with feedback_stats")


def _feedback(values: Mapping[str, Any]) -> Found:
    run, trace = text(values, "run_id"), text(values, "trace_id")
    source, said = section(values, "feedback_source"), first(values, "value")
    if first(values, "comparative_experiment_id") is not None:
        return "a preference between two runs"
    if not run and not trace:
        return "about a project, not a run"
    if first(values, "score") is None and (said is None or isinstance(said, dict)):
        return "a comment without a score"
    return Opinion(
        score=text(values, "key"),
        number=number(values.get("score")) if first(values, "score") is not None else number(said),
        word=said if isinstance(said, str) else None,
        call_id=run,
        trace_id=trace,
        by=text(source, "type") or UNKNOWN,
        who=text(source, "user_name", "user_id", "ls_user_id"),
        given_at=text(values, "modified_at", "created_at"),
    )


def _of_run(values: Mapping[str, Any]) -> Iterator[Found]:
    """What the statistics of a run say; they do not say who said it."""
    every = section(values, "feedback_stats")
    for key in every:
        stats = section(every, key)
        words, times = section(stats, "values"), number(stats.get("n"))
        if not times:
            continue
        if times > 1 and (len(words) != 1 or number(next(iter(words.values()))) != times):
            yield "a mean of several opinions"
            continue
        yield Opinion(
            score=key,
            number=number(stats.get("avg")),
            word=next(iter(words), None),
            call_id=text(values, "id"),
            trace_id=text(values, "trace_id"),
        )
