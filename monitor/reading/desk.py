"""What the reading of texts remembers between two looks."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from config.detectors import Text
from monitor.learning import Phase
from monitor.reading.place import Place
from monitor.store.tables import BaselineRow

if TYPE_CHECKING:
    from detectors.baseline import Baseline
    from detectors.embedder import Embedder

log = logging.getLogger("watchkeeper")

RETRY_AFTER = timedelta(hours=1)  # of event time, when there was too little to learn from

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class TextState:
    """How the reading of one stream is doing, for people.

    Attributes:
        phase: of its baseline.
        have: how much of the log there is to learn from.
        wanted: how much a baseline covers.
        problem: why nothing is measured, empty when all is well.
    """

    phase: Phase
    have: timedelta
    wanted: timedelta
    problem: str = ""


@dataclass(slots=True)
class TextDesk:
    """The model, the opened baselines, how each stream is doing.

    Attributes:
        states: of each stream that was looked at.
        problems: why the texts of a source cannot be read at all, by source.
        failing_since: since when.
        progress: is told what is being done and the share of it that is done.
    """

    settings: Text
    states: dict[Place, TextState] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    failing_since: dict[str, datetime] = field(default_factory=dict)
    progress: Progress | None = None
    _embedder: "Embedder | None" = None
    _opened: dict[str, "Baseline"] = field(default_factory=dict)
    _tried: dict[Place, datetime] = field(default_factory=dict)

    @property
    def embedder(self) -> "Embedder":
        """The one model of the service, loaded when the first text is read."""
        if self._embedder is None:
            from detectors.embedder import build

            self._embedder = build(self.settings.embedder)
        return self._embedder

    def opened(self, row: BaselineRow) -> "Baseline":
        """The baseline of a row; its bytes are read once."""
        if row.version not in self._opened:
            from detectors.baseline import Baseline

            self._opened[row.version] = Baseline.from_bytes(row.body)
        return self._opened[row.version]

    def failed(self, source: str, problem: str, now: datetime) -> None:
        """Notes that the texts of a source cannot be read; logged when it begins."""
        if source not in self.problems:
            log.error("the texts of %s cannot be read: %s", source, problem)
        self.problems[source] = problem
        self.failing_since.setdefault(source, now)

    def succeeded(self, source: str) -> None:
        """Notes that they can be read."""
        self.problems.pop(source, None)
        self.failing_since.pop(source, None)

    def may_try(self, place: Place, complete_until: datetime) -> bool:
        """Whether there is reason to learn now, after an attempt that found too little."""
        tried = self._tried.get(place)
        return tried is None or complete_until - tried >= RETRY_AFTER

    def tried(self, place: Place, complete_until: datetime) -> None:
        """Learning found too little in what there is."""
        self._tried[place] = complete_until

    def tell(self, what: str, share: float) -> None:
        """Tells how far a long piece of work is."""
        if self.progress is not None:
            self.progress(what, share)
