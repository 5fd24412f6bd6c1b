"""The calls that labels are about, looked up in the log: when they were completed, and what they say."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from math import isnan
from typing import Final

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
    redact = Redactor((settings or Redaction()).model_copy(update={"enabled": True})).redact
    texts: Mapping[str, str | None] = {name: getattr(item, name) for name in _TEXTS}
    return replace(item, **{name: redact(text) for name, text in texts.items() if text is not None})
