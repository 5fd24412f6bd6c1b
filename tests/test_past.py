"""Earlier measurements for rules: what is read from the store, what is remembered, and that a replay decides as `run`."""

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from stores import in_memory

from alerts.watch import Readings
from config.alerts import Rule
from config.settings import Settings
from detectors.measurement import Batch, Key, Measured, Segment, Series, Value, Window
from monitor.counters import Counters
from monitor.cycle import Stretch, advance
from monitor.house import House, Watched
from monitor.past import StoredPast
from monitor.reading.desk import TextDesk
from monitor.rules_test.file import InputSeries
from monitor.rules_test.stage import EmptyLog, GivenMeter
from monitor.store import events, measurements, outbox
from monitor.store.database import Database

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
START = datetime(2026, 3, 2, tzinfo=UTC)
CALLS, ERRORS = Key("calls"), Key("error_ratio")
WHOLE = Segment()


@pytest.fixture
def store() -> Iterator[Database]:
    database = in_memory()
    yield database
    database.close()


def a_rule(**settings: Any) -> Rule:
    return Rule.model_validate({"measure": "calls"} | settings)


def a_past(store: Database, lender: Database | None = None) -> StoredPast:
    return StoredPast.of(store, "app", [a_rule(above=2, change={})], lender)


def hour(number: int) -> Window:
    return Window(START + number * HOUR, START + (number + 1) * HOUR)


def save(store: Database, *hours: int, calls: float = 100) -> None:
    rows = [
        Measured("app", segment, hour(number), {CALLS: Value(calls + number, n=9), ERRORS: Value(0.1, n=9)})
        for number in hours
        for segment in (WHOLE, Segment.of(service="chat"))
    ]
    with store.transaction() as session:
        measurements.save(session, rows)


def batch(length: timedelta, ends: list[datetime], value: float = 1.0) -> Batch:
    rows = [(WHOLE, Window(end - length, end)) for end in ends]
    return Batch(
        "app", rows, {key: Series(np.full(len(rows), value), n=np.full(len(rows), 9)) for key in (CALLS, ERRORS)}
    )


def numbers(past: StoredPast, *hours: int) -> list[float | None]:
    values = past.values(WHOLE, [hour(number) for number in hours], CALLS)
    return [None if each is None else each.value for each in values]


def test_windows_are_found_by_segment_and_those_that_are_not_kept_are_unknown(store: Database) -> None:
    save(store, 0, 2)
    past = a_past(store)
    assert numbers(past, 0, 1, 2) == [100, None, 102]
    assert past.values(Segment.of(service="search"), [hour(0)], CALLS) == [None]
    # Only what rules ask for is remembered.
    assert past.values(WHOLE, [hour(0)], ERRORS) == [None]


def test_a_window_is_read_once_and_one_that_was_missing_again(store: Database) -> None:
    save(store, 0)
    past = a_past(store)
    assert numbers(past, 0, 1) == [100, None]
    save(store, 0, 1, calls=500)
    assert numbers(past, 0, 1) == [100, 501]


def test_a_replay_borrows_from_the_live_store_what_it_has_not_measured_itself(store: Database) -> None:
    live = in_memory()
    save(live, 0, 1)
    save(store, 1, calls=700)
    assert numbers(a_past(store, live), 0, 1, 2) == [100, 701, None]
    live.close()


def test_what_was_decided_on_is_remembered_without_the_store(store: Database) -> None:
    past = a_past(store)
    end = START + DAY
    minutes = [end - number * MINUTE for number in range(120, -1, -1)]
    readings = Readings("app", MINUTE, {((), MINUTE): batch(MINUTE, minutes), ((), HOUR): batch(HOUR, minutes, 60)})
    past.learn(readings)

    def known(end: datetime, length: timedelta) -> bool:
        return past.values(WHOLE, [Window(end - length, end)], CALLS)[0] is not None

    assert known(end - 59 * MINUTE, MINUTE)
    assert not known(end - 61 * MINUTE, MINUTE)
    # The trailing hours that a second one may be compared with, and every whole hour.
    assert known(end - 90 * MINUTE, HOUR)
    assert known(end - 120 * MINUTE, HOUR)
    assert not known(end - 121 * MINUTE, HOUR)


def test_what_no_rule_can_reach_is_forgotten(store: Database) -> None:
    past = a_past(store)
    old = START + DAY
    for end in (old, old + 7 * DAY, old + 30 * DAY):
        past.learn(Readings("app", MINUTE, {((), MINUTE): batch(MINUTE, [end]), ((), HOUR): batch(HOUR, [end])}))
    assert list(past._rows) == [
        Window(old + 30 * DAY - MINUTE, old + 30 * DAY),
        Window(old + 30 * DAY - HOUR, old + 30 * DAY),
    ]


RULES: dict[str, dict[str, Any]] = {
    "burn": {
        "measure": "error_ratio",
        "burn": {"objective": 0.99, "windows": [{"long": "2h", "short": "10m", "rate": 5}]},
    },
    "change": {"measure": "calls", "over": "10m", "below": 0.5, "change": {"ago": "2h"}},
    "spent": {"measure": "cost_usd", "budget": {"amount": 150, "per": "day", "forecast": False}},
    "changed": {"measure": "events", "event": {"lasts": "30m"}},
}
SERIES = [
    {"measure": "error_ratio", "values": "0x200 0.2x90 0x300", "n": "100x1"},
    {"measure": "calls", "values": "100x320 20x100 100x200", "n": "100x1", "over": "10m"},
    {"measure": "calls", "values": "600x700", "n": "600x1", "over": "1h"},
    {"measure": "cost_usd", "values": "0.5x700", "n": "100x1", "over": "1m"},
    {"measure": "cost_usd", "values": "30x700", "n": "600x1", "over": "1h"},
]


def transitions(stretch_of: timedelta) -> list[tuple[str, str, datetime]]:
    """What the rules come to over seven hours, decided in stretches of a length."""
    source = {"kind": "files", "paths": ["x"], "groupings": [[]]}
    settings = Settings.model_validate({"sources": {"app": source}, "rules": RULES})
    series = [InputSeries.model_validate(each) for each in SERIES]
    found = []
    with ExitStack() as closing:
        database = in_memory()
        closing.callback(database.close)
        meter = GivenMeter.of_test(settings, "app", series, START)
        watched = Watched("app", settings.sources["app"], EmptyLog("app"), meter)  # type: ignore[arg-type]
        house = House(
            settings, database, {"app": watched}, Counters(), TextDesk(settings.text), replay=True, folder=Path()
        )
        with database.transaction() as session:
            events.record(
                session, [events.Event(START + 5 * HOUR + 30 * timedelta(seconds=1), "model changed", "x → y")]
            )
        end, last = START, START + 7 * HOUR
        while end < last:
            first, end = end + MINUTE, min(end + stretch_of, last)
            advance(house, watched, Stretch(first, end), end)
        with database.transaction() as session:
            found = [(row.rule, row.to_state, row.at) for row in outbox.take_transitions(session)]
    return sorted(found)


def test_a_replay_in_one_stretch_decides_as_a_service_that_closes_slot_by_slot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.decide.exemplars", lambda *_: ())  # there are no calls
    whole = transitions(7 * HOUR)
    assert {rule for rule, to, _ in whole if to == "firing"} == set(RULES)
    assert transitions(30 * MINUTE) == whole
    assert [each for each in whole if each[0] == "changed"] == [
        ("changed", "firing", START + 5 * HOUR + MINUTE),
        ("changed", "inactive", START + 5 * HOUR + 31 * MINUTE),
    ]


def test_what_people_cannot_see_in_an_alert_is_counted(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.decide.exemplars", lambda *_: ())
    rule = {"measure": "calls", "above": 5, "by": ["service"], "max_alerts": 1, "summary": "{{ labels.nothing }}"}
    source = {"kind": "files", "paths": ["x"], "groupings": [["service"]]}
    settings = Settings.model_validate({"sources": {"app": source}, "rules": {"many": rule}})
    series = [InputSeries(measure="calls", values="9x1", segment={"service": name}) for name in "ab"]  # type: ignore[arg-type]
    watched = Watched(
        "app", settings.sources["app"], EmptyLog("app"), GivenMeter.of_test(settings, "app", series, START)
    )  # type: ignore[arg-type]
    house = House(settings, store, {"app": watched}, Counters(), TextDesk(settings.text), replay=True, folder=Path())
    advance(house, watched, Stretch(START, START + MINUTE), START + MINUTE)
    counts = house.counters.counted().counts
    assert counts["alerts_left_out"] == {("app", "many"): 2}
    assert counts["template_errors"] == {("many", "summary"): 1}
