"""What is promised of silences, of acknowledgements, and of calls that come late."""

from collections import Counter
from datetime import datetime

from alerts.grouping import identity
from alerts.notifier import AlertView
from alerts.rules import ACTIVE, AlertId, State
from alerts.view import labels_of
from benchmarks.alert_storm.audit import Episode, episodes
from benchmarks.alert_storm.service import Service
from benchmarks.alert_storm.story import BEGIN, MINUTE


def told_while_silent(service: Service) -> list[str]:
    """Messages that newly tell of an alert while somebody has asked for silence about it."""
    return [f"{each.now}: {each.message.title}" for each in service.journal.made if each.silenced]


def silenced(service: Service) -> Counter[str]:
    """What became of alerts that began in a silence: told once that was over, or over before anybody was told."""
    found: Counter[str] = Counter()
    for episode in episodes(service):
        labels, start = labels_of(episode.alert), service.time_at(episode.start)
        if any(each.holds(labels, start) for each in service.journal.silences):
            found["told" if _told(service, episode) else "over_before"] += 1
    return found


def repeated_though_taken(service: Service) -> list[str]:
    """Reminders of nothing but alerts that somebody has taken on, which holds until they end."""
    taken = [
        (identity(labels_of(episode.alert)), minute, episode.end)
        for episode in episodes(service)
        for minute, alert in service.journal.taken
        if alert == episode.alert and _lasts(episode, minute)
    ]
    found = []
    for made in service.journal.made:
        mine = {which for which, since, end in taken if since <= made.minute and (end is None or made.minute <= end)}
        if made.message.reminder and all(identity(each.labels) in mine for each in _active(made.message.alerts)):
            found.append(f"{made.group.receiver} {made.minute}: {made.message.title}")
    return found


def taken_and_not_told(service: Service) -> list[str]:
    """Acknowledged alerts that were a message of their own at a receiver which was not told who has them."""
    made, found = service.journal.made, []
    for minute, alert in service.journal.taken:
        which = identity(labels_of(alert))
        before = [each for each in made if each.minute < minute and each.group.receiver == "slack"]
        newest = next((each for each in reversed(before) if which in map(_of, each.message.alerts)), None)
        if newest is None or newest.message.action == "resolve" or len(newest.message.alerts) > 1:
            continue  # it was told together with others, which somebody has to take on as well
        key = newest.message.key
        if not any(
            each.minute >= minute and each.message.action == "acknowledge" for each in made if each.message.key == key
        ):
            found.append(f"{minute}: {newest.message.title}")
    return found


def decided_by_late_calls(service: Service) -> list[str]:
    """Alerts that began or recovered in a window although its first number, which alone counts, did not say so."""
    found = []
    for change in service.journal.changes:
        first = _first(service, change.alert, change.at)
        rule = service.story.settings(0).rules.get(change.alert.rule)
        if rule is None or first is None or rule.above is None:
            continue
        begins = change.after is State.FIRING and not first > rule.above
        recovers = change.after not in ACTIVE and change.reason == "recovered" and first > (rule.clear or rule.above)
        if begins or recovers:
            found.append(f"{change.alert} {change.after} at {change.at}: the window said {first:g}")
    return found


def _first(service: Service, alert: AlertId, at: datetime) -> float | None:
    """The number that an alert's segment had when a window that ends at `at` was read first."""
    values, name = service.story.values.get(alert.source), dict(alert.segment.labels).get("service")
    if values is None or name is None:
        return None
    return float(values[service.story.segments.index(name), (at - BEGIN) // MINUTE - 1])


def _told(service: Service, episode: Episode) -> bool:
    """Whether any message tells of an episode."""
    which = identity(labels_of(episode.alert))
    return any(
        _lasts(episode, each.minute) and which in map(_of, _active(each.message.alerts))
        for each in service.journal.made
    )


def _lasts(episode: Episode, minute: int) -> bool:
    return episode.start <= minute and (episode.end is None or minute <= episode.end)


def _active(views: tuple[AlertView, ...]) -> list[AlertView]:
    return [each for each in views if each.state != "resolved"]


def _of(view: AlertView) -> frozenset[tuple[str, str]]:
    return identity(view.labels)
