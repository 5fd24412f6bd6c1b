"""One look at the texts of a source: learn what is due, measure what has closed."""

from collections.abc import Callable
from datetime import datetime, timedelta

from detectors.measurement import Window
from monitor.house import House, Watched
from monitor.reading.learn import learn_due
from monitor.reading.measure import measure_due
from monitor.reading.place import places, with_pairs
from monitor.reading.sitting import Sitting
from monitor.slots import ceil
from monitor.store import states

HOUR = timedelta(hours=1)


def read_texts(house: House, watched: Watched, now: datetime, stopping: Callable[[], bool]) -> int:
    """Learns what is due, and measures what is due of each stream, of a long past only so much that the others have
    their turn; returns how many windows were measured. 0 means that there are no more.

    Raises:
        SourceError: the source could not be read.
        detectors.embedder.EmbeddingError: the texts could not be embedded.
    """
    with house.database.reading() as session:
        row = states.all_progress(session).get(watched.name)
        admitted = states.segments(session, watched.name)
    if not house.desk.settings.enabled or row is None or row.complete_until is None:
        return 0
    begin = _begin(house, watched, row.watched_since)
    if begin is None or begin >= row.complete_until:
        return 0
    sitting, read = Sitting.at(house, watched, now), 0
    found = with_pairs(places(watched, house.desk.settings, admitted))
    # All streams are learnt before any is measured: the past of one can be thousands of windows.
    for place in found:
        if not stopping():
            learn_due(sitting, place, Window(begin, row.complete_until))
    for place in found:
        for baseline in sitting.in_use(place):
            read += measure_due(sitting, place, baseline, row.complete_until, stopping)
    return read


def _begin(house: House, watched: Watched, watched_since: datetime) -> datetime | None:
    """Where the log, as far as it is watched, begins."""
    with watched.using:
        oldest = watched.source.oldest()
    return None if oldest is None else ceil(max(oldest, watched_since - house.settings.start), HOUR)
