"""Deployments and new models for receivers that want to know of changes: PagerDuty shows them beside incidents.

Each event becomes one message in the outbox, which is what remembers that it was told: a restart tells nothing twice.
"""

from datetime import datetime, timedelta

from alerts.notifier import AlertView, Link, Message
from config.receivers import PagerDutyReceiver
from monitor.house import House
from monitor.store import changes
from monitor.store.events import Event

# An event that is older when it is first seen, such as one of a catch-up, is no news to who looks at an incident.
NEWS = timedelta(hours=1)


def tell_changes(house: House, now: datetime) -> int:
    """Puts what happened into the outbox for every receiver that wants it and was not told.

    Returns:
        how many messages were made.
    """
    wanting = [
        name
        for name, receiver in house.settings.receivers.items()
        if isinstance(receiver, PagerDutyReceiver) and receiver.change_events
    ]
    made = 0
    for receiver in wanting:
        with house.database.transaction() as session:
            for key, event in changes.untold(session, receiver, now - NEWS, now):
                changes.tell(session, receiver, message_of(key, event, house.settings.server.external_url), now)
                made += 1
    return made


def message_of(key: str, event: Event, page: str | None) -> Message:
    """What is told of an event."""
    labels = {"source": event.source, "service": event.service}
    view = AlertView(
        labels={name: text for name, text in labels.items() if text},
        summary=event.detail,
        state="resolved",  # it is over the moment it happens
        since=event.at,
        ended=event.at,
    )
    title = f"{event.name}: {event.detail}" if event.detail else event.name
    links = (Link("Status page", page),) if page else ()
    return Message(key, "change", title, "info", (view,), event.at, links)
