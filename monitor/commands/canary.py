"""`canary`: follows a marked synthetic incident through the running service to every receiver and back."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event
from uuid import uuid4

from rich.table import Table
from rich.text import Text

from config.load import Loaded
from config.types import parse_duration
from config.words import choose, shown
from monitor import formats
from monitor.canary import Canary, Leg
from monitor.commands.common import CommandError, console, explain, load_or_explain
from monitor.daemon import LEASE, clock
from monitor.opening import has_live_store, store_url
from monitor.store import states
from monitor.store.database import Database, StoreError

LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person wrote: which receivers, and how long to wait at most."""

    receivers: tuple[str, ...]
    timeout: str


def canary(config: Path, asked: Asked, pause: Callable[[float], object] | None = None) -> int:
    """Prints how long each step took; exit status 1 when anything did not come through."""
    try:
        loaded = load_or_explain(config)
        receivers = _receivers(loaded, asked.receivers)
        patience = _patience(asked.timeout)
        if not has_live_store(loaded):
            raise CommandError("no service has run with this configuration yet: start it with watchkeeper run")
        database = Database.open(store_url(loaded))
    except (CommandError, StoreError) as error:
        return explain(error)
    try:
        with database.reading() as session:
            if states.holder_of(session, LEASE, clock()) is None:
                return explain(CommandError("no service runs on this store: start it with watchkeeper run"))
        run = Canary.begin(database, f"{clock():%Y%m%dT%H%M%S}-{uuid4().hex[:6]}", receivers, clock())
        return _follow(run, patience, pause or Event().wait)
    finally:
        database.close()


def _receivers(loaded: Loaded, names: Sequence[str]) -> list[str]:
    known = loaded.settings.receivers
    if not known:
        raise CommandError(f"{loaded.path}: no receiver is configured, so nobody would be told")
    for name in names:
        if name not in known:
            raise CommandError(f"unknown receiver {shown(name)}: {choose(name, known)}")
    return list(dict.fromkeys(names)) or list(known)


def _patience(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise CommandError(f"--timeout: {error}") from None


def _follow(run: Canary, patience: timedelta, pause: Callable[[float], object]) -> int:
    console.print(Text(f"canary {run.run}: a synthetic incident, marked as a test, to {', '.join(run.receivers)}"))
    said: set[str] = set()
    problems = ["broken off"]
    try:
        while not run.look(clock()) and clock() - run.begun < patience:
            _tell(run, said)
            pause(LOOK_EVERY_S)
        _tell(run, said)
    finally:
        problems = run.finish(clock())
    console.print(_table(run))
    for each in problems:
        console.print(Text(each, style="red"))
    if not problems:
        console.print(Text(f"everything came through, in {(clock() - run.begun).total_seconds():.1f} s"))
    return 1 if problems else 0


def _tell(run: Canary, said: set[str]) -> None:
    """Says once of each step that it is done."""
    steps = [("the alert fires", run.fired), *((f"{name} was told", leg.sent) for name, leg in run.legs.items())]
    steps += [("the alert is over", run.resolved), *((f"{name} knows", leg.over) for name, leg in run.legs.items())]
    for words, at in steps:
        if at is not None and words not in said:
            said.add(words)
            console.print(Text(f"  {formats.clock(at)}  {words}"))


def _table(run: Canary) -> Table:
    table = Table("receiver", "fired", "message", "sent", "receipt", "over", "message sent", "all, s")
    for leg in run.legs.values():
        table.add_row(*map(Text, (leg.receiver, *_cells(run, leg))))
    return table


def _cells(run: Canary, leg: Leg) -> list[str]:
    """Seconds of each step, from the one before it."""
    receipt = "" if leg.sent is None else "kept" if leg.refs else "accepted"
    return [
        _seconds(run.begun, run.fired),
        _seconds(run.fired, leg.made),
        _seconds(leg.made, leg.sent),
        receipt,
        _seconds(run.ended, run.resolved),
        _seconds(run.resolved, leg.over),
        _seconds(run.begun, leg.over),
    ]


def _seconds(start: datetime | None, end: datetime | None) -> str:
    return "–" if start is None or end is None else f"{max((end - start).total_seconds(), 0):.1f}"
