"""What was measured before the windows of a test, as the test gives it; nothing is looked up in a store."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.conditions.moment import floor
from alerts.watch import Readings
from detectors.measurement import Key, Segment, Value, Window
from monitor.rules_test.file import InputSeries
from monitor.rules_test.notation import Sample, Samples
from monitor.rules_test.stage import Given
from monitor.rules_test.values import value_of


@dataclass(frozen=True, slots=True)
class GivenPast:
    """See `monitor.past.Remembered`: the series of one source, at any of their windows that have closed.

    Attributes:
        given: the series.
        start: when the first value is read.
        slot: length of a base window.
        history: length of the windows of `before`.
    """

    given: tuple[Given, ...]
    start: datetime
    slot: timedelta
    history: timedelta

    def values(self, segment: Segment, windows: Sequence[Window], key: Key) -> list[Value | None]:
        """The value of each window; None where no series has one."""
        mine = [each for each in reversed(self.given) if (each.segment, each.key) == (segment, key)]
        return [self._value(mine, window) for window in windows]

    def learn(self, readings: Readings) -> None:
        """Everything is known already."""

    def _value(self, given: Sequence[Given], window: Window) -> Value | None:
        for each in given:
            if each.over in (None, window.length):
                number = (window.end - self.start) // self.slot
                if number >= 0:
                    found = _at(each.series.values, number)
                else:
                    found, number = self._before(each.series, window), 0
                if found is not None:
                    return value_of(each.series, each.key, found, number)
        return None

    def _before(self, series: InputSeries, window: Window) -> Sample | None:
        if series.before is None or window.length != self.history:
            return None
        back = (floor(self.start - self.slot, self.history) - window.end) // self.history
        return _at(series.before, len(series.before) - 1 - back)


def _at(samples: Samples, number: int) -> Sample | None:
    return samples[number] if 0 <= number < len(samples) else None
