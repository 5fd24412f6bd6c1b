"""A baseline that was just fitted, as the store keeps it."""

from collections.abc import Mapping
from typing import Any, Protocol

from detectors.measurement import Window
from monitor.reading.place import Place
from monitor.reading.sitting import Sitting
from monitor.store.baselines import CANDIDATE
from monitor.store.measurements import segment_text
from monitor.store.tables import BaselineRow


class Fitted(Protocol):
    """A baseline, of texts or of pairs."""

    @property
    def version(self) -> str:
        """Of its content."""
        ...

    @property
    def length_s(self) -> float:
        """Of its windows."""
        ...

    def to_bytes(self) -> bytes:
        """What the store keeps."""
        ...


def candidate(sitting: Sitting, place: Place, span: Window, fitted: Fitted, facts: Mapping[str, Any]) -> BaselineRow:
    """A row that is not stored yet.

    Args:
        sitting: the look in which it was fitted.
        place: whose texts.
        span: the stretch of the log that it was fitted on.
        fitted: the baseline.
        facts: what a person should know of it without opening it.
    """
    return BaselineRow(
        source=place.source,
        segment=segment_text(place.segment),
        stream=place.stream,
        version=fitted.version,
        state=CANDIDATE,
        fitted_at=sitting.now,
        fitted_from=span.start,
        fitted_until=span.end,
        length_s=int(fitted.length_s),
        read_until=span.end,
        facts=dict(facts),
        body=fitted.to_bytes(),
    )
