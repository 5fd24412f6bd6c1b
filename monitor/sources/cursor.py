"""How far a file has been read, and how the file is known again after it was renamed, copied or compressed."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from monitor.sources.opened import MARK, Opened, mark


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far one file has been read.

    Attributes:
        name: of the row in the manifest; it stays when the file is renamed.
        device, inode: where the file was last seen.
        offset: bytes of (decompressed) content that are done with.
        head: fingerprint of the first of them, at most `MARK`.
        tail: fingerprint of the last of them, at most `MARK`.
        header: of a CSV file.
        skipping: inside a line that is too long, up to its end.
        damaged: the end of a cut or damaged compressed file was noted.
        size, changed: of the file when there was nothing left to wait for; -1 before.
        gone_since: when the file was first missed.
    """

    name: str
    device: int
    inode: int
    offset: int = 0
    head: str = ""
    tail: str = ""
    header: tuple[str, ...] | None = None
    skipping: bool = False
    damaged: bool = False
    size: int = -1
    changed: int = -1
    gone_since: str | None = None

    @classmethod
    def of(cls, name: str, body: Mapping[str, Any]) -> "Cursor":
        """From its row."""
        header = body.get("header")
        return cls(**{**body, "name": name, "header": None if header is None else tuple(header)})

    def body(self) -> dict[str, Any]:
        """As its row."""
        body = asdict(self)
        del body["name"]
        return body

    def gone_before(self, time: datetime) -> bool:
        """Whether the file has been missing since before a time."""
        return self.gone_since is not None and datetime.fromisoformat(self.gone_since) < time


def find(opened: Opened, cursors: Iterable[Cursor]) -> Cursor | None:
    """The cursor of a file; None for a file that is new or was rewritten.

    1. A cursor of the same inode, if what was read is still there: the first and the last `MARK` bytes of it.
    2. Else any other cursor whose content this file starts with: it was renamed to another disk, copied (and the
       original truncated), or compressed; or it is a copy, of which the common part was read already.
    """
    head = opened.head()
    tails: dict[int, str | None] = {}
    here = (opened.stat.st_dev, opened.stat.st_ino)
    ordered = sorted(cursors, key=lambda each: ((each.device, each.inode) != here, -each.offset))
    for cursor in ordered:
        same_file = (cursor.device, cursor.inode) == here
        if not (cursor.offset or same_file) or mark(head[: cursor.offset]) != cursor.head:
            continue
        if cursor.offset not in tails:
            tail = opened.seek(cursor.offset)
            tails[cursor.offset] = None if tail is None else mark(tail)
        if tails[cursor.offset] == cursor.tail:
            return cursor
    return None


class Marks:
    """The fingerprints of what was read of a file, as it grows."""

    def __init__(self, head: bytes, tail: bytes) -> None:
        self._head = head
        self._tail = tail

    @classmethod
    def at(cls, opened: Opened, offset: int) -> "Marks":
        """Of a file that was read up to an offset; the file is then positioned there."""
        head = opened.head()[:offset]
        return cls(head, opened.seek(offset) or b"")

    def add(self, content: bytes) -> None:
        """More was read."""
        if len(self._head) < MARK:
            self._head = (self._head + content[:MARK])[:MARK]
        self._tail = (self._tail + content[-MARK:])[-MARK:]

    @property
    def head(self) -> str:
        """Fingerprint of the first bytes."""
        return mark(self._head)

    @property
    def tail(self) -> str:
        """Fingerprint of the last bytes."""
        return mark(self._tail)
