"""From alerts to messages: what holds each of them back, how they are grouped, what the receiver knows, what is due.

Pure functions over values; every decision has a named outcome and is kept with the steps that led to it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.digest import digest_key, is_too_much
from alerts.grouping import Group, Identity, active, fingerprint, identity, may_speak_at, repeats_at, states
from alerts.messages import message, worst
from alerts.notifier import AlertView, Message
from alerts.steps import Moment, Outcome, Said, examine, stopped
from alerts.verdicts import Draft, Verdict, news_of
from config.types import format_duration

NEWS = (Outcome.FIRST, Outcome.CHANGED, Outcome.RESOLVED)


@dataclass(slots=True)
class Run:
    """What one run through the pipeline leads to.

    Attributes:
        groups: all of them, as they are afterwards, by key.
        messages: those that are due, each with its group as it was before.
        verdicts: what is new about single alerts.
    """

    groups: dict[str, Group] = field(default_factory=dict)
    messages: list[tuple[Group, Message]] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)


def run(groups: Mapping[str, Group], moment: Moment, at: datetime, prefix: str = "") -> Run:
    """Sends every group through the steps, and says which messages are due.

    Args:
        groups: all that are open or have something to tell, with what fires in them.
        moment: what the steps need to know.
        at: when this is decided: the end of a slot, or now.
        prefix: of the keys of digests.
    """
    drafts = [_draft(group.not_after(moment.now), moment) for _, group in sorted(groups.items()) if not group.digest]
    digests = {key: group.not_after(moment.now) for key, group in groups.items() if group.digest}
    _join(drafts, digests, moment, prefix)
    done = Run()
    for draft in [*drafts, *(_draft(group, moment) for _, group in sorted(digests.items()))]:
        done.groups[draft.group.key] = _finish(draft, moment, at, done)
    return done


def decide(group: Group, shown: Sequence[AlertView]) -> Outcome:
    """Compares what fires with what the receiver was told."""
    if not group.is_open:
        return Outcome.FIRST if shown else Outcome.NOTHING
    if not shown:
        return Outcome.RESOLVED
    return Outcome.UNCHANGED if states(shown) == states(group.told) else Outcome.CHANGED


def _draft(group: Group, moment: Moment) -> Draft:
    way, told = moment.way(group.receiver), group.told_active()
    said, shown = {}, []
    for view in active(group.members):
        which = identity(view.labels)
        said[which] = examine(view, way, moment)
        if not stopped(said[which]):
            taken = moment.acknowledged.get(fingerprint(view.labels))
            shown.append(view if taken is None else replace(view, acknowledged_by=taken.by))
        elif which in told:
            # What is held back stays as it was told: neither news of it nor its end.
            shown.append(told[which])
    outcome = decide(group, shown)
    if outcome is Outcome.UNCHANGED:
        outcome = _again(group, said, moment)
    if outcome not in NEWS:
        return Draft(replace(group, waiting_since=None), said, tuple(shown), outcome)
    group = replace(group, waiting_since=group.waiting_since or moment.now)
    return _timed(Draft(group, said, tuple(shown), outcome), moment)


def _timed(draft: Draft, moment: Moment) -> Draft:
    """The same draft, waiting if it is too early."""
    group, way = draft.group, moment.way(draft.group.receiver)
    opens = draft.outcome is Outcome.FIRST and not group.digest
    until = may_speak_at(group, way, opens=opens)
    prompt = all(view.labels["rule"] in moment.prompt_rules for view in group.members)
    if until is None or until <= moment.now or prompt:
        return draft
    is_interval = group.told_at is not None and until == group.told_at + way.interval
    name, length = ("group_interval", way.interval) if is_interval else ("group_wait", way.wait)
    return replace(draft, until=until, why=f"{name} {format_duration(length)}")


def _again(group: Group, said: Mapping[Identity, Sequence[Said]], moment: Moment) -> Outcome:
    """What may be said although nothing is new: that somebody took it on, or that it still fires."""
    free = [view for which, view in group.told_active().items() if not stopped(said.get(which, ()))]
    if not free:
        return Outcome.UNCHANGED
    if not group.acknowledged and _is_taken(group.told, moment):
        return Outcome.ACKNOWLEDGED
    again = repeats_at(group, moment.way(group.receiver))
    is_due = again is not None and again <= moment.now and not _is_taken(free, moment)
    return Outcome.REPEATED if is_due else Outcome.UNCHANGED


def _is_taken(views: Iterable[AlertView], moment: Moment) -> bool:
    """Whether somebody has taken on everything that is active."""
    return all(fingerprint(view.labels) in moment.acknowledged for view in active(views))


def _join(drafts: Iterable[Draft], digests: dict[str, Group], moment: Moment, prefix: str) -> None:
    """Puts what opens at once, if it is too much, into the digest of its receiver and severity."""
    opening: dict[tuple[str, str], list[Draft]] = defaultdict(list)
    for draft in drafts:
        if draft.opens and not all(view.labels["rule"] in moment.prompt_rules for view in draft.shown):
            opening[draft.group.receiver, worst(draft.shown)].append(draft)
    for (receiver, severity), together in opening.items():
        way = moment.way(receiver)
        if not is_too_much(len(together), way.digest_above):
            continue
        key = digest_key(receiver, severity, prefix)
        digest = digests.get(key) or Group(key, receiver, digest=True)
        until = may_speak_at(digest, way, opens=False)
        if until is not None and until > moment.now:
            for draft in together:
                draft.until, draft.why = until, f"many begin at once, group_interval {format_duration(way.interval)}"
            continue
        digests[key] = replace(digest, wanted=(*digest.members, *(view for draft in together for view in draft.shown)))
        for draft in together:
            draft.leave()


def _finish(draft: Draft, moment: Moment, at: datetime, done: Run) -> Group:
    """The group afterwards; its message and what is new about its alerts are added to `done`."""
    group = draft.group
    verdicts, kept = news_of(draft, moment)
    done.verdicts += verdicts
    told = group.told_active()
    if not draft.is_sent:
        rest = tuple(each for each in group.members if each.state != "resolved" or identity(each.labels) in told)
        return replace(group, wanted=rest, kept=kept).settled()
    ended = (each for each in group.members if each.state == "resolved")
    said = message(group, draft.outcome, (*draft.shown, *ended), at)
    done.messages.append((group, said))
    goes_on = said.action != "resolve"
    is_taken = draft.outcome is Outcome.ACKNOWLEDGED or group.acknowledged
    return replace(
        group,
        is_open=goes_on,
        told=said.alerts if goes_on else (),
        wanted=active(group.members),
        waiting_since=None,
        # An acknowledgement is a person's act: the alert's own messages keep their rhythm.
        told_at=group.told_at if draft.outcome is Outcome.ACKNOWLEDGED else moment.now,
        acknowledged=goes_on and is_taken and _is_taken(said.alerts, moment),
        kept=kept,
    ).settled()
