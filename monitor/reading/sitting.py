"""One look at the texts of a source, with all that it needs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from detectors.measurement import Window
from detectors.sampling import Sample, Sampling, hours
from monitor.house import House, Watched
from monitor.reading.desk import TextDesk
from monitor.reading.place import Place
from monitor.redact import Redactor
from monitor.store import texts
from monitor.store.measurements import segment_text
from monitor.store.tables import BaselineRow
from monitor.store.texts import ACCEPTED, StoredCache

if TYPE_CHECKING:
    from detectors.baseline import Baseline
    from detectors.embedder import Embedded


@dataclass(frozen=True, slots=True)
class Sitting:
    """One look at one source at `now`."""

    house: House
    watched: Watched
    redactor: Redactor
    now: datetime

    @classmethod
    def at(cls, house: House, watched: Watched, now: datetime) -> "Sitting":
        """A look at a source."""
        return cls(house, watched, Redactor(watched.settings.redact), now)

    @property
    def desk(self) -> TextDesk:
        """The model and what is remembered."""
        return self.house.desk

    def draw(self, place: Place, window: Window, size: int) -> Sample:
        """The redacted sample of a window."""
        sampling = Sampling(size, self.watched.settings.max_duration)
        with self.watched.using:
            sample = sampling.draw(self.watched.source, place.stream, window, place.segment)
        # Landed texts are redacted already; those of a table or of Parquet files are as the log has them.
        return replace(sample, texts=[self.redactor.redact(text) for text in sample.texts])

    def hours(self, place: Place, span: Window) -> dict[datetime, int]:
        """How many texts each hour of a span has."""
        with self.watched.using:
            return hours(self.watched.source, place.stream, span, place.segment, self.watched.settings.max_duration)

    def embed(self, texts_: Sequence[str], what: str = "") -> "Embedded":
        """Vectors, from the cache where it has them; tells how far it is when the work has a name."""
        told = partial(self.desk.tell, what) if what else None
        return self.desk.embedder.embed(texts_, StoredCache(self.house.database, self.now), told)

    def in_use(self, place: Place) -> list[BaselineRow]:
        """The accepted baselines of a stream, pinned ones first."""
        with self.house.database.reading() as session:
            rows = texts.baselines(session, place.source)
        mine = (segment_text(place.segment), place.stream)
        used = [row for row in rows if row.state == ACCEPTED and (row.segment, row.stream) == mine]
        return sorted(used, key=lambda row: not row.pinned)

    def refusal(self, baseline: "Baseline") -> str:
        """Why texts as they are read now cannot be compared with a baseline; empty when they can."""
        return baseline.refuses(self.desk.embedder.identity, self.redactor.version)


def seconds(sample: Sample) -> NDArray[np.float64]:
    """Event times, seconds since 1970."""
    return np.asarray(sample.ended_us, dtype=np.float64) / 1e6
