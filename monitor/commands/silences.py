"""What `watchkeeper silence` answers."""

from pathlib import Path
from typing import NamedTuple

from rich.table import Table

from monitor import alertdesk, formats
from monitor.alertbook import find, silence_json
from monitor.alertdesk import Wanted
from monitor.commands.alert_answers import ERRORS, opened, safe, write
from monitor.commands.common import console, explain
from monitor.daemon import clock
from monitor.store import silences

SHOWN = 500  # with those that are over


class Asked(NamedTuple):
    """A silence as the command line says it."""

    matchers: tuple[str, ...]
    lasts: str
    until: str
    start: str
    reason: str
    alert: str
    by: str


def add(config: Path, asked: Asked) -> int:
    """Asks for silence."""
    now = clock()
    wanted = Wanted(asked.matchers, asked.by, asked.reason, asked.lasts, asked.start, asked.until)
    try:
        with opened(config) as (_, database), database.transaction() as session:
            alert = find(session, asked.alert) if asked.alert else ""
            made = alertdesk.silence(session, wanted, now, alert)
    except ERRORS as error:
        return explain(error)
    console.print(f"silence {made.id} until {formats.clock(made.ends_at)} UTC", markup=False, emoji=False)
    return 0


def show(config: Path, *, every: bool, as_json: bool) -> int:
    """The silences that hold or will; with `every` also those that are over."""
    now = clock()
    try:
        with opened(config) as (_, database), database.reading() as session:
            found = silences.newest(session, SHOWN) if every else silences.not_over(session, now)
    except ERRORS as error:
        return explain(error)
    rows = [silence_json(each, now) for each in found]
    if as_json:
        write(rows)
        return 0
    table = Table("id", "state", "matchers", "from", "until", "by", "reason")
    for each, row in zip(found, rows, strict=True):
        span = (formats.clock(each.starts_at), formats.clock(each.ends_at))
        table.add_row(
            str(each.id), row["state"], safe(" ".join(row["matchers"])), *span, safe(each.author), safe(each.reason)
        )
    console.print(table if found else "no silences")
    return 0


def end(config: Path, number: int) -> int:
    """Ends a silence."""
    try:
        with opened(config) as (_, database), database.transaction() as session:
            alertdesk.end_silence(session, number, clock())
    except ERRORS as error:
        return explain(error)
    console.print(f"silence {number} is over", markup=False, emoji=False)
    return 0
