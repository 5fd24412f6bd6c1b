"""What a source holds, as Watchkeeper reads it: for `check --connect`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from config.calls import CALL_COLUMNS, TEXT_COLUMNS, Column
from monitor.redact import Redactor
from monitor.sources.base import Source

SHOWN = 5
SAMPLED = 1_000
LOOK_BACK = timedelta(days=7)
SHORT = 60


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found in one source.

    Attributes:
        calls: the newest calls, canonical columns that have a value only, texts redacted and shortened.
        shares: share of the newest calls that carry a value, for each column that the source has.
        sampled: how many calls the shares are of.
        costs: what is off because a column is missing or always empty.
        quarantined: records that cannot be used, by reason.
    """

    calls: Sequence[Mapping[str, str]]
    shares: Mapping[str, float]
    sampled: int
    costs: Sequence[str]
    quarantined: Mapping[str, int]


def inspect(source: Source, redactor: Redactor, now: datetime) -> Inspection:
    """Reads a source as the service would and looks at its newest calls.

    Raises:
        SourceError: the source cannot be read.
    """
    poll = source.poll(now, lambda: False)
    newest = poll.newest or now
    calls = source.calls(newest - LOOK_BACK, newest + timedelta(microseconds=1))
    rows = calls.order_by([calls.started_at.desc(), calls.id]).limit(SAMPLED).to_pyarrow().to_pylist()
    shares = {
        column.name: sum(row[column.name] is not None for row in rows) / len(rows)
        for column in CALL_COLUMNS
        if column.name in source.columns and rows
    }
    return Inspection(
        calls=[_shown(row, redactor) for row in rows[:SHOWN]],
        shares=shares,
        sampled=len(rows),
        costs=[cost for column in CALL_COLUMNS if not shares.get(column.name) and (cost := _cost(column))],
        quarantined=poll.quarantined,
    )


def _cost(column: Column) -> str:
    return f"no {column.name}: off are {'; '.join(column.feeds)}" if column.feeds else ""


def _shown(row: Mapping[str, Any], redactor: Redactor) -> dict[str, str]:
    """The values of a call as one line each; control characters could drive the terminal that shows them."""
    shown = {}
    for name, value in row.items():
        if value is not None:
            text = redactor.redact(str(value)) if name in TEXT_COLUMNS else str(value)
            text = "".join(letter if letter.isprintable() else " " for letter in text)
            shown[name] = text if len(text) <= SHORT else f"{text[:SHORT]}…"
    return shown
