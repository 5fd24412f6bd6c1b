"""What docs/architecture.md promises, held against what was decided, made and has arrived."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from alerts.notifier import Message
from alerts.rules import ACTIVE, AlertId
from alerts.view import labels_of
from benchmarks.alert_storm.journal import Made
from benchmarks.alert_storm.service import Service
from benchmarks.alert_storm.story import APP, BATCH, LEVEL, MINUTE, Story, Stretch
from detectors.measurement import Segment

GROUP_INTERVAL = timedelta(minutes=5)
# What is told has to wait for group_wait, group_interval and the longest pause between two tries, a minute each more.
LONGEST_WAY = 13
DECIDED_AFTER = 4  # minutes past the level that must fire: `for: 2m`, and a slot at each end

Labels = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Episode:
    """An alert from the minute in which its start was decided to the one in which its end was; None: it goes on."""

    alert: AlertId
    start: int
    end: int | None


def episodes(service: Service) -> list[Episode]:
    """What people were to know; what a catch-up held back counts from when it was over."""
    begun: dict[AlertId, int] = {}
    found = []
    for change in service.journal.changes:
        if change.after in ACTIVE:
            begun.setdefault(change.alert, change.minute)
        elif change.alert in begun:
            found.append(Episode(change.alert, begun.pop(change.alert), change.minute))
    return [*found, *(Episode(alert, start, None) for alert, start in begun.items())]


def lost(service: Service) -> list[str]:
    """Episodes that a receiver could have been told of, and was not.

    It could if service, source and receiver worked for long enough together while the alert was active and nobody had
    asked for silence.
    """
    heard = {name: _heard(service, name) for name in service.ends}
    trouble = _trouble(service.story)
    blocked = {
        name: trouble | _minutes(service.story, [each.stretch for each in end.outages])
        for name, end in service.ends.items()
    }
    found = []
    for episode in episodes(service):
        rule = service.house.rule_of(episode.alert)
        names = list(service.ends) if rule is None else service.house.receivers_of(episode.alert, rule)
        last = service.minute if episode.end is None else episode.end
        for name in names:
            times = heard[name].get(_labels(episode.alert), [])
            told = any(episode.start <= minute <= last + LONGEST_WAY for minute in times)
            if not told and _longest_free(service, blocked[name], episode, last) > LONGEST_WAY:
                found.append(f"{name}: {episode}")
    return found


def undecided(service: Service) -> list[str]:
    """Times past the level that were long enough, in which everything worked, and that did not become an alert."""
    story, fired = service.story, defaultdict[str, list[Episode]](list)
    for episode in episodes(service):
        if episode.alert.rule == "errors":
            fired[episode.alert.segment.labels[0][1]].append(episode)
    trouble = _trouble(story)
    found = []
    for number, name in enumerate(story.segments):
        for start, end in _runs(story, number):
            calm = not trouble[max(0, start - 60) : end + 3].any()
            # An alert that still fires because of an earlier time goes on.
            fires = any(
                start <= each.start <= end + 2 or (each.start <= start and (each.end is None or start <= each.end))
                for each in fired[name]
            )
            if end - start >= DECIDED_AFTER and calm and not fires:
                found.append(f"{name}: minutes {start} to {end}")
    return found


def too_often(service: Service) -> list[str]:
    """Messages of a group that were made before its interval was over, by the service's clock and by the true one.

    Only that somebody has taken an alert on is said at once.
    """
    last: dict[str, Made] = {}
    found = []
    for made in service.journal.made:
        if made.message.action == "acknowledge":
            continue
        before = last.get(made.group.key)
        last[made.group.key] = made
        if before is not None:
            apart = max(made.now - before.now, (made.minute - before.minute) * MINUTE)
            if apart < GROUP_INTERVAL:
                found.append(f"{made.group.receiver} {made.message.title} after {apart}")
    return found


def stale(service: Service) -> int:
    """Alerts in messages that did not fire when the message was made."""
    return sum(made.unknown for made in service.journal.made)


def order(service: Service) -> tuple[list[str], Counter[str]]:
    """What came in a wrong order, and what came twice: marked as a repetition, harmless, or neither."""
    wrong: list[str] = []
    twice: Counter[str] = Counter()
    for name, end in service.ends.items():
        is_open: dict[str, bool] = {}
        seen: set[tuple[str, str, object]] = set()
        for arrival in end.arrived:
            message, key = arrival.message, arrival.message.key
            what = (key, message.action, message.at)
            if what in seen:
                twice["harmless" if end.deduplicates else "marked" if message.repeated else "unmarked"] += 1
                continue
            seen.add(what)
            opened = is_open.get(key, False)
            if (message.action == "trigger") == opened and not (end.deduplicates and message.action == "resolve"):
                wrong.append(f"{name} {arrival.minute} {message.action}: {message.title}")
            is_open[key] = message.action != "resolve"
    return wrong, twice


def left_open(service: Service) -> list[str]:
    """What a receiver takes for active at the end and the service does not, or the other way round."""
    active = {_labels(each) for each, alert in service.alerts().items() if alert.state in ACTIVE}
    found = []
    for name, end in service.ends.items():
        newest: dict[str, Message] = {arrival.message.key: arrival.message for arrival in end.arrived}
        open_there = {
            tuple(sorted((key, value) for key, value in view.labels.items() if key != "severity"))
            for message in newest.values()
            if message.action != "resolve"
            for view in message.alerts
            if view.state != "resolved"
        }
        own = {labels for labels in active if dict(labels).get("receiver") != name}
        found += [f"{name} has {dict(labels)}" for labels in open_there - own]
        found += [f"{name} lacks {dict(labels)}" for labels in own - open_there]
    return found


def gone(service: Service) -> list[str]:
    """Alerts that are remembered although their rule, segment or source has gone."""
    segment = Segment.of(service=service.story.segments[-1])
    rules = service.house.settings.rules
    return [
        str(each)
        for each in service.alerts()
        if each.source == BATCH or each.segment == segment or (each.source == APP and each.rule not in rules)
    ]


def _heard(service: Service, name: str) -> dict[Labels, list[int]]:
    """When a receiver heard that an alert is active, by alert."""
    found: dict[Labels, list[int]] = defaultdict(list)
    for arrival in service.ends[name].arrived:
        for view in arrival.message.alerts:
            if view.state != "resolved" and arrival.message.action != "resolve":
                labels = tuple(sorted((key, value) for key, value in view.labels.items() if key != "severity"))
                found[labels].append(arrival.minute)
    return found


def _longest_free(service: Service, blocked: NDArray[np.bool_], episode: Episode, last: int) -> int:
    """The longest stretch of an episode in which nothing was in the way of telling it."""
    labels = labels_of(episode.alert)
    longest = free = 0
    for minute in range(episode.start, last):
        now = service.time_at(minute)
        silent = any(each.holds(labels, now) for each in service.journal.silences)
        free = 0 if blocked[minute] or silent else free + 1
        longest = max(longest, free)
    return longest


def _trouble(story: Story) -> NDArray[np.bool_]:
    """The minutes in which the service or its source has trouble, or has had it lately."""
    stretches = [*story.down, *story.late, *story.failing, *(stretch for stretch, _ in story.jumps)]
    # After a jump the clock's past is decided already: until the true time is there again nothing is read.
    return _minutes(story, [(start, end + 30) for start, end in stretches])


def _minutes(story: Story, stretches: Iterable[Stretch]) -> NDArray[np.bool_]:
    """The minutes of some stretches."""
    found = np.zeros(story.values[APP].shape[1], dtype=bool)
    for start, end in stretches:
        found[start:end] = True
    return found


def _runs(story: Story, segment: int) -> Iterator[tuple[int, int]]:
    """Stretches of slot ends with a value past the level and without a gap, that are over."""
    past = story.values[APP][segment] > LEVEL
    edges = np.flatnonzero(np.diff(past, prepend=False)).tolist()
    for start, end in zip(edges[::2], edges[1::2], strict=False):
        yield start + 1, end + 1


def _labels(alert: AlertId) -> Labels:
    return tuple(sorted(labels_of(alert).items()))
