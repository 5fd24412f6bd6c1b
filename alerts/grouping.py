"""Groups of alerts: which alert belongs to which message, what a receiver was told of it, and when it may hear more."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache

from alerts.intervals import Intervals
from alerts.notifier import AlertView
from config.receivers import AnyReceiver
from config.routing import Routing

Identity = frozenset[tuple[str, str]]

NEVER = timedelta(0)  # a repeat_interval
GROUP_WAIT = timedelta(seconds=30)
GROUP_INTERVAL = timedelta(minutes=5)
REPEAT_INTERVAL = timedelta(days=1)
REMEMBERED = 16_384  # names of alerts and groups, which every run of the pipeline asks for many times


@dataclass(frozen=True, slots=True)
class Way:
    """How a receiver wants to be told.

    Attributes:
        wait: how long the first message of a group waits for others.
        interval: the least time between two messages about a group.
        repeat: how often what still fires is told again; 0 is never.
        digest_above: more messages than this that open at once are one; 0 is never.
        mute: intervals in which nothing new is told, by name.
        active: intervals outside of which nothing new is told; empty is always.
    """

    wait: timedelta = timedelta(0)
    interval: timedelta = timedelta(0)
    repeat: timedelta = NEVER
    digest_above: int = 0
    mute: Intervals = field(default_factory=dict)
    active: Intervals = field(default_factory=dict)

    @classmethod
    def of(cls, receiver: AnyReceiver, routing: Routing) -> "Way":
        """What is set for a receiver, and what stands for the rest."""
        routes_itself = receiver.kind == "alertmanager"
        wait, interval, repeat = (
            (NEVER, NEVER, NEVER)
            if routes_itself
            else (NEVER if receiver.group_by is None else GROUP_WAIT, GROUP_INTERVAL, REPEAT_INTERVAL)
        )
        named = routing.time_intervals
        return cls(
            wait=wait if receiver.group_wait is None else receiver.group_wait,
            interval=interval if receiver.group_interval is None else receiver.group_interval,
            repeat=repeat if receiver.repeat_interval is None else receiver.repeat_interval,
            digest_above=0 if routes_itself else routing.digest_above,
            mute={name: named[name] for name in receiver.mute_time_intervals},
            active={name: named[name] for name in receiver.active_time_intervals},
        )


@dataclass(frozen=True, slots=True)
class Group:
    """What a receiver is to know of a group of alerts, and what it was told.

    Attributes:
        is_open: whether its last message was no end.
        told: the alerts of its last message, while it is open.
        wanted: what fires in it, and what ended and was not told yet; None where that is what was told.
        waiting_since: since when it has something new that was not told.
        told_at: when its last message was made (wall clock).
        digest: whether it is the one message for many alerts that began at once.
        acknowledged: whether the receiver was told that somebody has taken on all of it.
        kept: what was last written down of each alert, by fingerprint.
    """

    key: str
    receiver: str
    is_open: bool = False
    told: tuple[AlertView, ...] = ()
    wanted: tuple[AlertView, ...] | None = None
    waiting_since: datetime | None = None
    told_at: datetime | None = None
    digest: bool = False
    acknowledged: bool = False
    kept: Mapping[str, str] = field(default_factory=dict)

    @property
    def members(self) -> tuple[AlertView, ...]:
        """What fires in it, and what ended and was not told yet."""
        return active(self.told) if self.wanted is None else self.wanted

    def told_active(self) -> dict[Identity, AlertView]:
        """The alerts that the receiver takes for active."""
        return {identity(each.labels): each for each in active(self.told)} if self.is_open else {}

    def not_after(self, now: datetime) -> "Group":
        """The same group after the clock was set back: what lies in the future is taken as now."""
        told_at, waiting = self.told_at, self.waiting_since
        if (told_at is None or told_at <= now) and (waiting is None or waiting <= now):
            return self
        return replace(
            self,
            told_at=None if told_at is None else min(told_at, now),
            waiting_since=None if waiting is None else min(waiting, now),
        )

    def settled(self) -> "Group":
        """The same group, that it wants what was told said by None."""
        over = any(each.state == "resolved" for each in self.members)
        return self if over or states(self.members) != states(self.told) else replace(self, wanted=None)

    def says_as_much_as(self, other: "Group") -> bool:
        """Whether two groups differ in nothing but numbers of alerts that were not told."""
        mine, theirs = replace(self, wanted=None), replace(other, wanted=None)
        return mine == theirs and [(each.state, each.labels, each.ended) for each in self.members] == [
            (each.state, each.labels, each.ended) for each in other.members
        ]

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to tell of it."""
        return not self.is_open and not self.members


def active(views: Iterable[AlertView]) -> tuple[AlertView, ...]:
    """Those that are not over."""
    return tuple(each for each in views if each.state != "resolved")


def states(views: Iterable[AlertView]) -> set[tuple[object, ...]]:
    """What is compared of alerts: their states and labels, not their numbers."""
    return {(each.state, frozenset(each.labels.items())) for each in active(views)}


def identity(labels: Mapping[str, str]) -> Identity:
    """Which alert some labels are of, whatever its severity."""
    return _identity(tuple(labels.items()))


def fingerprint(labels: Mapping[str, str]) -> str:
    """A short name of the alert with these labels, the same as long as the alert is."""
    return _fingerprint(identity(labels))


def group_key(receiver: str, labels: Mapping[str, str], group_by: Sequence[str] | None, prefix: str = "") -> str:
    """The deduplication key: a hash of the receiver and the group's labels.

    By default the group is all labels: one message an alert.
    """
    chosen = sorted((name, value) for name, value in labels.items() if group_by is None or name in group_by)
    return f"{prefix}watchkeeper-{_hash(receiver, tuple(chosen))[:32]}"


@lru_cache(REMEMBERED)
def _identity(labels: tuple[tuple[str, str], ...]) -> Identity:
    return frozenset(each for each in labels if each[0] != "severity")


@lru_cache(REMEMBERED)
def _fingerprint(which: Identity) -> str:
    return hashlib.sha256(json.dumps(sorted(which)).encode()).hexdigest()[:12]


@lru_cache(REMEMBERED)
def _hash(receiver: str, labels: tuple[tuple[str, str], ...]) -> str:
    return hashlib.sha256(json.dumps([receiver, labels]).encode()).hexdigest()


def renewed(group: Group, views: Iterable[AlertView], at: datetime, reasons: Mapping[Identity, str]) -> Group:
    """The group with what fires in it now; what fires no more is kept as ended until that was dealt with.

    Args:
        group: as it was.
        views: everything that fires in it.
        at: when that was decided.
        reasons: why alerts have ended, where that is known.
    """
    before = {identity(each.labels): each for each in group.members}
    fires = {identity(each.labels): each for each in views}
    wanted = [_with_exemplars(each, before.get(which)) for which, each in fires.items()]
    for which, each in before.items():
        if which not in fires:
            over = replace(each, state="resolved", ended=at, reason=reasons.get(which, ""))
            wanted.append(each if each.state == "resolved" else over)
    return replace(group, wanted=tuple(wanted))


def _with_exemplars(view: AlertView, before: AlertView | None) -> AlertView:
    """The alert with the calls that were found when it began to fire."""
    if view.exemplars or before is None or not before.exemplars:
        return view
    return replace(view, exemplars=before.exemplars)


def may_speak_at(group: Group, way: Way, *, opens: bool) -> datetime | None:
    """When the next message about a group may be made; None when at any time."""
    moments = []
    if group.told_at is not None:
        moments.append(group.told_at + way.interval)
    if opens and group.waiting_since is not None:
        moments.append(group.waiting_since + way.wait)
    return max(moments, default=None)


def repeats_at(group: Group, way: Way) -> datetime | None:
    """When what still fires is told again; None when never."""
    if not way.repeat or group.told_at is None:
        return None
    return group.told_at + max(way.repeat, way.interval)
