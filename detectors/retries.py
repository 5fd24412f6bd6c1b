"""Calls that repeat what their user or session asked a moment before, counted in the engine over all calls of a window:
a storm is of a few users, and a sample would see a small part of it or none."""

from datetime import timedelta

import ibis
import ibis.expr.types as ir

from detectors.derived import MICROSECOND, ended_between, microseconds
from detectors.descriptors import RETRY_S
from detectors.engine import fetch
from detectors.measurement import Segment, Window
from detectors.protocols import Calls
from detectors.sampling import md5
from detectors.segments import combination, combination_of

READ = 2_000  # characters of a prompt that are compared
_SENDERS = ("user_id", "session_id")


def retried(log: Calls, window: Window, segment: Segment, max_duration: timedelta) -> tuple[int, int]:
    """How many calls are retries, and of how many it is known: those with a prompt and a user or session.

    A retry comes at most two minutes after a call of the same user or session with an equal prompt; equal are prompts
    that differ in case, white space and numbers only, in their first 2,000 characters. The first call of a storm is no
    retry. Cancelled and failed calls count: it is these that are retried. Calls before the window are looked at, too.
    One query; it reads the prompts of the window inside the engine, and one row comes back.
    """
    before = timedelta(seconds=RETRY_S)
    columns = segment.columns
    read = tuple(dict.fromkeys(("id", "prompt", *_SENDERS, *columns)))
    calls = ended_between(log, window.start - before, window.end, max_duration, read)
    calls = calls.filter(calls.prompt.notnull())
    if columns:
        calls = calls.filter(combination(calls, columns) == combination_of(segment))
    # An empty name is none: those who have it are not one sender.
    calls = calls.mutate(form=_form(calls.prompt), **{name: calls[name].nullif("") for name in _SENDERS})
    known = calls.filter(calls["form"] != "", calls.user_id.notnull() | calls.session_id.notnull())
    known = known.mutate(hash=md5(known["form"]))
    soon = [_soon(known, sender, before) for sender in _SENDERS]
    known = known.mutate(again=soon[0] | soon[1])
    mine = known.filter(known.at_us >= microseconds(window.start))
    counted = fetch(mine.agg(calls=mine.count(), again=mine.count(where=mine["again"])))
    return int(counted["again"][0]), int(counted["calls"][0])


def _form(prompt: "ir.Value") -> "ir.StringValue":
    """What is compared of a prompt."""
    words: ir.StringValue = prompt.left(READ).lower().re_replace(r"[0-9]+", "0").re_replace(r"\s+", " ").strip()
    return words


def _soon(calls: "ir.Table", sender: str, before: timedelta) -> "ir.BooleanValue":
    """Whether the call before with the same sender and form is no longer ago than this; false without a sender."""
    order = ibis.window(group_by=[sender, "hash"], order_by=[calls.at_us.asc(), calls["id"].asc()])
    ago = calls.at_us - calls.at_us.lag().over(order)
    found: ir.BooleanValue = ibis.coalesce(ago <= before // MICROSECOND, ibis.literal(False)) & calls[sender].notnull()
    return found
