"""Whatever a writer and its log rotation do between two polls, every whole record is read exactly once."""

import gzip
import json
import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.canonical import CALLS
from monitor.sources.cursor import Cursor
from monitor.sources.reader import Reader
from monitor.sources.stream import StreamSettings

START = datetime(2026, 3, 1, tzinfo=UTC)

OPERATIONS = st.one_of(
    st.tuples(st.just("append"), st.integers(1, 5), st.sampled_from([0, 10, 700, 2000])),
    st.tuples(st.just("half"), st.integers(1, 40)),
    st.tuples(
        st.sampled_from(["rename", "copy_truncate", "compress", "poll", "poll", "restart", "truncate", "remove"])
    ),
)


class World:
    """An application that logs, its log rotation, and a reader; every change of a file happens at a time of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "app.log"
        self.written: list[int] = []
        self.read: list[int] = []
        self.pending = ""
        self.rotated = 0
        self.now = START
        self.cursors: dict[str, Cursor] = {}

    def append(self, count: int, size: int) -> None:
        self.finish()
        for _ in range(count):
            self.emit(json.dumps({"id": len(self.written), "pad": "x" * size}) + "\n")

    def half(self, length: int) -> None:
        self.finish()
        text = json.dumps({"id": len(self.written), "pad": "y" * 30}) + "\n"
        self.pending = text[length:]
        self.emit(text[:length], whole=False)

    def finish(self) -> None:
        if self.pending:
            text, self.pending = self.pending, ""
            self.emit(text)

    def emit(self, text: str, *, whole: bool = True) -> None:
        with self.log.open("a") as file:
            file.write(text)
        self.touched(self.log)
        if whole:
            self.written.append(len(self.written))

    def touched(self, path: Path) -> None:
        self.now += timedelta(seconds=1)
        os.utime(path, (self.now.timestamp(), self.now.timestamp()))

    def rename(self) -> None:
        self.finish()
        if self.log.exists():
            self.rotated += 1
            self.log.rename(self.folder / f"app.log.{self.rotated}")

    def copy_truncate(self) -> None:
        self.finish()
        if self.log.exists():
            self.rotated += 1
            copy = self.folder / f"app.log.{self.rotated}"
            shutil.copyfile(self.log, copy)
            self.touched(copy)
            os.truncate(self.log, 0)
            self.touched(self.log)

    def compress(self) -> None:
        for path in sorted(self.folder.glob("app.log.*[0-9]")):
            packed = Path(f"{path}.gz")
            packed.write_bytes(gzip.compress(path.read_bytes()))
            self.touched(packed)
            path.unlink()

    def truncate(self) -> None:
        """After everything was read, as a careful operator does."""
        self.finish()
        self.poll()
        if self.log.exists():
            os.truncate(self.log, 0)
            self.touched(self.log)

    def remove(self) -> None:
        self.poll()
        for path in sorted(self.folder.glob("app.log.*"))[:1]:
            path.unlink()

    def poll(self) -> None:
        self.now += timedelta(seconds=30)
        settings = StreamSettings("k", CALLS, ("app.log*",), self.folder, "jsonl", ",", timedelta(days=1))
        reader = Reader(settings, self.cursors)
        if not list(self.folder.glob("app.log*")) and not self.cursors:
            return
        for _, chunk in reader.chunks(self.now):
            assert not chunk.bad
            self.read += [record["id"] for _, record in chunk.records]
            self.cursors[chunk.cursor.name] = chunk.cursor
        self.cursors.update(reader.gone(self.now))
        assert not reader.problems

    def restart(self) -> None:
        stored = json.loads(json.dumps({name: cursor.body() for name, cursor in self.cursors.items()}))
        self.cursors = {name: Cursor.of(name, body) for name, body in stored.items()}


@settings(max_examples=80)
@given(st.lists(OPERATIONS, max_size=25))
def test_every_whole_record_is_read_exactly_once(operations: list[tuple[object, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for name, *arguments in operations:
            getattr(world, str(name))(*arguments)
        world.finish()
        world.now += timedelta(hours=1)
        world.poll()
        assert sorted(world.read) == world.written
        world.poll()
        assert sorted(world.read) == world.written
