"""What a source is: the log as canonical tables, and how far the log is complete."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from detectors.measurement import Window

if TYPE_CHECKING:
    import ibis.expr.types as ir


class SourceError(Exception):
    """A source could not be read. The text says what failed and what to do, and never holds a secret."""


@dataclass(frozen=True, slots=True)
class Poll:
    """What one read of a source found.

    Attributes:
        complete_until: event time up to which the source vouches for its log; windows that end by then may close.
        rows: calls that were new (0 for sources that are queried in place and do not count them).
        quarantined: records that could not be used, by reason.
        unreadable: values that were there but do not fit their column, read as missing, by column; counted where the
            log is landed or its files are looked at.
        late: stretches of event time before the previous `complete_until` in which calls were added or changed.
        newest: latest event time seen in the source so far, if it is known.
    """

    complete_until: datetime
    rows: int = 0
    quarantined: dict[str, int] = field(default_factory=dict)
    unreadable: dict[str, int] = field(default_factory=dict)
    late: tuple[Window, ...] = ()
    newest: datetime | None = None


class Source(Protocol):
    """One log. `poll` first, then the tables; a source is used by one thread at a time."""

    name: str
    columns: frozenset[str]
    feedback_columns: frozenset[str]

    def poll(self, now: datetime, stopping: Callable[[], bool]) -> Poll:
        """Reads what is new, or checks that the place can be read.

        A quiet source still advances: after a read that reached the end, `complete_until` is `now − lateness`.
        When `stopping()` turns true it returns early with what it has read whole.

        Raises:
            SourceError: the source could not be read; nothing advances.
        """
        ...

    def calls(self, since: datetime, until: datetime) -> "ir.Table":
        """At least the calls that started in `[since, until)`, with all canonical columns.

        A column that the source does not have is NULL.
        """
        ...

    def feedback(self, since: datetime, until: datetime) -> "ir.Table":
        """At least the feedback given in `[since, until)`."""
        ...

    def oldest(self) -> datetime | None:
        """Start of the oldest call that can be read, or None while there is none."""
        ...

    def maintain(self, now: datetime) -> None:
        """Tidies what the source keeps on its own (landed parts); nothing for a source that keeps nothing."""
        ...

    def close(self) -> None:
        """Lets connections and files go."""
        ...
