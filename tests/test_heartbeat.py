"""The heartbeat: sent while everything works, withheld otherwise, and never with a secret in what is said."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stores
from fake_http import HANGS, HANGS_UP, Answer, FakeHttp, Request, refused_address
from pydantic import ValidationError

from alerts.notifier import DeliveryError, Failure
from config.heartbeat import Heartbeat
from config.receivers import WebhookReceiver
from config.settings import Settings
from config.sources.files import FilesSource
from monitor.counters import Counters
from monitor.heartbeat import Heart, troubles
from monitor.house import House, Watched
from monitor.meter import Meter
from monitor.reading.desk import TextDesk
from monitor.store import outbox, states
from monitor.store.database import Database
from monitor.store.tables import ChannelRow, LeaseRow, OutboxRow

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
HOOK = WebhookReceiver.model_validate({"kind": "webhook", "url": "http://127.0.0.1:9/"})


class Outside(FakeHttp):
    """The other end of the heartbeat."""

    def respond(self, request: Request) -> Answer:
        return Answer(200, b"OK")


@pytest.fixture(scope="module")
def listening() -> Iterator[Outside]:
    with Outside() as server:
        yield server


@pytest.fixture
def outside(listening: Outside) -> Outside:
    listening.reset()
    return listening


@pytest.fixture
def store() -> Iterator[Database]:
    database = stores.in_memory()
    yield database
    database.close()


@pytest.fixture
def house(store: Database) -> House:
    """A service with one source and one receiver, both of which work."""
    source = FilesSource(kind="files", paths=["calls.jsonl"])
    settings = Settings(sources={"app": source}, receivers={"hook": HOOK})
    watched: Any = Watched("app", source, None, Meter.of(settings, source, []))  # type: ignore[arg-type]
    progress(store, last_success_at=NOW - 10 * SECOND, slot_end=NOW - 2 * MINUTE)
    return House(settings, store, {"app": watched}, Counters(), TextDesk(settings.text))


def progress(store: Database, **changes: Any) -> None:
    with store.transaction() as session:
        row = states.progress(session, "app", NOW)
        for name, value in changes.items():
            setattr(row, name, value)


def channel(store: Database, **changes: Any) -> None:
    with store.transaction() as session:
        session.merge(ChannelRow(receiver="hook", **changes))


def queued(store: Database, due_at: datetime, state: str = "pending") -> None:
    with store.transaction() as session:
        row = OutboxRow(
            key="a", receiver="hook", action="trigger", message={}, state=state, created_at=NOW, due_at=due_at
        )
        session.add(row)


def heart(house: House, url: str, **holds: bool) -> Heart:
    settings = Heartbeat.model_validate({"url": url, "timeout": "2s"})
    return Heart(house, settings, {name: lambda ok=ok: ok for name, ok in holds.items()})  # type: ignore[misc]


def counted(house: House) -> dict[str, float]:
    return {labels[0]: count for labels, count in house.counters.counted().counts["heartbeats"].items() if count}


def test_while_everything_works_the_address_is_asked(house: House, outside: Outside) -> None:
    heart(house, f"{outside.base}/ping/uuid").beat(NOW)
    assert [(each.method, each.path) for each in outside.requests] == [("GET", "/ping/uuid")]
    assert (house.pulse.last_success_at, house.pulse.troubles) == (NOW, ())
    assert counted(house) == {"sent": 1}


TROUBLES = (
    ({"last_success_at": None}, "source app was not read yet"),
    ({"failing_since": NOW - 5 * MINUTE}, "source app cannot be read"),
    ({"last_success_at": NOW - 10 * MINUTE}, "source app was not read for too long"),
    ({"slot_end": NOW - timedelta(hours=1)}, "source app is not decided up to the present"),
    ({"slot_end": None}, "source app is not decided up to the present"),
)


@pytest.mark.parametrize(("row", "trouble"), TROUBLES)
def test_a_source_in_trouble_withholds_it(house: House, outside: Outside, row: dict[str, Any], trouble: str) -> None:
    progress(house.database, **row)
    heart(house, outside.base).beat(NOW)
    assert (outside.requests, house.pulse.troubles) == ([], (trouble,))
    assert house.pulse.last_success_at is None
    assert counted(house) == {"withheld": 1}


def test_a_source_that_fails_for_a_moment_does_not(house: House) -> None:
    progress(house.database, failing_since=NOW - MINUTE)
    assert list(troubles(house, NOW)) == []


def test_a_receiver_that_fails_for_as_long_as_an_alert_needs_withholds_it(house: House) -> None:
    channel(house.database, failing_since=NOW - 4 * MINUTE)
    assert list(troubles(house, NOW)) == []
    assert list(troubles(house, NOW + MINUTE)) == ["receiver hook fails"]


def test_messages_that_nobody_sends_withhold_it_and_a_queue_that_moves_does_not(house: House) -> None:
    queued(house.database, NOW - 5 * MINUTE)
    assert list(troubles(house, NOW)) == ["messages to receiver hook wait and none is sent"]
    channel(house.database, last_success_at=NOW - SECOND)
    assert list(troubles(house, NOW)) == []


def test_messages_that_are_not_due_or_were_sent_say_nothing(house: House) -> None:
    queued(house.database, NOW + MINUTE)
    queued(house.database, NOW - timedelta(hours=1), state="sent")
    assert list(troubles(house, NOW)) == []


def test_what_must_hold_of_the_service_itself_withholds_it(house: House, outside: Outside) -> None:
    heart(house, outside.base, lease=True, check=False).beat(NOW)
    assert (outside.requests, house.pulse.troubles) == ([], ("check",))


ANSWERS = [Answer(404), Answer(500), Answer(302, headers={"Location": "http://elsewhere.example.org/"}), HANGS_UP]


@pytest.mark.parametrize("answer", ANSWERS, ids=lambda answer: str(answer.status))
def test_a_heartbeat_that_is_not_taken_is_no_success(
    house: House, outside: Outside, answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    outside.script(answer)
    beating = heart(house, f"{outside.base}/secret-word")
    with caplog.at_level(logging.INFO, "watchkeeper"):
        beating.beat(NOW)
        assert (house.pulse.last_success_at, counted(house)) == (None, {"failed": 1})
        beating.beat(NOW + MINUTE)
    assert house.pulse.last_success_at == NOW + MINUTE
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]
    assert "secret-word" not in caplog.text


def test_an_address_that_nobody_listens_on_is_no_success(house: House) -> None:
    heart(house, refused_address()).beat(NOW)
    assert counted(house) == {"failed": 1}


def test_an_end_that_says_nothing_is_given_up_on(house: House, outside: Outside) -> None:
    outside.script(HANGS)
    beating = Heart(house, Heartbeat.model_validate({"url": outside.base, "timeout": 0.05}), {})
    with pytest.raises(DeliveryError) as raised:
        beating._poster.get()
    assert raised.value.failure is Failure.TIMEOUT


def test_the_same_trouble_is_logged_once(house: House, caplog: pytest.LogCaptureFixture) -> None:
    channel(house.database, failing_since=NOW - 10 * MINUTE)
    beating = heart(house, refused_address())
    for minute in range(5):
        beating.beat(NOW + minute * MINUTE)
    assert [record.message for record in caplog.records] == ["no heartbeat is sent: receiver hook fails"]


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "hc-ping.com/uuid"},
        {"url": "ftp://x/"},
        {"url": "http://:80/"},
        {"url": "http://user:secret@x/"},
        {"url": "http://x/ y"},
        {"url": "http://x:99999/"},
        {"url": "http://x/", "every": "5s"},
    ],
)
def test_settings_that_cannot_work_are_refused_without_quoting_the_address(settings: dict[str, str]) -> None:
    with pytest.raises(ValidationError) as raised:
        Heartbeat.model_validate(settings)
    assert "secret" not in str(raised.value)


def test_the_lease_is_held_by_who_took_it_until_it_ends(store: Database) -> None:
    with store.transaction() as session:
        session.add(LeaseRow(name="leader", holder="me", until=NOW))
    with store.reading() as session:
        assert states.holder_of(session, "leader", NOW) == "me"
        assert states.holder_of(session, "leader", NOW + SECOND) is None
        assert states.holder_of(session, "other", NOW) is None
        assert outbox.longest_due(session) == {}
