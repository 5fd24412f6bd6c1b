"""What was measured of a source before, for the rules that compare with it; read from the store once and remembered."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Protocol

from alerts.conditions import reach
from alerts.conditions.moment import EPOCH
from alerts.watch import Past, Readings
from config.alerts import Rule
from detectors.measurement import Key, Segment, Value, Window
from monitor.store import measurements
from monitor.store.database import Database

Row = Mapping[Segment, Mapping[Key, Value]]

# A rule looks back at most so many windows further than it says: the margin of what is remembered.
_MARGIN = timedelta(days=1)


class Remembered(Past, Protocol):
    """What was measured of a source before, and what is added to it."""

    def learn(self, readings: Readings) -> None:
        """Remembers what was just decided on."""
        ...


@dataclass(slots=True)
class StoredPast:
    """The values of a source's windows that rules have asked for.

    A revision of a window that was read is not read again: a decision is taken on what was known, and a baseline of
    weeks does not hang on a late call. A window that was not there is asked for again.

    Attributes:
        database: where measurements are kept.
        source: by name.
        names: the measurements that are remembered.
        reaches: how far back the rules look.
        lender: where a replay finds what was measured before it began.
    """

    database: Database
    source: str
    names: frozenset[str]
    reaches: timedelta
    lender: Database | None = None
    _rows: dict[Window, Row] = field(default_factory=dict)

    @classmethod
    def of(cls, database: Database, source: str, rules: Iterable[Rule], lender: Database | None = None) -> "StoredPast":
        """What some rules need."""
        mine = [rule for rule in rules if rule.kind != "threshold"]
        longest = max((reach(rule) for rule in mine), default=timedelta(0))
        return cls(database, source, frozenset(rule.measure for rule in mine), longest, lender)

    def values(self, segment: Segment, windows: Sequence[Window], key: Key) -> list[Value | None]:
        """See `alerts.watch.Past`."""
        for database in (self.database, self.lender):
            missing = [window for window in windows if window not in self._rows]
            if missing and database is not None:
                with database.reading() as session:
                    self._rows |= measurements.of_windows(session, self.source, missing, self.names)
        return [self._rows.get(window, {}).get(segment, {}).get(key) for window in windows]

    def learn(self, readings: Readings) -> None:
        """Remembers what was just decided on: in a replay the store does not keep all of it.

        Of base windows those of the last history window, of trailing ones those of twice their length, of history
        windows all; what is out of every rule's reach is forgotten.
        """
        if not self.names:
            return
        newest = max((batch.rows[-1][1].end for batch in readings.batches.values() if batch.rows), default=None)
        if newest is None:
            return
        for batch in readings.batches.values():
            keys = [key for key in batch.series if key.name in self.names]
            for segment, window in batch.rows if keys else ():
                keep = readings.history if window.length == readings.slot else 2 * window.length
                if window.end > newest - keep or _is_history(window, readings.history):
                    values = {key: value for key in keys if (value := batch.value(segment, window, key)) is not None}
                    self._rows[window] = {**self._rows.get(window, {}), segment: values}
        oldest = newest - self.reaches - _MARGIN
        self._rows = {window: row for window, row in self._rows.items() if window.start >= oldest}


def _is_history(window: Window, history: timedelta) -> bool:
    return window.length == history and not (window.start - EPOCH) % history
