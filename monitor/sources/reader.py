"""One pass over the line files of a stream."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from monitor.sources.base import SourceError
from monitor.sources.cursor import Cursor, find
from monitor.sources.opened import Opened, mark
from monitor.sources.reading import Chunk, read_new
from monitor.sources.records import Csv, JsonLines, Parser
from monitor.sources.scan import Found, format_of, scan
from monitor.sources.stream import StreamSettings


class Reader:
    """Reads what is new in every file that matches now. A file that cannot be read does not stop the others."""

    def __init__(self, settings: StreamSettings, cursors: dict[str, Cursor]) -> None:
        """Starts a pass.

        Args:
            settings: which files.
            cursors: how far each file had been read before the pass.
        """
        self.problems: list[str] = []
        self._settings = settings
        self._before = dict(cursors)
        self._settled = {
            (cursor.device, cursor.inode, cursor.size, cursor.changed): cursor
            for cursor in cursors.values()
            if cursor.size >= 0
        }
        self._present: set[str] = set()

    def chunks(self, now: datetime) -> Iterator[tuple[str, Chunk]]:
        """The path and content of every chunk that is new.

        Raises:
            SourceError: there is no file, and there never was one.
        """
        files = scan(self._settings.patterns, self._settings.folder, self.problems)
        if not files and not self._before and not self.problems:
            raise SourceError(
                f"{self._settings.key}.paths: no file matches {', '.join(self._settings.patterns)} "
                f"(relative paths start at {self._settings.folder})"
            )
        for file in files:
            try:
                for chunk in self._file(file, now):
                    self._present.add(chunk.cursor.name)
                    yield str(file.path), chunk
            except FileNotFoundError:
                continue  # rotated away between the listing and now; the next listing shows its new name
            except OSError as error:
                self.problems.append(f"{file.path}: {error.strerror or type(error).__name__}")

    def gone(self, now: datetime) -> dict[str, Cursor]:
        """The cursors of files that were missed for the first time, after a whole pass."""
        return {
            name: replace(cursor, gone_since=now.isoformat())
            for name, cursor in self._before.items()
            if name not in self._present and cursor.gone_since is None
        }

    def _file(self, file: Found, now: datetime) -> Iterator[Chunk]:
        settled = self._settled.get((file.device, file.inode, file.size, file.changed))
        if settled is not None:
            yield Chunk([], [], replace(settled, gone_since=None))
            return
        if not file.size:
            return
        opened = Opened(file.path)
        try:
            cursor = self._cursor(opened)
            yield from read_new(opened, cursor, self._parser(file, cursor), now)
        finally:
            opened.close()

    def _cursor(self, opened: Opened) -> Cursor:
        known = find(opened, self._before.values())
        here = (opened.stat.st_dev, opened.stat.st_ino)
        if known is not None and (known.device, known.inode) == here:
            return known
        name = f"{here[0]:x}-{here[1]:x}-{mark(opened.head())[:12]}"
        return Cursor(name, *here) if known is None else replace(known, name=name)

    def _parser(self, file: Found, cursor: Cursor) -> Parser:
        kind = format_of(file.path.name) if self._settings.format == "auto" else self._settings.format
        if kind == "parquet":
            advice = "set format: parquet, or give Parquet files a source of their own"
            raise OSError(0, f"a Parquet file among line files: {advice}")
        return Csv(self._settings.delimiter, cursor.header) if kind == "csv" else JsonLines()
