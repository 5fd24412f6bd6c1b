"""Calls that repeat what their user or session asked a moment before, counted in the engine over all calls of a window:
a storm is of a few users, and a sample would see a small part of it or none."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import ibis

from detectors.anchored import Anchored, ask
from detectors.derived import EPOCH, MICROSECOND
from detectors.descriptors import RETRY_S
from detectors.measurement import Segment, Window
from detectors.protocols import Calls
from detectors.sampling import md5
from detectors.segments import combination, combination_of
from detectors.storms import Counted

if TYPE_CHECKING:
    import ibis.expr.types as ir

READ = 2_000  # characters of a prompt that are compared
_SENDERS = ("user_id", "session_id")
_BEFORE = timedelta(seconds=RETRY_S)
_DAY = timedelta(days=1)


def retried(log: Calls, window: Window, segment: Segment, max_duration: timedelta) -> Counted:
    """How many calls are retries, and of how many it is known: those with a prompt and a user or session.

    A retry comes at most two minutes after a call of the same user or session with an equal prompt; equal are prompts
    that differ in case, white space and numbers only, in their first 2,000 characters. The first call of a storm is no
    retry. Cancelled and failed calls count: it is these that are retried. Calls before the window are looked at, too.
    One query; it reads the prompts of the window inside the engine, and one row comes back.
    """
    span = window.end - window.start
    counted = ask(log, window.start, _Retried(segment, span, max_duration, span))
    return (int(counted["again"][0]), int(counted["calls"][0])) if len(counted) else (0, 0)


def retried_each(
    log: Calls, span: Window, segment: Segment, max_duration: timedelta, length: timedelta
) -> dict[datetime, Counted]:
    """As `retried`, of each window of a length (from 1970 on) within the span that has a call of which it is known.

    A query a day, so that the engine never holds more of the prompts than a day has.
    """
    found: dict[datetime, Counted] = {}
    for part in _days(span, max(length, _DAY)):
        since = (part.start - EPOCH) % length
        counted = ask(log, part.start, _Retried(segment, part.end - part.start, max_duration, length, since))
        for number, again, calls in zip(counted["number"], counted["again"], counted["calls"], strict=True):
            found[part.start - since + int(number) * length] = int(again), int(calls)
    return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class _Retried:
    """The retries of each window of a length within a span; the span lies `since` after the beginning of a window."""

    segment: Segment
    span: timedelta
    max_duration: timedelta
    length: timedelta
    since: timedelta = timedelta(0)

    def __call__(self, log: Anchored) -> "ir.Table":
        columns = self.segment.columns
        read = tuple(dict.fromkeys(("id", "prompt", *_SENDERS, *columns)))
        calls = log.ended(-_BEFORE, self.span, self.max_duration, read)
        calls = calls.filter(calls.prompt.notnull())
        if columns:
            calls = calls.filter(combination(calls, columns) == combination_of(self.segment))
        # An empty name is none: those who have it are not one sender.
        calls = calls.mutate(form=_form(calls.prompt), **{name: calls[name].nullif("") for name in _SENDERS})
        known = calls.filter(calls["form"] != "", calls.user_id.notnull() | calls.session_id.notnull())
        known = known.mutate(hash=md5(known["form"]))
        soon = [_soon(known, sender) for sender in _SENDERS]
        known = known.mutate(again=soon[0] | soon[1])
        mine = known.filter(known.at_us >= 0)
        number = ((mine.at_us + self.since // MICROSECOND) // (self.length // MICROSECOND)).cast("int64")
        return mine.group_by(number=number).agg(
            calls=lambda table: table.count(), again=lambda table: table.count(where=table["again"])
        )


def _days(span: Window, step: timedelta) -> Iterator[Window]:
    """The span, cut at whole steps since 1970."""
    start = span.start
    while start < span.end:
        end = min(start - (start - EPOCH) % step + step, span.end)
        yield Window(start, end)
        start = end


def _form(prompt: "ir.Value") -> "ir.StringValue":
    """What is compared of a prompt."""
    words: ir.StringValue = prompt.left(READ).lower().re_replace(r"[0-9]+", "0").re_replace(r"\s+", " ").strip()
    return words


def _soon(calls: "ir.Table", sender: str) -> "ir.BooleanValue":
    """Whether the call before with the same sender and form is no longer ago than this; false without a sender."""
    order = ibis.window(group_by=[sender, "hash"], order_by=[calls.at_us.asc(), calls["id"].asc()])
    ago = calls.at_us - calls.at_us.lag().over(order)
    found: ir.BooleanValue = ibis.coalesce(ago <= _BEFORE // MICROSECOND, ibis.literal(False)) & calls[sender].notnull()
    return found
