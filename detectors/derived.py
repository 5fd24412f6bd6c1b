"""What every aggregate needs of a call and no log carries: event time, latency and the normalised kind of error.

Everything is an ibis expression that DuckDB, PostgreSQL and Spark understand. Times are integer microseconds since 1970,
so that a window's edge is exact on every engine.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

import ibis

from config.calls import ERROR_TYPES
from detectors.protocols import Calls

if TYPE_CHECKING:
    import ibis.expr.types as ir

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

# Beyond these a number is a defect of the log and is read as unknown; the sums of what remains cannot overflow.
MAX_SECONDS = 1e6
MAX_TOKENS = 1_000_000_000
MAX_USD = 1e6
_LAST_TIME = datetime(9000, 1, 1)  # PostgreSQL's 'infinity' stands for "still running" in some logs

TOKEN_COLUMNS = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "reasoning_tokens")

# Words of error messages, for logs without types and statuses. The first row that matches wins.
ERROR_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "rate_limited",
        ("rate limit", "rate_limit", "ratelimit", "too many requests", "quota", " 429", "=429", ":429", "(429", "http429"),
    ),
    ("timeout", ("timeout", "time-out", "timed out", "deadline")),
    ("content_filter", ("content filter", "content_filter", "content policy", "content management policy", "safety")),
    ("cancelled", ("cancel", "aborted", "client disconnected")),
    ("auth", ("unauthorized", "authentication", "permission", "api key", "api_key", "forbidden")),
    ("bad_request", ("invalid request", "invalid_request", "bad request", "bad_request", "context length", "too long")),
    ("server", ("overloaded", "internal", "unavailable", "connection", "server")),
)
_CONTENT_FILTER_WORDS = dict(ERROR_WORDS)["content_filter"]
_TEXT_READ = 2_000  # characters of an error message that are searched: a message can be a megabyte of HTML


def microseconds(time: datetime) -> int:
    """An aware datetime as microseconds since 1970, exactly."""
    return (time - EPOCH) // MICROSECOND


def microseconds_of(column: "ir.TimestampColumn") -> "ir.IntegerColumn":
    """A timestamp column as microseconds since 1970, exactly; times without a zone are UTC, infinite ones are NULL.

    `epoch_seconds` alone is a rounded float on some engines, so whole seconds and microseconds are taken apart.
    """
    last = _LAST_TIME.replace(tzinfo=UTC) if column.type().timezone else _LAST_TIME
    finite = ibis.ifelse(column < ibis.literal(last, type=column.type()), column, ibis.null(column.type()))
    seconds = finite.truncate("s").epoch_seconds().cast("int64")
    return seconds * 1_000_000 + finite.microsecond().cast("int64")


def derive(calls: "ir.Table") -> "ir.Table":
    """The canonical calls with columns that aggregates compute with.

    Adds `started_us` and `at_us` (event time), `duration_us` (`at_us - started_us`, never negative), `latency` in seconds,
    `kind` (one of `config.calls.ERROR_TYPES`, NULL when the call succeeded), and the booleans `failed`, `cancelled` and
    `ok`, of which exactly one is true. Impossible numbers (negative, not finite, absurdly large) become NULL.
    """
    calls = calls.mutate(
        started_us=microseconds_of(calls.started_at),
        ended_us=microseconds_of(calls.ended_at),
        latency_s=_within(calls.latency_s.cast("float64"), MAX_SECONDS),
        ttft_s=_within(calls.ttft_s.cast("float64"), MAX_SECONDS),
        cost_usd=_within(calls.cost_usd.cast("float64"), MAX_USD),
        kind=kind_of_error(calls),
        **{name: _within(calls[name].cast("int64"), MAX_TOKENS) for name in TOKEN_COLUMNS},
    )
    # A call cannot end before it starts: clocks of two machines disagree, and neither end nor difference is worth anything.
    calls = calls.mutate(ended_us=ibis.ifelse(calls.ended_us >= calls.started_us, calls.ended_us, ibis.null("int64")))
    by_latency = calls.started_us + (calls.latency_s * 1e6 + 0.5).floor().cast("int64")
    calls = calls.mutate(
        at_us=ibis.coalesce(calls.ended_us, by_latency, calls.started_us),
        latency=ibis.coalesce(calls.latency_s, (calls.ended_us - calls.started_us).cast("float64") / 1e6),
        cancelled=(calls.kind == "cancelled").fill_null(False),
        ok=calls.kind.isnull(),
    )
    return calls.mutate(duration_us=calls.at_us - calls.started_us, failed=~(calls.ok | calls.cancelled))


def ended_between(log: Calls, start: datetime, end: datetime, max_duration: timedelta) -> "ir.Table":
    """The derived calls with event time in `[start, end)`.

    A call that took longer than `max_duration` is left out always, not only where the log is not read far enough back:
    what is measured must not depend on how windows are batched.
    """
    since = start - max_duration
    calls = derive(log.calls(since, end))
    return calls.filter(
        calls.started_us >= microseconds(since),
        calls.started_us < microseconds(end),
        calls.at_us >= microseconds(start),
        calls.at_us < microseconds(end),
        calls.duration_us <= max_duration // MICROSECOND,
    )


def kind_of_error(calls: "ir.Table") -> "ir.StringColumn":
    """The normalised type of error, NULL when the call succeeded.

    1. `error_type`, when it is one of the closed set.
    2. The HTTP status; of a 4xx that means nothing more precise, a message about a content filter is believed.
    3. The words of `error` and `error_type`, when there are any; else `other`.
    A 2xx status with an error message is an error: a stream can break after its status was sent.
    """
    given = _text(calls.error_type).lower()
    text = ibis.literal(" ") + _text(calls.error).lower() + " " + given
    status = calls.status_code
    return ibis.cases(
        (given.isin(ERROR_TYPES), given),
        (status == 429, "rate_limited"),
        (status.isin([408, 504]), "timeout"),
        (status.isin([401, 403]), "auth"),
        (status == 499, "cancelled"),
        (status.between(400, 499) & _has(text, _CONTENT_FILTER_WORDS), "content_filter"),
        (status.between(400, 499), "bad_request"),
        (status.between(500, 599), "server"),
        (text.strip() == "", ibis.null("string")),
        *((_has(text, words), kind) for kind, words in ERROR_WORDS),
        else_="other",
    )


def _text(column: "ir.StringColumn") -> "ir.StringColumn":
    return column.fill_null("").left(_TEXT_READ).strip()


def _has(text: "ir.StringColumn", words: Sequence[str]) -> "ir.BooleanColumn":
    return reduce(or_, (text.contains(word) for word in words))


def _within(column: "ir.NumericColumn", largest: float) -> "ir.NumericColumn":
    """The column where it lies in `[0, largest]`; NaN and infinities do not."""
    return ibis.ifelse(column.between(0, largest), column, ibis.null(column.type()))
