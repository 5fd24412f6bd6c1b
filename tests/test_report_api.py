"""Reports over HTTP: asked for, watched, fetched; who may not, what is wrong, and what is kept."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from reading_kit import END, opened
from snapshots import FRESH_FOR, NOW, snapshot

from config.server import Server as ServerSettings
from detectors.measurement import Segment
from monitor.exporter import Exporter
from monitor.house import House
from monitor.page import render_page
from monitor.report import evidently_part
from monitor.report.api import routes
from monitor.report.gather import gather
from monitor.report.jobs import MOST_WAITING, Reports
from monitor.report.question import Question
from monitor.report.values import Report, ReportError
from monitor.server import Server
from monitor.snapshot import TextStatus
from monitor.survey import survey

TOKEN = "s3cret-wörd"
PATH = "/api/v1/reports"
TEXTS = TextStatus("chat", Segment(), "prompt", "ready", 7.0, 7.0)


@pytest.fixture(scope="module")
def house(attacked_house: Path) -> Iterator[House]:
    house = opened(attacked_house)
    yield house
    house.close()


@pytest.fixture(scope="module")
def made(house: House) -> Report:
    return gather(house, Question(evidently=False), END)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, made: Report) -> list[Question]:
    """Reports that take no time; the questions that were asked."""
    asked: list[Question] = []

    def gathered(_house: House, question: Question, _now: Any, tell: Any) -> Report:
        asked.append(question)
        tell("measuring, prompts of <chat>", 0.5)
        return made

    monkeypatch.setattr("monitor.report.gather.gather", gathered)
    return asked


@contextmanager
def served(reports: Reports, token: str = "") -> Iterator[httpx.Client]:
    exporter = Exporter(snapshot, lambda: NOW, FRESH_FOR, "1.2.3")
    server = Server(ServerSettings(port=0), exporter, snapshot, lambda: NOW, lambda: True)
    server.mount(routes(reports, SecretStr(token) if token else None))
    server.start()
    try:
        with httpx.Client(base_url=server.url, timeout=60, verify=False) as client:
            yield client
    finally:
        server.stop()


def reports_of(house: House, folder: Path, kept: int = 20) -> Reports:
    return Reports(house, folder / "reports", kept, lambda: END)


def test_a_report_is_asked_for_watched_and_fetched(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Evidently's own page takes seconds; tests/test_report.py makes it, in a thread as here.
    monkeypatch.setattr(evidently_part, "_run", lambda _before, _now: ([], "<p>Evidently's page</p>"))
    reports = reports_of(house, tmp_path)
    with served(reports) as client:
        answer = client.post(PATH, json={"from": "1d", "source": "chat"})
        assert answer.status_code == 202
        key = answer.json()["id"]
        assert answer.headers["location"] == f"{PATH}/{key}"
        assert client.get(f"{PATH}/{key}").json()["state"] in ("waiting", "running", "done")
        reports.wait()
        job = client.get(f"{PATH}/{key}").json()
        assert (job["state"], job["progress"], job["problem"]) == ("done", 1.0, "")
        page, found = (client.get(job["links"][each]) for each in ("html", "json"))
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<h1>Drift report</h1>" in page.text
    assert "<iframe sandbox=" in page.text
    assert found.json()["parts"][0]["stream"] == "prompt"
    assert {each.suffix for each in (tmp_path / "reports").iterdir()} == {".html", ".json"}


def test_the_status_page_links_to_what_was_made(house: House, tmp_path: Path, quick: list[Question]) -> None:
    reports = reports_of(house, tmp_path)
    assert reports.made() == ()
    keys = []
    for _ in range(2):
        keys.append(reports.ask("", "", "", "").id)
        reports.wait()
    (tmp_path / "reports" / "notes.html").write_text("not a report")
    assert [each.id for each in reports.made()] == keys[::-1]
    page = render_page(replace(survey(house, END), texts=(TEXTS,), reports=reports.made()), END, "1")
    assert page.index(f'href="api/v1/reports/{keys[1]}.html"') < page.index(f'href="api/v1/reports/{keys[0]}.html"')


def test_a_report_is_served_apart_from_everything_else(house: House, tmp_path: Path, quick: list[Question]) -> None:
    reports = reports_of(house, tmp_path)
    with served(reports) as client:
        key = client.post(PATH, json={}).json()["id"]
        reports.wait()
        headers = client.get(f"{PATH}/{key}.html").headers
        assert headers["content-security-policy"].startswith("sandbox allow-scripts;")
        assert "allow-same-origin" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert client.get(f"{PATH}/{key}").headers["content-security-policy"].startswith("default-src 'none'")
    assert quick == [Question()]


def test_without_the_token_there_is_neither_question_nor_answer(
    house: House, tmp_path: Path, quick: list[Question]
) -> None:
    reports = reports_of(house, tmp_path)
    good = {"Authorization": f"Bearer {TOKEN}".encode()}
    with served(reports, TOKEN) as client:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}".encode()}):
            answer = client.post(PATH, json={}, headers=headers)
            assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
            assert client.get(f"{PATH}/{'0' * 32}", headers=headers).status_code == 401
        assert client.get("/healthz").status_code == 200
        key = client.post(PATH, json={}, headers=good).json()["id"]
        reports.wait()
        assert client.get(f"{PATH}/{key}.html").status_code == 401
        assert client.get(f"{PATH}/{key}.html", headers=good).status_code == 200
    assert len(quick) == 1


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"source": "nobody"}, "there is no source 'nobody': configured are chat"),
        ({"baseline": "zz"}, "no baseline whose version begins with 'zz'"),
        ({"from": "yesterday"}, "'yesterday' is not a time"),
        ({"from": "99999999999d"}, ""),
        ({"from": "1d", "to": "2d"}, "must be before"),
        ({"form": "1d"}, "form: Extra inputs are not permitted"),
        ({"from": 7}, "from: Input should be a valid string"),
        (["from"], "Input should be an object"),
    ],
)
def test_a_bad_question_says_what_is_wrong(house: House, tmp_path: Path, asked: Any, problem: str) -> None:
    with served(reports_of(house, tmp_path)) as client:
        answer = client.post(PATH, json=asked)
    assert answer.status_code == 422
    assert problem in answer.json()["detail"]


def test_only_json_of_a_bounded_length_is_read(house: House, tmp_path: Path) -> None:
    with served(reports_of(house, tmp_path)) as client:
        assert client.post(PATH, content="{}", headers={"Content-Type": "text/plain"}).status_code == 415
        headers = {"Content-Type": "application/json"}
        assert client.post(PATH, content="not json", headers=headers).status_code == 422
        assert client.post(PATH, content=b"[" * 20_000, headers=headers).status_code == 413


@pytest.mark.parametrize("name", ["0" * 32, "0" * 32 + ".html", "..%2F..%2Fwatchkeeper.yaml", "x.html", "%00", "a.b.c"])
def test_what_is_no_report_is_not_found(house: House, tmp_path: Path, name: str) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "x.html").write_text("not a report")
    with served(reports_of(house, tmp_path)) as client:
        assert client.get(f"{PATH}/{name}").status_code == 404


def test_the_newest_are_kept_and_outlive_a_restart(house: House, tmp_path: Path, quick: list[Question]) -> None:
    reports = reports_of(house, tmp_path, kept=2)
    keys = []
    for _ in range(4):
        keys.append(reports.ask("", "", "", "").id)
        reports.wait()
    assert len(quick) == 4
    assert len(list((tmp_path / "reports").iterdir())) == 4
    for known in (reports, reports_of(house, tmp_path)):
        assert [known.job(key) is not None for key in keys] == [False, False, True, True]
        assert known.file(keys[3], "json")
        assert known.file(keys[0], "html") is None


def test_one_that_fails_says_why_and_the_next_is_made(
    house: House, tmp_path: Path, made: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    errors = [ReportError("nothing to see"), RuntimeError("s3cret")]

    def gathered(*_args: Any) -> Report:
        if errors:
            raise errors.pop(0)
        return made

    monkeypatch.setattr("monitor.report.gather.gather", gathered)
    reports = reports_of(house, tmp_path)
    found = [reports.ask("", "", "", "").id for _ in range(3)]
    reports.wait()
    states = [job for job in map(reports.job, found) if job is not None]
    assert [job.state for job in states] == ["failed", "failed", "done"]
    assert states[0].problem == "nothing to see"
    assert states[1].problem == "unexpected RuntimeError; the service's log has the details"
    assert states[0].as_json()["links"] == {}


def test_one_is_made_at_a_time_and_only_some_wait(
    house: House, tmp_path: Path, made: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, running = threading.Event(), threading.Event()

    def gathered(_house: House, _question: Question, _now: Any, tell: Any) -> Report:
        tell("embedding", 0.25)
        running.set()
        go.wait(60)
        return made

    monkeypatch.setattr("monitor.report.gather.gather", gathered)
    reports = reports_of(house, tmp_path)
    with served(reports) as client:
        keys = [client.post(PATH, json={}).json()["id"] for _ in range(MOST_WAITING)]
        assert running.wait(60)
        first, second = (client.get(f"{PATH}/{key}").json() for key in keys[:2])
        assert (first["state"], first["doing"], first["progress"]) == ("running", "embedding", 0.25)
        assert (second["state"], second["links"]) == ("waiting", {})
        assert client.get(f"{PATH}/{keys[0]}.html").status_code == 404
        assert client.post(PATH, json={}).status_code == 429
        go.set()
        reports.wait()
        assert client.get(f"{PATH}/{keys[-1]}").json()["state"] == "done"


def test_a_house_whose_texts_are_not_read_has_no_report(house: House, tmp_path: Path) -> None:
    off = house.settings.model_copy(update={"text": house.settings.text.model_copy(update={"enabled": False})})
    with pytest.raises(ReportError, match=r"set text\.enabled"):
        reports_of(replace(house, settings=off), tmp_path).ask("1d", "", "", "")
