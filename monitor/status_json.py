"""The snapshot as JSON: what `/api/v1/status` answers. A snapshot holds no text of calls."""

import json
import math
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from detectors.measurement import Key, Measured, Value
from monitor.clean import clean_text
from monitor.counters import COUNTERS, Counted
from monitor.snapshot import AlertStatus, GoldenStatus, JudgeStatus, Snapshot, TextStatus, TransitionStatus

TEXT_LENGTH = 1000  # of a failure or a name in the answer


def render_json(snapshot: Snapshot) -> bytes:
    """The snapshot as one JSON object in UTF-8; times are ISO 8601, numbers without a finite value are null."""
    document = {
        "at": snapshot.at,
        "sources": [asdict(source) for source in snapshot.sources],
        "channels": [asdict(channel) for channel in snapshot.channels],
        "alerts": [_with_labels(alert) for alert in snapshot.alerts],
        "texts": [_text(text) for text in snapshot.texts],
        "silences": [asdict(silence) for silence in snapshot.silences],
        "transitions": [_with_labels(transition) for transition in snapshot.transitions],
        "events": [asdict(event) for event in snapshot.events],
        "golden": None if snapshot.golden is None else _golden(snapshot.golden),
        "judge": None if snapshot.judge is None else _judge(snapshot.judge),
        "proof": asdict(snapshot.proof),
        "models": [asdict(model) for model in snapshot.models],
        "windows": [_window(row) for row in snapshot.windows],
        "ends": [
            {"source": source, "length_s": length_s, "end": end} for (source, length_s), end in snapshot.ends.items()
        ],
        "counters": _counters(snapshot.counters),
    }
    return json.dumps(plain(document), ensure_ascii=False, allow_nan=False).encode()


def _with_labels(status: AlertStatus | TransitionStatus) -> dict[str, Any]:
    return {**asdict(status), "segment": status.segment.as_dict(), "labels": dict(status.labels)}


def _text(status: TextStatus) -> dict[str, Any]:
    measured = None if status.measured is None else _window(status.measured)
    return {**asdict(replace(status, measured=None)), "segment": status.segment.as_dict(), "measured": measured}


def _golden(status: GoldenStatus) -> dict[str, Any]:
    measured = None if status.measured is None else _window(status.measured)
    return {**asdict(replace(status, measured=None)), "measured": measured}


def _judge(status: JudgeStatus) -> dict[str, Any]:
    measured = [_window(row) for row in status.measured]
    return {**asdict(replace(status, measured=())), "measured": measured}


def _window(row: Measured) -> dict[str, Any]:
    return {
        "source": row.source,
        "segment": row.segment.as_dict(),
        "length_s": row.window.length_s,
        "start": row.window.start,
        "end": row.window.end,
        "values": [_value(key, value) for key, value in row.values.items()],
    }


def _value(key: Key, value: Value) -> dict[str, Any]:
    return {
        "name": key.name,
        "labels": dict(key.labels),
        "value": value.value,
        "lower": value.lower,
        "upper": value.upper,
        "n": value.n,
        "reason": value.reason,
    }


def _counters(counted: Counted) -> list[dict[str, Any]]:
    return [
        {"name": spec.name, "labels": dict(zip(spec.labels, values, strict=True)), "value": count}
        for spec in COUNTERS
        for values, count in counted.counts.get(spec.name, {}).items()
    ]


def plain(value: Any) -> Any:
    """The value with texts made safe, times written out, and infinities as null: JSON has none."""
    if isinstance(value, dict):
        return {plain(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, str):
        return clean_text(value, TEXT_LENGTH)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
