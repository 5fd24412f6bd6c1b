"""When a text stream is learnt, from what, and how far its baseline may be trusted: pure rules."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from detectors.measurement import Window
from monitor.slots import floor

DAY = timedelta(days=1)

# A baseline of fewer days has not seen a weekend: what it finds is shown, and nobody should be paged for it.
FIRST_AFTER = timedelta(days=7)

# What is learnt anew ends this long before the present, so that it does not take in what is just drifting.
LAG = timedelta(days=7)

Phase = Literal["learning", "provisional", "ready"]


@dataclass(frozen=True, slots=True)
class Rules:
    """How a stream is to be learnt.

    Attributes:
        wanted: how much of the log a baseline should cover.
        refit: how old a baseline may become, beyond `LAG`, before a new one is learnt; zero is for ever.
    """

    wanted: timedelta
    refit: timedelta = timedelta(0)


@dataclass(frozen=True, slots=True)
class Known:
    """The baseline that a stream is measured against.

    Attributes:
        span: what it was learnt from.
        read_until: end of the last window that was measured against it.
        automatic: whether the service accepted it, not a person.
    """

    span: Window
    read_until: datetime
    automatic: bool = True


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


def plan(begin: datetime, complete_until: datetime, rules: Rules, known: Known | None) -> Plan:
    """Decides what to learn.

    A stream is learnt from the first `wanted` of its log. When there is less, it is learnt after a week for the time
    being, and once more when there is enough. From then on it is learnt anew every `refit`, from whole days that lie
    `LAG` back.

    Args:
        begin: where the log, as far as it is watched, begins.
        complete_until: what the source vouches for.
        rules: how it is to be learnt.
        known: what it is measured against, None when there is nothing.
    """
    have = max(complete_until - begin, timedelta(0))
    if known is None:
        if have < min(FIRST_AFTER, rules.wanted):
            return Plan("learning", None, have)
        return Plan("learning", Window(begin, begin + min(have, rules.wanted)), have)
    if known.span.length >= rules.wanted:
        return Plan("ready", _anew(begin, complete_until, rules, known), have)
    if known.automatic and known.span.start <= begin:
        return Plan("provisional", Window(begin, begin + rules.wanted) if have >= rules.wanted else None, have)
    return Plan("provisional", _anew(begin, complete_until, rules, known), have)


def newest(complete_until: datetime, wanted: timedelta) -> Window:
    """The newest stretch of whole days to learn from."""
    until = floor(complete_until, DAY) - LAG
    return Window(until - wanted, until)


def _anew(begin: datetime, complete_until: datetime, rules: Rules, known: Known) -> Window | None:
    """What to learn from in place of what is known, when it is time.

    Not before everything up to the new stretch's end has been measured against the old. What a person accepted marks a
    planned change: a new one is learnt from what came after it, as soon as that is enough.
    """
    span = newest(complete_until, rules.wanted)
    is_due = bool(rules.refit) and span.end - known.span.end >= rules.refit and known.read_until >= span.end
    oldest = known.span.start if known.automatic else known.span.end
    return span if is_due and span.start >= max(begin, oldest) else None
