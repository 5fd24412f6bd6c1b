"""The tools whose exports are read."""

from collections.abc import Mapping
from typing import Any, Final

from config.labels import ExportKind
from monitor.labels.tools import langfuse, langsmith, phoenix

TOOLS: Final = {"langfuse": langfuse, "langsmith": langsmith, "phoenix": phoenix}


def kind_of(values: Mapping[str, Any]) -> ExportKind | None:
    """Whose export a record looks like that is no line of labels."""
    names = set(values)
    if names & {"traceId", "observationId", "trace_id", "observation_id", "subject"} and names & {
        "dataType",
        "data_type",
    }:
        return "langfuse"
    if ("run_id" in names and "key" in names) or "feedback_stats" in names:
        return "langsmith"
    return "phoenix" if "annotator_kind" in names else None
