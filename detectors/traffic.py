"""Volume, errors, latency, tokens, streaming and cost: one ibis expression each, in one literal table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from detectors.anchored import Anchored
from detectors.catalogue import FAILURES, TOKEN_TYPES
from detectors.derived import only
from detectors.measurement import Batch, Segment, Window
from detectors.metric import Measuring, Metric, chosen, names_of
from detectors.protocols import Calls
from detectors.windows import Windows

if TYPE_CHECKING:
    import ibis.expr.types as ir

# Finish reasons of answers that a token limit cut, in lower case: OpenAI, Anthropic, Gemini, Mistral, Bedrock.
CUT_OFF = ("length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded")

# What the first `REFUSAL_READ` characters of a refusal hold, in lower case. "Sorry" alone is none: support chats
# apologise all day. Legal in RE2 (DuckDB, BigQuery) and PostgreSQL: no look-around, no back-references, no \b.
REFUSAL_READ = 200
REFUSAL = (
    r"(^|[^a-z])(i|we)( can't| cannot| can not| won't| will not|( am|'m| are|'re) (unable|not able) to)"
    r" (help|assist|comply|fulfil|provide|create|generate|write|answer|discuss|share|engage|support|take part|do that)"
    r"|(^|[^a-z])(i|we) (must|have to) (decline|refuse)"
    r"|(^|[^a-z])as an ai( language)?( model)?[, ]"
    r"|(against|violates?) (my|our|the|openai's) (programming|guidelines|(content |usage )?polic(y|ies))"
)

READ = ("ttft_s", "streamed", *TOKEN_TYPES.values(), "finish_reason", "response", "tool_calls", "cache_hit", "cost_usd")


@dataclass(frozen=True, slots=True)
class Traffic:
    """The numbers of `METRICS` for the calls that ended in each window.

    Attributes:
        max_duration: calls that took longer are left out.
        measures: names of the measurements that are wanted.
    """

    max_duration: timedelta
    measures: frozenset[str] = field(default_factory=lambda: names_of(METRICS))

    def measure(
        self,
        log: Calls,
        windows: Sequence[Window],
        columns: tuple[str, ...],
        segments: Mapping[Segment, datetime],
    ) -> Batch:
        """See `detectors.protocols.Aggregate`."""
        batch = Windows.of(windows)
        calls = _Calls(batch.shape.span, self.max_duration, tuple(dict.fromkeys((*columns, *READ))))
        return Measuring(batch, columns, segments)(calls, "at_us", chosen(METRICS, self.measures), log)


@dataclass(frozen=True, slots=True)
class _Calls:
    """The calls that ended within a span."""

    span: timedelta
    max_duration: timedelta
    columns: tuple[str, ...]

    def __call__(self, log: Anchored) -> "ir.Table":
        return log.ended(timedelta(0), self.span, self.max_duration, self.columns)


def time_to_first_token(calls: "ir.Table") -> "ir.Value":
    """Of streamed calls that succeeded; a call that does not say counts as streamed when it has such a time."""
    return only(calls.ok & calls.streamed.fill_null(True), calls.ttft_s)


def time_per_output_token(calls: "ir.Table") -> "ir.Value":
    """The time between two tokens of the answer; the first token is not part of it."""
    gaps = only(calls.output_tokens >= 2, calls.output_tokens - 1).cast("float64")
    generation = calls.latency - time_to_first_token(calls)
    return only(generation >= 0, generation / gaps)


def truncated(calls: "ir.Table") -> "ir.Value":
    """Whether the answer was cut, of calls that succeeded with a finish reason."""
    reason = calls.finish_reason.strip().lower()
    return only(calls.ok & (reason != ""), reason.isin(CUT_OFF))


def empty(calls: "ir.Table") -> "ir.Value":
    """Whether a call that succeeded gave neither text nor tool calls."""
    no_tools = calls.tool_calls.fill_null("").strip().isin(["", "[]", "{}", "null"])
    return only(calls.ok, ~_has_text(calls) & no_tools)


def refusal(calls: "ir.Table") -> "ir.Value":
    """Whether the answer opens like a refusal, of calls that succeeded with a text."""
    opening = calls.response.left(REFUSAL_READ).lower().replace("\u2019", "'")
    return only(calls.ok & _has_text(calls), opening.re_search(REFUSAL))


def _has_text(calls: "ir.Table") -> "ir.BooleanValue":
    return calls.response.fill_null("").strip() != ""


def _is_kind(calls: "ir.Table", kind: str) -> "ir.Value":
    return (calls.kind == kind).fill_null(False)


def _column(calls: "ir.Table", column: str) -> "ir.Value":
    return calls[column]


def _column_of_succeeded(calls: "ir.Table", column: str) -> "ir.Value":
    return only(calls.ok, calls[column])


def _failed_calls() -> Iterator[Metric]:
    for kind in FAILURES:
        yield Metric("failed_calls", "count", partial(_is_kind, kind=kind), (("error_type", kind),))


def _tokens() -> Iterator[Metric]:
    for kind, column in TOKEN_TYPES.items():
        labels, needs = (("type", kind),), ((column,),)
        yield Metric("tokens", "total", partial(_column, column=column), labels, "tokens_per_second", needs)
        yield Metric("tokens_per_call", "mean", partial(_column_of_succeeded, column=column), labels, needs=needs)


METRICS: tuple[Metric, ...] = (
    Metric("calls", "count", lambda calls: calls.started_us.notnull(), rate="calls_per_second"),
    *_failed_calls(),
    Metric("error_ratio", "ratio", lambda calls: only(~calls.cancelled, calls.failed)),
    Metric("success_ratio", "ratio", lambda calls: only(~calls.cancelled, calls.ok)),
    Metric("cancelled_ratio", "ratio", lambda calls: calls.cancelled),
    Metric("latency_seconds", "distribution", partial(_column_of_succeeded, column="latency")),
    Metric("time_to_first_token_seconds", "distribution", time_to_first_token),
    Metric("time_per_output_token_seconds", "distribution", time_per_output_token),
    *_tokens(),
    Metric("streaming_ratio", "ratio", partial(_column, column="streamed")),
    Metric("truncated_ratio", "ratio", truncated),
    Metric("empty_ratio", "ratio", empty),
    Metric("refusal_ratio", "ratio", refusal),
    Metric("cache_hit_ratio", "ratio", partial(_column, column="cache_hit")),
    Metric("cost_usd", "total", partial(_column, column="cost_usd")),
    Metric("cost_usd_per_call", "mean", lambda calls: only(~calls.cache_hit.fill_null(False), calls.cost_usd)),
)
