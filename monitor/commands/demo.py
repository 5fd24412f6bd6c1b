"""`demo`: the service on a generated log, replayed fast and then followed live."""

import shutil
from collections.abc import Mapping
from datetime import datetime, timedelta
from importlib.resources import files
from pathlib import Path
from threading import Lock

from rich.progress import Progress, TaskID

from alerts.rules import State
from alerts.watch import Readings
from monitor.commands.checks import load_checked
from monitor.commands.common import CommandError, bars, console, explain, log_to_console
from monitor.commands.service import open_all, serve
from monitor.commands.transitions import News, line
from monitor.daemon import Service, clock
from monitor.demo.local_judge import HONEST, JudgeMissingError, judging
from monitor.demo.writer import LiveWriter, write_history
from monitor.judging import trusting
from monitor.opening import state_directory
from monitor.server import ServerError
from monitor.slots import floor
from monitor.sources.base import SourceError
from monitor.store import judging as judging_store
from monitor.store import states
from monitor.store.database import StoreError

MARKER = ".watchkeeper-demo"
LOOK_EVERY = 1
WRITE_EVERY = 1
PAST = "found in the past: nobody is told"


def demo(directory: Path, story: tuple[int, int], port: int, judge: str = "") -> int:
    """Generates the log, runs the service on it and prints what it finds, until it is stopped.

    Args:
        directory: of its log and state.
        story: the seed, and the days of history.
        port: of the server.
        judge: who judges answers; empty is nobody.
    """
    log_to_console()
    seed, days = story
    anchor = floor(clock(), timedelta(minutes=1))
    try:
        config = prepare(directory)
        with bars(console) as bar:
            _generate(bar, directory / "log", seed, anchor, days)
        with judging(judge, config) as secrets:
            return _run(config, secrets, (seed, days, port), anchor)
    except (CommandError, JudgeMissingError) as error:
        return explain(error)


def _run(config: Path, secrets: Mapping[str, str], story: tuple[int, int, int], anchor: datetime) -> int:
    seed, days, port = story
    environment = {"WATCHKEEPER__SERVER__PORT": str(port), "WATCHKEEPER__START": f"{days}d", **secrets}
    try:
        loaded = load_checked(config, environment)
        house, notifiers = open_all(loaded)
    except (StoreError, SourceError) as error:
        return explain(error)
    teller = Teller(anchor - timedelta(days=days), anchor)
    house.desk.progress = teller.read
    service = Service(house, notifiers, teller.measured)
    try:
        server = serve(service, state_directory(loaded))
    except ServerError as error:
        return explain(error)
    console.print(f"metrics:     {server.url}/metrics\nstatus page: {server.url}/\nCtrl-C ends the demonstration.")
    if house.settings.judge is not None:
        console.print(HONEST.format(model=", ".join(each.model for each in house.settings.judge.judges.values())))
    writer = LiveWriter(config.parent / "log", seed, anchor)
    service.every(WRITE_EVERY, lambda: writer.write_until(clock()), "write the log")
    service.every(LOOK_EVERY, lambda: teller.look(service), "tell")
    with teller.bar:
        service.start()
        service.wait()
    server.stop()
    service.stop()
    console.print("ended")
    return 0


def prepare(directory: Path) -> Path:
    """An empty directory with the demonstration's configuration; an earlier demonstration in it is removed.

    Raises:
        CommandError: the directory holds something that is not ours.
    """
    if directory.exists() and any(directory.iterdir()):
        if not (directory / MARKER).exists():
            raise CommandError(f"{directory} is not empty and not a demonstration's: choose another with --directory")
        shutil.rmtree(directory)
    (directory / "log").mkdir(parents=True)
    (directory / MARKER).touch()
    config = directory / "watchkeeper.yaml"
    config.write_text((files("config") / "examples" / "demo.yaml").read_text())
    return config


class Teller:
    """Prints how far the service is and what it has found."""

    def __init__(self, start: datetime, anchor: datetime) -> None:
        self.bar = bars(console)
        self._start, self._anchor = start, anchor
        self._task: TaskID | None = None
        self._texts: TaskID | None = None
        self._news: News | None = None
        self._tested: set[int | None] = set()
        self._lock = Lock()

    def measured(self, _readings: Readings, last: datetime) -> None:
        """Moves the bar to the event time that has been measured."""
        with self._lock:
            if self._task is None:
                self._task = self.bar.add_task("measuring", total=1.0)
            done = (last - self._start) / (self._anchor - self._start)
            self.bar.update(self._task, completed=min(done, 1.0), description=f"measured until {last:%d %b %H:%M}")

    def read(self, what: str, share: float) -> None:
        """Moves the bar of the texts."""
        with self._lock:
            if self._texts is None:
                self._texts = self.bar.add_task("texts", total=1.0)
            self.bar.update(self._texts, completed=min(share, 1.0), description=what)

    def look(self, service: Service) -> None:
        """Prints the transitions since the last look; of the past, which nobody is told of, only what fired."""
        if self._news is None:
            self._news = News(service.house.database)
        rows = self._news.take()
        with service.house.database.reading() as session:
            alerts = states.alerts(session) if rows else {}
            tested = judging_store.canaries(session).values()
        for result in tested:
            if result.id not in self._tested:
                self._tested.add(result.id)
                console.print(trusting.said(result), soft_wrap=True)
        for row in rows:
            if row.held is None:
                console.print(line(row), soft_wrap=True)
            elif row.to_state == State.FIRING:
                alert = alerts.get(states.alert_id_of(row))
                still = alert is not None and alert.fired_at == row.at
                console.print(line(row, "began before the start, goes on" if still else PAST), soft_wrap=True)


def _generate(bar: Progress, log: Path, seed: int, anchor: datetime, days: int) -> None:
    task = bar.add_task(f"writing {days} days of log", total=1.0)
    write_history(log, seed, anchor, days=days, progress=lambda done: bar.update(task, completed=done))
