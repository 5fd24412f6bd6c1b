"""What everybody writes first: past the threshold, send; back again, send. Nothing is remembered over a restart."""

from collections import Counter
from dataclasses import dataclass, field

from alerts.watch import Readings
from benchmarks.alert_storm.ends import End
from benchmarks.alert_storm.story import BEGIN, LEVEL, MINUTE, RECEIVERS, Story

STALE_MINUTES = 10  # a message about a minute that lies longer back tells of the past as if it were now


@dataclass
class Naive:
    """Reads the same minutes and tells the same receivers, each once and without a second try."""

    story: Story
    counts: Counter[str] = field(default_factory=Counter)
    open: dict[str, set[tuple[str, str]]] = field(default_factory=lambda: {name: set() for name in RECEIVERS})
    _past: set[tuple[str, str]] = field(default_factory=set)
    _started_at: int = 0

    def read(self, source: str, minute: int, readings: Readings, started_at: int) -> None:
        """Takes what is decided in a minute."""
        if started_at != self._started_at:
            self._past.clear()
            self._started_at = started_at
        for batch in readings.batches.values():
            (series,) = batch.series.values()
            if not self._past and not (series.value > LEVEL).any():
                continue
            for (segment, window), value in zip(batch.rows, series.value.tolist(), strict=True):
                alert = (source, segment.labels[0][1])
                is_past = value > LEVEL
                if is_past != (alert in self._past) and value == value:  # noqa: PLR0124 - it is no NaN
                    (self._past.add if is_past else self._past.discard)(alert)
                    self._tell(alert, minute, (window.end - BEGIN) // MINUTE, opens=is_past)

    def _tell(self, alert: tuple[str, str], minute: int, about: int, *, opens: bool) -> None:
        for name in RECEIVERS:
            end = End(name, False, self.story.outages.get(name, []))
            self.counts["messages"] += 1
            if end.out_of_order(minute) is not None:
                self.counts["lost"] += 1
                continue
            self.counts["stale"] += minute - about > STALE_MINUTES
            self.counts["doubled"] += opens and alert in self.open[name]
            self.counts["ends_of_what_is_not_open"] += not opens and alert not in self.open[name]
            (self.open[name].add if opens else self.open[name].discard)(alert)
