"""A short life of the service with a fixed clock, killed where a test asks for it. Run as a program; see test_crash.py.

One process imports everything, then forks a child for every life, so that a hundred lives cost a hundred forks and not a hundred
imports. A life goes through the same steps at the same times whatever happens: it notes its step in a file, and after a kill
the next life takes that step again.
"""

import json
import os
import shutil
import sys
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow.dataset  # noqa: F401
from ibis.backends.duckdb import Backend
from sqlmodel import select

import monitor.sources.files  # noqa: F401
from alerts.registry import NOTIFIERS
from config.load import load
from detectors.measurement import Segment
from monitor import failpoints
from monitor.canonical import CALLS
from monitor.cycle import cycle
from monitor.daemon import check_health, maintain
from monitor.deliver import Delivery
from monitor.landing import RETIRED
from monitor.meter import Meter
from monitor.opening import open_house, open_notifiers
from monitor.parts import relation
from monitor.sources.engines.backend import guarded
from monitor.store import tables
from monitor.store.database import Database

# What a life would load is loaded before the forks.
for place in NOTIFIERS.values():
    import_module(place.partition(":")[0])

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STEPS = 6
FAILING = range(1, 2)  # minutes in which half of the calls fail
CALLS_A_MINUTE = 8
COMPARED = (
    tables.MeasurementRow,
    tables.ProgressRow,
    tables.SegmentRow,
    tables.CursorRow,
    tables.QuarantineRow,
    tables.AlertRow,
    tables.TransitionRow,
    tables.GroupRow,
    tables.OutboxRow,
)
# What may differ after a kill, by the promises: a second attempt, the mark of it, and the time stamp Slack gave the message.
OF_THE_FILE_SYSTEM = {"device", "inode", "changed"}
MAY_DIFFER = {"attempts", "repeated", "refs", "id"}

CONFIG = """
sources:
  chat: {{kind: files, paths: [log.jsonl], lateness: 30s, groupings: [[model]], silent_after: 0s}}
rules:
  errors: {{measure: error_ratio, above: 0.2, by: [model], severity: critical}}
receivers:
  slack: {{kind: slack, token: "{token}", channel: "{channel}", api_url: "{slack}"}}
  pagerduty: {{kind: pagerduty, routing_key: "{key}", url: "{pagerduty}"}}
start: 1h
"""


def log_until(now: datetime) -> str:
    """What the application has logged by `now`: a late call, two records that cannot be used, a repeated one among it."""
    written = [line for minute in range(-5, STEPS) for line in _minute(minute)]
    written += [
        (START + 4 * MINUTE, _call("late", START + 2 * MINUTE, model="small", latency_s=3.0)),
        (START + 4 * MINUTE, "{broken"),
        (START + 4 * MINUTE, json.dumps({"model": "without id"})),
        (START + 5 * MINUTE, _call("3-1", START + 3 * MINUTE, status_code=503)),
    ]
    return "".join(line + "\n" for at, line in sorted(written, key=lambda each: each[0]) if at <= now)


def _minute(minute: int) -> list[tuple[datetime, str]]:
    """The calls that ended in a minute, each with the time at which it was written."""
    calls = []
    for number in range(CALLS_A_MINUTE):
        ended = START + minute * MINUTE + (number + 0.5) * MINUTE / CALLS_A_MINUTE
        status = 500 if minute in FAILING and number % 2 == 0 else 200
        started = ended - timedelta(seconds=1)
        calls.append((ended, _call(f"{minute}-{number}", started, latency_s=1.0, status_code=status)))
    return calls


def _call(name: str, started: datetime, **values: object) -> str:
    return json.dumps({"id": name, "started_at": started.isoformat(), "model": "large"} | values)


def live(folder: Path) -> None:
    """One life: from the step that was noted last to the end."""
    house = open_house(load(folder / "watchkeeper.yaml", {}))
    notifiers = open_notifiers(house.settings)
    delivery = Delivery(house.database, notifiers, house.counters)
    noted = folder / "step"
    first = int(noted.read_text()) if noted.exists() else 0
    delivery.recover(START + first * MINUTE)
    for step in range(first, STEPS):
        noted.write_text(str(step))
        now = START + step * MINUTE + timedelta(seconds=45)
        _append(folder / "log.jsonl", log_until(now))
        for watched in house.sources.values():
            cycle(house, watched, now, lambda: False)
        check_health(house, now)
        while delivery.step(now):
            pass
        if step == STEPS // 2:
            maintain(house, now)
    house.close()


def _append(path: Path, text: str) -> None:
    written = path.read_text() if path.exists() else ""
    assert text.startswith(written)
    with path.open("a") as log:
        log.write(text[len(written) :])


def dump(folder: Path) -> dict[str, list[str]]:
    """Every row of the store as text, without what may differ and without what names this life's own files."""
    database = Database.open(f"sqlite:///{folder}/watchkeeper-data/watchkeeper.db")
    rows: dict[str, list[str]] = {}
    with database.reading() as session:
        for table in COMPARED:
            found = (
                _comparable(row.model_dump(mode="json", exclude=MAY_DIFFER)) for row in session.exec(select(table))
            )
            rows[str(table.__tablename__)] = sorted(
                json.dumps(row, sort_keys=True, default=str).replace(str(folder), "") for row in found
            )
        parts = session.exec(select(tables.PartRow)).all()
        rows["landed calls"] = [str(sum(part.rows for part in parts))]
    database.close()
    return rows


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    body = row.get("body")
    if isinstance(body, dict) and "offset" in body:
        row |= {"name": "log.jsonl", "body": {key: body[key] for key in body.keys() - OF_THE_FILE_SYSTEM}}
    elif row.get("name") == RETIRED:
        row["body"] = len(body or {})  # each part has a name that nothing else ever had
    return row


class Nothing:
    """The log before anything was written, with the columns that the story's calls have."""

    name = "chat"
    columns = frozenset({"id", "started_at", "model", "latency_s", "status_code"})
    feedback_columns: frozenset[str] = frozenset()

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._backend = guarded(Backend, nullcontext).from_connection(connection)

    def calls(self, _since: datetime, _until: datetime) -> Any:
        return self._backend.sql(relation([], CALLS), schema=CALLS.ibis_schema)


def rehearse(config: str) -> None:
    """Compiles the queries that every life asks, in the order of its steps: the children inherit them.

    The engine has no threads of its own and is closed before the first fork.
    """
    with TemporaryDirectory() as folder, duckdb.connect(config={"threads": 1}) as connection:
        path = Path(folder) / "watchkeeper.yaml"
        path.write_text(config)
        settings = load(path, {}).settings
        meter = Meter.of(settings, settings.sources["chat"], settings.rules.values())
        log = Nothing(connection)
        admitted = {("model",): {Segment.of(model="large"): START - 5 * MINUTE}}
        for first in (START - 4 * MINUTE, START):
            meter.admit(log, first, START, {})
            meter.read(log, first, START, admitted)


def in_a_child(folder: Path, failpoint: str) -> int:
    """Lives one life in a fork; returns its exit status."""
    child = os.fork()
    if child == 0:
        os.environ["WATCHKEEPER_FAILPOINT"] = failpoint
        try:
            live(folder)
        except BaseException:
            import traceback

            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def new_store(folder: Path) -> Path:
    """A store without a row, made once and copied: its tables are not what is killed."""
    store = folder.parent / "new.db"
    if not store.exists():
        child = os.fork()
        if child == 0:
            Database.open(f"sqlite:///{store}").close()
            os._exit(0)
        os.waitpid(child, 0)
    return store


def main() -> None:
    """Reads scenarios (name, folder, failpoint, configuration) as JSON and prints what became of each."""
    scenarios = json.load(sys.stdin)
    rehearse(CONFIG.format(**scenarios[0]["config"]))
    for scenario in scenarios:
        folder = Path(scenario["folder"])
        (folder / "watchkeeper-data").mkdir(parents=True)
        (folder / "watchkeeper.yaml").write_text(CONFIG.format(**scenario["config"]))
        shutil.copy(new_store(folder), folder / "watchkeeper-data" / "watchkeeper.db")
        first = in_a_child(folder, scenario["failpoint"])
        second = in_a_child(folder, "") if first == failpoints.EXIT_STATUS else None
        # The dump is made in a child too: a process that has opened the store must not fork.
        reading, writing = os.pipe()
        if os.fork() == 0:
            with os.fdopen(writing, "w") as pipe:
                json.dump(dump(folder), pipe)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            rows = json.load(pipe)
        os.wait()
        print(json.dumps({"name": scenario["name"], "first": first, "second": second, "rows": rows}), flush=True)


if __name__ == "__main__":
    main()
