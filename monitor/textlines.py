"""The lines of text windows of a source: what was measured of each stream of each segment, by role of the baseline."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from detectors.measurement import Key, Segment, Value, Window
from detectors.sampling import PAIRS
from detectors.text_catalogue import TEXTS_BY_NAME
from monitor.house import House, Watched
from monitor.reading.place import places, with_pairs
from monitor.store import baselines, states, textlines
from monitor.store.baselines import ACCEPTED, CANDIDATE, StoredBaseline
from monitor.store.database import Session
from monitor.store.measurements import segment_text
from monitor.store.texts import TextMeasured
from monitor.textstatus import AGAINST, labelled
from monitor.textwatch import MeasuredWindow

SHOWN = 3  # calls of a measurement
# Measurements whose calls are the strangest texts of the window; of effects and channels those with such a name.
_STRANGE = frozenset({"out_of_distribution_ratio", "out_of_vocabulary_ratio", "novelty", "all"})


@dataclass(frozen=True, slots=True)
class TextLine:
    """One stream of one segment, measured against the baselines that had a role one after the other.

    See `monitor.textwatch.Line`.

    Attributes:
        house: where what was measured is kept.
        baseline: the one in use.
        read_until: of each baseline that is known how far was read against it, the one in use first, then the newest.
        pinned: version of the baseline of the stream that is pinned, empty where none is: all others were rolling.
        is_described: whether the line also has what is measured against no baseline: only one of a stream has that.
    """

    house: House
    baseline: StoredBaseline
    read_until: Mapping[str, datetime]
    pinned: str
    is_described: bool

    @property
    def name(self) -> str:
        """Of its cursor."""
        _, segment, stream, _ = self.baseline.key
        return f"texts {segment} {stream} {self.baseline.role}"

    @property
    def segment(self) -> Segment:
        """Whose texts."""
        return self.baseline.segment

    @property
    def labels(self) -> Mapping[str, str]:
        """What its measurements have beside their own labels."""
        return {"stream": self.baseline.stream, "baseline": self.baseline.role}

    @property
    def length(self) -> timedelta:
        """Of the windows of the baseline in use."""
        return timedelta(seconds=self.baseline.length_s)

    @property
    def until(self) -> datetime:
        """End of the last window that was measured against the baseline in use."""
        return self.baseline.read_until

    def names(self, measure: str) -> frozenset[str] | None:
        """The labels of a measurement, if this line has it."""
        spec = TEXTS_BY_NAME.get(measure)
        if spec is None or (measure not in AGAINST and not self.is_described):
            return None
        labels = dict(spec.labels)
        return frozenset(labels) if self.baseline.stream in labels.get("stream", (PAIRS,)) else None

    def windows(self, after: datetime) -> list[MeasuredWindow]:
        """The windows that start at or after a time, oldest first.

        Only those that were read in their turn: a backfill can have written later ones. Of windows that overlap, when a
        baseline was replaced by one with other windows, the first.
        """
        with self.house.database.reading() as session:
            rows = textlines.between(session, self.baseline.key[:3], after, self.until)
        in_turn = [each for each in rows if self._was_read(each)]
        taken: list[TextMeasured] = []
        for each in sorted(in_turn, key=lambda each: (each.window.end, self._rank(each))):
            if not taken or each.window.start >= taken[-1].window.end:
                taken.append(each)
        return [MeasuredWindow(each.window, self._labelled(each), partial(self._exemplars, each)) for each in taken]

    def past(self, windows: Sequence[Window], key: Key) -> list[Value | None]:
        """Earlier values; in a replay also those from before it began."""
        found: dict[Window, Value | None] = {}
        for database in (self.house.database, self.house.desk.lender):
            missing = [each for each in windows if each not in found]
            if missing and database is not None:
                with database.reading() as session:
                    rows = textlines.of_windows(session, self.baseline.key[:3], missing)
                mine = (each for each in rows if self._has_role(each))
                # Several were measured where a baseline was replaced: the last that is written is that of the best.
                for each in sorted(mine, key=self._rank, reverse=True):
                    found[each.window] = self._labelled(each).get(key)
        return [found.get(each) for each in windows]

    def _has_role(self, measured: TextMeasured) -> bool:
        return (measured.baseline == self.pinned) == self.baseline.pinned

    def _was_read(self, measured: TextMeasured) -> bool:
        until = self.read_until.get(measured.baseline)
        return until is not None and measured.window.end <= until and self._has_role(measured)

    def _rank(self, measured: TextMeasured) -> int:
        """The order of baselines, the best first; those that are forgotten by now last."""
        order = list(self.read_until)
        return order.index(measured.baseline) if measured.baseline in order else len(order)

    def _labelled(self, measured: TextMeasured) -> dict[Key, Value]:
        return labelled(measured, self.baseline, is_described=not self.is_described)

    def _exemplars(self, measured: TextMeasured, key: Key) -> tuple[str, ...]:
        """Calls of the topic that a measurement is about, or the strangest ones; else those behind what has changed.

        What texts look like, their language and their form has no calls in the store.
        """
        found, labels = measured.findings, dict(key.labels)
        topics = [*found.get("grown", ()), *found.get("shrunk", ())]
        ids: list[str] = []
        if key.name not in AGAINST:
            return ()
        if "topic" in labels:
            changes = [each for each in topics if each["topic"]["name"] == labels["topic"]]
        else:
            changes = [*found.get("new", ()), *topics, found.get("responses", {})]
            if measured.stream != PAIRS and _STRANGE & {key.name, labels.get("effect"), labels.get("channel")}:
                with self.house.database.reading() as session:
                    ids += textlines.strangest(session, measured, SHOWN)
        ids += [call for each in changes for call in each.get("exemplars", ())]
        return tuple(dict.fromkeys(ids))[:SHOWN]


def text_lines(house: House, watched: Watched, session: Session) -> list[TextLine]:
    """The lines of a source whose texts are read: of each stream one for each role of a baseline that is in use."""
    known: dict[tuple[str, str, str], list[StoredBaseline]] = {}
    for each in baselines.known(session, watched.name):
        if each.state != CANDIDATE:
            known.setdefault(each.key[:3], []).insert(0, each)
    read = _read(house, watched, session)
    found: list[TextLine] = []
    for stream, fitted in known.items():
        if read is not None and stream not in read:
            continue
        used = sorted((each for each in fitted if each.state == ACCEPTED), key=lambda each: each.pinned)
        pinned = next((each.version for each in used if each.pinned), "")
        for number, each in enumerate(used):
            until = {one.version: one.read_until for one in (each, *fitted)}
            found.append(TextLine(house, each, until, pinned, is_described=number == 0))
    return found


def _read(house: House, watched: Watched, session: Session) -> set[tuple[str, str, str]] | None:
    """The streams whose texts are read as the settings are now; None in a replay, which reads all that it was lent."""
    if house.replay:
        return None
    admitted = states.segments(session, watched.name)
    return {
        (each.source, segment_text(each.segment), each.stream)
        for each in with_pairs(places(watched, house.desk.settings, admitted))
    }
