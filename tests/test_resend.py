"""Keep-alive: what is open is told again in its rhythm, from what the store knows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
import stores
from test_deliver import NOW, SECOND, Scripted, channel, deliver, failing, say, steps

from alerts.notifier import Failure, Message
from monitor.counters import Counters
from monitor.daemon import Service, clock
from monitor.resend import Resender
from monitor.store import outbox
from monitor.store.database import Database

MINUTE = timedelta(minutes=1)


@dataclass
class Forgetful(Scripted):
    """A receiver that must be told again."""

    deduplicates: bool = True
    resend_every: timedelta = MINUTE
    refusals: list[Exception] = field(default_factory=list)
    told: list[tuple[datetime, list[str]]] = field(default_factory=list)

    def resend(self, messages: Sequence[Message], now: datetime) -> None:
        self.told.append((now, [message.key for message in messages]))
        if self.refusals:
            raise self.refusals.pop(0)


@pytest.fixture
def store() -> Iterator[Database]:
    database = stores.in_memory()
    yield database
    database.close()


def resender(store: Database, **receivers: Scripted) -> Resender:
    return Resender(store, receivers, Counters({"channel": list(receivers)}))


def run(resender: Resender, seconds: int, at: datetime = NOW) -> None:
    """A step every second, as the service does it."""
    for number in range(seconds):
        resender.step(at + number * SECOND)


def test_what_is_open_is_told_again_every_minute_all_at_once(store: Database) -> None:
    receiver = Forgetful()
    say(store, "a trigger", "b trigger", receiver="am")
    steps(deliver(store, am=receiver), 2)
    run(resender(store, am=receiver), 121)
    assert receiver.told == [(NOW + number * MINUTE, ["a", "b"]) for number in range(3)]


def test_the_newest_message_is_told_and_nothing_of_what_has_ended(store: Database) -> None:
    receiver = Forgetful()
    delivery = deliver(store, am=receiver)
    say(store, "a trigger", "b trigger", receiver="am")
    steps(delivery, 2)
    say(store, "a update", "b resolve", receiver="am")
    run(resender(store, am=receiver), 1)
    with store.reading() as session:
        assert [message.title for message in outbox.open_messages(session, "am")] == ["a update"]
    assert receiver.told == [(NOW, ["a"])]


def test_only_who_forgets_is_told_again_and_only_of_its_own(store: Database) -> None:
    slack, receiver = Scripted(), Forgetful()
    say(store, "a trigger", receiver="slack")
    run(resender(store, slack=slack, am=receiver), 61)
    assert (slack.tried, receiver.told) == ([], [])


def test_a_restart_tells_at_once(store: Database) -> None:
    receiver = Forgetful()
    say(store, "a trigger", receiver="am")
    run(resender(store, am=receiver), 30)
    run(resender(store, am=receiver), 1, at=NOW + 30 * SECOND)
    assert [at for at, _ in receiver.told] == [NOW, NOW + 30 * SECOND]


def test_a_failure_is_made_good_soon_and_the_channel_is_failing_until_then(store: Database) -> None:
    receiver = Forgetful(refusals=[failing(Failure.UNREACHABLE), failing(Failure.UNREACHABLE)])
    say(store, "a trigger", receiver="am")
    sender = resender(store, am=receiver)
    run(sender, 15)
    assert [at - NOW for at, _ in receiver.told] == [timedelta(0), 5 * SECOND]
    assert (channel(store, "am").failing_since, channel(store, "am").failure) == (NOW, Failure.UNREACHABLE)
    run(sender, 1, at=NOW + 15 * SECOND)
    assert channel(store, "am").failing_since is None
    assert channel(store, "am").last_success_at == NOW + 15 * SECOND


def test_failures_never_make_it_rarer_than_its_rhythm_unless_the_channel_asks_for_that(store: Database) -> None:
    receiver = Forgetful(refusals=[failing(Failure.SERVER_ERROR) for _ in range(40)])
    say(store, "a trigger", receiver="am")
    run(resender(store, am=receiver), 600)
    pauses = [later - at for (at, _), (later, _) in zip(receiver.told, receiver.told[1:], strict=False)]
    assert max(pauses) == MINUTE
    busy = Forgetful(refusals=[failing(Failure.RATE_LIMITED, after=90)])
    run(resender(store, am=busy), 91)
    assert [at - NOW for at, _ in busy.told] == [timedelta(0), 90 * SECOND]


def test_a_channel_that_asked_to_slow_down_is_left_alone(store: Database) -> None:
    receiver = Forgetful(answers=[failing(Failure.RATE_LIMITED, after=600)])
    say(store, "a trigger", receiver="am")
    steps(deliver(store, am=receiver))
    run(resender(store, am=receiver), 300)
    assert receiver.told == []


def test_a_clock_that_was_set_back_does_not_silence_it(store: Database) -> None:
    receiver = Forgetful()
    say(store, "a trigger", receiver="am")
    sender = resender(store, am=receiver)
    sender.step(NOW)
    sender.step(NOW - timedelta(days=1))
    assert len(receiver.told) == 2


def test_the_message_of_an_open_group_is_kept_longer_than_the_history(store: Database) -> None:
    receiver = Forgetful()
    delivery = deliver(store, am=receiver)
    say(store, "a trigger", "b trigger", receiver="am")
    steps(delivery, 2)
    say(store, "b resolve", receiver="am")
    steps(delivery, 2, at=NOW + 2 * SECOND)
    with store.transaction() as session:
        outbox.expire(session, NOW + timedelta(days=500), timedelta(days=400))
    run(resender(store, am=receiver), 1)
    assert receiver.told == [(NOW, ["a"])]
    with store.reading() as session:
        assert outbox.open_messages(session, "am")[0].key == "a"


def test_the_service_tells_again_when_it_delivers(store: Database) -> None:
    receiver = Forgetful()
    say(store, "a trigger", receiver="am", at=clock())
    house = SimpleNamespace(database=store, sources={}, counters=Counters({"channel": ["am"]}))
    Service(house, {"am": receiver})._deliver()  # type: ignore[arg-type, dict-item]
    assert receiver.got() == ["a trigger"]
    assert [keys for _, keys in receiver.told] == [["a"]]
