"""What may hold an alert back: small steps in a row, each a pure function that says what it found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from alerts.grouping import Way, fingerprint
from alerts.inhibition import Inhibitor, Labels, inhibiting
from alerts.intervals import covering
from alerts.notifier import AlertView
from alerts.silences import Silence, silencing
from alerts.wording import moment as spelled


class Outcome(StrEnum):
    """Why a message is or is not made; the label of `watchkeeper_notifications_total{outcome}`. A closed set."""

    # A message is made.
    FIRST = "first"
    CHANGED = "changed"
    RESOLVED = "resolved"
    REPEATED = "repeated"
    ACKNOWLEDGED = "acknowledged"
    DIGEST = "digest"  # together with many others that began at once
    # None is made, because …
    INHIBITED = "inhibited"  # another alert that fires explains this one
    STALE = "stale"  # its source is catching up: what it last said may be over
    SILENCED = "silenced"  # somebody asked for silence
    MUTED = "muted"  # not at this time
    WAITING = "waiting"  # the group waits for others, or the last message is too fresh
    NEVER_TOLD = "never_told"  # it ended, and its start was never told
    UNCHANGED = "unchanged"  # the receiver knows
    NOTHING = "nothing"


PASSED = "passed"


class Said(NamedTuple):
    """What one step found: its name, its outcome, and a sentence for people."""

    step: str
    outcome: str
    text: str


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody has taken an alert on."""

    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Moment:
    """What the steps need to know, as of one moment.

    Attributes:
        now: the time by which messages are made: the wall clock, or in a replay the end of the slot.
        ways: how each receiver wants to be told, by name.
        inhibitors: the rules of inhibition with what fires on their source side.
        silences: those that hold now.
        behind: sources that are catching up.
        own_rules: rules that are stepped on `now`, whatever their source does.
        prompt_rules: rules that are told as they happen, without group_wait and group_interval: tests of the way.
        acknowledged: the alerts that somebody has taken on, by fingerprint.
    """

    now: datetime
    ways: Mapping[str, Way] = field(default_factory=dict)
    inhibitors: Sequence[Inhibitor] = ()
    silences: Sequence[Silence] = ()
    behind: frozenset[str] = frozenset()
    own_rules: frozenset[str] = frozenset()
    prompt_rules: frozenset[str] = frozenset()
    acknowledged: Mapping[str, Acknowledgement] = field(default_factory=dict)

    def way(self, receiver: str) -> Way:
        """How a receiver wants to be told; one that has gone wants nothing in particular."""
        return self.ways.get(receiver, Way())


def examine(view: AlertView, way: Way, moment: Moment) -> tuple[Said, ...]:
    """The steps that an alert has gone through on its way to one receiver: the last one stopped it, or none did."""
    said = []
    for step in (_inhibition, _freshness, _silences, _intervals):
        said.append(step(view.labels, way, moment))
        if said[-1].outcome != PASSED:
            break
    return tuple(said)


def stopped(said: Sequence[Said]) -> bool:
    """Whether one of the steps held the alert back."""
    return bool(said) and said[-1].outcome != PASSED


def _inhibition(labels: Labels, way: Way, moment: Moment) -> Said:
    other = inhibiting(labels, moment.inhibitors)
    if other is None:
        return Said("inhibition", PASSED, "no alert that fires holds it back")
    text = f"held back while {other['rule']} fires on {other['source']} (alert {fingerprint(other)})"
    return Said("inhibition", Outcome.INHIBITED, text)


def _freshness(labels: Labels, way: Way, moment: Moment) -> Said:
    source = labels["source"]
    if source in moment.behind and labels["rule"] not in moment.own_rules:
        text = f"held back while {source} catches up with its log: what is known of this alert may be over"
        return Said("freshness", Outcome.STALE, text)
    return Said("freshness", PASSED, f"{source} is measured up to now")


def _silences(labels: Labels, way: Way, moment: Moment) -> Said:
    found = silencing(labels, moment.silences)
    if found is None:
        return Said("silences", PASSED, "no silence fits it")
    text = f"silence {found.id} of {found.author} holds until {spelled(found.ends_at)}: {found.reason}"
    return Said("silences", Outcome.SILENCED, text)


def _intervals(labels: Labels, way: Way, moment: Moment) -> Said:
    muted = covering(way.mute, moment.now)
    if muted is not None:
        return Said("time intervals", Outcome.MUTED, f"the receiver is mute in the interval {muted}")
    if way.active and covering(way.active, moment.now) is None:
        text = f"the receiver is told only in {', '.join(way.active)}"
        return Said("time intervals", Outcome.MUTED, text)
    return Said("time intervals", PASSED, "the receiver may be told at this time")
