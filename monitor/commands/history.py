"""`replay` and `backfill`."""

import sys
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event

import orjson
from rich.text import Text

from alerts.rules import ACTIVE
from alerts.watch import Readings
from detectors.embedder import EmbeddingError
from detectors.measurement import Measured
from monitor.commands.common import CommandError, console, explain, load_or_explain, parse_time, progress_bar
from monitor.commands.transitions import line
from monitor.daemon import LEASE, clock
from monitor.drifting import DRIFT
from monitor.opening import open_house
from monitor.replay import Emit, deliver_after, scratch
from monitor.replay import backfill as write_back
from monitor.replay import replay as measure_again
from monitor.sources.base import SourceError
from monitor.store import outbox
from monitor.store.database import StoreError
from monitor.store.leading import leading
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
            with progress_bar() as house.desk.progress:
                measure_again(house, times, now, emit, print_texts if as_json else summary.add_texts)
            if not as_json:
                summary.print(house.settings.rules, times)
    except (CommandError, SourceError, StoreError, EmbeddingError) as error:
        return explain(error)
    return 0


def backfill(config: Path, span: tuple[str, str]) -> int:
    """Writes the measurements of a span of the past."""
    now = clock()
    try:
        loaded = load_or_explain(config)
        times = _span(span, now)
        house = open_house(loaded)
        try:
            lease = leading(house.database, (LEASE, "backfill"), now, BACKFILL_LEASE)
            with lease as leads, progress_bar() as house.desk.progress:
                written = write_back(house, times, now, poll=leads)
        finally:
            house.close()
    except (CommandError, SourceError, StoreError, EmbeddingError) as error:
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


def print_texts(measured: Iterable[Measured]) -> None:
    """One JSON object a line, as of all measurements."""
    for each in measured:
        for measurement in each:
            sys.stdout.buffer.write(orjson.dumps(measurement.as_json(), option=orjson.OPT_APPEND_NEWLINE))
    sys.stdout.buffer.flush()


class Summary:
    """What a replay found, for people: a line for each alert that fires or ends, and how often each rule fired."""

    def __init__(self) -> None:
        self._windows = self._texts = 0
        self._fired: Counter[str] = Counter()

    def add(self, readings: Readings, transitions: list[TransitionRow]) -> None:
        """Prints and counts one stretch."""
        self._windows += sum(len(batch.rows) for batch in readings.batches.values())
        for row in transitions:
            if row.to_state in ACTIVE or row.from_state in ACTIVE:
                console.print(line(row), soft_wrap=True)
            if row.to_state in ACTIVE and row.from_state not in ACTIVE:
                self._fired[row.rule] += 1

    def add_texts(self, measured: Iterable[Measured]) -> None:
        """Counts windows of texts."""
        self._texts += sum(1 for _ in measured)

    def print(self, rules: Iterable[str], times: tuple[datetime, datetime]) -> None:
        """How often each rule fired."""
        start, end = times
        texts = f", {self._texts:,} of texts" if self._texts else ""
        span = f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"
        console.print(f"{span}: {self._windows:,} windows measured{texts}")
        for rule in (*rules, *({DRIFT} & self._fired.keys())):
            console.print(Text(f"{rule} {_times(self._fired[rule])}"))


def _times(number: int) -> str:
    return {0: "never fired", 1: "fired once"}.get(number, f"fired {number} times")


def _span(span: tuple[str, str], now: datetime) -> tuple[datetime, datetime]:
    start, end = (parse_time(text, now) for text in span)
    if start >= end:
        raise CommandError(f"--from ({start:%Y-%m-%d %H:%M} UTC) must be before --to ({end:%Y-%m-%d %H:%M} UTC)")
    return start, end
