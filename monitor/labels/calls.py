"""The calls that labels are about, looked up in the log: when they were completed, and what they say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import isnan
from typing import Final

import ibis

from config.criteria import Need
from config.sources.common import Redaction
from detectors.derived import EPOCH, MICROSECOND, derive
from detectors.engine import fetch
from detectors.judge.prompt import Item
from detectors.measurement import Window
from monitor.house import Watched
from monitor.judging.items import read_items
from monitor.redact import Redactor

IN_A_QUERY: Final = 500
_TEXTS: Final = ("prompt", "response", "reference", "context", "system_prompt", "trajectory")


@dataclass(frozen=True, slots=True)
class Answered:
    """A call that was answered, and when."""

    id: str
    at: datetime


def completed_at(watched: Watched, ids: Sequence[str], since: datetime, until: datetime) -> dict[str, datetime]:
    """When each call that is found was completed.

    Args:
        watched: the source, which this thread may use.
        ids: of the calls.
        since, until: when they started.
    """
    found: dict[str, datetime] = {}
    wanted = list(dict.fromkeys(ids))
    for first in range(0, len(wanted), IN_A_QUERY):
        calls = derive(watched.source.calls(since, until), ("id",))
        calls = calls.filter(calls.id.cast("string").isin(wanted[first : first + IN_A_QUERY]))
        frame = fetch(calls.select(id=calls.id.cast("string"), at_us=calls.at_us))
        found |= {
            str(each): EPOCH + int(at) * MICROSECOND
            for each, at in zip(frame["id"], frame["at_us"], strict=True)
            if not isnan(at)  # a call without a readable start has no time
        }
    return found


def within(watched: Watched, steps: Sequence[str], since: datetime, until: datetime) -> dict[str, list[Answered]]:
    """The answered calls that were made in a step or a trace, by its id.

    Args:
        watched: the source; its lock is taken here.
        steps: ids of what made the calls, or of their traces.
        since, until: when they started.
    """
    columns = [each for each in ("parent_id", "trace_id") if each in watched.source.columns]
    found: dict[str, list[Answered]] = {}
    wanted = list(dict.fromkeys(steps))
    for first in range(0, len(wanted) if columns else 0, IN_A_QUERY):
        some = wanted[first : first + IN_A_QUERY]
        with watched.using:
            calls = derive(watched.source.calls(since, until), ("id", *columns))
            calls = calls.filter(calls.ok, ibis.or_(*(calls[each].cast("string").isin(some) for each in columns)))
            kept = {each: calls[each].cast("string") for each in columns}
            frame = fetch(calls.select(id=calls.id.cast("string"), at_us=calls.at_us, **kept))
        for row in frame.to_dict("records"):
            if not isnan(row["at_us"]):
                call = Answered(str(row["id"]), EPOCH + int(row["at_us"]) * MICROSECOND)
                for step in {row[each] for each in columns} & set(some):
                    found.setdefault(step, []).append(call)
    return found


def item_of(watched: Watched, call_id: str, at: datetime, needs: Iterable[Need]) -> Item | None:
    """What a call says, redacted always, as people are shown it. None when the log does not have it any more.

    Args:
        watched: the source; its lock is taken here.
        call_id: the call.
        at: when it was completed.
        needs: the texts that are wanted.
    """
    found = read_items(watched, [call_id], Window(at, at + MICROSECOND), needs)
    return redacted(found[call_id]) if call_id in found else None


def redacted(item: Item, settings: Redaction | None = None) -> Item:
    """The texts of a call without what is sensitive, also where the source's own redaction is off."""
    redact = Redactor.always(settings or Redaction()).redact
    texts: Mapping[str, str | None] = {name: getattr(item, name) for name in _TEXTS}
    return replace(item, **{name: redact(text) for name, text in texts.items() if text is not None})
