"""The calls of a trace, read from the log: two queries, no text longer than what is read of it."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import ibis

from detectors.derived import derive
from detectors.engine import fetch
from detectors.measurement import Window
from detectors.protocols import Calls

if TYPE_CHECKING:
    import ibis.expr.types as ir

MOST_CALLS: Final = 100  # of a trace: the first ones
READ: Final = 200_000  # characters of tool calls or messages: a longer one is no JSON once it is cut, and is left out
SAID: Final = 2_000  # characters of an answer or an error
JSON: Final = ("tool_calls", "messages")
_TEXTS: Final = ("response", "error")

Row = dict[str, Any]


def traced(log: Calls, calls: Sequence[str], window: Window, reach: timedelta) -> tuple[dict[str, Row], list[Row]]:
    """Some calls by id, and the first calls of their traces.

    Args:
        log: where the calls are.
        calls: ids.
        window: when they ended.
        reach: how long a trace may be: how far before and after the window its calls are looked for.

    Returns:
        Rows with `id`, `trace_id` (empty where there is none), `at_us` (event time, microseconds since 1970),
        `tool_calls`, `messages`, `response` and `error`.
    """
    all_of_them = derive(log.calls(window.start - reach, window.end + reach), ("id", "trace_id", *JSON, *_TEXTS))
    known = all_of_them.mutate(id=all_of_them.id.cast("string"), trace_id=all_of_them.trace_id.fill_null("").strip())
    known = known.filter(known.at_us.notnull())  # a call without a readable start has no time
    mine = {row["id"]: row for row in _rows(known.filter(known.id.isin(list(calls))))}
    traces = sorted({row["trace_id"] for row in mine.values()} - {""})
    if not traces:
        return mine, []
    some = known.filter(known.trace_id.isin(traces))
    order = ibis.window(group_by="trace_id", order_by=[some.at_us.asc(), some.id.asc()])
    ranked = some.mutate(_place=ibis.row_number().over(order))
    return mine, _rows(ranked.filter(ranked._place < MOST_CALLS))


def _rows(log: "ir.Table") -> list[Row]:
    whole = {name: ibis.ifelse(log[name].length() <= READ, log[name], ibis.null("string")) for name in JSON}
    short = {name: log[name].left(SAID) for name in _TEXTS}
    frame = fetch(log.select("id", "trace_id", "at_us", **whole, **short))
    texts = {name: [each if isinstance(each, str) else None for each in frame[name]] for name in (*JSON, *_TEXTS)}
    columns = {name: frame[name].tolist() for name in ("id", "trace_id", "at_us")} | texts
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
