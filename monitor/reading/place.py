"""Which texts are read: the streams of some segments of a source."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from config.detectors import Text
from detectors.drift.budget import Stream
from detectors.measurement import Segment
from detectors.sampling import PAIRS, STREAMS
from detectors.segments import is_other, measurable

if TYPE_CHECKING:
    from monitor.house import Watched

Admitted = Mapping[tuple[str, ...], Mapping[Segment, datetime]]


@dataclass(frozen=True, slots=True)
class Place:
    """One text stream of one segment of a source."""

    source: str
    segment: Segment
    stream: Stream

    def __str__(self) -> str:
        where = " / ".join([self.source, *(value for _, value in self.segment.labels)])
        what = "responses given their prompts" if self.stream == PAIRS else f"{self.stream}s"
        return f"{what} of {where}"


def places(watched: "Watched", settings: Text, admitted: Admitted) -> Iterator[Place]:
    """The streams of each admitted segment of the grouping `text.by`, of at most `text.segments` of them.

    Of the whole source where it has no such grouping.
    """
    grouping = next((tuple(each) for each in watched.settings.groupings if set(each) == set(settings.by)), ())
    segments = [Segment()]
    if grouping and measurable(grouping, watched.source.columns):
        known = admitted.get(grouping, {})
        named = [each for each in known if not is_other(each)]
        segments = sorted(named, key=lambda each: (known[each], each))[: settings.segments]
    for segment in segments:
        for stream in settings.streams:
            if stream in watched.source.columns:
                yield Place(watched.name, segment, stream)


def with_pairs(found: Iterable[Place]) -> list[Place]:
    """The places, and after them what is answered to what in each segment where both texts are read."""
    known = list(found)
    segments = list(dict.fromkeys((each.source, each.segment) for each in known))
    both = [each for each in segments if all(Place(*each, stream) in known for stream in STREAMS)]
    return [*known, *(Place(*each, PAIRS) for each in both)]
