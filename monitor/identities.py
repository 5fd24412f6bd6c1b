"""Another model behind a service is an event: it is noticed while windows are measured, and told beside alerts."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from detectors.identity import latest, learn, said, seen, usual_before, was_replaced
from detectors.measurement import NONE, OTHER, Window
from monitor.failpoints import hit
from monitor.house import House, Watched
from monitor.store import events
from monitor.store.events import Event

MODEL_CHANGED = "model changed"

# An alert names what happened within this time before it fired, at most so many events.
BEFORE_AN_ALERT = timedelta(days=1)
MOST_BESIDE_AN_ALERT = 3


def notice(house: House, watched: Watched, span: Window) -> None:
    """Remembers the models and fingerprints in the calls of a span, and records those that are news.

    It is saved before the span is decided, so that its alerts can name it; a span that is read again teaches nothing.

    Raises:
        SourceError: the source could not be read.
    """
    longest = watched.settings.max_duration
    found = seen(watched.source, span, longest)
    if not found:
        return
    with house.database.reading() as session:
        known = events.identities(session, watched.name)
    learnt = learn(known, found)
    new = [
        Event(
            each.first,
            MODEL_CHANGED,
            said(each, usual_before(watched.source, each, longest) or latest({**known, **learnt.known}, each)),
            watched.name,
            "" if each.service == NONE else each.service,
        )
        for each in learnt.news
        if each.name not in known or was_replaced(watched.source, each, longest)
    ]
    with house.database.transaction() as session:
        events.remember(session, watched.name, learnt.known)
        events.record(session, new)
        hit("identities.before_commit")
    hit("identities.after_commit")
    for column, calls in learnt.dropped.items():
        house.counters.add("other_identities", amount=calls, source=watched.name, column=column)


def beside(labels: Mapping[str, str], fired_at: datetime, happened: Iterable[Event]) -> tuple[str, ...]:
    """What happened shortly before an alert with these labels fired, in words, newest first."""
    near = [
        each
        for each in happened
        if fired_at - BEFORE_AN_ALERT <= each.at <= fired_at
        and each.source in ("", labels["source"])
        and (not each.service or labels.get("service") in (None, OTHER, each.service))
    ]
    near.sort(key=lambda each: each.at, reverse=True)
    return tuple(_words(each) for each in near[:MOST_BESIDE_AN_ALERT])


def _words(event: Event) -> str:
    said_of_it = f": {event.detail}" if event.detail else ""
    return f"{event.name}{said_of_it}, {event.at:%Y-%m-%d %H:%M} UTC"
