"""`replay` and `backfill`."""

import sys
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import orjson
from rich.table import Table

from alerts.watch import Readings
from monitor.commands.common import CommandError, console, explain, load_or_explain, parse_time
from monitor.daemon import LEASE, clock
from monitor.opening import open_house
from monitor.replay import Emit, deliver_after, scratch
from monitor.replay import backfill as write_back
from monitor.replay import replay as measure_again
from monitor.sources.base import SourceError
from monitor.store import outbox, states
from monitor.store.database import StoreError
from monitor.store.tables import TransitionRow

BACKFILL_LEASE = timedelta(hours=1)


def replay(config: Path, span: tuple[str, str], *, as_json: bool, deliver: bool) -> int:
    """Measures and decides a span of the past; prints JSON lines or a summary."""
    now = clock()
    try:
        loaded = load_or_explain(config)
        times = _span(span, now)
        with scratch(loaded) as house:
            summary = Summary()
            emit: Emit = print_json if as_json else summary.add
            if deliver:
                emit = deliver_after(house, emit, clock, lambda: Event().wait(0.1))
            measure_again(house, times, now, emit)
            if not as_json:
                summary.print(times)
    except (CommandError, SourceError, StoreError) as error:
        return explain(error)
    return 0


def backfill(config: Path, span: tuple[str, str]) -> int:
    """Writes the measurements of a span of the past."""
    now = clock()
    try:
        house = open_house(load_or_explain(config))
        times = _span(span, now)
        with house.database.transaction() as session:
            leads = states.take_lease(session, LEASE, "backfill", now, BACKFILL_LEASE)
        try:
            written = write_back(house, times, now, poll=leads)
        finally:
            with house.database.transaction() as session:
                states.drop_lease(session, LEASE, "backfill")
            house.close()
    except (CommandError, SourceError, StoreError) as error:
        return explain(error)
    console.print(f"{written} windows written")
    return 0


def print_json(readings: Readings, transitions: list[TransitionRow]) -> None:
    """One JSON object a line: measurements, then transitions."""
    write = sys.stdout.buffer.write
    for batch in readings.batches.values():
        for measured in batch:
            for measurement in measured:
                write(orjson.dumps(measurement.as_json(), option=orjson.OPT_APPEND_NEWLINE))
    for row in transitions:
        write(orjson.dumps(outbox.transition_json(row), option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


class Summary:
    """What a replay found, for people."""

    def __init__(self) -> None:
        self._windows = 0
        self._transitions: list[TransitionRow] = []

    def add(self, readings: Readings, transitions: list[TransitionRow]) -> None:
        """Counts one stretch."""
        self._windows += sum(len(batch.rows) for batch in readings.batches.values())
        self._transitions += transitions

    def print(self, times: tuple[datetime, datetime]) -> None:
        """A table of all transitions."""
        table = Table("at", "rule", "source", "segment", "from", "to", "value", title=f"{times[0]} – {times[1]}")
        for row in self._transitions:
            shape = outbox.transition_json(row)
            segment = " / ".join([*shape["segment"].values(), *shape["labels"].values()])
            value = "" if row.value is None else f"{row.value:.4g}"
            table.add_row(
                f"{row.at:%Y-%m-%d %H:%M}", row.rule, row.source, segment, row.from_state, row.to_state, value
            )
        console.print(table)
        console.print(f"{self._windows} windows measured, {len(self._transitions)} transitions")


def _span(span: tuple[str, str], now: datetime) -> tuple[datetime, datetime]:
    start, end = (parse_time(text, now) for text in span)
    if start >= end:
        raise CommandError(f"--from ({start}) must be before --to ({end})")
    return start, end
