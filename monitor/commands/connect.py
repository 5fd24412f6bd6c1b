"""`check --connect`: opens each source and shows what it holds."""

from pathlib import Path

from rich.table import Table
from rich.text import Text

from config.load import Loaded
from monitor.commands.common import CommandError, console, explain, load_or_explain
from monitor.connect import Inspection, inspect
from monitor.daemon import clock
from monitor.redact import Redactor
from monitor.replay import scratch
from monitor.sources.base import SourceError
from monitor.store.database import StoreError

FAILED = 1


def connect(config: Path) -> int:
    """Prints, for each source, its newest calls as they are mapped; exit status 1 when one cannot be read."""
    try:
        loaded = load_or_explain(config)
        return _each_source(loaded)
    except (CommandError, StoreError, SourceError) as error:
        return explain(error)


def _each_source(loaded: Loaded) -> int:
    """In a scratch store: a look changes nothing that a running service keeps."""
    status = 0
    with scratch(loaded) as house:
        for name, watched in house.sources.items():
            console.rule(Text(f"source {name}"))
            try:
                _print(inspect(watched.source, Redactor(watched.settings.redact), clock()))
            except SourceError as error:
                explain(error)
                status = FAILED
    return status


def _print(found: Inspection) -> None:
    for number, call in enumerate(found.calls, start=1):
        table = Table(title=f"call {number} of the newest", show_header=False)
        for column, value in call.items():
            table.add_row(Text(column), Text(value))
        console.print(table)
    if not found.calls:
        console.print("no calls in the newest week of the log")
    shares = Table("column", "has a value", title=f"of the {found.sampled} newest calls")
    for column, share in found.shares.items():
        shares.add_row(column, f"{share:.1%}")
    console.print(shares)
    for reason, count in found.quarantined.items():
        console.print(Text(f"{count} records cannot be used: {reason}"))
    for cost in found.costs:
        console.print(Text(cost))
