"""One open file, plain or compressed, read by its decompressed offset."""

import bz2
import gzip
import hashlib
import lzma
import os
import zlib
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import IO, Any, Protocol

MARK = 1024  # bytes at the start and before the offset that identify what was read
_SKIP = 1 << 20
_ZSTD_FEED = 1 << 10  # compressed bytes a step: a block of zstd can be 30,000 times larger than it looks
_MAGIC = ((b"\x1f\x8b", "gzip"), (b"BZh", "bz2"), (b"\xfd7zXZ\x00", "xz"), (b"\x28\xb5\x2f\xfd", "zstd"))


class Ending(Enum):
    """How the last read of a file ended."""

    MORE = "more"  # there may be more to read
    WHOLE = "whole"  # at the end of the file
    UNFINISHED = "unfinished"  # the compressed file ends in the middle: still being written, or cut
    DAMAGED = "damaged"  # the compressed file cannot be decompressed further


class _Stream(Protocol):
    def read1(self, size: int, /) -> bytes: ...


class _DamagedError(Exception):
    """A frame of zstd cannot be decompressed."""


class _Zstd:
    """Decompresses frame after frame; raises EOFError where the last one is cut, as Python's own readers do."""

    def __init__(self, raw: IO[bytes]) -> None:
        import zstandard

        self._raw = raw
        self._new: Callable[[], Any] = zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj
        self._error = zstandard.ZstdError
        self._frame: Any = None
        self._rest = b""
        self._out = b""

    def read1(self, size: int, /) -> bytes:
        self._out = self._out or self._next()
        out, self._out = self._out[:size], self._out[size:]
        return out

    def _next(self) -> bytes:
        while True:
            data = self._rest or self._raw.read(_ZSTD_FEED)
            if not data:
                if self._frame is None:
                    return b""
                raise EOFError("the last frame is cut")
            self._rest = b""
            self._frame = self._frame or self._new()
            try:
                out: bytes = self._frame.decompress(data)
            except self._error as error:
                raise _DamagedError(str(error)) from error
            if self._frame.eof:
                self._rest, self._frame = self._frame.unused_data, None
            if out:
                return out


class Opened:
    """A file that is being read. What decompresses is given even where the file is cut or damaged later on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ending = Ending.MORE
        self._raw = path.open("rb")
        self.stat = os.fstat(self._raw.fileno())
        start = self._raw.read(8)
        self.compression = next((kind for magic, kind in _MAGIC if start.startswith(magic)), None)
        self._stream = self._start()

    def head(self) -> bytes:
        """The first bytes of the content, at most `MARK`; the file is then no longer where it was."""
        self._stream = self._start()
        return self.read(MARK)

    def seek(self, offset: int) -> bytes | None:
        """Goes to an offset; the bytes before it, at most `MARK`, or None when the content is shorter."""
        before = min(offset, MARK)
        self._stream = self._start()
        if self.compression is None:
            self._raw.seek(offset - before)
        elif self._skip(offset - before) < offset - before:
            return None
        tail = self.read(before)
        return tail if len(tail) == before else None

    def read(self, size: int) -> bytes:
        """The next bytes, `size` of them unless the end is reached; once there are none, `ending` says which end."""
        pieces: list[bytes] = []
        missing = size
        while missing > 0 and (data := self._piece(missing)):
            pieces.append(data)
            missing -= len(data)
        return b"".join(pieces)

    def _piece(self, size: int) -> bytes:
        """What one step of decompression gives: some ten kilobytes, too few to be worth a batch."""
        if self.ending in (Ending.UNFINISHED, Ending.DAMAGED):
            return b""
        try:
            data = self._stream.read1(size)
        except EOFError:
            self.ending = Ending.UNFINISHED
            return b""
        except (OSError, zlib.error, lzma.LZMAError, _DamagedError) as error:
            # An OSError with a number is the disk's or the network's, and not about the content.
            if self.compression is None or getattr(error, "errno", None) is not None:
                raise
            self.ending = Ending.DAMAGED
            return b""
        self.ending = Ending.MORE if data else Ending.WHOLE
        return data

    def close(self) -> None:
        """Lets the file go."""
        self._raw.close()

    def _start(self) -> _Stream:
        self.ending = Ending.MORE
        self._raw.seek(0)
        raw: Any = self._raw
        match self.compression:
            case "gzip":
                return gzip.GzipFile(fileobj=raw)
            case "bz2":
                return bz2.BZ2File(raw)
            case "xz":
                return lzma.LZMAFile(raw)
            case "zstd":
                return _Zstd(raw)
        return raw  # type: ignore[no-any-return]

    def _skip(self, size: int) -> int:
        skipped = 0
        while skipped < size:
            data = self.read(min(_SKIP, size - skipped))
            if not data:
                break
            skipped += len(data)
        return skipped


def mark(content: bytes) -> str:
    """The fingerprint of a stretch of bytes."""
    return hashlib.sha256(content).hexdigest()[:32]
