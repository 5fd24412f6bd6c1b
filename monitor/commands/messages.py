"""`notify-test` and `event`."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from alerts.notifier import AlertView, CallText, DeliveryError, Message, Notifier
from monitor.commands.common import CommandError, console, explain, load_or_explain, parse_time
from monitor.daemon import clock
from monitor.opening import open_notifiers, open_store
from monitor.store.database import StoreError
from monitor.store.events import Event, record


def notify_test(config: Path, names: Sequence[str]) -> int:
    """Sends a trigger and its resolution to each receiver; says for each whether they arrived."""
    try:
        settings = load_or_explain(config).settings
        if not settings.receivers:
            raise CommandError(f"{config}: no receiver is configured, so nobody can be told: see docs/receivers.md")
        unknown = [name for name in names if name not in settings.receivers]
        if unknown:
            raise CommandError(f"no receiver {', '.join(unknown)}: configured are {', '.join(settings.receivers)}")
        notifiers = open_notifiers(settings)
    except (CommandError, ValueError) as error:
        return explain(error)
    return max(_try(name, notifiers[name], clock()) for name in names or notifiers)


def _try(name: str, notifier: Notifier, now: datetime) -> int:
    trigger = _message(name, now)
    try:
        receipt = notifier.send(trigger, {})
        resolved = replace(trigger.alerts[0], state="resolved", ended=now)
        notifier.send(replace(trigger, action="resolve", title="Resolved: a test", alerts=(resolved,)), receipt.refs)
    except DeliveryError as error:
        console.print(f"{name}: not delivered ({error.failure}): {error}", style="red", markup=False, emoji=False)
        return 1
    finally:
        notifier.close()
    console.print(f"{name}: delivered, and resolved again", markup=False, emoji=False)
    return 0


def _message(name: str, now: datetime) -> Message:
    view = AlertView(
        labels={"rule": "notify-test", "source": "watchkeeper", "severity": "info"},
        summary=f"This is a test of the receiver {name}; nothing is wrong.",
        state="firing",
        since=now,
        condition="asked for by notify-test",
        # So that the chart is tried too; the texts go only where include_text is set.
        series=tuple((now.timestamp() - 60 * (30 - number), float(number % 7)) for number in range(31)),
        threshold=5.0,
        texts=(CallText("no-call", "Here the beginning of a prompt would stand.", "And here that of its response."),),
    )
    key = f"watchkeeper-test-{name}-{now:%Y%m%d%H%M%S}"
    return Message(key, "trigger", "A test of Watchkeeper", "info", (view,), now, test=True)


def event(config: Path, name: str, detail: str, at: str) -> int:
    """Marks a change in the store."""
    now = clock()
    try:
        loaded = load_or_explain(config)
        when = parse_time(at, now) if at else now
        if not name.strip():
            raise CommandError("an event needs a name: what happened, such as deploy")
        database = open_store(loaded)
    except (CommandError, StoreError) as error:
        return explain(error)
    with database.transaction() as session:
        record(session, [Event(when, name, detail)])
    database.close()
    console.print(f"marked {name} at {when:%Y-%m-%d %H:%M:%S} UTC", markup=False, emoji=False)
    return 0
