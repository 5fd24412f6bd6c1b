"""Annotations of Phoenix: `GET /v1/projects/…/span_annotations` and `/trace_annotations`, and the data frame of
`Client.spans.get_span_annotations_dataframe`, written as CSV or (after `reset_index()`) as JSON lines.

An annotation is about a span, which may be a chain around the call, or about a trace.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from monitor.labels.opinion import UNKNOWN, Found, Opinion, first, number, section, text
from monitor.labels.words import UnreadableError

PEOPLE: Final = ("HUMAN",)
_NOTE: Final = "note"  # the name that Phoenix keeps for notes


def opinions(values: Mapping[str, Any]) -> Iterator[Found]:
    """The annotation of a record.

    Raises:
        UnreadableError: it is no annotation.
    """
    result = section(values, "result") or values
    name = text(values, "name", "annotation_name")
    span, trace = text(values, "span_id", "context.span_id"), text(values, "trace_id", "context.trace_id")
    label, score = first(result, "label"), number(result.get("score"))
    if not name:
        raise UnreadableError("is no annotation of Phoenix: it has no name")
    if not span and not trace:
        if first(values, "session_id") is None:
            raise UnreadableError("names no span or trace: write a data frame with its index, or after reset_index()")
        yield "about a session, not a call"
        return
    if first(values, "document_position") is not None:
        yield "about a retrieved document"
        return
    if name == _NOTE or (label is None and score is None):
        yield "a note without label and score"
        return
    yield Opinion(
        score=name,
        number=score,
        word=label if isinstance(label, str) else None,
        call_id=span,
        trace_id=trace,
        by=text(values, "annotator_kind") or UNKNOWN,
        who=text(values, "user_id", "identifier"),
        given_at=text(values, "updated_at", "created_at"),
    )
