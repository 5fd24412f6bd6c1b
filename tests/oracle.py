"""What the aggregates must give, computed slowly in plain Python from rows as dictionaries."""

import math
import re
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from random_logs import MAX_DURATION

from config.calls import ERROR_TYPES
from detectors.catalogue import FAILURES, PERCENTILES, TOKEN_TYPES
from detectors.derived import ERROR_PATTERNS, MICROSECOND
from detectors.measurement import Batch, Key, Segment, Window
from detectors.traffic import CUT_OFF, REFUSAL

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """A call as `detectors.derived` must see it; times in microseconds."""

    row: Row
    started: int
    at: int
    latency: float | None
    kind: str | None

    @property
    def ok(self) -> bool:
        return self.kind is None

    @property
    def failed(self) -> bool:
        return self.kind not in (None, "cancelled")


def us(time: datetime) -> int:
    return (time - datetime(1970, 1, 1, tzinfo=UTC)) // MICROSECOND


def sane(value: Any, largest: float = 1e6) -> Any:
    return value if value is not None and 0 <= value <= largest else None


def call_of(row: Row) -> Call:
    """Derives one call."""
    started = us(row["started_at"])
    latency = sane(row.get("latency_s"))
    ended = row.get("ended_at")
    duration = None if ended is None or us(ended) < started else us(ended) - started
    if duration is not None:
        at = started + duration
    else:
        at = started if latency is None else started + math.floor(latency * 1e6 + 0.5)
    if latency is None and duration is not None:
        latency = duration / 1e6
    return Call(row, started, at, latency, kind_of(row))


def kind_of(row: Row) -> str | None:
    given = (row.get("error_type") or "")[:2_000].strip(string.whitespace).lower()
    text = f" {(row.get('error') or '')[:2_000].strip(string.whitespace).lower()} {given}"
    status = row.get("status_code")
    if given in ERROR_TYPES:
        return given
    if status is not None and status >= 400 and status < 600:
        if 400 <= status < 500 and status not in (429, 408, 401, 403, 499):
            return "content_filter" if re.search(dict(ERROR_PATTERNS)["content_filter"], text) else "bad_request"
        special = {429: "rate_limited", 408: "timeout", 504: "timeout", 401: "auth", 403: "auth", 499: "cancelled"}
        return special.get(status, "server")
    if not text.strip():
        return None
    return next((kind for kind, pattern in ERROR_PATTERNS if re.search(pattern, text)), "other")


def ended_in(rows: Sequence[Row], window: Window, max_duration: timedelta = MAX_DURATION) -> list[Call]:
    """The calls of a window."""
    calls = [call_of(row) for row in rows]
    longest = max_duration // MICROSECOND
    return [
        call for call in calls if us(window.start) <= call.at < us(window.end) and call.at - call.started <= longest
    ]


def label(value: str | None) -> str:
    text = (value or "").replace("\x1f", " ").strip(string.whitespace)[:128].strip(string.whitespace)
    return text or "__none__"


def segment_of(row: Row, columns: Sequence[str]) -> Segment:
    return Segment(tuple((column, label(row.get(column))) for column in columns))


Expected = dict[Key, tuple[float | None, int]]  # value and n


def mean_of(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def distribution(name: str, values: Sequence[float]) -> Expected:
    found = {
        Key.of(name, percentile=p): (float(np.percentile(values, int(p))) if values else None, len(values))
        for p in PERCENTILES
    }
    return found | {Key.of(name, percentile="mean"): (mean_of(values), len(values))}


def ratio(name: str, hits: Sequence[bool]) -> Expected:
    return {Key.of(name): (sum(hits) / len(hits) if hits else None, len(hits))}


def total(name: str, values: Sequence[float], calls: Sequence[Call], **labels: str) -> Expected:
    return {Key.of(name, **labels): (math.fsum(values) if values or not calls else None, len(values))}


def traffic(calls: Sequence[Call], window: Window) -> Expected:
    """All measurements of `detectors.traffic` of one segment and window."""
    n, seconds = len(calls), window.length_s
    ok = [call for call in calls if call.ok]
    expected: Expected = {Key.of("calls"): (n, n), Key.of("calls_per_second"): (n / seconds, n)}
    for failure in FAILURES:
        expected[Key.of("failed_calls", error_type=failure)] = (sum(call.kind == failure for call in calls), n)
    decided = [call for call in calls if call.ok or call.failed]
    expected |= ratio("error_ratio", [call.failed for call in decided])
    expected |= ratio("success_ratio", [call.ok for call in decided])
    expected |= ratio("cancelled_ratio", [call.kind == "cancelled" for call in calls])
    expected |= times(ok)
    for kind, column in TOKEN_TYPES.items():
        every = [c.row[column] for c in calls if sane(c.row.get(column), 1e9) is not None]
        succeeded = [c.row[column] for c in ok if sane(c.row.get(column), 1e9) is not None]
        expected |= total("tokens", every, calls, type=kind)
        value, count = expected[Key.of("tokens", type=kind)]
        expected[Key.of("tokens_per_second", type=kind)] = (None if value is None else value / seconds, count)
        expected[Key.of("tokens_per_call", type=kind)] = (mean_of(succeeded), len(succeeded))
    return expected | answers(calls, ok)


def times(ok: Sequence[Call]) -> Expected:
    streamed = [c for c in ok if c.row.get("streamed") is not False and sane(c.row.get("ttft_s")) is not None]
    gaps = [
        (c.latency - c.row["ttft_s"]) / (c.row["output_tokens"] - 1)
        for c in streamed
        if (sane(c.row.get("output_tokens"), 1e9) or 0) >= 2 and c.latency is not None and c.latency >= c.row["ttft_s"]
    ]
    return (
        distribution("latency_seconds", [c.latency for c in ok if c.latency is not None])
        | distribution("time_to_first_token_seconds", [c.row["ttft_s"] for c in streamed])
        | distribution("time_per_output_token_seconds", gaps)
    )


def answers(calls: Sequence[Call], ok: Sequence[Call]) -> Expected:
    def text(call: Call, column: str) -> str:
        return (call.row.get(column) or "").strip(string.whitespace)

    with_text = [call for call in ok if text(call, "response")]
    no_tools = ("", "[]", "{}", "null")
    costs = [c for c in calls if sane(c.row.get("cost_usd")) is not None]
    paid = [c.row["cost_usd"] for c in costs if not c.row.get("cache_hit")]
    return {
        **ratio("streaming_ratio", [c.row["streamed"] for c in calls if c.row.get("streamed") is not None]),
        **ratio(
            "truncated_ratio", [text(c, "finish_reason").lower() in CUT_OFF for c in ok if text(c, "finish_reason")]
        ),
        **ratio("empty_ratio", [not text(c, "response") and text(c, "tool_calls") in no_tools for c in ok]),
        **ratio("refusal_ratio", [bool(re.search(REFUSAL, c.row["response"][:200].lower())) for c in with_text]),
        **ratio("cache_hit_ratio", [c.row["cache_hit"] for c in calls if c.row.get("cache_hit") is not None]),
        **total("cost_usd", [c.row["cost_usd"] for c in costs], calls),
        Key.of("cost_usd_per_call"): (mean_of(paid), len(paid)),
    }


def assert_row(batch: Batch, row: int, expected: Expected) -> None:
    """The values of a row: counts and n exactly, percentiles to 1e-12, sums and means to the steps they are added in."""
    found = batch.measured(row).values
    where = batch.rows[row]
    assert set(found) == set(expected), where
    for key, (value, n) in expected.items():
        assert (found[key].n or 0) == n, (where, key)
        number = found[key].value
        if value is None or number is None:
            assert value is number, (where, key, number, value)
        else:
            assert math.isclose(number, value, rel_tol=1e-12, abs_tol=1e-11), (where, key, number, value)
