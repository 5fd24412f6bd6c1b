"""What the reading of texts remembers between two looks."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from config.detectors import Text
from monitor.learning import Phase
from monitor.reading.place import Place
from monitor.store import baselines
from monitor.store.baselines import StoredBaseline
from monitor.store.database import Database

if TYPE_CHECKING:
    from detectors.baseline import Baseline
    from detectors.drift.pair_baseline import PairBaseline
    from detectors.embedder import Embedder

log = logging.getLogger("watchkeeper")

RETRY_AFTER = timedelta(hours=1)  # of event time, when a baseline could not be learnt

Progress = Callable[[str, float], None]


@dataclass(frozen=True, slots=True)
class TextState:
    """How the reading of one stream is doing, for people.

    Attributes:
        phase: of its baseline.
        have: how much of the log there is to learn from.
        wanted: how much a baseline covers.
        problem: why nothing is measured, or nothing is learnt anew; empty when all is well.
    """

    phase: Phase
    have: timedelta
    wanted: timedelta
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why the texts of a source cannot be read at all, and since when (wall clock)."""

    reason: str
    since: datetime


@dataclass(slots=True)
class TextDesk:
    """The model, the opened baselines, how each stream is doing.

    Attributes:
        states: of each stream that was looked at.
        failures: of the sources whose texts cannot be read at all.
        progress: is told what is being done and the share of it that is done.
        lender: another store whose vectors are looked up too, and never changed; of a replay.
    """

    settings: Text
    states: dict[Place, TextState] = field(default_factory=dict)
    failures: dict[str, Failure] = field(default_factory=dict)
    progress: Progress | None = None
    lender: Database | None = None
    _embedder: "Embedder | None" = None
    _opened: dict[str, "Baseline"] = field(default_factory=dict)
    _opened_pairs: dict[str, "PairBaseline"] = field(default_factory=dict)
    _tried: dict[Place, datetime] = field(default_factory=dict)

    @property
    def embedder(self) -> "Embedder":
        """The one model of the service, loaded when the first text is read."""
        if self._embedder is None:
            from detectors.embedder import build

            self._embedder = build(self.settings.embedder)
        return self._embedder

    def opened(self, stored: StoredBaseline, database: Database) -> "Baseline":
        """The baseline itself; its bytes are read once."""
        found = self._opened.get(stored.version)
        if found is None:
            from detectors.baseline import Baseline

            with database.reading() as session:
                body = baselines.body(session, stored)
            found = self._opened[stored.version] = Baseline.from_bytes(body)
        return found

    def opened_pairs(self, stored: StoredBaseline, database: Database) -> "PairBaseline":
        """The same of a baseline of pairs."""
        found = self._opened_pairs.get(stored.version)
        if found is None:
            from detectors.drift.pair_baseline import PairBaseline

            with database.reading() as session:
                body = baselines.body(session, stored)
            found = self._opened_pairs[stored.version] = PairBaseline.from_bytes(body)
        return found

    def closed(self, stored: StoredBaseline) -> None:
        """Nothing is measured against a baseline any more."""
        self._opened.pop(stored.version, None)
        self._opened_pairs.pop(stored.version, None)

    def failed(self, source: str, reason: str, now: datetime) -> None:
        """Notes that the texts of a source cannot be read; logged when it begins."""
        before = self.failures.get(source)
        if before is None:
            log.error("the texts of %s cannot be read: %s", source, reason)
        self.failures[source] = Failure(reason, now if before is None else before.since)

    def succeeded(self, source: str) -> None:
        """Notes that they can be read."""
        self.failures.pop(source, None)

    def may_try(self, place: Place, complete_until: datetime) -> bool:
        """Whether there is reason to learn now, after an attempt that found too little."""
        tried = self._tried.get(place)
        return tried is None or complete_until - tried >= RETRY_AFTER

    def tried(self, place: Place, complete_until: datetime) -> None:
        """Learning found too little in what there is, or too much to be kept."""
        self._tried[place] = complete_until

    def tell(self, what: str, share: float) -> None:
        """Tells how far a long piece of work is."""
        if self.progress is not None:
            self.progress(what, share)
