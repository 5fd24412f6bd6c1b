"""The demonstration's log as a pure function of seed and anchor, for any stretch of time."""

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.demo.conversations import LONGEST_MS, turns_of_minute
from monitor.demo.feedback import LATEST_MS
from monitor.demo.story import MINUTE, Story, epoch_ms

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Which log it is.

    Attributes:
        seed: another seed is another log.
        anchor: the moment that the story (`monitor.demo.story`) is told from; aware.
        volume: factor on the number of conversations.
    """

    seed: int
    anchor: datetime
    volume: float = 1.0


class Stream:
    """The log from `start` on, in the order in which it is written: calls by end, feedback by time.

    What a minute brings depends on the scenario and the minute only: any cut into stretches gives the same records.

    Args:
        with_feedback: without it the stream begins sooner, since feedback may be about calls of half a day ago.
    """

    def __init__(self, scenario: Scenario, start: datetime, with_feedback: bool = True) -> None:
        self._scenario = scenario
        self._story = Story(scenario.anchor)
        self._start_ms = epoch_ms(start)
        self._with_feedback = with_feedback
        self._minute = (self._start_ms - LONGEST_MS - (LATEST_MS if with_feedback else 0)) // MINUTE
        # Ids break ties, so two records are never compared.
        self._calls: list[tuple[int, str, Record]] = []
        self._feedback: list[tuple[int, str, Record]] = []

    def until(self, end: datetime) -> tuple[list[Record], list[Record]]:
        """The calls and the feedback that are written from the end of the last `until`, or `start`, up to `end`."""
        end_ms = epoch_ms(end)
        while self._minute * MINUTE < end_ms:
            self._add_minute(self._minute)
            self._minute += 1
        return _taken(self._calls, end_ms), _taken(self._feedback, end_ms)

    def _add_minute(self, minute: int) -> None:
        for turn in turns_of_minute(self._scenario.seed, self._story, minute, self._scenario.volume):
            for ended_ms, call in turn.calls:
                if self._is_written(ended_ms):
                    heapq.heappush(self._calls, (ended_ms, call["id"], call))
            for at_ms, rating in turn.feedback if self._with_feedback else ():
                if self._is_written(at_ms):
                    heapq.heappush(self._feedback, (at_ms, rating["call_id"] + rating["key"], rating))

    def _is_written(self, at_ms: int) -> bool:
        """What happens while the source stops is lost."""
        return at_ms >= self._start_ms and not self._story.share("source_stops", at_ms)


def generate(seed: int, start: datetime, end: datetime, anchor: datetime, volume: float = 1.0) -> Iterator[Record]:
    """The calls that end in `[start, end)`, in order of their end, as records with the names of `config.calls`.

    Times are aware; seed, anchor and volume are those of `Scenario`.
    """
    yield from Stream(Scenario(seed, anchor, volume), start, with_feedback=False).until(end)[0]


def generate_feedback(
    seed: int, start: datetime, end: datetime, anchor: datetime, volume: float = 1.0
) -> Iterator[Record]:
    """The feedback given in `[start, end)`, in order of its time; arguments as in `generate`."""
    yield from Stream(Scenario(seed, anchor, volume), start).until(end)[1]


def _taken(waiting: list[tuple[int, str, Record]], end_ms: int) -> list[Record]:
    taken = []
    while waiting and waiting[0][0] < end_ms:
        taken.append(heapq.heappop(waiting)[2])
    return taken
