"""The canonical tables of `config.calls` as the schemas of landed files and of queries."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from config.calls import CALL_COLUMNS, FEEDBACK_COLUMNS, FEEDBACK_TEXT_COLUMNS, TEXT_COLUMNS, Column, ColumnType

Micros = NDArray[np.int64]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE = 60_000_000
# A latency above this is an error of the log, not a call that ended in another decade.
LONGEST_LATENCY_S = 31 * 86400.0

ARROW_TYPES: dict[ColumnType, Any] = {
    "string": pa.string(),
    "json": pa.string(),
    "timestamp": pa.timestamp("us", "UTC"),
    "float": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
}
DUCKDB_TYPES: dict[ColumnType, str] = {
    "string": "VARCHAR",
    "json": "VARCHAR",
    "timestamp": "TIMESTAMPTZ",
    "float": "DOUBLE",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
}
IBIS_TYPES: dict[ColumnType, str] = {
    "string": "string",
    "json": "string",
    "timestamp": "timestamp('UTC', 6)",
    "float": "float64",
    "integer": "int64",
    "boolean": "boolean",
}


@dataclass(frozen=True, slots=True)
class Canonical:
    """One canonical table.

    Attributes:
        stream: its name in the manifest.
        columns: in order.
        identity: the columns that make a row the same row when it comes again.
        time: the column that ranges are asked for by.
        texts: the columns that are redacted.
    """

    stream: str
    columns: tuple[Column, ...]
    identity: tuple[str, ...]
    time: str
    texts: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """The columns without which a row cannot be used."""
        return tuple(column.name for column in self.columns if column.required)

    @property
    def schema(self) -> Any:
        """The Arrow schema of landed parts."""
        return pa.schema([(column.name, ARROW_TYPES[column.type]) for column in self.columns])

    @property
    def times(self) -> tuple[str, ...]:
        """The columns that event time is made from."""
        return (self.time, "ended_at", "latency_s") if self.time == "started_at" else (self.time,)

    @property
    def ibis_schema(self) -> dict[str, str]:
        """The types that every source's table has, by column."""
        return {column.name: IBIS_TYPES[column.type] for column in self.columns}

    def event_times(self, rows: Any) -> Micros:
        """Event time of each row of an Arrow table, in microseconds since 1970: when the call completed."""
        started = micros(rows[self.time])
        if len(self.times) == 1:
            return started
        seconds = pc.fill_null(rows["latency_s"], -1.0).to_numpy()
        usable = (seconds >= 0) & (seconds <= LONGEST_LATENCY_S)
        ended = started + np.where(usable, np.rint(np.where(usable, seconds, 0.0) * 1e6), 0).astype(np.int64)
        known = pc.is_valid(rows["ended_at"]).to_numpy(zero_copy_only=False)
        return np.where(known, micros(rows["ended_at"]), ended)


CALLS = Canonical("calls", CALL_COLUMNS, ("id",), "started_at", TEXT_COLUMNS)
FEEDBACK = Canonical("feedback", FEEDBACK_COLUMNS, ("call_id", "key", "source"), "at", FEEDBACK_TEXT_COLUMNS)


def micros(column: Any) -> Micros:
    """An Arrow column of time stamps as microseconds since 1970; 0 where there is none."""
    values: Micros = pc.fill_null(column.cast(pa.int64()), 0).to_numpy()
    return values


def moment(microseconds: int) -> datetime:
    """The aware datetime of microseconds since 1970."""
    return EPOCH + timedelta(microseconds=int(microseconds))


def microseconds(time: datetime) -> int:
    """Microseconds since 1970 of an aware datetime."""
    return (time - EPOCH) // timedelta(microseconds=1)
