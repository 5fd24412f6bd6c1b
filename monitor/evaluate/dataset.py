"""Datasets: CSV or JSON lines with a prompt, a response, and what else criteria need, under the names people use."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any, Final

from detectors.judge.criterion import Criterion
from detectors.judge.prompt import Item
from detectors.judge.trajectory import render, steps_of
from monitor.evaluate.values import EvaluationError, Row, Rows
from monitor.labels.words import UnreadableError, read_verdict
from monitor.records import Bad, RecordsError, read_records, text_of

MOST_ROWS: Final = 200_000
LABEL: Final = "label:"  # before a criterion, of a column with what people say

# What a text may be called; the first one that is there counts.
NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "prompt": ("prompt", "question", "input", "instruction"),
    "response": ("response", "answer", "output", "completion"),
    "reference": ("reference", "expected_output", "expected", "ideal", "target"),
    "context": ("context", "contexts"),
    "system_prompt": ("system_prompt", "system"),
    "trajectory": ("trajectory", "tool_calls"),
    "other": ("other_response", "response_b"),
    "cluster": ("session_id", "cluster"),
    "id": ("id", "call_id"),
}
_KNOWN: Final = frozenset(name for names in NAMES.values() for name in names) | {"labels"}


def read_dataset(path: Path, criteria: Mapping[str, Criterion]) -> Rows:
    """The rows of a file; those that cannot be used are named by their line.

    A row without an id is known by a hash of its prompt, context and reference, so that two runs over a dataset whose
    order changed can be compared.

    Args:
        path: CSV or JSON lines.
        criteria: by which rows may be labelled.

    Raises:
        EvaluationError: it cannot be read, or holds no row.
    """
    rows: dict[str, Row] = {}
    left_out: list[str] = []
    unknown: Counter[str] = Counter()
    try:
        for record in read_records(path):
            if isinstance(record, Bad):
                left_out.append(str(record))
                continue
            unknown.update(name for name in record.values if name not in _KNOWN and not name.startswith(LABEL))
            try:
                row = _row(record.values, criteria, rows)
            except UnreadableError as error:
                left_out.append(str(Bad(record.line, str(error))))
                continue
            rows[row.item.id] = row
            if len(rows) > MOST_ROWS:
                raise EvaluationError(f"{path}: has more than {MOST_ROWS:,} rows; take a sample of them")
    except RecordsError as error:
        raise EvaluationError(str(error)) from error
    if not rows:
        first = f"; {left_out[0]}" if left_out else ""
        seen = f"; its columns are {', '.join(sorted(unknown))[:200]}" if unknown else ""
        raise EvaluationError(f"{path}: has no row with a prompt or a response{first}{seen}")
    return Rows(path.name, tuple(rows.values()), tuple(left_out))


def _row(values: Mapping[str, Any], criteria: Mapping[str, Criterion], known: Mapping[str, Row]) -> Row:
    found = {name: _first(values, names) for name, names in NAMES.items()}
    texts = {name: text_of(found[name]) for name in ("prompt", "response", "reference", "context", "system_prompt")}
    if texts["prompt"] is None and texts["response"] is None:
        raise UnreadableError("has neither a prompt nor a response")
    given = text_of(found["id"])
    row_id = given[:200] if given is not None else _hashed(texts, known)
    if row_id in known:
        raise UnreadableError("its id was used before")
    steps = text_of(found["trajectory"])
    item = Item(row_id, **texts, trajectory=(render(steps_of(steps)) or steps) if steps else None)
    return Row(item, text_of(found["other"]), _labels(values, criteria), text_of(found["cluster"]))


def _first(values: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((values[name] for name in names if values.get(name) not in (None, "")), None)


def _hashed(texts: Mapping[str, str | None], known: Mapping[str, Row]) -> str:
    told = "\0".join(texts[name] or "" for name in ("prompt", "context", "reference"))
    if texts["prompt"] is None:
        told = texts["response"] or ""
    name = hashlib.sha256(told.encode()).hexdigest()[:12]
    names = (name if number == 1 else f"{name}-{number}" for number in count(1))
    return next(each for each in names if each not in known)


def _labels(values: Mapping[str, Any], criteria: Mapping[str, Criterion]) -> dict[str, bool]:
    given = values.get("labels")
    told = dict(given) if isinstance(given, dict) else {}
    told |= {name.removeprefix(LABEL): value for name, value in values.items() if name.startswith(LABEL)}
    labels = {}
    for name, word in told.items():
        if name in criteria and word not in (None, ""):
            try:
                passed = read_verdict(word, None, criteria[name]).passed
            except UnreadableError as error:
                raise UnreadableError(f"{LABEL}{name}: {error}") from None
            if passed is not None:
                labels[name] = passed
    return labels
