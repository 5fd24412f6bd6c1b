"""What the two ways to read files have in common: one stream (calls or feedback) of one source."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

from config.sources.files import FileFormat
from monitor.canonical import Canonical
from monitor.stretches import Stretches

Stopping = Callable[[], bool]

# Rows of the quarantine that one step may write; the rest is only counted.
MOST_NOTED = 1000


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """Where a stream's files are.

    Attributes:
        key: in the settings, for messages: `sources.chat` or `sources.chat.feedback`.
        canonical: what the files hold.
        patterns: globs.
        folder: where relative globs start.
        format: of the files.
        delimiter: of CSV files.
        retention: how long landed rows are kept.
        latest_by: of Parquet files: the column whose largest value wins when an identity comes twice.
    """

    key: str
    canonical: Canonical
    patterns: tuple[str, ...]
    folder: Path
    format: FileFormat
    delimiter: str
    retention: timedelta
    latest_by: str | None = None


@dataclass(slots=True)
class Found:
    """What was read since it was last told: counts that survive a poll that fails half-way."""

    rows: int = 0
    quarantined: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)


class Stream(Protocol):
    """One stream. `closed_until` is how far windows may have been measured already."""

    @property
    def columns(self) -> frozenset[str]:
        """The canonical columns that the files really have."""
        ...

    def poll(self, now: datetime, closed_until: datetime | None, stopping: Stopping) -> bool:
        """Reads what is new; whether the end was reached.

        Raises:
            SourceError: some file could not be read; all others were.
        """
        ...

    def take(self) -> Found:
        """What was read since this was last asked."""
        ...

    def query(self, since: datetime, until: datetime) -> str:
        """SQL of the canonical rows of `[since, until)`."""
        ...

    def span(self) -> tuple[datetime, datetime] | None:
        """The oldest time and the newest event time."""
        ...

    def late(self) -> Stretches:
        """What came late and was not forgotten."""
        ...

    def forget_late(self, now: datetime) -> None:
        """It has been measured again."""
        ...

    def maintain(self, now: datetime) -> None:
        """Tidies."""
        ...

    def close(self) -> None:
        """Lets everything go."""
        ...
