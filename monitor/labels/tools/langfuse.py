"""Scores of Langfuse: `GET /api/public/v3/scores` (fields=subject,annotation) and `/v2/scores`, the export of the table
of scores (CSV, JSON), and the scheduled export to a bucket (CSV, JSON lines), whose names have underscores.

A score is about an observation, a trace, a session or a run of a dataset. Its id of an observation is that of the span
when the application is traced with OpenTelemetry.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from monitor.labels.opinion import UNKNOWN, Found, Opinion, first, number, section, text
from monitor.labels.words import UnreadableError

PEOPLE: Final = ("ANNOTATION",)
_FREE: Final = ("TEXT", "CORRECTION")
_OTHERS: Final = ("session", "experiment")


def opinions(values: Mapping[str, Any]) -> Iterator[Found]:
    """The score of a record.

    Raises:
        UnreadableError: it is no score.
    """
    name = text(values, "name")
    kind = text(values, "dataType", "data_type").upper()
    subject = section(values, "subject")
    about = text(subject, "kind")
    trace = text(values, "traceId", "trace_id") or text(subject, "id" if about == "trace" else "traceId")
    call = text(values, "observationId", "observation_id") or (text(subject, "id") if about == "observation" else "")
    other = first(values, "sessionId", "session_id", "datasetRunId", "dataset_run_id")
    if not name or not {"value", "stringValue", "string_value"} & set(values):
        raise UnreadableError("is no score of Langfuse: it has no name and value")
    if not call and not trace and about not in _OTHERS and other is None:
        raise UnreadableError("names no trace or observation; ask the API for fields=subject,annotation")
    if kind in _FREE:
        yield "free text"
        return
    if not call and not trace:
        yield "about a session or a run of a dataset, not a call"
        return
    word = first(values, "stringValue", "string_value", "value") if kind == "CATEGORICAL" else None
    yield Opinion(
        score=name,
        number=None if kind == "CATEGORICAL" else number(values.get("value")),  # there it is the place in a list
        word=str(word) if word is not None else None,
        call_id=call,
        trace_id=trace,
        by=text(values, "source") or UNKNOWN,
        who=text(values, "authorUserName", "authorUserId", "author_user_id"),
        given_at=text(values, "updatedAt", "updated_at", "timestamp"),
    )
