"""What the parts of this floor look like from above."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from detectors.measurement import Batch, Segment, Window

if TYPE_CHECKING:
    import ibis.expr.types as ir


class Calls(Protocol):
    """The log of one source as tables with the canonical columns (`config.calls`); absent columns are NULL."""

    name: str
    columns: frozenset[str]  # the canonical columns that the source really has
    feedback_columns: frozenset[str]  # empty: no feedback

    def calls(self, since: datetime, until: datetime) -> "ir.Table":
        """At least the calls that started in `[since, until)`; more is allowed."""
        ...

    def feedback(self, since: datetime, until: datetime) -> "ir.Table":
        """At least the feedback given in `[since, until)`; only where `feedback_columns` is not empty."""
        ...


class Aggregate(Protocol):
    """Numbers that the engine computes: one query for a grouping and a batch of windows of one length."""

    @property
    def measures(self) -> frozenset[str]:
        """Names of the measurements that it makes, as in `detectors.catalogue`."""
        ...

    def measure(
        self,
        log: Calls,
        windows: Sequence[Window],
        columns: tuple[str, ...],
        segments: Mapping[Segment, datetime],
    ) -> Batch:
        """Measures every window.

        Args:
            log: where the calls are.
            windows: of one length, in order, with a constant step.
            columns: the grouping.
            segments: the admitted segments of the grouping and since when each is; others are measured as `__other__`.
                A segment has a row in every window that ends after it was admitted, with zero calls if it had none.
        """
        ...


class Cache(Protocol):
    """A bounded store of bytes by key, for embeddings and verdicts; the monitor floor provides it."""

    def get(self, keys: Sequence[str]) -> Mapping[str, bytes]:
        """What is known of the keys."""
        ...

    def put(self, items: Mapping[str, bytes]) -> None:
        """Remembers."""
        ...
