"""What became of each alert on its way to a receiver: kept, so that a person can ask why a message was made or not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from alerts.grouping import Group, Identity, active, fingerprint, identity, states
from alerts.messages import ACTIONS
from alerts.notifier import AlertView
from alerts.steps import PASSED, Moment, Outcome, Said, stopped
from alerts.wording import moment as spelled
from config.types import format_duration

SENT = frozenset({*ACTIONS, Outcome.DIGEST})
HELD = frozenset({Outcome.INHIBITED, Outcome.STALE, Outcome.SILENCED, Outcome.MUTED})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one alert on its way to one receiver, and by which steps."""

    alert: str
    receiver: str
    key: str
    outcome: Outcome
    steps: tuple[Said, ...]

    @property
    def is_sent(self) -> bool:
        """Whether a message tells of it."""
        return self.outcome in SENT

    @property
    def word(self) -> str:
        """What it is told apart by: another silence is news, another time to wait until is not."""
        return f"{self.outcome}: {self.steps[-1].text}" if self.outcome in HELD else self.outcome


@dataclass(slots=True)
class Draft:
    """A group on its way through the steps.

    Attributes:
        said: what the steps have found about each alert that fires.
        shown: what the receiver would know after a message.
        until: when its message may be made; None when that is now.
        why: what it waits for.
    """

    group: Group
    said: dict[Identity, tuple[Said, ...]]
    shown: tuple[AlertView, ...]
    outcome: Outcome
    until: datetime | None = None
    why: str = ""

    @property
    def opens(self) -> bool:
        """Whether a first message is due."""
        return self.outcome is Outcome.FIRST and self.until is None

    @property
    def is_sent(self) -> bool:
        """Whether a message is made."""
        return self.outcome in ACTIONS and self.until is None

    def leave(self) -> None:
        """What would be shown is told elsewhere; what is held back stays."""
        rest = (each for each in active(self.group.members) if stopped(self.said[identity(each.labels)]))
        self.group = replace(self.group, wanted=tuple(rest), waiting_since=None)
        self.shown, self.outcome = (), Outcome.NOTHING


def news_of(draft: Draft, moment: Moment) -> tuple[list[Verdict], Mapping[str, str]]:
    """What is to be written down of the alerts of a group, and what was written down last of each that stays."""
    before, kept = draft.group.kept, dict[str, str]()
    told = draft.group.told_active()
    known = states(told.values())
    found = []
    for view in draft.group.members:
        verdict = _verdict(draft, view, bool(states([view]) & known), moment)
        last = before.get(verdict.alert)
        knew = verdict.outcome is Outcome.UNCHANGED and (last is None or last in SENT)
        if verdict.is_sent or not (knew or verdict.word == last):
            found.append(verdict)
        if view.state != "resolved" or not draft.is_sent:
            kept[verdict.alert] = last if knew and last is not None else verdict.word
    return found, kept


def _verdict(draft: Draft, view: AlertView, is_known: bool, moment: Moment) -> Verdict:
    outcome, steps = _outcome(draft, view, is_known), draft.said.get(identity(view.labels), ())
    if not stopped(steps):
        steps = (*steps, *_last_steps(draft, outcome, moment, view))
    group = draft.group
    return Verdict(fingerprint(view.labels), group.receiver, group.key, outcome, steps)


def _outcome(draft: Draft, view: AlertView, is_known: bool) -> Outcome:
    which = identity(view.labels)
    steps = draft.said.get(which, ())
    if view.state == "resolved":
        was_told = which in draft.group.told_active()
        return (Outcome.RESOLVED if draft.is_sent else Outcome.WAITING) if was_told else Outcome.NEVER_TOLD
    if stopped(steps):
        return Outcome(steps[-1].outcome)
    if draft.is_sent and draft.outcome in (Outcome.REPEATED, Outcome.ACKNOWLEDGED):
        return draft.outcome
    if is_known or not draft.is_sent:
        return Outcome.UNCHANGED if is_known else Outcome.WAITING
    return Outcome.DIGEST if draft.group.digest else draft.outcome


def _last_steps(draft: Draft, outcome: Outcome, moment: Moment, view: AlertView) -> tuple[Said, ...]:
    """Grouping and deduplication, in words."""
    if outcome is Outcome.WAITING:
        until = "its turn" if draft.until is None else spelled(draft.until)
        return (Said("grouping", outcome, f"waits until {until} ({draft.why})"),)
    words = {
        Outcome.FIRST: "the first message of its group",
        Outcome.CHANGED: "the receiver knew its group, and not this",
        Outcome.RESOLVED: "its start was told, so its end is too",
        Outcome.NEVER_TOLD: "its start was never told, so neither is its end",
        Outcome.UNCHANGED: "the receiver knows it already",
        Outcome.DIGEST: f"in one message with {len(draft.shown) - 1} others that began at once",
        Outcome.REPEATED: f"it still fires after {format_duration(moment.way(draft.group.receiver).repeat)}",
        Outcome.ACKNOWLEDGED: "somebody has taken it on",
    }
    if outcome is Outcome.ACKNOWLEDGED and (taken := moment.acknowledged.get(fingerprint(view.labels))) is not None:
        words[outcome] = f"{taken.by} has taken it on at {spelled(taken.at)}"
    return Said("grouping", PASSED, "its group may speak"), Said("deduplication", outcome, words[outcome])
