"""One look at the texts of a source, with all that it needs."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from config.calls import GROUPING_COLUMNS
from config.detectors import Text
from detectors.descriptors import version_of
from detectors.measurement import Window
from detectors.retries import retried, retried_each
from detectors.sampling import PAIRS, Sample, Sampling, hours
from detectors.sealed import UnreadableError
from detectors.storms import Counted
from monitor.house import House, Watched
from monitor.reading.desk import TextDesk
from monitor.reading.place import Place
from monitor.redact import Redactor
from monitor.store import baselines
from monitor.store.baselines import StoredBaseline
from monitor.store.texts import StoredCache

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

    @property
    def descriptors(self) -> str:
        """Version of what is described of a text."""
        return version_of(sentiment=self.desk.settings.sentiment)

    def draw(
        self, place: Place, window: Window, size: int, columns: tuple[str, ...] = (), numbers: tuple[str, ...] = ()
    ) -> Sample:
        """The redacted sample of a window, with other columns of its calls."""
        sampling = Sampling(size, self.watched.settings.max_duration, columns, numbers)
        with self.watched.using:
            sample = sampling.draw(self.watched.source, place.stream, window, place.segment)
        return self._redacted(sample)

    def draw_each(self, place: Place, span: Window, size: int, length: timedelta) -> Sample:
        """The redacted samples of all windows of a span together."""
        sampling = Sampling(size, self.watched.settings.max_duration)
        with self.watched.using:
            sample = sampling.draw_each(self.watched.source, place.stream, span, place.segment, length)
        return self._redacted(sample)

    def _redacted(self, sample: Sample) -> Sample:
        # Landed texts are redacted already; those of a table or of Parquet files are as the log has them.
        redact = self.redactor.redact
        return replace(sample, texts=[*map(redact, sample.texts)], answers=[*map(redact, sample.answers)])

    @property
    def cuts(self) -> tuple[str, ...]:
        """The columns of the log by which calls can be told apart."""
        return self.there(GROUPING_COLUMNS)

    def there(self, names: Sequence[str]) -> tuple[str, ...]:
        """Those of some columns that the log has."""
        return tuple(name for name in names if name in self.watched.source.columns)

    def hours(self, place: Place, span: Window) -> dict[datetime, int]:
        """How many texts each hour of a span has."""
        with self.watched.using:
            return hours(self.watched.source, place.stream, span, place.segment, self.watched.settings.max_duration)

    def retries(self, place: Place, window: Window) -> Counted | None:
        """How many calls of a whole window repeat a prompt, and of how many it is known; None of another stream."""
        if not self._knows_retries(place):
            return None
        with self.watched.using:
            return retried(self.watched.source, window, place.segment, self.watched.settings.max_duration)

    def retries_each(self, place: Place, span: Window, length: timedelta) -> dict[datetime, Counted]:
        """The same of each window of a length within a span; nothing where it is not known."""
        if not self._knows_retries(place):
            return {}
        with self.watched.using:
            longest = self.watched.settings.max_duration
            return retried_each(self.watched.source, span, place.segment, longest, length)

    def _knows_retries(self, place: Place) -> bool:
        return place.stream == "prompt" and bool({"user_id", "session_id"} & self.watched.source.columns)

    @property
    def cache(self) -> StoredCache:
        """The vectors that are known."""
        return StoredCache(self.house.database, self.now, self.desk.lender)

    def embed(self, texts_: Sequence[str], what: str = "") -> "Embedded":
        """Vectors, from the cache where it has them; tells how far it is when the work has a name."""
        told = partial(self.desk.tell, what) if what else None
        return self.desk.embedder.embed(texts_, self.cache, told)

    def in_use(self, place: Place) -> list[StoredBaseline]:
        """The accepted baselines of a stream, a pinned one first."""
        with self.house.database.reading() as session:
            found = baselines.in_use(session, place.source)
        return [each for each in found if (each.segment, each.stream) == (place.segment, place.stream)]

    def opened(self, stored: StoredBaseline) -> "Baseline":
        """The baseline itself."""
        return self.desk.opened(stored, self.house.database)

    def refusal(self, stored: StoredBaseline) -> str:
        """Why texts as they are read now cannot be compared with a baseline; empty when they can.

        One that another version of Watchkeeper wrote is refused like one of another model: it is learnt anew.
        """
        try:
            return self._refusal(stored)
        except UnreadableError as error:
            return f"{error}: fit a new baseline"

    def _refusal(self, stored: StoredBaseline) -> str:
        identity, redactor = self.desk.embedder.identity, self.redactor.version
        if stored.stream == PAIRS:
            return self.desk.opened_pairs(stored, self.house.database).refuses(identity, redactor)
        return self.opened(stored).refuses(identity, redactor, self.descriptors)


def seconds(sample: Sample) -> NDArray[np.float64]:
    """Event times, seconds since 1970."""
    return np.asarray(sample.ended_us, dtype=np.float64) / 1e6


def size_each(settings: Text, span: Window, length: timedelta) -> int:
    """How many texts each window gives of what is learnt from."""
    from detectors.profile import LEAST_CALLS

    return min(settings.sample, max(LEAST_CALLS, settings.learn // max(span.length // length, 1)))
