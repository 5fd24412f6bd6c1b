"""When a text stream is learnt, from what, and how far its baseline may be trusted: pure rules."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from detectors.measurement import Window

# A baseline of fewer days has not seen a weekend: what it finds is shown, and nobody should be paged for it.
FIRST_AFTER = timedelta(days=7)

Phase = Literal["learning", "provisional", "ready"]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done about a stream's baseline now.

    Attributes:
        phase: of the stream as it is: nothing learnt yet, learnt from fewer days than wanted, or whole.
        fit: the stretch to learn from now, None when nothing is to be learnt.
        have: how much of the log there is to learn from.
    """

    phase: Phase
    fit: Window | None
    have: timedelta


def plan(begin: datetime, complete_until: datetime, wanted: timedelta, known: Window | None) -> Plan:
    """Decides what to learn.

    A stream is learnt from the first `wanted` of its log. When there is less, it is learnt after a week for the time
    being, and once more when there is enough.

    Args:
        begin: where the log, as far as it is watched, begins.
        complete_until: what the source vouches for.
        wanted: how much a baseline should cover.
        known: the stretch of the baseline that is in use, None when there is none. One that the user chose is as good
            as any other.
    """
    have = max(complete_until - begin, timedelta(0))
    first = min(FIRST_AFTER, wanted)
    if known is None:
        if have < first:
            return Plan("learning", None, have)
        whole = have >= wanted
        return Plan("learning", Window(begin, begin + (wanted if whole else have)), have)
    if known.length >= wanted or known.start > begin:
        return Plan("ready" if known.length >= wanted else "provisional", None, have)
    return Plan("provisional", Window(begin, begin + wanted) if have >= wanted else None, have)
