"""Files of records: CSV with a header, JSON, or JSON lines. What cannot be read is named by line."""

import csv
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

LARGEST: Final = 500_000_000  # bytes of a file
LARGEST_JSON: Final = 100_000_000  # of one that is read as a whole
LONGEST: Final = 16_000_000  # bytes of a line, characters of a field
_DELIMITERS: Final = (",", ";", "\t")
_BETWEEN: Final = re.compile(r"[\s,\[\]]*")

csv.field_size_limit(LONGEST)


class RecordsError(Exception):
    """A file cannot be read at all; the text names it and says why."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record and the line on which it begins."""

    line: int
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that holds no record, or one that cannot be used, and why; never what it says."""

    line: int
    reason: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


def read_records(path: Path) -> Iterator[Record | Bad]:
    """What a file holds, in its order: by the end of its name CSV (`.csv`, `.tsv`), JSON (`.json`), else JSON lines.

    JSON is one object after another, or a list of objects; they may stand on as many lines as they like.

    Raises:
        RecordsError: it cannot be opened, is too large, or is a CSV without a header.
    """
    suffix = path.suffix.lower()
    read, most = _READERS.get(suffix, (_json_lines, LARGEST))
    try:
        if path.stat().st_size > most:
            raise RecordsError(f"{path}: is longer than {most // 1_000_000} MB{_SPLIT.get(suffix, '')}")
        yield from read(path)
    except OSError as error:
        raise RecordsError(f"{path}: cannot be read: {error.strerror}") from error


def text_of(value: Any) -> str | None:
    """A value as a text that any encoding can carry: a list as its parts, an object as JSON; None where it is empty."""
    if value is None or value == "":
        return None
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        value = "\n\n".join(value)
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode()


def _json_lines(path: Path) -> Iterator[Record | Bad]:
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST + 1), b""), 1):
            if len(line) > LONGEST:
                raise RecordsError(f"{path}, line {number}: is longer than {LONGEST // 1_000_000} MB")
            if line.strip(b"\xef\xbb\xbf \t\r\n"):
                yield _object(number, line)


def _json(path: Path) -> Iterator[Record | Bad]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise RecordsError(f"{path}: is not UTF-8 text; save it as UTF-8") from error
    decoder, at, line = json.JSONDecoder(), 0, 1
    # Objects of a list differ from objects in a row by its brackets and commas only.
    while (start := _start(text, at)) < len(text):
        line += text.count("\n", at, start)
        try:
            read, at = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            yield Bad(line, "is no JSON from here on")
            return
        yield Record(line, read) if isinstance(read, dict) else Bad(line, "must be a JSON object, {…}")
        line += text.count("\n", start, at)


def _start(text: str, at: int) -> int:
    """Where the next value begins."""
    found = _BETWEEN.match(text, at)
    return at if found is None else found.end()


def _object(number: int, line: bytes) -> Record | Bad:
    try:
        read = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return Bad(number, "is not UTF-8 text")
    except (ValueError, RecursionError):
        return Bad(number, "is no JSON")
    return Record(number, read) if isinstance(read, dict) else Bad(number, "must be a JSON object, {…}")


def _csv(path: Path) -> Iterator[Record | Bad]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            delimiter = max(_DELIMITERS, key=first.count)
            file.seek(0)
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            header = [name.strip() for name in next(reader, [])]
            if not any(header):
                raise RecordsError(f"{path}: has no header: the first line must name the columns")
            twice = next((name for name in header if name and header.count(name) > 1), None)
            if twice is not None:
                raise RecordsError(f"{path}: the header has the column {twice[:100]!r} twice")
            yield from _rows(reader, header)
    except UnicodeDecodeError as error:
        raise RecordsError(f"{path}: is not UTF-8 text; save it as UTF-8") from error


def _rows(reader: Any, header: list[str]) -> Iterator[Record | Bad]:
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader, None)
        except csv.Error as error:
            yield Bad(line, f"is no CSV ({error})")
            continue
        if row is None:
            return
        if not any(field.strip() for field in row):
            continue
        if len(row) != len(header):
            yield Bad(line, f"has {len(row)} fields where the header has {len(header)}")
        else:
            yield Record(line, {name: field for name, field in zip(header, row, strict=True) if name})


_Reader = Callable[[Path], Iterator[Record | Bad]]
_READERS: Final[Mapping[str, tuple[_Reader, int]]] = {
    ".csv": (_csv, LARGEST),
    ".tsv": (_csv, LARGEST),
    ".json": (_json, LARGEST_JSON),
}
_SPLIT: Final = {".json": "; write JSON lines (.jsonl), which are read one by one"}
