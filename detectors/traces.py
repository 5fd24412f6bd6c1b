"""Traces: what the calls of one user request come to together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import ibis

from detectors.anchored import Anchored
from detectors.derived import MICROSECOND, only
from detectors.measurement import Batch, Segment, Window
from detectors.metric import Measuring, Metric, chosen, names_of
from detectors.protocols import Calls
from detectors.segments import label
from detectors.windows import Windows

if TYPE_CHECKING:
    import ibis.expr.types as ir


def _column(traces: "ir.Table", column: str) -> "ir.Value":
    return traces[column]


METRICS: tuple[Metric, ...] = (
    Metric("traces", "count", lambda traces: traces.calls > 0, rate="traces_per_second"),
    Metric("calls_per_trace", "mean", partial(_column, column="calls")),
    Metric("trace_success_ratio", "ratio", partial(_column, column="succeeded")),
    Metric("trace_latency_seconds", "distribution", partial(_column, column="latency")),
    *(
        Metric("tokens_per_trace", "mean", partial(_column, column=column), (("type", kind),), needs=needs)
        for kind, column in (("input", "input_tokens"), ("output", "output_tokens"))
        for needs in [(("trace_id",), (column,))]
    ),
)


@dataclass(frozen=True, slots=True)
class Traces:
    """The numbers of `METRICS` for the traces that ended in each window.

    A trace is over when it was quiet for `trace_gap`, and ends then, in event time; a later call with its id begins a
    new one. So a window's numbers never depend on calls after its end. The calls of a trace that belong to different
    segments are different traces of these segments.

    Attributes:
        max_duration: calls that took longer are left out, and so are traces.
        trace_gap: how long a trace must be quiet.
        measures: names of the measurements that are wanted.
    """

    max_duration: timedelta
    trace_gap: timedelta
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
        traces = _Ended(batch.shape.span, self.max_duration, self.trace_gap, columns)
        return Measuring(batch, columns, segments)(traces, "over_us", chosen(METRICS, self.measures), log)


@dataclass(frozen=True, slots=True)
class _Ended:
    """One row for each trace that ended within a span."""

    span: timedelta
    max_duration: timedelta
    trace_gap: timedelta
    columns: tuple[str, ...]

    def __call__(self, log: Anchored) -> "ir.Table":
        # A trace that ends in the span has its last call one gap before, began at most `max_duration` before that, and
        # was preceded by a gap. One more: a longer trace, cut by this look-back, must still look longer than it may be.
        since = -self.max_duration - 3 * self.trace_gap
        read = tuple(dict.fromkeys((*self.columns, "trace_id", "input_tokens", "output_tokens")))
        calls = log.ended(since, self.span, self.max_duration, read)
        calls = calls.filter(calls.trace_id.fill_null("").strip() != "")
        calls = calls.mutate(**{column: label(calls[column]) for column in self.columns})
        sessions = self._sessions(calls, [*self.columns, "trace_id"])
        return sessions.filter(
            sessions.over_us >= 0,
            sessions.over_us < self.span // MICROSECOND,
            sessions.duration_us <= self.max_duration // MICROSECOND,
        )

    def _sessions(self, calls: "ir.Table", by: list[str]) -> "ir.Table":
        gap = self.trace_gap // MICROSECOND
        before = calls.at_us.lag().over(group_by=by, order_by=calls.at_us)
        calls = calls.mutate(_begins=ibis.ifelse(calls.at_us - before < gap, 0, 1))
        # A range frame and not a rows frame: calls that ended in the same microsecond are peers, in whatever order.
        until_now = ibis.range_window(preceding=None, following=0, group_by=by, order_by=calls.at_us)
        calls = calls.mutate(_session=calls._begins.sum().over(until_now))
        sessions = calls.group_by([*by, "_session"]).agg(
            calls=calls.count(),
            first_us=calls.started_us.min(),
            last_us=calls.at_us.max(),
            last_ok_us=only(calls.ok, calls.at_us).max(),
            input_tokens=calls.input_tokens.sum().cast("int64"),
            output_tokens=calls.output_tokens.sum().cast("int64"),
        )
        duration = sessions.last_us - sessions.first_us
        return sessions.mutate(
            over_us=sessions.last_us + gap,
            duration_us=duration,
            latency=duration.cast("float64") / 1e6,
            succeeded=(sessions.last_ok_us == sessions.last_us).fill_null(False),
        )
