"""The texts of drawn calls as the judge is shown them: redacted, read when they are asked about, never kept."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from config.criteria import Need
from detectors.judge.prompt import Item
from detectors.judge.trajectory import render, steps_of
from detectors.measurement import Window
from monitor.house import Watched
from monitor.redact import Redactor

READ = 1_000_000  # characters of a text: the judge is shown its start and its end
_COLUMNS: Mapping[Need, str] = {
    "prompt": "prompt",
    "response": "response",
    "reference": "reference",
    "context": "context",
    "system_prompt": "system_prompt",
    "trajectory": "tool_calls",
}


def read_items(watched: Watched, calls: Sequence[str], window: Window, needs: Iterable[Need]) -> dict[str, Item]:
    """The calls of a window that the log still has, by id; one query.

    Args:
        watched: the source.
        calls: ids.
        window: when they ended.
        needs: the texts that are wanted; what the log has no column for is not there.

    Raises:
        SourceError: the source could not be read.
    """
    from detectors.engine import fetch

    wanted = {need: _COLUMNS[need] for need in needs if _COLUMNS[need] in watched.source.columns}
    with watched.using:
        log = watched.source.calls(window.start - watched.settings.max_duration, window.end + timedelta(seconds=1))
        log = log.filter(log.id.cast("string").isin(list(calls)))
        texts = {f"text_{need}": log[column].cast("string").left(READ) for need, column in wanted.items()}
        frame = fetch(log.select(log.id.cast("string").name("id"), **texts))
    redact = Redactor(watched.settings.redact).redact
    found: dict[str, Item] = {}
    for row in frame.to_dict("records"):
        given: dict[str, str] = {need: redact(text) for need in wanted if isinstance(text := row[f"text_{need}"], str)}
        found[str(row["id"])] = _item(str(row["id"]), given)
    return found


def _item(call: str, texts: Mapping[str, Any]) -> Item:
    tools = texts.get("trajectory")
    return Item(call, **{**texts, "trajectory": render(steps_of(tools)) or None if tools else None})
