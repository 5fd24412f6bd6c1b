"""What every aggregate needs of a call and no log carries: event time, latency and the normalised kind of error.

Everything is an ibis expression that DuckDB, PostgreSQL and Spark understand. Times are integer microseconds since
1970, so that a window's edge is exact on every engine.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import ibis

from config.calls import CALL_COLUMN_NAMES, ERROR_TYPES

if TYPE_CHECKING:
    import ibis.expr.types as ir

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

# Beyond these a number is a defect of the log and is read as unknown; the sums of what remains cannot overflow.
MAX_AMOUNT = 1e6  # seconds or dollars
MAX_TOKENS = 1_000_000_000
_LAST_TIME = datetime(9000, 1, 1, tzinfo=UTC)  # PostgreSQL's 'infinity' stands for "still running" in some logs

_SECONDS = ("latency_s", "ttft_s")
TOKEN_COLUMNS = ("input_tokens", "output_tokens", "cached_input_tokens", "cache_write_tokens", "reasoning_tokens")

# What error messages hold in lower case, for logs without types and statuses. The first row that matches wins. Legal in
# RE2 (DuckDB, BigQuery) and PostgreSQL: no look-around, no \b. A 429 between letters or digits is part of some id.
ERROR_PATTERNS: tuple[tuple[str, str], ...] = (
    ("rate_limited", "rate.?limit|too many requests|quota|(^|[^0-9a-z])429([^0-9a-z]|$)"),
    ("timeout", "time.?out|timed out|deadline"),
    ("content_filter", "content.filter|content (management )?policy|safety"),
    ("cancelled", "cancel|aborted|client disconnected"),
    ("auth", "unauthori[sz]ed|authentication|permission|api.?key|forbidden"),
    ("bad_request", "(invalid|bad).request|context.length|too long"),
    ("server", "overloaded|internal|unavailable|connection|server"),
)
_CONTENT_FILTER = dict(ERROR_PATTERNS)["content_filter"]
_TEXT_READ = 2_000  # characters of an error message that are searched: a message can be a megabyte of HTML


def microseconds(time: datetime) -> int:
    """An aware datetime as microseconds since 1970, exactly."""
    return (time - EPOCH) // MICROSECOND


def microseconds_of(column: "ir.TimestampColumn") -> "ir.IntegerColumn":
    """A timestamp column as microseconds since 1970, exactly; times without a zone are UTC, infinite ones are NULL.

    `epoch_seconds` alone is a rounded float on some engines, so whole seconds and microseconds are taken apart. DuckDB
    reads times with a zone in the session's zone here, so a source's connection must have `TimeZone` set to UTC.
    """
    last = _LAST_TIME if column.type().timezone else _LAST_TIME.replace(tzinfo=None)
    finite = only(column < ibis.literal(last, type=column.type()), column)
    seconds = finite.truncate("s").epoch_seconds().cast("int64")
    return seconds * 1_000_000 + finite.microsecond().cast("int64")


def only(condition: "ir.BooleanValue", value: "ir.Value") -> "ir.Value":
    """The value where a condition holds, else NULL: the row is not counted in."""
    return ibis.ifelse(condition, value, ibis.null(value.type()))


def derive(
    calls: "ir.Table", columns: Sequence[str] = CALL_COLUMN_NAMES, origin: "ir.IntegerValue | int" = 0
) -> "ir.Table":
    """The canonical calls with columns that aggregates compute with.

    Adds `started_us` and `at_us` (event time), both counted from the origin, `duration_us` (`at_us - started_us`, never
    negative), `latency` in seconds, `kind` (one of `config.calls.ERROR_TYPES`, NULL when the call succeeded), and the
    booleans `failed`, `cancelled` and `ok`, of which exactly one is true. Impossible numbers (negative, not finite,
    absurdly large) become NULL.

    Args:
        calls: with all canonical columns.
        columns: those that the result keeps; a query is compiled faster without the rest.
        origin: microseconds since 1970.
    """
    numbers = {name: _clean(calls[name]) for name in (*_SECONDS, *TOKEN_COLUMNS, "cost_usd")}
    kept = {name: numbers.get(name, calls[name]) for name in dict.fromkeys((*columns, "latency_s"))}
    calls = calls.select(
        **kept,
        started_us=microseconds_of(calls.started_at) - origin,
        _ended_us=microseconds_of(calls.ended_at) - origin,
        kind=kind_of_error(calls),
        # PostgreSQL flattens nested queries, and would search the message again wherever the kind is used; it does not
        # flatten one that unnests.
        _one=ibis.array([1]).unnest(),
    )
    # A call cannot end before it starts: the clocks of two machines disagree, and such an end is worth nothing.
    by_end = only(calls._ended_us >= calls.started_us, calls._ended_us - calls.started_us)
    by_latency = (calls.latency_s * 1e6 + 0.5).floor().cast("int64")
    duration = ibis.coalesce(by_end, by_latency, 0)
    cancelled = (calls.kind == "cancelled").fill_null(False)
    return calls.select(
        *columns,
        "started_us",
        "kind",
        at_us=calls.started_us + duration,
        duration_us=duration,
        latency=ibis.coalesce(calls.latency_s, by_end.cast("float64") / 1e6),
        cancelled=cancelled,
        ok=calls.kind.isnull(),
        failed=calls.kind.notnull() & ~cancelled,
    )


def completed(calls: "ir.Table", times: tuple[int, int, int], max_duration: timedelta) -> "ir.Table":
    """The derived calls that started in `[since, end)` and ended in `[start, end)`, in microseconds from their origin.

    Args:
        calls: derived.
        times: since, start, end.
        max_duration: calls that took longer are left out.
    """
    since, start, end = times
    return calls.filter(
        calls.started_us >= since,
        calls.started_us < end,
        calls.at_us >= start,
        calls.at_us < end,
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
        (status.between(400, 499) & text.re_search(_CONTENT_FILTER), "content_filter"),
        (status.between(400, 499), "bad_request"),
        (status.between(500, 599), "server"),
        (text.strip() == "", ibis.null("string")),
        *((text.re_search(pattern), kind) for kind, pattern in ERROR_PATTERNS),
        else_="other",
    )


def _text(column: "ir.StringColumn") -> "ir.StringColumn":
    return column.fill_null("").left(_TEXT_READ).strip()


def _clean(column: "ir.NumericColumn") -> "ir.NumericColumn":
    """The column where it lies between 0 and what is possible; NaN and infinities do not."""
    name = column.get_name()
    largest, kind = (MAX_TOKENS, "int64") if name in TOKEN_COLUMNS else (MAX_AMOUNT, "float64")
    return only(column.between(0, largest), column).cast(kind)
