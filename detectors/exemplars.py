"""The calls behind a measurement: where a person who is told of an alert looks first."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import ibis

from detectors.anchored import Anchored, ask
from detectors.catalogue import TOKEN_TYPES
from detectors.derived import only
from detectors.measurement import Key, Segment, Window
from detectors.protocols import Calls
from detectors.segments import combination, combination_of, is_other
from detectors.traffic import READ, empty, refusal, time_per_output_token, time_to_first_token, truncated

if TYPE_CHECKING:
    import ibis.expr.types as ir

Score = Callable[["ir.Table", Key], "ir.Value"]


def _flag(condition: "ir.BooleanValue") -> "ir.Value":
    return ibis.ifelse(condition, 1, ibis.null("int64"))


def _failed(calls: "ir.Table", key: Key) -> "ir.Value":
    kind = dict(key.labels).get("error_type")
    return _flag(calls.failed if kind is None else calls.kind == kind)


def _tokens(calls: "ir.Table", key: Key) -> "ir.Value":
    return calls[TOKEN_TYPES.get(dict(key.labels).get("type", ""), "output_tokens")]


def _latest(calls: "ir.Table", key: Key) -> "ir.Value":
    return calls.at_us


# What makes a call an example, largest first; NULL: it is none. Measurements that are not listed show the latest calls.
SCORES: dict[str, Score] = {
    "failed_calls": _failed,
    "error_ratio": _failed,
    "success_ratio": _failed,
    "trace_success_ratio": _failed,
    "cancelled_ratio": lambda calls, key: _flag(calls.cancelled),
    "latency_seconds": lambda calls, key: only(calls.ok, calls.latency),
    "trace_latency_seconds": lambda calls, key: calls.latency,
    "time_to_first_token_seconds": lambda calls, key: time_to_first_token(calls),
    "time_per_output_token_seconds": lambda calls, key: time_per_output_token(calls),
    "tokens": _tokens,
    "tokens_per_second": _tokens,
    "tokens_per_call": _tokens,
    "tokens_per_trace": _tokens,
    "cost_usd": lambda calls, key: calls.cost_usd,
    "cost_usd_per_call": lambda calls, key: calls.cost_usd,
    "truncated_ratio": lambda calls, key: _flag(truncated(calls)),
    "empty_ratio": lambda calls, key: _flag(empty(calls)),
    "refusal_ratio": lambda calls, key: _flag(refusal(calls)),
}


@dataclass(frozen=True, slots=True)
class Search:
    """How calls are looked for.

    Attributes:
        limit: how many are wanted.
        max_duration: calls that took longer are not looked for.
        admitted: the admitted segments of the grouping, to tell what `__other__` is.
    """

    limit: int = 3
    max_duration: timedelta = timedelta(hours=1)
    admitted: frozenset[Segment] = frozenset()


def exemplars(log: Calls, key: Key, segment: Segment, window: Window, search: Search = Search()) -> tuple[str, ...]:
    """Ids of the calls that made a measurement what it is: the most telling first, then the latest, then by id.

    Args:
        log: where the calls are.
        key: the measurement. Failed calls for errors, the slowest for latencies, the largest for tokens and cost; the
            cut, empty and refused ones for those ratios; otherwise the latest.
        segment: whose calls; the source has the columns of its grouping.
        window: when they ended.
        search: how they are looked for.
    """
    frame = ask(log, window.start, _Told(key, segment, window.end - window.start, search))
    return tuple(str(each) for each in frame["id"])


@dataclass(frozen=True, slots=True)
class _Told:
    """Ids of the calls that made a measurement what it is, of those that ended in a span."""

    key: Key
    segment: Segment
    span: timedelta
    search: Search

    def __call__(self, log: Anchored) -> "ir.Table":
        columns = tuple(dict.fromkeys(("id", *self.segment.columns, *READ)))
        calls = log.ended(timedelta(0), self.span, self.search.max_duration, columns)
        if is_other(self.segment):
            names = sorted(combination_of(each) for each in self.search.admitted if not is_other(each))
            calls = calls.filter(combination(calls, self.segment.columns).notin(names)) if names else calls
        elif self.segment.labels:
            calls = calls.filter(combination(calls, self.segment.columns) == combination_of(self.segment))
        score = SCORES.get(self.key.name, _latest)(calls, self.key)
        told = calls.select("id", "at_us", score=score.cast("float64"))
        told = told.filter(told.score.notnull())
        return told.order_by([told.score.desc(), told.at_us.desc(), told.id.asc()]).limit(self.search.limit)
