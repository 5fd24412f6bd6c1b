"""Runs a test of rules: its series go through measuring, deciding, grouping and delivery as the service does it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from alerts.notifier import Message, Receipt
from config.settings import Settings
from monitor.counters import Counters
from monitor.cycle import Stretch, advance
from monitor.deliver import Delivery
from monitor.house import House, Watched
from monitor.past import Remembered
from monitor.reading.desk import TextDesk
from monitor.rules_test.file import RuleTest, source_of
from monitor.rules_test.judged import GivenVerdicts, follow_verdicts, remember_before
from monitor.rules_test.past import GivenPast
from monitor.rules_test.stage import EmptyLog, GivenMeter, given_of, only
from monitor.rules_test.suite import Suite
from monitor.rules_test.texts import GivenLine, follow_texts, lines_of
from monitor.rules_test.times import ends, is_judged, is_of_texts
from monitor.store import events, outbox
from monitor.store.database import Database, create
from monitor.store.events import Event
from monitor.store.tables import TransitionRow

MOST_SENDS = 1_000  # messages to one receiver within a window: more is a loop


@dataclass
class Noted:
    """A receiver that takes everything and writes it down."""

    kind: str = "noted"
    deduplicates: bool = False
    messages: list[Message] = field(default_factory=list)

    def send(self, message: Message, refs: Mapping[str, str]) -> Receipt:
        """Takes the message."""
        self.messages.append(message)
        return Receipt()

    def close(self) -> None:
        """Nothing is open."""


@dataclass(frozen=True, slots=True)
class Happened:
    """What a test has led to: changes of state in order, and the messages of each receiver with when they were sent."""

    transitions: list[TransitionRow] = field(default_factory=list)
    messages: list[tuple[datetime, str, Message]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Apart:
    """A source with its series that have windows of their own: those of texts and of a judge."""

    watched: Watched
    lines: list[GivenLine]
    verdicts: GivenVerdicts

    @classmethod
    def of(cls, house: House, watched: Watched, test: RuleTest) -> "Apart":
        """The series of a test, with what was before them in the store."""
        settings, name = house.settings, watched.name
        lines = lines_of(settings, given_of(settings, name, filter(is_of_texts, test.series)), test.start)
        verdicts = GivenVerdicts.of(settings, given_of(settings, name, filter(is_judged, test.series)), test.start)
        remember_before(house, watched, verdicts)
        return cls(watched, lines, verdicts)


def run(suite: Suite) -> Iterator[Happened]:
    """What each test leads to, in order; every test has a store of its own."""
    with TemporaryDirectory(prefix="watchkeeper-rules-test-") as folder:
        empty = Path(folder) / "empty.db"
        Database.open(f"sqlite:///{empty}").close()
        for number, test in enumerate(suite.tests):
            copy = copyfile(empty, Path(folder) / f"{number}.db")
            with _staged(only(suite.settings, test), test, copy) as house:
                yield _run(house, test)


def _run(house: House, test: RuleTest) -> Happened:
    receivers = {name: Noted() for name in house.settings.receivers}
    delivery = Delivery(house.database, receivers, house.counters)
    happened, apart = Happened(), [Apart.of(house, watched, test) for watched in house.sources.values()]
    for end in (test.start + after for after in ends(test, house.settings)):
        for each in apart:
            advance(house, each.watched, Stretch(end, end), end)
            follow_texts(house, each.watched, each.lines, end)
            follow_verdicts(house, each.watched, each.verdicts, end)
        with house.database.transaction() as session:
            happened.transitions.extend(outbox.take_transitions(session))
        happened.messages.extend(_sent(delivery, receivers, end))
    return happened


def _sent(delivery: Delivery, receivers: Mapping[str, Noted], now: datetime) -> Iterator[tuple[datetime, str, Message]]:
    """Delivers what is due at a slot end, and notes it as sent then."""
    for _ in range(MOST_SENDS):
        if not delivery.step(now):
            break
    for name, noted in receivers.items():
        yield from ((now, name, each) for each in noted.messages)
        noted.messages.clear()


def _happening(test: RuleTest, settings: Settings) -> Iterator[Event]:
    for each in test.events:
        yield Event(test.start + each.at, each.name, each.detail, source_of(each.source, settings), each.service)


@contextmanager
def _staged(settings: Settings, test: RuleTest, store: Path) -> Iterator[House]:
    sources: dict[str, Watched] = {}
    pasts: dict[str, Remembered] = {}
    for name, source in settings.sources.items():
        meter = GivenMeter.of_test(settings, name, test.series, test.start)
        sources[name] = Watched(name, source, EmptyLog(name), meter)
        pasts[name] = GivenPast(meter.given, test.start, meter.plan.slot, meter.plan.history)
    database = Database(create(f"sqlite:///{store}"))
    # As in a replay no clock ticks between two slots, so that groups that wait are looked at in every slot.
    desk = TextDesk(settings.text)
    house = House(settings, database, sources, Counters(), desk, pasts=pasts, replay=True, folder=store.parent)
    with database.transaction() as session:
        events.record(session, _happening(test, settings))
    try:
        yield house
    finally:
        house.close()
