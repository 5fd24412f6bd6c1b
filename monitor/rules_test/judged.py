"""Series of a judge as the rules about the judge read them: when a judged window is complete."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from config.settings import Settings
from detectors.measurement import Key, Measured, Segment, Value, Window
from monitor.house import House, Watched, is_about_judge
from monitor.judging.deciding import decide
from monitor.rules_test.stage import Given
from monitor.rules_test.times import judged_length
from monitor.rules_test.values import value_at, value_of
from monitor.store import judging


@dataclass(frozen=True, slots=True)
class GivenVerdicts:
    """What a judge says of one source, as a test gives it.

    Attributes:
        given: the series.
        start: end of the first window.
        length: of judged windows.
        lengths: those that rules read over, `length` among them.
    """

    given: tuple[Given, ...]
    start: datetime
    length: timedelta
    lengths: tuple[timedelta, ...]

    @classmethod
    def of(cls, settings: Settings, given: tuple[Given, ...], start: datetime) -> "GivenVerdicts":
        """The series as the rules of a test read them."""
        length = judged_length(settings)
        overs = {rule.over for rule in settings.rules.values() if is_about_judge(rule) and rule.over is not None}
        return cls(given, start, length, (length, *sorted(each for each in overs if each > length)))

    def before(self, source: str) -> Iterator[Measured]:
        """The windows before the first one."""
        longest = max((len(each.series.before or ()) for each in self.given), default=0)
        for back in range(1, longest + 1):
            values: dict[Segment, dict[Key, Value]] = {}
            for each in self.given:
                samples = each.series.before or ()
                if back <= len(samples):
                    found = value_of(each.series, each.key, samples[-back], 0)
                    values.setdefault(each.segment, {})[each.key] = found
            yield from self._measured(source, self.start - back * self.length, self.length, values)

    def at(self, source: str, end: datetime) -> list[Measured]:
        """The windows of every length that end then."""
        number = (end - self.start) // self.length
        found: list[Measured] = []
        for length in self.lengths:
            values: dict[Segment, dict[Key, Value]] = {}
            for each in self.given:
                mine = values.setdefault(each.segment, {})  # a judged window has a row, whatever is in it
                if each.over in (None, length):
                    mine[each.key] = value_at(each.series, each.key, number)
            found += self._measured(source, end, length, values)
        return found

    def _measured(
        self, source: str, end: datetime, length: timedelta, values: dict[Segment, dict[Key, Value]]
    ) -> Iterator[Measured]:
        for segment, mine in values.items():
            yield Measured(source, segment, Window(end - length, end), mine)


def remember_before(house: House, watched: Watched, verdicts: GivenVerdicts) -> None:
    """Keeps what was measured before the first window, where the service would have it."""
    with house.database.transaction() as session:
        judging.measure(session, verdicts.before(watched.name))


def follow_verdicts(house: House, watched: Watched, verdicts: GivenVerdicts, now: datetime) -> None:
    """Lets the rules about the judge read the window that is complete now, if one is."""
    if not verdicts.given or (now - verdicts.start) % verdicts.length:
        return
    measured = verdicts.at(watched.name, now)
    with house.deciding, house.database.transaction() as session:
        judging.measure(session, measured)
        decision = decide(house, watched, Window(now - verdicts.length, now), (measured, ()), now)
        if decision is not None:
            decision.save(session, now)
