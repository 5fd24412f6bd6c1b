"""A short life of the service with a fixed clock, killed where a test asks for it. Run as a program; see test_crash.py.

One process lives the undisturbed life itself, then forks a child for every other one: what is imported, compiled and
prepared once serves a hundred lives. A life goes through the same steps at the same times whatever happens: it notes its step
in a file, and after a kill the next life takes that step again.
"""

import gc
import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pyarrow.dataset  # noqa: F401
from sqlmodel import select

import monitor.sources.files  # noqa: F401
from alerts.registry import NOTIFIERS
from config.load import load
from monitor.cycle import cycle
from monitor.daemon import check_health, maintain
from monitor.deliver import Delivery
from monitor.landing import RETIRED
from monitor.opening import open_house, open_notifiers
from monitor.store import tables
from monitor.store.alert_tables import NotificationRow
from monitor.store.database import Database

# What a life would load is loaded before the forks.
for place in NOTIFIERS.values():
    import_module(place.partition(":")[0])

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
STEPS = 5
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
    NotificationRow,
)
# What may differ after a kill, by the promises: a second attempt, the mark of it, and the time stamp Slack gave the message.
OF_THE_FILE_SYSTEM = {"device", "inode", "changed"}
MAY_DIFFER = {"attempts", "repeated", "refs", "id", "outbox"}

CONFIG = """
sources:
  chat: {{kind: files, paths: [log.jsonl], lateness: 30s, groupings: [[model]], silent_after: 0s}}
rules:
  errors: {{measure: error_ratio, above: 0.2, by: [model], severity: critical}}
receivers:
  slack: {{group_interval: 1m, kind: slack, token: "{token}", channel: "{channel}", api_url: "{slack}"}}
  pagerduty: {{group_interval: 1m, kind: pagerduty, routing_key: "{key}", url: "{pagerduty}"}}
start: 1h
"""


def log_until(now: datetime) -> str:
    """What the application has logged by `now`: a late call, two records that cannot be used, a repeated one among it."""
    written = [line for minute in range(-5, STEPS) for line in _minute(minute)]
    written += [
        (START + 3 * MINUTE, _call("late", START + MINUTE, model="small", latency_s=3.0)),
        (START + 3 * MINUTE, "{broken"),
        (START + 3 * MINUTE, json.dumps({"model": "without id"})),
        (START + 4 * MINUTE, _call("2-1", START + 2 * MINUTE, status_code=503)),
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


def in_a_child(task: Callable[[], None]) -> int:
    """Does something in a fork; returns its exit status."""
    child = os.fork()
    if child == 0:
        try:
            task()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def live_until_killed(folder: Path, failpoint: str) -> None:
    """One life that ends at a failpoint."""
    os.environ["WATCHKEEPER_FAILPOINT"] = failpoint
    live(folder)


def rows_in_a_child(folder: Path) -> dict[str, list[str]]:
    """What `dump` gives, read where no later fork sees the open store."""
    path = folder / "rows.json"
    in_a_child(lambda: _write(path, json.dumps(dump(folder))))
    rows: dict[str, list[str]] = json.loads(path.read_text())
    return rows


def _write(path: Path, text: str) -> None:
    path.write_text(text)


def main() -> None:
    """Reads scenarios (name, folder, failpoints, configuration) as JSON and prints what became of each."""
    scenarios = json.load(sys.stdin)
    new_store = Path(scenarios[0]["folder"]).parent / "new.db"  # its tables are not what is killed
    Database.open(f"sqlite:///{new_store}").close()
    for scenario in scenarios:
        folder = Path(scenario["folder"])
        (folder / "watchkeeper-data").mkdir(parents=True)
        (folder / "watchkeeper.yaml").write_text(CONFIG.format(**scenario["config"]))
        shutil.copy(new_store, folder / "watchkeeper-data" / "watchkeeper.db")
        if scenario["failpoints"]:
            kills = [in_a_child(partial(live_until_killed, folder, each)) for each in scenario["failpoints"]]
            last = in_a_child(partial(live, folder))
        else:
            live(folder)  # here, for its warmth: whatever it opened is closed before the first fork
            gc.freeze()
            kills, last = [], 0
        rows = rows_in_a_child(folder)
        print(json.dumps({"name": scenario["name"], "kills": kills, "last": last, "rows": rows}), flush=True)


if __name__ == "__main__":
    main()
