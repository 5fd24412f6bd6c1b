"""Immutable Parquet files: one part of a landed stream each."""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from monitor.canonical import DUCKDB_TYPES, Canonical, micros, moment
from monitor.store.manifest import Part

ROWS_IN_A_GROUP = 20_000  # a query of one minute reads one group of each part


def write_part(directory: Path, canonical: Canonical, rows: Any) -> Part:
    """Writes rows as a new part, sorted by event time; it is on the disk for good when this returns.

    Args:
        directory: made if it is not there.
        canonical: what the rows are.
        rows: an Arrow table of the canonical schema, not empty.
    """
    at = canonical.event_times(rows)
    order = np.argsort(at, kind="stable")
    rows = rows.take(pa.array(order))
    started = micros(rows[canonical.time])
    name = f"{canonical.stream}-{moment(at.min()):%Y%m%dT%H%M%S}-{secrets.token_hex(6)}.parquet"
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / name
    try:
        with path.open("wb") as file:
            pq.write_table(rows, file, compression="zstd", row_group_size=ROWS_IN_A_GROUP)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        sync_directory(directory)
    except OSError:
        path.unlink(missing_ok=True)  # half a part on a full disk keeps the disk full
        raise
    return Part(
        path=str(path),
        rows=rows.num_rows,
        bytes=size,
        first_started=moment(started.min()),
        last_started=moment(started.max()),
        first_at=moment(at.min()),
        last_at=moment(at.max()),
    )


def sync_directory(directory: Path) -> None:
    """Makes new names in a directory survive a power cut."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_part(path: Path, canonical: Canonical) -> Any:
    """The rows of a part; columns that were added to the canonical table since are NULL."""
    rows = pq.ParquetFile(path).read()
    missing = [field for field in canonical.schema if field.name not in rows.column_names]
    for field in missing:
        rows = rows.append_column(field, pa.nulls(rows.num_rows, field.type))
    return rows.select(canonical.names).cast(canonical.schema)


def relation(parts: Iterable[Path], canonical: Canonical, extra: str = "") -> str:
    """SQL that reads parts with all canonical columns, also those that the table has got since a part was written.

    Args:
        parts: may be empty.
        canonical: what they hold.
        extra: further options of DuckDB's `read_parquet`.
    """
    empty = ", ".join(f'CAST(NULL AS {DUCKDB_TYPES[column.type]}) AS "{column.name}"' for column in canonical.columns)
    paths = ", ".join("'" + str(path).replace("'", "''") + "'" for path in parts)
    if not paths:
        return f"SELECT {empty} WHERE false"
    options = f"union_by_name = true, hive_partitioning = false{extra}"
    return f"SELECT {empty} WHERE false UNION ALL BY NAME SELECT * FROM read_parquet([{paths}], {options})"
