"""Reading what is new in one file, whole records only, in chunks of bounded size."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.canonical import microseconds
from monitor.sources.cursor import Cursor, Marks
from monitor.sources.opened import Ending, Opened
from monitor.sources.records import MAX_LINE, Parsed, Parser, Record

CHUNK = 4 << 20
# A last line without its line end is taken when nobody has written to the file for this long.
TAIL_AFTER = timedelta(seconds=60)
# A compressed file that ends in the middle is still being written; not any more after this long.
DAMAGED_AFTER = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some records of a file, and the cursor after them."""

    records: list[tuple[int, Record]]
    bad: list[tuple[int, str]]
    cursor: Cursor
    size: int = 0


def read_new(opened: Opened, cursor: Cursor, parser: Parser, now: datetime) -> Iterator[Chunk]:
    """Reads from the cursor to the end of the file.

    Every chunk's cursor stands at the start of the first record that was not given yet, so reading may stop and start
    again after any of them. The last one notes the file's state if there is nothing to wait for.
    """
    return _Reading(opened, cursor, parser).chunks(now)


class _Reading:
    """One pass over a file."""

    def __init__(self, opened: Opened, cursor: Cursor, parser: Parser) -> None:
        self._opened = opened
        self._parser = parser
        self._cursor = replace(
            cursor, device=opened.stat.st_dev, inode=opened.stat.st_ino, size=-1, changed=-1, gone_since=None
        )
        self._marks = Marks.at(opened, cursor.offset)
        self._buffer = b""

    def chunks(self, now: datetime) -> Iterator[Chunk]:
        while data := self._opened.read(CHUNK):
            self._buffer += data
            bad = self._skip_too_long()
            chunk = self._parse(last=False)
            if chunk.size or bad:
                yield replace(chunk, bad=bad + chunk.bad)
        yield self._end(now)

    def _parse(self, *, last: bool) -> Chunk:
        if self._cursor.skipping or not self._buffer:
            return Chunk([], [], self._cursor)
        parsed: Parsed = self._parser.parse(self._buffer, self._cursor.offset, last)
        self._consume(parsed.consumed)
        self._cursor = replace(self._cursor, header=self._parser.header)
        return Chunk(parsed.records, parsed.bad, self._cursor, parsed.consumed)

    def _consume(self, size: int) -> None:
        self._marks.add(self._buffer[:size])
        self._buffer = self._buffer[size:]
        self._cursor = replace(
            self._cursor, offset=self._cursor.offset + size, head=self._marks.head, tail=self._marks.tail
        )

    def _skip_too_long(self) -> list[tuple[int, str]]:
        """Lets go of a line that is longer than memory should hold; its end may be gigabytes away, or never come."""
        bad = []
        line_end = self._buffer.find(b"\n")
        if not self._cursor.skipping and line_end < 0 and len(self._buffer) > MAX_LINE:
            bad.append((self._cursor.offset, "too_long"))
            self._cursor = replace(self._cursor, skipping=True)
        if self._cursor.skipping:
            self._consume(line_end + 1 or len(self._buffer))
            self._cursor = replace(self._cursor, skipping=line_end < 0)
        return bad

    def _end(self, now: datetime) -> Chunk:
        ending, stat = self._opened.ending, self._opened.stat
        quiet = timedelta(microseconds=microseconds(now) - stat.st_mtime_ns // 1000)
        whole = ending is Ending.WHOLE
        final = quiet >= TAIL_AFTER or (whole and self._opened.compression is not None)
        chunk = self._parse(last=final and whole)
        bad = list(chunk.bad)
        if not whole and quiet >= DAMAGED_AFTER:
            if not self._cursor.damaged:
                bad.append((self._cursor.offset, "corrupt_compression"))
            self._cursor = replace(self._cursor, damaged=True)
        if final if whole else self._cursor.damaged:
            self._cursor = replace(self._cursor, size=stat.st_size, changed=stat.st_mtime_ns)
        return Chunk(chunk.records, bad, self._cursor, chunk.size)
