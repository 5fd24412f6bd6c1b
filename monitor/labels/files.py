"""Files of labels: CSV, JSON or JSON lines with call_id, criterion, and a verdict or a score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from detectors.judge.criterion import Criterion
from monitor.clean import clean_text
from monitor.labels.tools.known import kind_of
from monitor.labels.words import Said, UnreadableError, read_verdict
from monitor.records import Bad, read_records
from monitor.times import parse_time

LONGEST_NAME: Final = 200
_IDS, _WHO, _VERDICTS = ("call_id", "id"), ("who", "annotator", "author"), ("verdict", "passed", "label")


@dataclass(frozen=True, slots=True)
class Given:
    """One label of a file.

    Attributes:
        line: where it stands.
        call_id: what it is about: a call, in an export also the step around it; empty where only a trace is named.
        at: when the call was completed, where the file says so.
        who: who gave it; empty where the file does not say.
        source: of the call, likewise.
        trace_id: of the call, likewise.
        given_at: when it was said, likewise.
    """

    line: int
    call_id: str
    criterion: str
    said: Said
    at: datetime | None
    who: str
    source: str = ""
    trace_id: str = ""
    given_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class LabelFile:
    """What a file of labels holds, the lines that cannot be used, and by why how many say what is no label."""

    path: Path
    given: Sequence[Given]
    bad: Sequence[Bad]
    aside: Mapping[str, int] = field(default_factory=dict)


def read_labels(path: Path, criteria: Mapping[str, Criterion], now: datetime) -> LabelFile:
    """The labels of a file.

    Args:
        path: CSV, JSON or JSON lines.
        criteria: that are known, by name.
        now: from which ages are counted.

    Raises:
        monitor.records.RecordsError: the file cannot be read at all.
    """
    given: list[Given] = []
    bad: list[Bad] = []
    for record in read_records(path):
        if isinstance(record, Bad):
            bad.append(record)
            continue
        try:
            given.append(_given(record.line, record.values, criteria, now))
        except UnreadableError as error:
            bad.append(Bad(record.line, str(error)))
    return LabelFile(path, given, bad)


def _given(line: int, values: Mapping[str, Any], criteria: Mapping[str, Criterion], now: datetime) -> Given:
    call_id = _word(values, _IDS)
    name = _word(values, ("criterion",))
    if not name and (kind := kind_of(values)) is not None:
        raise UnreadableError(f"must have a criterion; is it an export of another tool? import it --as {kind}")
    if not call_id:
        raise UnreadableError("must have a call_id")
    criterion = criteria.get(name)
    if criterion is None and not name:
        raise UnreadableError("must have a criterion")
    if criterion is None:
        known = ", ".join(sorted(criteria))
        raise UnreadableError(f"the criterion {clean_text(name, 60)!r} is not known; known are {known}")
    verdict = next((values[key] for key in _VERDICTS if values.get(key) is not None), None)
    said = read_verdict(verdict, values.get("score"), criterion)
    return Given(
        line, call_id, name, said, _time(values, now), _word(values, _WHO)[:LONGEST_NAME], _word(values, ("source",))
    )


def _time(values: Mapping[str, Any], now: datetime) -> datetime | None:
    text = _word(values, ("at",))
    if not text:
        return None
    try:
        return parse_time(text, now)
    except (ValueError, OverflowError):
        raise UnreadableError("at must be a time such as 2026-11-01T08:00Z: when the call was completed") from None


def _word(values: Mapping[str, Any], names: Sequence[str]) -> str:
    value = next((values[name] for name in names if values.get(name) is not None), "")
    return str(value).strip().encode("utf-8", "replace").decode() if isinstance(value, str | int) else ""
