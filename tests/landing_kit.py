"""A files source over a folder, for tests: stores that cost nothing to make, lines to write, rows to read."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from config.sources.files import FilesSource
from monitor.sources.files import FilesLog
from monitor.sources.registry import SourceContext
from monitor.store import quarantine
from monitor.store.database import Database
from monitor.store.manifest import Manifest
from monitor.store.tables import ProgressRow

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
FAR = datetime(2100, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """A time of the log."""
    return NOW + timedelta(seconds=seconds)


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        Database.open(f"sqlite:///{folder}/store.db").close()
        return (Path(folder) / "store.db").read_bytes()


def new_store(folder: Path) -> Database:
    """The store in a folder, made from a migrated copy if it is not there."""
    path = folder / "store.db"
    if not path.exists():
        path.write_bytes(_migrated())
    return Database.open(f"sqlite:///{path}")


def kept_aside(database: Database) -> dict[str, int]:
    """How many records of the source `log` could not be used, by reason."""
    with database.reading() as session:
        return quarantine.counts(session, "log")


def call(number: int | str, seconds: float = 0.0, **fields: Any) -> dict[str, Any]:
    """A record in canonical names."""
    return {"id": f"c{number}", "started_at": at(seconds).isoformat(), **fields}


def line(record: Any) -> str:
    """A line of a JSONL file."""
    return json.dumps(record) + "\n"


class Site:
    """A folder with a log, a store and a source named `log` that can be closed and opened again."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.folder = folder
        self.landed = folder / "landed"
        self.settings = FilesSource.model_validate({"kind": "files", "paths": ["*.jsonl*"], **settings})
        self.database = new_store(folder)
        self.log = self._open()

    def _open(self) -> FilesLog:
        return FilesLog("log", self.settings, SourceContext(self.folder, self.landed, self.database))

    def restart(self, **settings: Any) -> None:
        """Closes the source and opens it again, with other settings if need be."""
        self.log.close()
        self.settings = FilesSource.model_validate({**self.settings.model_dump(), **settings})
        self.log = self._open()

    def close(self) -> None:
        """Closes source and store."""
        self.log.close()
        self.database.close()

    def path(self, name: str) -> Path:
        """A file of the log."""
        return self.folder / name

    def write(self, name: str, *records: Any, age: float = 0.0) -> Path:
        """Appends records (or raw text) to a file whose last change is then `age` seconds before `NOW`."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.write("".join(each if isinstance(each, str) else line(each) for each in records))
        return aged(path, age)

    def poll(self, seconds: float = 0.0) -> Any:
        """Polls at a time."""
        return self.log.poll(at(seconds), lambda: False)

    def rows(self, *columns: str) -> list[Any]:
        """The landed calls by id: their ids, or tuples of columns."""
        table = self.log.calls(datetime(1970, 1, 1, tzinfo=UTC), FAR).order_by(["id"])
        found = table.select(*(columns or ("id",))).to_pyarrow().to_pylist()
        return [tuple(row.values()) if columns else row["id"] for row in found]

    def manifest(self, stream: str = "calls") -> Manifest:
        """The manifest of a stream."""
        return Manifest(self.database, "log", stream)

    def files(self) -> list[str]:
        """The landed files on the disk."""
        return sorted(path.name for path in self.landed.rglob("*.parquet"))

    def save_progress(self, complete_until: datetime) -> None:
        """What the service saves after a poll that it dealt with."""
        with self.database.transaction() as session:
            session.merge(ProgressRow(source="log", complete_until=complete_until, watched_since=NOW))


def aged(path: Path, seconds: float) -> Path:
    """Makes a file's last change lie some seconds before `NOW`."""
    changed = at(-seconds).timestamp()
    os.utime(path, (changed, changed))
    return path


def copy_truncate(path: Path, copy: Path) -> None:
    """Rotation by copy and truncate: the writer keeps its file."""
    shutil.copyfile(path, copy)
    os.truncate(path, 0)


def ids(records: Iterable[dict[str, Any]]) -> list[str]:
    """The ids of records, sorted."""
    return sorted(record["id"] for record in records)
