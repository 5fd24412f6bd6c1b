"""The page to which the report link of a message leads: what it fills in, who is let in, and where it leads."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from snapshots import FRESH_FOR, snapshot

from alerts.grouping import fingerprint
from alerts.rules import Alert, AlertId, State, Transition
from alerts.view import labels_of
from config.load import load
from config.server import Server as ServerSettings
from detectors.measurement import Segment, Value
from monitor import report_page
from monitor.exporter import Exporter
from monitor.house import House
from monitor.opening import open_house
from monitor.report.jobs import Reports
from monitor.report.question import Question
from monitor.report.values import ReportError
from monitor.server import Server
from monitor.store import outbox, states
from monitor.store.outbox import Change
from monitor.store.tables import BaselineRow

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TOKEN = "s3cret-wörd"
HOSTILE = "<script>alert(1)</script>"
CONFIG = """
sources: {app: {kind: files, paths: [log.jsonl], groupings: [[], [service]]}}
rules:
  strange: {measure: out_of_distribution_ratio, above: 0.2}
  errors: {measure: error_ratio, above: 0.2}
"""
OWN = {"Sec-Fetch-Site": "same-origin"}
FORM = {"from": "2026-03-19T12:00Z", "to": "2026-03-20T12:00Z", "baseline": "0123", "token": TOKEN}


def drift(service: str = HOSTILE) -> AlertId:
    """A drift of the prompts of one service."""
    labels = (("baseline", "rolling"), ("channel", "mix"), ("stream", "prompt"))
    return AlertId("drift", "app", Segment.of(service=service), labels)


FIRES, OVER, LONG = drift(), drift("search"), drift("long")
OF_A_RULE = AlertId("strange", "app", Segment(), (("stream", "prompt"),))
OF_TRAFFIC = AlertId("errors", "app", Segment(), ())
OF_OURS = AlertId("channel_failing", "watchkeeper", Segment(), (("receiver", "slack"),))


def name_of(alert: AlertId) -> str:
    return fingerprint(labels_of(alert))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("page")
    (folder / "log.jsonl").touch()
    (folder / "watchkeeper.yaml").write_text(CONFIG)
    house = open_house(load(folder / "watchkeeper.yaml", {}))
    with house.database.transaction() as session:
        for alert, since in ((FIRES, HOUR), (LONG, 30 * DAY), (OF_A_RULE, HOUR), (OF_TRAFFIC, HOUR), (OF_OURS, HOUR)):
            begun = NOW - since
            outbox.record(session, Change(alert, Transition(State.INACTIVE, State.FIRING, begun, 2.0)), begun)
            states.save_alerts(session, [(alert, Alert(State.FIRING, begun, begun, read_until=NOW, value=Value(2.0)))])
        for before, after, at in ((State.INACTIVE, State.FIRING, 5 * DAY), (State.FIRING, State.INACTIVE, 2 * DAY)):
            outbox.record(session, Change(OVER, Transition(before, after, NOW - at, 2.0)), NOW - at)
        session.add(
            BaselineRow(
                source="app", segment="[]", stream="prompt", version="0123456789abcdef", state="accepted",
                fitted_at=NOW, fitted_from=NOW - 30 * DAY, fitted_until=NOW - 2 * DAY, length_s=3600, read_until=NOW,
                facts={}, body=b"",
            )
        )  # fmt: skip
    yield house
    house.close()


@dataclass
class Making:
    """The making of reports, scripted: an error is raised, and what was asked for is kept."""

    error: Exception | None = None
    asked: list[Question] = field(default_factory=list)


@pytest.fixture
def making(monkeypatch: pytest.MonkeyPatch) -> Making:
    made = Making()

    def gathered(_house: House, question: Question, _now: Any, tell: Any) -> str:
        made.asked.append(question)
        tell(f"measuring {HOSTILE}", 0.5)
        if made.error is not None:
            raise made.error
        return f"a report {HOSTILE}"

    monkeypatch.setattr("monitor.report.gather.gather", gathered)
    monkeypatch.setattr("monitor.report.jobs.write", lambda report, path: path.write_text(report))
    return made


@pytest.fixture
def reports(house: House, tmp_path: Path, making: Making) -> Reports:
    return Reports(house, tmp_path / "reports", 20, lambda: NOW)


def client_of(house: House, reports: Reports, token: str) -> Iterator[httpx.Client]:
    exporter = Exporter(snapshot, lambda: NOW, FRESH_FOR, "1.2.3")
    server = Server(ServerSettings(port=0), exporter, snapshot, lambda: NOW, lambda: True)
    server.mount(report_page.routes(house, reports, lambda: NOW, SecretStr(token) if token else None))
    server.start()
    with httpx.Client(base_url=server.url, timeout=60, verify=False) as client:
        yield client
    server.stop()


@pytest.fixture
def client(house: House, reports: Reports) -> Iterator[httpx.Client]:
    yield from client_of(house, reports, TOKEN)


@pytest.fixture
def free(house: House, reports: Reports) -> Iterator[httpx.Client]:
    yield from client_of(house, reports, "")


def page_of(alert: AlertId) -> str:
    return f"/reports/new/{name_of(alert)}"


def test_the_form_has_the_stretch_and_the_baseline_of_the_alert_and_asks_for_nothing_yet(
    client: httpx.Client, making: Making
) -> None:
    filled = {
        FIRES: ("2026-03-19T12:00Z", "2026-03-20T12:00Z", "0123456789ab"),  # a day: it has just begun
        OVER: ("2026-03-15T12:00Z", "2026-03-18T12:00Z", "0123456789ab"),  # as long as it fired
        LONG: ("2026-03-13T12:00Z", "2026-03-20T12:00Z", "0123456789ab"),  # a week at most
        OF_A_RULE: ("2026-03-19T12:00Z", "2026-03-20T12:00Z", "0123456789ab"),
    }
    for alert, (start, end, baseline) in filled.items():
        page = client.get(page_of(alert))
        assert page.status_code == 200
        for key, text in (("from", start), ("to", end), ("baseline", baseline)):
            assert f'name="{key}" ' in page.text
            assert f'value="{text}"' in page.text
        assert HOSTILE not in page.text
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    assert making.asked == []


def test_the_form_makes_the_report_and_leads_to_it(client: httpx.Client, reports: Reports, making: Making) -> None:
    answer = client.post(page_of(FIRES), data=FORM, headers=OWN)
    assert answer.status_code == 303
    assert TOKEN not in str(answer.headers.raw)
    reports.wait()
    page = client.get(httpx.URL(str(answer.url)).join(answer.headers["location"]))
    assert page.status_code == 303
    report = client.get(page.url.join(page.headers["location"]))
    assert report.text == f"a report {HOSTILE}"
    assert report.headers["Content-Security-Policy"].startswith("sandbox allow-scripts;")
    (asked,) = making.asked
    assert asked == Question(NOW - DAY, NOW, "app", "0123")


def test_what_is_left_empty_is_what_it_is_on_the_command_line(
    free: httpx.Client, reports: Reports, making: Making
) -> None:
    answer = free.post(page_of(FIRES), data={"from": " ", "to": "", "baseline": ""}, headers=OWN)
    assert answer.status_code == 303
    assert "set-cookie" not in answer.headers
    reports.wait()
    assert making.asked == [Question(source="app")]


@pytest.mark.parametrize(
    ("form", "headers", "status"),
    [
        (FORM, {}, 403),
        (FORM, {"Origin": "https://evil.example"}, 403),
        (FORM, {"Sec-Fetch-Site": "cross-site"}, 403),
        (FORM | {"token": "guess"}, OWN, 403),
        (FORM | {"from": HOSTILE}, OWN, 422),
        (FORM | {"from": "1d", "to": "2d"}, OWN, 422),
        (FORM | {"baseline": "zz"}, OWN, 422),
        (FORM | {"from": "x" * 20_000}, OWN, 413),
    ],
)
def test_a_form_that_is_wrong_or_of_another_page_makes_nothing(
    client: httpx.Client, making: Making, form: dict[str, str], headers: dict[str, str], status: int
) -> None:
    answer = client.post(page_of(FIRES), data=form, headers=headers)
    assert answer.status_code == status
    assert "<script>alert" not in answer.text
    assert TOKEN not in answer.text
    assert making.asked == []


def test_without_the_token_nobody_sees_a_report_or_how_far_it_is(
    client: httpx.Client, house: House, reports: Reports
) -> None:
    job = reports.ask("", "", "app", "")
    reports.wait()
    for name in (job.id, f"{job.id}.html", f"{job.id}.json", "0" * 32):
        assert client.get(f"/reports/{name}").status_code == 401
        assert client.get(f"/reports/{name}", headers={"Cookie": "watchkeeper_report=x"}).status_code == 401


def test_one_that_fails_says_why(
    free: httpx.Client, reports: Reports, making: Making, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    making.error = ReportError(f"nothing to see {HOSTILE}")
    job = reports.ask("", "", "app", "")
    reports.wait()
    page = free.get(f"/reports/{job.id}")
    assert page.status_code == 200
    assert "nothing to see" in page.text
    assert HOSTILE not in page.text
    assert 'http-equiv="refresh"' not in page.text


@pytest.mark.parametrize("alert", [OF_TRAFFIC, OF_OURS, AlertId("none", "app", Segment(), ())])
def test_what_is_not_about_texts_or_not_known_has_no_page(free: httpx.Client, alert: AlertId) -> None:
    assert free.get(page_of(alert)).status_code == 404
    assert free.post(page_of(alert), data=FORM, headers=OWN).status_code == 404


@pytest.mark.parametrize("name", ["0" * 32, "0" * 32 + ".html", "..%2Fwatchkeeper.yaml", "%00", "a.b.c"])
def test_what_is_no_report_is_not_found(free: httpx.Client, name: str) -> None:
    assert free.get(f"/reports/{name}").status_code == 404
