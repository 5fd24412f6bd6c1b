"""`status`: what the store knows, as tables."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from monitor.clean import clean_text
from monitor.commands.common import CommandError, console, explain, load_or_explain
from monitor.daemon import clock
from monitor.opening import open_house
from monitor.snapshot import Snapshot
from monitor.sources.base import SourceError
from monitor.store import quarantine
from monitor.store.database import StoreError
from monitor.survey import survey

MOST_PLACES = 5  # of a source


def status(config: Path) -> int:
    """Prints sources, alerts and receivers; exit status 1 when something fires or fails."""
    try:
        house = open_house(load_or_explain(config))
    except (CommandError, StoreError, SourceError) as error:
        return explain(error)
    shown = survey(house, clock())
    with house.database.reading() as session:
        aside = {each.name: quarantine.newest(session, each.name, MOST_PLACES) for each in shown.sources}
    house.close()
    for table in (sources_table(shown), alerts_table(shown), channels_table(shown)):
        console.print(table)
    if any(aside.values()):
        console.print(aside_table(aside))
    broken = [source for source in shown.sources if source.state in ("failing", "silent")]
    return 1 if broken or any(alert.state != "pending" for alert in shown.alerts) else 0


def sources_table(shown: Snapshot) -> Table:
    """How each source is doing."""
    table = Table("source", "kind", "state", "measured until", "kept aside", "failure", title="Sources")
    for each in shown.sources:
        until = "" if each.slot_end is None else f"{each.slot_end:%Y-%m-%d %H:%M} UTC"
        table.add_row(each.name, each.kind, each.state, until, str(sum(each.quarantined.values())), each.failure or "")
    return table


def aside_table(aside: Mapping[str, Sequence[tuple[str, str]]]) -> Table:
    """Where the records are that could not be used."""
    table = Table("source", "where", "why", title="Kept aside, the newest first")
    for source, places in aside.items():
        for place, reason in places:
            table.add_row(source, Text(clean_text(place, 500)), reason)
    return table


def alerts_table(shown: Snapshot) -> Table:
    """The alerts that are not inactive."""
    table = Table("rule", "source", "segment", "state", "since", "value", "condition", title="Alerts")
    for each in shown.alerts:
        segment = " / ".join(value for _, value in (*each.segment.labels, *each.labels))
        since = "" if each.since is None else f"{each.since:%Y-%m-%d %H:%M}"
        value = "" if each.value is None else f"{each.value:.4g}"
        table.add_row(each.rule, each.source, segment, each.state.value, since, value, each.condition)
    return table


def channels_table(shown: Snapshot) -> Table:
    """How each receiver is doing."""
    table = Table("receiver", "kind", "state", "waiting", "failure", title="Receivers")
    for each in shown.channels:
        table.add_row(each.name, each.kind, each.state, str(each.pending), each.failure or "")
    return table
