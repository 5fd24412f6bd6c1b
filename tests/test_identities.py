"""Another model behind a service: an event in the store, beside alerts, and on everything that shows the service."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from reading_kit import never, written
from sqlmodel import select

from alerts.notifier import AlertView, Message
from alerts.pagerduty_event import event as pagerduty_event
from alerts.wording import facts
from config.load import load
from detectors.measurement import OTHER, Window
from monitor.cycle import cycle
from monitor.daemon import maintain
from monitor.exporter import Exporter
from monitor.house import House
from monitor.identities import beside, notice
from monitor.opening import open_house
from monitor.page import render_page
from monitor.replay import replay, scratch
from monitor.status_json import render_json
from monitor.store import events, outbox
from monitor.store.events import Event
from monitor.store.tables import OutboxRow
from monitor.survey import survey

START = datetime(2026, 3, 5, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
CHANGE, END = START + 5 * HOUR, START + 8 * HOUR
CONFIG = """
sources:
  app: {kind: files, paths: [log.jsonl], lateness: 0s, groupings: [[], [service]], silent_after: 0s}
  quiet: {kind: files, paths: [quiet.jsonl], lateness: 0s, silent_after: 0s}
rules:
  errors: {measure: error_ratio, by: [service], above: 0.5, min_calls: 3, sources: [app]}
receivers:
  phone: {kind: slack, webhook_url: "https://hooks.slack.com/services/T/B/x"}
text: {enabled: false}
window: 30m
start: 30d
"""
SAID = "model changed: support: gpt-x → gpt-y (response_model), 2026-03-05 05:00 UTC"


def calls(changed: str = "gpt-y") -> Iterator[dict[str, Any]]:
    """Two services of one model; one is answered by another from `CHANGE` on, and fails an hour later."""
    for number in range(8 * 60):
        at = START + number * MINUTE
        service = "support" if number % 2 == 0 else "search"
        swapped = service == "support" and at >= CHANGE
        fails = service == "support" and CHANGE + HOUR <= at < CHANGE + 2 * HOUR
        yield {
            "id": f"c{number}",
            "started_at": at.isoformat(),
            "latency_s": 1.0,
            "service": service,
            "model": "gpt",
            "response_model": changed if swapped else "gpt-x",
        } | ({"error_type": "server"} if fails else {})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "quiet.jsonl").write_text(json.dumps({"id": "1", "started_at": START.isoformat()}) + "\n")
    return written(tmp_path, calls(), CONFIG)


@pytest.fixture
def house(folder: Path) -> Iterator[House]:
    house = open_house(load(folder / "watchkeeper.yaml", {}))
    yield house
    house.close()


def lived(house: House, *moments: datetime) -> None:
    for now in moments:
        for watched in house.sources.values():
            cycle(house, watched, now, never)


def happened(house: House) -> list[Event]:
    with house.database.reading() as session:
        return events.newest(session, 100)


def told(house: House) -> list[Message]:
    with house.database.reading() as session:
        return [outbox.message_of(row) for row in session.exec(select(OutboxRow).order_by(OutboxRow.id))]  # type: ignore[arg-type]


CHANGED = Event(
    CHANGE + timedelta(seconds=1), "model changed", "support: gpt-x → gpt-y (response_model)", "app", "support"
)


# Window by window around the change and the failures, after one look at the hours before.
EACH_WINDOW = tuple(CHANGE + number * 30 * MINUTE for number in range(-1, 6))


@pytest.mark.parametrize(
    "moments", [(*EACH_WINDOW, END), tuple(START + number * 90 * MINUTE for number in range(1, 7)), (END, END + HOUR)]
)
def test_a_change_is_one_event_however_the_log_is_read(house: House, moments: tuple[datetime, ...]) -> None:
    lived(house, *moments)
    assert happened(house) == [CHANGED]
    with house.database.reading() as session:
        known = {name[1:]: each for name, each in events.identities(session, "app").items() if name[0] != "model"}
    assert {name: each.is_news for name, each in known.items()} == {
        ("search", "gpt-x"): False,
        ("support", "gpt-x"): False,
        ("support", "gpt-y"): True,
    }
    gone = known["support", "gpt-x"]
    assert (gone.first, gone.last) == (START + timedelta(seconds=1), CHANGE - 2 * MINUTE + timedelta(seconds=1))


def test_what_is_read_again_is_no_second_event(house: House) -> None:
    lived(house, END)
    with house.database.reading() as session:
        before = events.identities(session, "app")
    for start in (START, CHANGE, CHANGE - HOUR):
        notice(house, house.sources["app"], Window(start, END))
    assert happened(house) == [CHANGED]
    with house.database.reading() as session:
        assert events.identities(session, "app") == before


def test_an_alert_after_a_change_names_it(house: House) -> None:
    lived(house, *EACH_WINDOW, END)
    trigger, *_ = (each for each in told(house) if each.action == "trigger")
    (alert,) = trigger.alerts
    assert alert.labels["service"] == "support"
    assert alert.events == (SAID,)
    assert ("Before it", SAID) in facts(alert)
    assert pagerduty_event(trigger)["payload"]["custom_details"]["alerts"][0]["events_before"] == [SAID]
    resolve = next(each for each in told(house) if each.action == "resolve")
    assert resolve.alerts[0].events == (SAID,)


def test_a_replay_names_it_too_and_leaves_the_live_store_alone(house: House, folder: Path) -> None:
    with scratch(load(folder / "watchkeeper.yaml", {})) as copy:
        found: list[Event] = []

        def emit(*_: object) -> None:
            found[:] = happened(copy)

        replay(copy, (START, END), END, emit)
        assert found == [CHANGED]
        assert [each.alerts[0].events for each in told(copy) if each.action == "trigger"] == [(SAID,)]
    assert happened(house) == []


def test_everything_that_shows_the_service_shows_it(house: House) -> None:
    lived(house, END)
    with house.database.transaction() as session:
        events.record(session, [Event(END - MINUTE, "deploy", "v12 <b>"), Event(END + DAY, "planned")])
    shown = survey(house, END)
    document = json.loads(render_json(shown))
    assert [(each["name"], each["source"], each["service"]) for each in document["events"]] == [
        ("deploy", "", ""),
        ("model changed", "app", "support"),
    ]
    assert [each["value"] for each in document["models"]].count("gpt-y") == 1
    assert set(document["models"][0]) == {"source", "service", "column", "value", "first", "last"}
    page = render_page(shown, END, "1")
    assert "support: gpt-x → gpt-y (response_model)" in page
    assert "v12 &lt;b&gt;" in page
    assert "planned" not in page
    metrics = Exporter(lambda: shown, lambda: END, HOUR, "1").render().decode()
    name = 'watchkeeper_event_timestamp_seconds{event="model changed",service="support",source="app"}'
    (line,) = [each for each in metrics.splitlines() if each.startswith(name)]
    assert float(line.split()[-1]) == CHANGED.at.timestamp()


def test_events_and_models_are_forgotten_after_their_retention(house: House) -> None:
    lived(house, END)
    maintain(house, END + 401 * DAY)
    assert happened(house) == []
    with house.database.reading() as session:
        assert events.identities(session, "app") == {}


def test_only_what_happened_shortly_before_and_in_the_same_place_stands_beside_an_alert() -> None:
    at = END
    several = [
        Event(at - DAY - MINUTE, "long ago"),
        Event(at + MINUTE, "afterwards"),
        Event(at - HOUR, "elsewhere", source="another"),
        Event(at - HOUR, "other service", source="app", service="search"),
        Event(at - DAY, "a day ago"),
        Event(at - 2 * HOUR, "here", "why", source="app", service="support"),
    ]
    labels = {"source": "app", "service": "support"}
    assert beside(labels, at, several) == ("here: why, 2026-03-05 06:00 UTC", "a day ago, 2026-03-04 08:00 UTC")
    for service in ({}, {"service": OTHER}):
        assert any(each.startswith("other service") for each in beside({"source": "app"} | service, at, several))
    assert beside({"source": "watchkeeper"}, at, several) == ("a day ago, 2026-03-04 08:00 UTC",)
    assert len(beside(labels, at, [Event(at, "often")] * 9)) == 3


def test_an_alert_without_events_says_nothing_of_them() -> None:
    assert "Before it" not in dict(facts(AlertView({}, "", "firing", START)))
