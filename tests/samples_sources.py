"""A sample of each kind of source, for the suite that every source must pass (tests/test_sources.py).

A kind in `monitor.sources.registry.SOURCES` without a sample here fails the suite.
"""

import csv
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from config.calls import CALL_COLUMN_NAMES, FEEDBACK_COLUMN_NAMES
from monitor.sources.base import Source

Record = dict[str, Any]  # canonical names; str, int, float, bool, aware datetime or None; JSON columns as JSON text


@dataclass(frozen=True, slots=True)
class SourceSample:
    """A kind of source over a log that the suite chooses.

    Attributes:
        kind: the kind, as in `SOURCES`.
        make: writes these calls as a log in the folder and opens a source named "log" over it, with lateness 1 minute.
            Called again on the same folder with an empty list, it opens the same log once more (a restart).
        add: adds calls to the log that `make` wrote into the folder.
        feed: adds feedback to the log that `make` wrote into the folder.
        destroy: makes the log in the folder unreadable, so that the next poll of any source over it fails.
        secrets: texts of the settings that must never show in an error.
    """

    kind: str
    make: Callable[[Path, list[Record]], Source]
    add: Callable[[Path, list[Record]], None]
    feed: Callable[[Path, list[Record]], None]
    destroy: Callable[[Path], None]
    secrets: tuple[str, ...] = ()


def samples() -> Iterator[tuple[str, SourceSample]]:
    """Every sample with a name for the suite."""
    from samples_table import TABLE

    yield "files-jsonl", _files("jsonl")
    yield "files-csv", _files("csv")
    yield "files-parquet", _files("parquet")
    yield "table-duckdb", TABLE


def _files(ending: str) -> SourceSample:
    def make(folder: Path, calls: list[Record]) -> Source:
        from landing_kit import new_store

        from config.sources.files import FilesSource
        from monitor.sources.registry import SourceContext, build

        add(folder, calls)
        feed(folder, [])
        settings: dict[str, Any] = {"kind": "files", "paths": [f"calls*.{ending}"], "lateness": "1m"}
        settings["feedback"] = {"paths": [f"feedback*.{ending}"]}
        context = SourceContext(folder, folder / "landed", new_store(folder))
        return build("log", FilesSource.model_validate(settings), context)

    def add(folder: Path, calls: list[Record]) -> None:
        _WRITERS[ending](folder, "calls", calls, CALL_COLUMN_NAMES)

    def feed(folder: Path, feedback: list[Record]) -> None:
        _WRITERS[ending](folder, "feedback", feedback, FEEDBACK_COLUMN_NAMES)

    def destroy(folder: Path) -> None:
        for path in folder.glob(f"calls*.{ending}"):
            path.unlink()
            path.symlink_to(path.name)  # a link to itself cannot be opened, not even by root

    return SourceSample("files", make, add, feed, destroy)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def _write_jsonl(folder: Path, name: str, records: list[Record], _columns: tuple[str, ...]) -> None:
    with (folder / f"{name}.jsonl").open("a", encoding="utf-8") as file:
        for record in records:
            file.write(json.dumps({key: _plain(value) for key, value in record.items()}, ensure_ascii=False) + "\n")


def _write_csv(folder: Path, name: str, records: list[Record], columns: tuple[str, ...]) -> None:
    path = folder / f"{name}.csv"
    new = not path.exists()
    with path.open("a", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        if new:
            writer.writerow(columns)
        writer.writerows([_plain(record.get(column)) for column in columns] for record in records)


def _write_parquet(folder: Path, name: str, records: list[Record], _columns: tuple[str, ...]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from monitor.canonical import CALLS, FEEDBACK

    schema = (CALLS if name == "calls" else FEEDBACK).schema
    table = pa.table({field.name: [record.get(field.name) for record in records] for field in schema}, schema=schema)
    number = len(list(folder.glob(f"{name}*.parquet")))
    if records or not number:
        pq.write_table(table, folder / f"{name}-{number}.parquet")


_WRITERS: dict[str, Callable[[Path, str, list[Record], tuple[str, ...]], None]] = {
    "jsonl": _write_jsonl,
    "csv": _write_csv,
    "parquet": _write_parquet,
}
