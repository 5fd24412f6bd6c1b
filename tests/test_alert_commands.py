"""Alerts and silences by the command line, by HTTP, and on the page."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr
from test_health import NOW, decide, house_of, look
from typer.testing import CliRunner

from alerts.rules import Alert, AlertId, State, Transition
from config.load import load
from detectors.measurement import Segment, Value
from monitor import api_alerts
from monitor.cli import app
from monitor.daemon import clock
from monitor.opening import store_url
from monitor.page import render_page
from monitor.store import outbox, states
from monitor.store.database import Database
from monitor.survey import survey

CONFIG = """
sources:
  app: {kind: files, paths: [log.jsonl], groupings: [[service]]}
rules:
  errors: {measure: error_ratio, above: 0.5, by: [service], no_data: alert, severity: critical}
receivers:
  hook: {kind: webhook, url: "https://hooks.example.org/x"}
store: {directory: state}
"""
HOSTILE = "[red]<script>alert(1)</script>\x1b[31m"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A service's folder, with one alert of each of two services."""
    folder = tmp_path_factory.mktemp("service")
    (folder / "watchkeeper.yaml").write_text(CONFIG)
    (folder / "state").mkdir()
    loaded = load(folder / "watchkeeper.yaml", {})
    database = Database.open(store_url(loaded))
    house = house_of(database, loaded.settings)
    segments = (Segment.of(service="chat"), Segment.of(service=HOSTILE))
    decide(house, "app", NOW, NOW, None, segments=segments)
    database.close()
    return folder / "watchkeeper.yaml"


@pytest.fixture
def store(config: Path) -> Iterator[Database]:
    database = Database.open(store_url(load(config, {})))
    yield database
    database.close()


@pytest.fixture
def ask(config: Path) -> Callable[..., Any]:
    """Runs a command: its output, or its problems if it failed."""

    def run(*words: str, fails: bool = False) -> str:
        done = CliRunner().invoke(app, [*words, "--config", str(config)], env={"USER": "alice", "COLUMNS": "200"})
        assert (done.exit_code != 0) == fails, done.output
        return done.output

    return run


def the_id(ask: Callable[..., str]) -> str:
    """The id of the alert about chat."""
    found = json.loads(ask("alerts", "list", "--json"))
    return str(next(each["id"] for each in found if each["segment"] == {"service": "chat"}))


def test_alerts_are_listed_with_what_was_told(ask: Callable[..., str]) -> None:
    found = json.loads(ask("alerts", "list", "--rule", "errors", "--json"))
    assert [(each["state"], each["severity"], each["receivers"]) for each in found] == [
        ("no_data", "critical", {"hook": "first"})
    ] * 2
    shown = ask("alerts", "list")
    assert "hook first" in shown
    assert "\x1b[31m" not in shown
    assert "[red]<script>" in shown
    assert "no alerts" in ask("alerts", "list", "--source", "other")


def test_an_alert_is_shown_and_explained(ask: Callable[..., str]) -> None:
    name = the_id(ask)
    assert "trigger" in ask("alerts", "show", name[:6])
    kept = json.loads(ask("alerts", "show", name, "--json"))
    assert [each["to"] for each in kept["transitions"]] == ["no_data"]
    assert [each["delivery"]["state"] for each in kept["notifications"]] == ["pending"]
    assert "hook: told: the first message of its group." in ask("alerts", "explain", name)
    told = json.loads(ask("alerts", "explain", name, "--json"))
    assert told[0]["text"].startswith("errors on source=app, service=chat is without data since")
    assert "no alert has the id 'zzz'" in ask("alerts", "explain", "zzz", fails=True)


def test_a_silence_is_made_shown_and_ended(ask: Callable[..., str]) -> None:
    made = ask("silence", "add", "service=~cha.", "--for", "2h", "--reason", HOSTILE)
    number = re.findall(r"silence (\d+) until", made)[0]
    (found,) = json.loads(ask("silence", "list", "--json"))
    assert (found["state"], found["by"], found["matchers"]) == ("active", "alice", ["service=~cha."])
    assert "\x1b[31m" not in ask("silence", "list")
    assert f"silence {number} is over" in ask("silence", "expire", number)
    assert "no silence" in ask("silence", "expire", number, fails=True)
    assert "no silences" in ask("silence", "list")
    assert len(json.loads(ask("silence", "list", "--all", "--json"))) == 1
    assert "fit every alert" in ask("silence", "add", "--for", "2h", "--reason", "r", fails=True)


def test_an_alert_is_taken_on_and_noted(ask: Callable[..., str], store: Database, config: Path) -> None:
    name = the_id(ask)
    assert "taken on" in ask("alerts", "ack", name, "--note", "the proxy")
    assert "noted" in ask("alerts", "note", name, "restarted it", "--by", "bob")
    assert "alice has taken" in ask("alerts", "ack", name, fails=True)
    kept = json.loads(ask("alerts", "show", name, "--json"))
    assert [(each["kind"], each["by"]) for each in kept["notes"]] == [("acknowledge", "alice"), ("note", "bob")]
    look(house_of(store, load(config, {}).settings), NOW + timedelta(minutes=1))
    told = ask("alerts", "explain", name)
    assert "alice has taken it on: the proxy." in told
    assert "hook: told who has it: alice has taken it on" in told


# By HTTP


@pytest.fixture
def client(store: Database, config: Path) -> TestClient:
    service = FastAPI()
    service.include_router(api_alerts.routes(store, load(config, {}).settings, clock, SecretStr("word")))
    return TestClient(service, headers={"Authorization": "Bearer word"})


def test_every_route_wants_the_token(client: TestClient) -> None:
    for method, path in (
        ("GET", "alerts"),
        ("GET", "alerts/x"),
        ("GET", "alerts/x/explain"),
        ("POST", "alerts/x/ack"),
        ("POST", "alerts/x/notes"),
        ("GET", "silences"),
        ("POST", "silences"),
        ("DELETE", "silences/1"),
    ):
        answer = client.request(method, f"/api/v1/{path}", headers={"Authorization": "Bearer other"})
        assert answer.status_code == 401, path


def test_alerts_are_read_by_http(client: TestClient) -> None:
    found = client.get("/api/v1/alerts", params={"state": "no_data", "limit": 1}).json()["alerts"]
    assert len(found) == 1
    assert client.get("/api/v1/alerts", params={"state": "firing"}).json() == {"alerts": []}
    name = found[0]["id"]
    assert client.get(f"/api/v1/alerts/{name}").json()["transitions"][0]["to"] == "no_data"
    assert "told" in client.get(f"/api/v1/alerts/{name}/explain").json()["sentences"][2]["text"]
    assert client.get("/api/v1/alerts/zzz").status_code == 404
    assert client.get("/api/v1/alerts", params={"since": "soon"}).status_code == 422


def test_silences_and_notes_are_made_by_http_in_json_only(client: TestClient) -> None:
    asked = {"matchers": ["service=x"], "by": "bob", "reason": "a test", "for": "1h"}
    made = client.post("/api/v1/silences", json=asked)
    assert (made.status_code, made.json()["state"]) == (201, "active")
    assert [each["id"] for each in client.get("/api/v1/silences").json()["silences"]] == [made.json()["id"]]
    assert client.delete(f"/api/v1/silences/{made.json()['id']}").status_code == 200
    assert client.get("/api/v1/silences").json() == {"silences": []}
    assert client.post("/api/v1/silences", json=asked | {"matchers": []}).status_code == 409
    assert client.post("/api/v1/silences", json=asked | {"secret": "x"}).status_code == 422
    form = client.post("/api/v1/silences", content="matchers=x", headers={"Content-Type": "text/plain"})
    assert form.status_code == 415
    name = client.get("/api/v1/alerts").json()["alerts"][0]["id"]
    assert client.post(f"/api/v1/alerts/{name}/notes", json={"by": "bob", "text": "seen"}).status_code == 200
    assert client.post(f"/api/v1/alerts/{name}/notes", json={"by": "bob"}).status_code == 409
    assert client.post("/api/v1/alerts/zzz/ack", json={"by": "bob"}).status_code == 404


# On the page


def test_the_page_shows_silences_and_the_commands_to_copy(
    ask: Callable[..., str], store: Database, config: Path
) -> None:
    ask("silence", "add", "service=chat", "--for", "2h", "--reason", HOSTILE)
    now = clock()
    shown = survey(house_of(store, load(config, {}).settings), now)
    page = render_page(shown, now, "1")
    assert "watchkeeper silence expire" in page
    assert f"watchkeeper silence add --alert {shown.alerts[0].id}" in page.replace("&#34;", '"')
    assert "<script>" not in page
    assert "taken on by alice" in page


def test_an_alert_is_shown_with_how_sure_its_rule_is(ask: Callable[..., str], store: Database) -> None:
    alert = AlertId("slo", "app", Segment(), ())
    read = Value(16.25, lower=15.5, upper=17.0, n=4800)
    state = Alert(State.FIRING, NOW, NOW, read_until=NOW, value=read, said="the alarm is at 14.4")
    with store.transaction() as session:
        states.save_alerts(session, [(alert, state)])
    (found,) = json.loads(ask("alerts", "list", "--rule", "slo", "--json"))
    assert [found[key] for key in ("value", "lower", "upper", "n")] == [16.25, 15.5, 17.0, 4800]
    assert found["compared_with"] == "the alarm is at 14.4"
    assert "16.25 (15.5 to 17)" in ask("alerts", "show", found["id"])
    assert "It read 16.25, surely 15.5 to 17, of 4,800 calls: the alarm is at 14.4." in ask(
        "alerts", "explain", found["id"]
    ).replace("\n", " ")
    known = Transition(State.INACTIVE, State.FIRING, NOW, 16.25, "", 15.5, 17.0, 4800, "the alarm is at 14.4")
    unknown = Transition(
        State.FIRING, State.ERROR, NOW + timedelta(minutes=1), None, "cannot be evaluated: missing_column"
    )
    with store.transaction() as session:
        for each in (known, unknown):
            outbox.record(session, outbox.Change(alert, each), NOW)
    shown = ask("alerts", "show", found["id"])
    assert shown.count("16.25 (15.5 to 17)") == 2  # as it is, and as it was
    told = ask("alerts", "explain", found["id"]).replace("\n", " ")
    assert "12:00:00 UTC, at 16.25, surely 15.5 to 17, of 4,800 calls: the alarm is at 14.4." in told
    assert "12:01:00 UTC (cannot be evaluated: missing_column)." in told
    first, second = json.loads(ask("alerts", "show", found["id"], "--json"))["transitions"]
    assert [first[key] for key in ("lower", "upper", "n", "compared_with")] == [
        15.5,
        17.0,
        4800,
        "the alarm is at 14.4",
    ]
    assert [second[key] for key in ("value", "lower", "n", "compared_with")] == [None] * 4
    bare = Alert(State.FIRING, NOW, NOW, read_until=NOW, value=Value(3.0))
    with store.transaction() as session:
        states.save_alerts(session, [(alert, bare)])
    assert "It read 3." in ask("alerts", "explain", found["id"])
