"""Series of texts as the rules about texts read them: a line of windows for each stream and baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from config.settings import Settings
from detectors.measurement import Key, Segment, Value, Window
from detectors.sampling import PAIRS
from detectors.text_catalogue import TEXTS_BY_NAME
from monitor.house import House, Watched
from monitor.rules_test.past import GivenPast
from monitor.rules_test.stage import Given
from monitor.rules_test.times import length_of
from monitor.rules_test.values import value_at
from monitor.store import states
from monitor.textrules import decide_texts
from monitor.textstatus import AGAINST
from monitor.textwatch import MeasuredWindow

ROLLING = "rolling"  # the line of a stream that also has what is measured against no baseline


@dataclass(frozen=True, slots=True)
class GivenLine:
    """One stream of one segment as a test gives it. See `monitor.textwatch.Line`.

    Attributes:
        segment: whose texts.
        stream: of the segment.
        role: of the baseline that they are measured against.
        length: of its windows.
        given: the series.
        start: end of the first window.
        until: end of the newest window by now.
    """

    segment: Segment
    stream: str
    role: str
    length: timedelta
    given: tuple[Given, ...]
    start: datetime
    until: datetime

    @property
    def name(self) -> str:
        """Of its cursor."""
        return f"given {self.segment.labels} {self.stream} {self.role} {self.length}"

    @property
    def labels(self) -> Mapping[str, str]:
        """What its measurements have beside their own labels."""
        return {"stream": self.stream, "baseline": self.role}

    def names(self, measure: str) -> frozenset[str] | None:
        """The labels of a measurement, if this line has it."""
        spec = TEXTS_BY_NAME.get(measure)
        if spec is None or (measure not in AGAINST and self.role != ROLLING):
            return None
        labels = dict(spec.labels)
        return frozenset(labels) if self.stream in labels.get("stream", (PAIRS,)) else None

    def windows(self, after: datetime) -> list[MeasuredWindow]:
        """The windows that start at or after a time, oldest first."""
        first = -((self.start - self.length - after) // self.length)
        last = (self.until - self.start) // self.length
        return [self._measured(number) for number in range(max(first, 0), last + 1)]

    def past(self, windows: Sequence[Window], key: Key) -> list[Value | None]:
        """Earlier values, of before the first one too."""
        return GivenPast(self.given, self.start, self.length, self.length).values(self.segment, windows, key)

    def _measured(self, number: int) -> MeasuredWindow:
        end = self.start + number * self.length
        values = {each.key: value_at(each.series, each.key, number) for each in self.given}
        return MeasuredWindow(Window(end - self.length, end), values, lambda _: ())


def lines_of(settings: Settings, given: Sequence[Given], start: datetime) -> list[GivenLine]:
    """The lines that some series of texts make."""
    found: dict[tuple[Segment, str, str, timedelta], list[Given]] = {}
    for each in given:
        labels = dict(each.key.labels)
        place = (each.segment, labels.get("stream", PAIRS), labels.get("baseline", ROLLING))
        found.setdefault((*place, length_of(each.series, settings)), []).append(each)
    return [GivenLine(*place, tuple(mine), start, start) for place, mine in found.items()]


def follow_texts(house: House, watched: Watched, lines: Sequence[GivenLine], now: datetime) -> None:
    """Lets the rules about texts read what has closed of some lines by now."""
    known = [replace(each, until=each.start + (now - each.start) // each.length * each.length) for each in lines]
    if known:
        with house.database.transaction() as session:
            states.progress(session, watched.name, now).complete_until = now
        since = min(each.start - each.length for each in known)
        decide_texts(house, watched, now, since=since, lines=lambda *_: known)
