"""A few records of a log beside the calls that they are mapped to: for `check --connect`."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from config.sources.files import FilesSource
from monitor.canonical import CALLS
from monitor.redact import Redactor
from monitor.sources.base import SourceError
from monitor.sources.engines.memory import connect
from monitor.sources.expressions import Expressions, described, shown
from monitor.sources.mapping import Mapper
from monitor.sources.opened import Opened
from monitor.sources.peek import side_by_side
from monitor.sources.records import Csv, JsonLines, Parser
from monitor.sources.scan import format_of, scan
from monitor.sources.table import TableLog

MOST = 5
_READ = 1 << 20  # bytes of a file that are looked at


@dataclass(frozen=True, slots=True)
class Example:
    """One record.

    Attributes:
        raw: the record by the log's own names.
        mapped: the canonical columns that have a value; empty when the record cannot be used.
        reason: why it cannot.
    """

    raw: dict[str, Any]
    mapped: dict[str, Any]
    reason: str = ""


def table_examples(source: TableLog, since: datetime, until: datetime) -> list[Example]:
    """The newest rows of a stretch.

    Raises:
        SourceError: the table cannot be read.
    """
    pairs = source.look(lambda projection: side_by_side(projection, since, until, MOST))
    return [Example(raw, _there(mapped), _lacking(mapped)) for raw, mapped in pairs]


def file_examples(settings: FilesSource, key: str, folder: Path) -> list[Example]:
    """Records of the files that were written last; an empty list when there is none.

    Raises:
        SourceError: the file cannot be read or an expression cannot work.
    """
    expressions = Expressions(CALLS, settings.columns, f"{key}.columns", settings.timezone)
    found: list[Example] = []
    for file in reversed(scan(settings.paths, folder, [])):
        if len(found) < MOST and file.size:
            found = _of_file(file.path, settings, key, expressions)[len(found) - MOST :] + found
    return found


def _of_file(path: Path, settings: FilesSource, key: str, expressions: Expressions) -> list[Example]:
    kind = format_of(path.name) if settings.format == "auto" else settings.format
    try:
        if kind == "parquet":
            return _of_parquet(path, expressions)
        parser: Parser = Csv(settings.delimiter, None) if kind == "csv" else JsonLines()
        return _of_lines(path, parser, expressions, Redactor(settings.redact))
    except OSError as error:
        raise SourceError(f"{key}.paths: {path}: {error.strerror}") from error
    except duckdb.Error as error:
        raise SourceError(f"{key}.paths: {path}: {shown(error)}") from error


def _of_lines(path: Path, parser: Parser, expressions: Expressions, redactor: Redactor) -> list[Example]:
    opened = Opened(path)
    try:
        parts = [opened.read(_READ)]
        while parts[-1] and sum(map(len, parts)) < _READ:
            parts.append(opened.read(_READ))
    finally:
        opened.close()
    records = parser.parse(b"".join(parts), 0, not parts[-1]).records[-MOST:]
    if not records:
        return []
    mapper = Mapper(expressions, redactor, connect())
    try:
        mapped = mapper.map([mapper.texts(records, 0)])
    finally:
        mapper.close()
    reasons = {position: reason for _, position, reason in mapped.bad}
    rows = iter(mapped.rows.to_pylist())
    return [
        Example(record, {}, reasons[position]) if position in reasons else Example(record, _there(next(rows)))
        for position, record in records
    ]


def _of_parquet(path: Path, expressions: Expressions) -> list[Example]:
    relation = "(SELECT * FROM read_parquet('{}') LIMIT {})".format(str(path).replace("'", "''"), MOST)
    with connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        types = expressions.types(connection, relation)
        canonical = ", ".join(f'"{name}"' for name in CALLS.names)
        query = f"SELECT {canonical} FROM ({expressions.select(types, relation)})"
        mapped = connection.execute(query).to_arrow_table().to_pylist()
        quoted = (name.replace('"', '""') for name in described(connection, f"FROM {relation}"))
        names = ", ".join(f'"{name}"' for name in quoted)
        raw = connection.execute(f"SELECT {names} FROM {relation}").to_arrow_table().to_pylist()
    return [Example(before, _there(after), _lacking(after)) for before, after in zip(raw, mapped, strict=True)]


def _there(mapped: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in mapped.items() if value is not None}


def _lacking(mapped: dict[str, Any]) -> str:
    missing = [name for name in CALLS.required if not str(mapped.get(name) or "").strip()]
    return f"missing_{missing[0]}" if missing else ""
