"""Every measurement that Watchkeeper makes: the public list behind docs/measurements.md and the checks of rules."""

from dataclasses import dataclass

from config.calls import ERROR_TYPES

PERCENTILES = ("50", "90", "95", "99")
STATISTICS = (*PERCENTILES, "mean")
FAILURES = tuple(kind for kind in ERROR_TYPES if kind != "cancelled")
TOKEN_TYPES = {"input": "input_tokens", "output": "output_tokens", "cached": "cached_input_tokens"}

AnyOf = tuple[str, ...]

_ERRORS: tuple[AnyOf, ...] = (("error_type", "status_code", "error"),)
_LATENCY: AnyOf = ("latency_s", "ended_at")
_TOKENS: tuple[AnyOf, ...] = (tuple(TOKEN_TYPES.values()),)
_SCORE: tuple[AnyOf, ...] = (("score",),)


@dataclass(frozen=True, slots=True)
class MeasurementSpec:
    """One measurement.

    Attributes:
        name: without the prefix `llm_` that the Prometheus gauge has.
        unit: in Prometheus' base units.
        meaning: one or two sentences for the documentation.
        labels: beside `source` and the segment's columns, the label and its values; no values: whatever the log has.
        needs: columns without which there is no value: at least one of each tuple.
        table: whose columns they are.
    """

    name: str
    unit: str
    meaning: str
    labels: tuple[tuple[str, tuple[str, ...]], ...] = ()
    needs: tuple[AnyOf, ...] = ()
    table: str = "calls"

    def measurable(self, columns: frozenset[str]) -> bool:
        """Whether a table with these columns is enough."""
        return all(columns.intersection(any_of) for any_of in self.needs)


_ERROR_TYPE = (("error_type", FAILURES),)
_STATISTIC = (("percentile", STATISTICS),)
_TOKEN_TYPE = (("type", tuple(TOKEN_TYPES)),)
_TRACE_TOKEN_TYPE = (("type", ("input", "output")),)
_KEY: tuple[tuple[str, tuple[str, ...]], ...] = (("key", ()),)
_TRACE: tuple[AnyOf, ...] = (("trace_id",),)

MEASUREMENTS: tuple[MeasurementSpec, ...] = (
    MeasurementSpec("calls", "calls", "Calls that completed or failed in the window."),
    MeasurementSpec("calls_per_second", "calls per second", "Calls divided by the window's length (QPS)."),
    MeasurementSpec(
        "failed_calls", "calls", "Failed calls by type; cancelled ones are counted apart.", _ERROR_TYPE, _ERRORS
    ),
    MeasurementSpec("error_ratio", "ratio", "Failed calls among the calls that were not cancelled.", needs=_ERRORS),
    MeasurementSpec(
        "success_ratio", "ratio", "Calls that succeeded among the calls that were not cancelled.", needs=_ERRORS
    ),
    MeasurementSpec("cancelled_ratio", "ratio", "Cancelled calls among all calls.", needs=_ERRORS),
    MeasurementSpec(
        "latency_seconds",
        "seconds",
        "From the request to the end of the answer, of calls that succeeded.",
        _STATISTIC,
        (_LATENCY,),
    ),
    MeasurementSpec(
        "time_to_first_token_seconds",
        "seconds",
        "From the request to the first token, of streamed calls that succeeded. A call that has such a time is taken as"
        " streamed when the log does not say.",
        _STATISTIC,
        (("ttft_s",),),
    ),
    MeasurementSpec(
        "time_per_output_token_seconds",
        "seconds",
        "(latency − time to first token) / (output tokens − 1), of streamed calls that succeeded with two output tokens"
        " or more.",
        _STATISTIC,
        (_LATENCY, ("ttft_s",), ("output_tokens",)),
    ),
    MeasurementSpec(
        "tokens",
        "tokens",
        "Sum over all calls that carry the number. Input includes cached, output includes reasoning.",
        _TOKEN_TYPE,
        _TOKENS,
    ),
    MeasurementSpec(
        "tokens_per_second", "tokens per second", "Tokens divided by the window's length (TPS).", _TOKEN_TYPE, _TOKENS
    ),
    MeasurementSpec(
        "tokens_per_call", "tokens", "Mean over the calls that succeeded and carry the number.", _TOKEN_TYPE, _TOKENS
    ),
    MeasurementSpec(
        "streaming_ratio", "ratio", "Streamed calls among the calls that say whether they are.", needs=(("streamed",),)
    ),
    MeasurementSpec(
        "truncated_ratio",
        "ratio",
        "Answers cut at a token limit, among the calls that succeeded with a finish reason.",
        needs=(("finish_reason",),),
    ),
    MeasurementSpec(
        "empty_ratio",
        "ratio",
        "Calls that succeeded with neither text nor tool calls, among those that succeeded.",
        needs=(("response",),),
    ),
    MeasurementSpec(
        "refusal_ratio",
        "ratio",
        "Answers that open like a refusal, among the calls that succeeded with a text. The openings are a fixed English"
        " list: watch changes of the ratio, not its level.",
        needs=(("response",),),
    ),
    MeasurementSpec(
        "cache_hit_ratio",
        "ratio",
        "Calls answered from a response cache, among the calls that say so.",
        needs=(("cache_hit",),),
    ),
    MeasurementSpec("cost_usd", "US dollars", "Sum over all calls that carry a cost.", needs=(("cost_usd",),)),
    MeasurementSpec(
        "cost_usd_per_call",
        "US dollars",
        "Mean over the calls that carry a cost and were not answered from a response cache.",
        needs=(("cost_usd",),),
    ),
    MeasurementSpec("traces", "traces", "Traces that ended in the window.", needs=_TRACE),
    MeasurementSpec("traces_per_second", "traces per second", "Traces divided by the window's length.", needs=_TRACE),
    MeasurementSpec("calls_per_trace", "calls", "Mean number of calls of a trace.", needs=_TRACE),
    MeasurementSpec(
        "trace_success_ratio",
        "ratio",
        "Traces whose last call succeeded, among all traces: a retry that worked is a success.",
        needs=(*_TRACE, *_ERRORS),
    ),
    MeasurementSpec(
        "trace_latency_seconds",
        "seconds",
        "From the start of a trace's first call to the end of its last.",
        _STATISTIC,
        _TRACE,
    ),
    MeasurementSpec(
        "tokens_per_trace",
        "tokens",
        "Mean over the traces in which a call carries the number.",
        _TRACE_TOKEN_TYPE,
        (*_TRACE, ("input_tokens", "output_tokens")),
    ),
    MeasurementSpec("feedbacks", "ratings", "Ratings that were given in the window.", _KEY, table="feedback"),
    MeasurementSpec("feedback_score", "score", "Mean score.", _KEY, _SCORE, "feedback"),
    MeasurementSpec(
        "feedback_positive_ratio",
        "ratio",
        "Scores above the positive threshold, among all scores.",
        _KEY,
        _SCORE,
        "feedback",
    ),
)

BY_NAME = {spec.name: spec for spec in MEASUREMENTS}
