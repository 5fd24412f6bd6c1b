"""`check --connect`: opens each source and shows what it holds, without touching the live state."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from config.load import Loaded
from config.sources import AnySource
from monitor.clean import clean_text
from monitor.commands.common import USAGE, CommandError, console, explain, load_or_explain
from monitor.connect import Inspection, Sampled, inspect
from monitor.daemon import clock
from monitor.redact import Redactor
from monitor.sources.base import SourceError
from monitor.sources.registry import SourceContext, build
from monitor.store import quarantine
from monitor.store.database import Database

_SHOWN = 120  # characters of a value
_PLACES = 3  # where the newest records are that cannot be used
_READ = 20_000  # characters of it that are redacted


def connect(config: Path, to: Console = console) -> int:
    """Shows every source; exit status 2 when one of them cannot be read."""
    try:
        loaded = load_or_explain(config)
    except CommandError as error:
        return explain(error)
    with TemporaryDirectory(prefix="watchkeeper-check-") as folder:
        database = Database.open(f"sqlite:///{folder}/check.db")
        context = SourceContext(loaded.folder, Path(folder) / "landed", database)
        readable = [_show(name, loaded, context, clock(), to) for name in loaded.settings.sources]
        database.close()
    return 0 if all(readable) else USAGE


def _show(name: str, loaded: Loaded, context: SourceContext, now: datetime, to: Console) -> bool:
    settings = loaded.settings.sources[name]
    to.print(Text(f"\n{name} ({settings.kind})", style="bold"))
    try:
        source = build(name, settings, context)
        try:
            show(inspect(name, source, settings, loaded.folder, now), settings, to)
            with context.database.reading() as session:
                for place, reason in quarantine.newest(session, name, _PLACES):
                    to.print(Text(f"kept aside, {reason}: {clean_text(place, _SHOWN)}", style="yellow"))
        finally:
            source.close()
    except SourceError as error:
        to.print(Text(str(error), style="red"))
        return False
    return True


def show(found: Inspection, settings: AnySource, to: Console) -> None:
    """Prints what was found; texts of the log are redacted, cut, and without anything that a terminal would obey."""
    to.print(Text(_extent(found)))
    to.print(_shares("calls", found.calls))
    if found.feedback is not None:
        to.print(_shares("feedback", found.feedback))
    for cost in (*found.calls.costs, *(found.feedback.costs if found.feedback else ())):
        to.print(Text(cost, style="yellow"))
    for reason, count in found.unusable.items():
        shown = "not counted: the table is too large for statement_timeout" if count is None else f"{count:,}"
        to.print(Text(f"kept aside, {reason}: {shown}", style="yellow"))
    for column, count in found.unreadable.items():
        to.print(Text(f"{column}: {count:,} values do not fit the column and are read as missing", style="yellow"))
    redactor = Redactor(settings.redact)
    for number, example in enumerate(found.examples, 1):
        mapped = example.mapped if not example.reason else {"cannot be used": example.reason}
        table = Table("record", f"call {number}", show_lines=False, expand=True)
        table.add_row(_fields(example.raw, redactor), _fields(mapped, redactor))
        to.print(table)


def _extent(found: Inspection) -> str:
    if found.oldest is None:
        return "it can be read, and holds no calls yet"
    since = f"calls since {found.oldest:%Y-%m-%d %H:%M} UTC"
    newest = "" if found.newest is None else f", newest {found.newest:%Y-%m-%d %H:%M:%S} UTC"
    return f"{since}{newest}" + ("" if found.whole else "; only the beginning of the log was read")


def _shares(title: str, sampled: Sampled) -> Table:
    """Columns that the source has, with the share of rows that have a value."""
    title = f"{title}: {sampled.rows:,} rows sampled"
    table = Table("column", "with a value", "feeds", title=title, title_justify="left")
    for each in sampled.shares:
        if each.present:
            share = "?" if each.share is None else f"{each.share:.1%}"
            table.add_row(each.column.name, share, "; ".join(each.column.feeds))
    return table


def _fields(record: Mapping[str, Any], redactor: Redactor) -> Text:
    lines = Text()
    for number, (name, value) in enumerate(record.items()):
        if value is not None:
            lines.append(("\n" if number else "") + shown(name, redactor), style="bold")
            lines.append(f" {shown(value, redactor)}")
    return lines


def shown(value: Any, redactor: Redactor) -> str:
    """A value of the log on one line: redacted, short, with control characters escaped."""
    text = value if isinstance(value, str) else _text(value)
    if len(text) > _READ:  # not in the middle of a word, which might be half a secret
        text = text[:_READ].rpartition(" ")[0]
    redact = redactor.redact_json if text[:1] in ("{", "[") else redactor.redact
    return clean_text(redact(text), _SHOWN)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dict | list):
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    return str(value)
