"""Deployments and new models as change events: told once, to who wants them, and never as an incident."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stores
from fake_pagerduty import FakePagerDuty
from sqlmodel import select
from test_deliver import Scripted, failing
from test_health import house_of

from alerts.notifier import Failure
from alerts.registry import build
from config.settings import Settings
from monitor.changes import NEWS, tell_changes
from monitor.counters import Counters
from monitor.daemon import check_health
from monitor.deliver import Delivery
from monitor.house import House
from monitor.store import groups
from monitor.store.database import Database
from monitor.store.events import Event, record
from monitor.store.tables import GroupRow, OutboxRow

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KEY = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def store() -> Iterator[Database]:
    database = stores.in_memory()
    yield database
    database.close()


def house(store: Database, **receivers: dict[str, Any]) -> House:
    return house_of(store, Settings.model_validate({"receivers": receivers, "text": {"enabled": False}}))


def pager(**more: Any) -> dict[str, Any]:
    return {"kind": "pagerduty", "routing_key": KEY, "change_events": True, **more}


def happen(store: Database, *events: Event) -> None:
    with store.transaction() as session:
        record(session, events)


DEPLOYED = Event(NOW - MINUTE, "deployed", "v42", service="chat")


def test_an_event_is_told_once_to_each_receiver_that_wants_changes(store: Database) -> None:
    made = house(store, a=pager(), b=pager(), quiet=pager(change_events=False))
    happen(store, DEPLOYED)
    assert [tell_changes(made, NOW + number * MINUTE) for number in range(3)] == [2, 0, 0]
    happen(store, Event(NOW, "deployed", "v43"))
    assert tell_changes(made, NOW + MINUTE) == 2
    with store.reading() as session:
        told = [(row.receiver, row.action) for row in session.exec(select(OutboxRow))]
    assert sorted(told) == [("a", "change")] * 2 + [("b", "change")] * 2


def test_what_happened_long_ago_or_lies_ahead_is_not_told(store: Database) -> None:
    made = house(store, a=pager())
    happen(store, Event(NOW - NEWS - MINUTE, "deployed"), Event(NOW + MINUTE, "deployed"))
    assert tell_changes(made, NOW) == 0
    assert tell_changes(made, NOW + MINUTE) == 1


def test_nobody_who_does_not_ask_is_told(store: Database) -> None:
    happen(store, DEPLOYED)
    hook = {"kind": "webhook", "url": "https://hooks.example.org/x"}
    assert tell_changes(house(store, a=pager(change_events=False), hook=hook), NOW) == 0


def test_a_change_opens_no_group_and_is_delivered_like_any_message(store: Database) -> None:
    with FakePagerDuty() as account:
        made = house(store, a=pager(url=account.base))
        happen(store, DEPLOYED)
        tell_changes(made, NOW)
        with store.reading() as session:
            assert groups.open_groups(session) == []
        notifier = build("a", made.settings.receivers["a"])
        assert Delivery(store, {"a": notifier}, Counters({"channel": ["a"]})).step(NOW) == 1
        notifier.close()
        assert account.incidents == []
        (told,) = account.changes
    assert told["payload"]["summary"] == "deployed: v42"
    assert told["payload"]["timestamp"] == "2026-03-05T11:59:00+00:00"
    assert told["payload"]["custom_details"] == {"detail": "v42", "service": "chat"}


def test_the_pipeline_has_nothing_to_say_of_a_change_and_forgets_it(store: Database) -> None:
    made = house(store, a=pager())
    happen(store, DEPLOYED)
    tell_changes(made, NOW)
    for number in range(3):
        check_health(made, NOW + number * MINUTE)
    with store.transaction() as session:
        assert len(session.exec(select(OutboxRow)).all()) == 1
        groups.expire(session, NOW + timedelta(days=2), timedelta(days=1))
        assert session.exec(select(GroupRow)).all() == []


def test_a_change_that_failed_is_tried_again(store: Database) -> None:
    made = house(store, a=pager())
    happen(store, DEPLOYED)
    tell_changes(made, NOW)
    receiver = Scripted(deduplicates=True, answers=[failing(Failure.TIMEOUT)])
    delivery = Delivery(store, {"a": receiver}, Counters({"channel": ["a"]}))
    assert [delivery.step(NOW + number * MINUTE) for number in range(3)] == [0, 1, 0]
    assert [each.action for each in receiver.tried] == ["change", "change"]
