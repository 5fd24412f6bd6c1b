"""What `watchkeeper alerts` answers."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
from rich.markup import escape
from rich.table import Column, Table
from rich.text import Text

from config.settings import Settings
from monitor import alertdesk, formats
from monitor.alertbook import Book, Entry, UnknownAlertError, book, entries, find
from monitor.alertdesk import RefusedError
from monitor.clean import clean_text
from monitor.commands.common import CommandError, console, explain, load_or_explain, parse_time
from monitor.daemon import clock
from monitor.explain import Sentence
from monitor.explain import explain as story
from monitor.opening import open_store
from monitor.store.database import Database, Session, StoreError
from monitor.store.history import Asked
from monitor.store.tables import TransitionRow

ERRORS = (CommandError, StoreError, UnknownAlertError, RefusedError)
LONGEST = 1_000  # of anything that is printed


@contextmanager
def opened(config: Path) -> Iterator[tuple[Settings, Database]]:
    """The settings and the store of a service, whether or not it runs.

    Raises:
        CommandError, StoreError: there are none.
    """
    loaded = load_or_explain(config)
    database = open_store(loaded)
    try:
        yield loaded.settings, database
    finally:
        database.close()


def show_all(config: Path, wanted: tuple[str, str, str, int], *, ended: bool, as_json: bool) -> int:
    """The alerts on a line each.

    Args:
        wanted: rule, source, since when, how many.
    """
    rule, source, since, limit = wanted
    now = clock()
    try:
        asked = Asked(rule, source, parse_time(since, now) if since else None, limit)
        with opened(config) as (settings, database), database.reading() as session:
            found = entries(session, settings, asked, ended=ended)
    except ERRORS as error:
        return explain(error)
    if as_json:
        write([each.as_json() for each in found])
        return 0
    table = _alerts()
    for each in found:
        table.add_row(*map(safe, _row(each)))
    console.print(table if found else "no alerts")
    return 0


def show_one(config: Path, alert: str, *, as_json: bool) -> int:
    """Everything that is kept about an alert."""
    try:
        with opened(config) as (settings, database), database.reading() as session:
            found = book(session, settings, find(session, alert))
    except ERRORS as error:
        return explain(error)
    if as_json:
        write(found.as_json())
        return 0
    _print_book(found)
    return 0


def explain_one(config: Path, alert: str, *, whole: bool, as_json: bool) -> int:
    """Why messages of an alert were sent or were not."""
    try:
        with opened(config) as (settings, database), database.reading() as session:
            told = story(book(session, settings, find(session, alert)), settings, whole=whole)
    except ERRORS as error:
        return explain(error)
    if as_json:
        write([sentence_json(each) for each in told])
        return 0
    for each in told:
        moment = "" if each.at is None else f"{formats.clock(each.at)} UTC  "
        console.print(Text.assemble((moment, "dim"), clean_text(each.text, LONGEST)))
        for step in each.steps:
            console.print(Text(f"    {clean_text(step, LONGEST)}", "dim"))
    return 0


def acknowledge(config: Path, alert: str, by: str, text: str) -> int:
    """Takes an alert on."""
    return _do(config, alert, "taken on", lambda session, name: alertdesk.acknowledge(session, name, by, text, clock()))


def add_note(config: Path, alert: str, by: str, text: str) -> int:
    """Notes something of an alert."""
    return _do(config, alert, "noted", lambda session, name: alertdesk.note(session, name, by, text, clock()))


def sentence_json(sentence: Sentence) -> dict[str, Any]:
    """The public shape of a sentence."""
    return {
        "at": None if sentence.at is None else sentence.at.isoformat(),
        "text": clean_text(sentence.text, LONGEST),
        "steps": [clean_text(each, LONGEST) for each in sentence.steps],
    }


def safe(text: str) -> str:
    """A text without control characters and without markup: labels come from the log."""
    return escape(clean_text(text, LONGEST))


def write(document: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.buffer.write(orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


def _do(config: Path, alert: str, done: str, change: Callable[[Session, str], None]) -> int:
    try:
        with opened(config) as (_, database), database.transaction() as session:
            name = find(session, alert)
            change(session, name)
    except ERRORS as error:
        return explain(error)
    console.print(f"alert {name}: {done}", markup=False, emoji=False)
    return 0


def _alerts(title: str | None = None) -> Table:
    """A table of alerts; where the terminal is too narrow words are broken, but no id, so that it can be copied."""
    names = ("rule", "where", "state", "severity", "since", "value", "told", "taken on by")
    return Table(Column("id", no_wrap=True), *(Column(name, overflow="fold") for name in names), title=title)


def _row(entry: Entry) -> list[str]:
    place = [entry.alert.source, *(value for _, value in (*entry.alert.segment.labels, *entry.alert.labels))]
    moment = entry.since or entry.ended
    return [
        entry.id,
        entry.alert.rule,
        " / ".join(place),
        "over" if entry.state == "inactive" else entry.state.value,
        entry.severity,
        "" if moment is None else formats.clock(moment),
        _read(entry),
        ", ".join(f"{receiver} {outcome}" for receiver, outcome in sorted(entry.outcomes.items())),
        entry.taken_by,
    ]


def _read(what: Entry | TransitionRow) -> str:
    """The value with its interval."""
    if what.value is None:
        return ""
    number = formats.number(what.value)
    if what.lower is None or what.upper is None:
        return number
    return f"{number} ({formats.number(what.lower)} to {formats.number(what.upper)})"


def _print_book(found: Book) -> None:
    labels = _alerts("Alert")
    labels.add_row(*map(safe, _row(found.entry)))
    changes = Table("window ended", "from", "to", "value", "compared with", "reason", "held", title="Changes")
    for row in found.transitions:
        compared = safe(row.compared or "")
        states = (formats.clock(row.at), row.from_state, row.to_state)
        changes.add_row(*states, _read(row), compared, safe(row.reason), row.held or "")
    told = Table("at", "receiver", "what became of it", "message", "delivery", title="Messages")
    for each in found.notifications:
        sent = found.deliveries.get(each.outbox or 0)
        action, state = ("", "") if sent is None else (sent.action, sent.state)
        told.add_row(formats.clock(each.at), safe(each.receiver), each.outcome, action, state)
    notes = Table("at", "by", "what", "text", title="Notes")
    for note in found.notes:
        notes.add_row(formats.clock(note.at), safe(note.author), note.kind, safe(note.text))
    for table in (labels, changes, told, *([notes] if found.notes else [])):
        console.print(table)
