"""The service as a process: it reads a log that grows, serves what it measured, tells receivers, and ends when asked."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from fake_pagerduty import FakePagerDuty
from fake_slack import FakeSlack

from monitor.commands.canary import Asked, canary
from monitor.daemon import clock

ATTEMPTS = 1200  # a busy machine answers late: what must hold is asked for until it does
KEY = "k" * 32

CONFIG = """
sources:
  chat: {{kind: files, paths: [log.jsonl], every: 1s, lateness: 0s, groupings: [[], [service]]}}
rules:
  errors: {{measure: error_ratio, by: [service], above: 0.2, severity: critical}}
receivers:
  slack: {{kind: slack, token: "{token}", channel: alerts, api_url: "{slack}"}}
  pagerduty: {{kind: pagerduty, routing_key: {key}, url: "{pagerduty}"}}
server: {{port: {port}}}
start: 1h
"""


@dataclass
class Running:
    """A service that runs."""

    process: subprocess.Popen[str]
    url: str
    folder: Path
    slack: FakeSlack
    pagerduty: FakePagerDuty

    def get(self, path: str) -> httpx.Response | None:
        try:
            return httpx.get(f"{self.url}{path}", timeout=30)
        except httpx.TransportError:
            return None

    def until(self, what: Callable[[], Any]) -> Any:
        """Asks again until there is an answer, a bounded number of times."""
        pause = Event()
        for _ in range(ATTEMPTS):
            assert self.process.poll() is None, "the service has ended"
            if answer := what():
                return answer
            pause.wait(0.1)
        raise AssertionError("it did not come true")

    def log(self) -> None:
        """Ten failed calls of each minute, two minutes back and as many ahead as a slow machine may need."""
        now = clock()
        with (self.folder / "log.jsonl").open("a") as log:
            for number in range(-20, 200):
                at = now + number * timedelta(seconds=6)
                call = {"id": f"{at.timestamp()}-{number}", "started_at": at.isoformat(), "service": "support"}
                log.write(json.dumps(call | {"latency_s": 0.5, "status_code": 500}) + "\n")


def start(config: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "NO_PROXY": "*"}
    command = [sys.executable, "-m", "monitor", "run", "--config", str(config)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)


def end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.kill()
        process.communicate()


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def service(folder: Path) -> Iterator[Running]:
    with FakeSlack() as slack, FakePagerDuty() as pagerduty:
        port = free_port()
        values = {"slack": slack.api_url, "token": slack.token, "pagerduty": pagerduty.base, "key": KEY, "port": port}
        (folder / "watchkeeper.yaml").write_text(CONFIG.format(**values))
        (folder / "log.jsonl").touch()
        process = start(folder / "watchkeeper.yaml")
        try:
            yield Running(process, f"http://127.0.0.1:{port}", folder, slack, pagerduty)
        finally:
            end(process)


@pytest.fixture(scope="module")
def alarmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A service whose calls fail; the last of its tests ends it."""
    with service(tmp_path_factory.mktemp("alarmed")) as one:
        one.log()
        yield one


def test_a_logged_call_becomes_a_gauge_and_an_alert(alarmed: Running) -> None:
    page = alarmed.until(
        lambda: (answer := alarmed.get("/metrics")) and "llm_error_ratio{" in answer.text and answer.text
    )
    assert re.search(r'llm_error_ratio\{[^}]*service="support"[^}]*\} 1\.0', page)
    alarmed.until(lambda: len(alarmed.pagerduty.open_incidents) == 1 and len(alarmed.slack.roots) == 1)
    assert 'watchkeeper_rows_total{source="chat"} 220.0' in alarmed.get("/metrics").text  # type: ignore[union-attr]
    assert alarmed.get("/healthz").status_code == 200  # type: ignore[union-attr]
    assert alarmed.get("/readyz").status_code == 200  # type: ignore[union-attr]
    assert "errors" in alarmed.get("/").text  # type: ignore[union-attr]


def test_a_report_can_be_asked_for_and_says_why_there_is_none(alarmed: Running) -> None:
    alarmed.until(lambda: (answer := alarmed.get("/readyz")) and answer.status_code == 200)
    bad = httpx.post(f"{alarmed.url}/api/v1/reports", json={"from": "yesterday-ish"}, timeout=30)
    assert bad.status_code == 422
    assert "is not a time" in bad.text
    asked = httpx.post(f"{alarmed.url}/api/v1/reports", json={}, timeout=30)
    assert asked.status_code == 422
    assert "nothing has been learnt yet" in asked.text


def test_a_canary_goes_to_every_receiver_and_back(alarmed: Running, capsys: pytest.CaptureFixture[str]) -> None:
    alarmed.until(lambda: len(alarmed.pagerduty.open_incidents) == 1 and len(alarmed.slack.roots) == 1)
    before = len(alarmed.slack.roots)
    pause = Event()

    def go_on(seconds: float) -> None:
        assert alarmed.process.poll() is None, "the service has ended"
        pause.wait(seconds)

    assert canary(alarmed.folder / "watchkeeper.yaml", Asked((), "10m"), go_on) == 0, capsys.readouterr().out
    said = capsys.readouterr().out
    for step in ("the alert fires", "slack was told", "pagerduty was told", "the alert is over", "slack knows"):
        assert step in said
    (told,) = alarmed.slack.roots[before:]
    assert "Test" in told.text
    assert len(alarmed.slack.replies(told)) == 1  # that it is over
    assert len(alarmed.pagerduty.open_incidents) == 1  # the one that was there
    page = alarmed.until(lambda: (answer := alarmed.get("/metrics")) and answer.text)
    assert "watchkeeper_canary_last_success_timestamp_seconds" in page


def ended(running: Running, number: int) -> None:
    """It was asked to end, and did so without a complaint."""
    running.process.send_signal(number)
    _, said = running.process.communicate()
    assert running.process.returncode == 0, said
    assert "Traceback" not in said


def test_a_second_service_waits_until_the_first_was_terminated_and_ends_when_a_person_interrupts_it(
    alarmed: Running,
) -> None:
    alarmed.until(lambda: (answer := alarmed.get("/readyz")) and answer.status_code == 200)
    config = alarmed.folder / "second.yaml"
    text = (alarmed.folder / "watchkeeper.yaml").read_text()
    port = free_port()
    config.write_text(text.replace(f"port: {alarmed.url.rpartition(':')[2]}", f"port: {port}"))
    second = start(config)
    try:
        assert second.stderr is not None
        assert any("another service leads" in line for line in second.stderr)  # read until it says so
        ended(alarmed, signal.SIGTERM)
        again = Running(second, f"http://127.0.0.1:{port}", alarmed.folder, alarmed.slack, alarmed.pagerduty)
        again.until(lambda: (page := again.get("/metrics")) and re.search(r'llm_calls\{[^}]*source="chat"', page.text))
        ended(again, signal.SIGINT)
    finally:
        end(second)
