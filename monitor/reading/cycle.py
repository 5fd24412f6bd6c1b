"""One look at the texts of a source: learn what is due, measure what has closed."""

from collections.abc import Callable
from datetime import datetime, timedelta

from detectors.measurement import Window
from monitor.house import House, Watched
from monitor.reading.learn import learn_due
from monitor.reading.measure import measure_due
from monitor.reading.place import places
from monitor.reading.sitting import Sitting
from monitor.slots import ceil
from monitor.store import states

HOUR = timedelta(hours=1)


def read_texts(house: House, watched: Watched, now: datetime, stopping: Callable[[], bool]) -> int:
    """Learns and measures what is due; returns how many windows were measured.

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
    for place in places(watched, house.desk.settings, admitted):
        if stopping():
            break
        learn_due(sitting, place, Window(begin, row.complete_until))
        # A pinned baseline comes first: where both have measured a window, the newer one's numbers are shown.
        for baseline in sitting.in_use(place):
            read += measure_due(sitting, place, baseline, row.complete_until, stopping)
    return read


def _begin(house: House, watched: Watched, watched_since: datetime) -> datetime | None:
    """Where the log, as far as it is watched, begins."""
    with watched.using:
        oldest = watched.source.oldest()
    return None if oldest is None else ceil(max(oldest, watched_since - house.settings.start), HOUR)
