"""From bytes to records: lines of JSON, and CSV by RFC 4180."""

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson

MAX_LINE = 16 << 20
MAX_CSV_RECORD = 1 << 20
_BOM = b"\xef\xbb\xbf"
# A file that was truncated under its writer starts with zeros up to where the writer was.
_BLANK = b" \t\r\n\x00"

Record = dict[str, Any]

# The limit of the csv module is a setting of the process, and a prompt may well be longer than its 128 KiB.
csv.field_size_limit(MAX_LINE)


@dataclass(slots=True)
class Parsed:
    """What a stretch of a file held.

    Attributes:
        records: position of each record's first byte in the file, and the record.
        bad: position and reason of what could not be used.
        consumed: bytes that are done with; the rest is the start of a record that has not ended yet.
    """

    records: list[tuple[int, Record]] = field(default_factory=list)
    bad: list[tuple[int, str]] = field(default_factory=list)
    consumed: int = 0


class Parser(Protocol):
    """Reads the records of one file, in order. `header` is what it must remember between two reads of the file."""

    header: tuple[str, ...] | None

    def parse(self, data: bytes, start: int, last: bool) -> Parsed:
        """Parses a stretch.

        Args:
            data: bytes of the file.
            start: position of the first of them.
            last: whether nothing more is expected, so that a record without its line end may be taken if it is whole.
        """
        ...


class JsonLines:
    """One JSON object a line."""

    header: tuple[str, ...] | None = None

    def parse(self, data: bytes, start: int, last: bool) -> Parsed:
        """See `Parser`. NaN and infinities become null, lone surrogates and invalid UTF-8 become U+FFFD."""
        parsed = Parsed(consumed=data.rfind(b"\n") + 1)
        if parsed.consumed:
            self._lines(data[: parsed.consumed - 1].split(b"\n"), start, parsed)
        rest = data[parsed.consumed :]
        if last and rest.strip(_BLANK):
            tail = Parsed()
            self._lines([rest], start + parsed.consumed, tail)
            if tail.records:
                parsed.records += tail.records
                parsed.consumed = len(data)
        return parsed

    def _lines(self, lines: list[bytes], position: int, parsed: Parsed) -> None:
        for line in lines:
            content = line.removeprefix(_BOM).strip(_BLANK) if not position else line.strip(_BLANK)
            if content:
                value = _json(content)
                if isinstance(value, dict):
                    parsed.records.append((position, value))
                else:
                    parsed.bad.append((position, value))
            position += len(line) + 1


class Csv:
    """Comma-separated values with a header; a quoted field may hold line ends."""

    def __init__(self, delimiter: str, header: tuple[str, ...] | None) -> None:
        self.header = header
        self._delimiter = delimiter

    def parse(self, data: bytes, start: int, last: bool) -> Parsed:
        """See `Parser`. An empty field is a missing value. A stray quote costs its own line, not those that follow."""
        end = len(data) if last else data.rfind(b"\n") + 1
        parsed = Parsed()
        feeder = _Feeder(data[:end].removeprefix(_BOM) if not start else data[:end], start, len(data[:end]))
        reader = csv.reader(feeder, delimiter=self._delimiter, strict=True)
        while True:
            feeder.begin()
            try:
                fields = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                if feeder.ended and not last and "unexpected end" in str(error):
                    break
                parsed.bad.append((feeder.position(), _csv_reason(error)))
                feeder.back_to_second()
                parsed.consumed = feeder.consumed()
                continue
            if feeder.unterminated and not self._whole(fields):
                break
            self._take(fields, feeder.position(), parsed)
            parsed.consumed = feeder.consumed()
        return parsed

    def _whole(self, fields: list[str]) -> bool:
        return self.header is not None and len(fields) == len(self.header)

    def _take(self, fields: list[str], position: int, parsed: Parsed) -> None:
        if not fields or fields == [""]:
            return
        if self.header is None:
            self.header = tuple(name.strip() for name in fields)
        elif len(fields) != len(self.header):
            parsed.bad.append((position, "wrong_number_of_fields"))
        else:
            record = {name: value or None for name, value in zip(self.header, fields, strict=True)}
            parsed.records.append((position, record))


class _Feeder:
    """Gives lines to the csv module, and knows which of them the present record took."""

    def __init__(self, data: bytes, start: int, size: int) -> None:
        # Only \n ends a line here: what lies between two quotes may hold any other line end.
        self._lines = [line + b"\n" for line in data.split(b"\n")]
        self._lines[-1] = self._lines[-1][:-1]
        if not self._lines[-1]:
            self._lines.pop()
        first = start + size - len(data)
        self._starts = [first]
        for line in self._lines:
            self._starts.append(self._starts[-1] + len(line))
        self._base = start
        self._next = 0
        self._first = 0
        self.ended = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        taken = self._starts[self._next] - self._starts[self._first]
        self.ended = self._next >= len(self._lines)
        if self.ended or taken > MAX_CSV_RECORD:
            raise StopIteration
        line = self._lines[self._next]
        self._next += 1
        return line.decode("utf-8", "replace").lstrip("\x00")

    def begin(self) -> None:
        """A new record starts at the next line."""
        self._first = self._next

    def back_to_second(self) -> None:
        """Goes on after the first line of the present record."""
        self._next = self._first + 1

    def position(self) -> int:
        """Position of the present record in the file."""
        return self._starts[self._first]

    def consumed(self) -> int:
        """Bytes of the data that were taken so far."""
        return self._starts[self._next] - self._base

    @property
    def unterminated(self) -> bool:
        """Whether the present record ends with the data and not with a line end."""
        return self._next == len(self._lines) and not self._lines[-1].endswith(b"\n")


def _csv_reason(error: csv.Error) -> str:
    if "unexpected end" in str(error):
        return "unbalanced_quotes"
    return "too_long" if "field limit" in str(error) else "malformed_csv"


def _json(line: bytes) -> Record | str:
    """The object, or the reason why there is none."""
    if len(line) > MAX_LINE:
        return "too_long"
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        try:
            value = _without_surrogates(json.loads(line.decode("utf-8", "replace"), parse_constant=lambda _: None))
        except (ValueError, RecursionError):
            return "malformed_json"
    return value if isinstance(value, dict) else "not_an_object"


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_without_surrogates(each) for each in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(each) for key, each in value.items()}
    return value
