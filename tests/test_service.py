"""The service as a process: it reads a log that grows, serves what it measured, tells receivers, and ends when asked."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import httpx
import pytest
from fake_pagerduty import FakePagerDuty
from fake_slack import FakeSlack

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

    def log(self, *, failed: bool) -> None:
        """Ten calls of each minute, two minutes back and as many ahead as a slow machine may need."""
        now = clock()
        with (self.folder / "log.jsonl").open("a") as log:
            for number in range(-20, 200):
                at = now + number * timedelta(seconds=6)
                call = {"id": f"{at.timestamp()}-{number}", "started_at": at.isoformat(), "service": "support"}
                log.write(json.dumps(call | {"latency_s": 0.5, "status_code": 500 if failed else 200}) + "\n")


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


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with FakeSlack() as slack, FakePagerDuty() as pagerduty:
        port = free_port()
        values = {"slack": slack.api_url, "token": slack.token, "pagerduty": pagerduty.base, "key": KEY, "port": port}
        (tmp_path / "watchkeeper.yaml").write_text(CONFIG.format(**values))
        (tmp_path / "log.jsonl").touch()
        process = start(tmp_path / "watchkeeper.yaml")
        try:
            yield Running(process, f"http://127.0.0.1:{port}", tmp_path, slack, pagerduty)
        finally:
            end(process)


def test_a_logged_call_becomes_a_gauge_and_an_alert(running: Running) -> None:
    running.log(failed=True)
    page = running.until(
        lambda: (answer := running.get("/metrics")) and "llm_error_ratio{" in answer.text and answer.text
    )
    assert re.search(r'llm_error_ratio\{[^}]*service="support"[^}]*\} 1\.0', page)
    running.until(lambda: len(running.pagerduty.open_incidents) == 1 and len(running.slack.roots) == 1)
    assert 'watchkeeper_rows_total{source="chat"} 220.0' in running.get("/metrics").text  # type: ignore[union-attr]
    assert running.get("/healthz").status_code == 200  # type: ignore[union-attr]
    assert running.get("/readyz").status_code == 200  # type: ignore[union-attr]
    assert "errors" in running.get("/").text  # type: ignore[union-attr]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_it_is_asked_to(running: Running, number: int) -> None:
    running.log(failed=False)
    running.until(lambda: (answer := running.get("/readyz")) and answer.status_code == 200)
    running.process.send_signal(number)
    _, said = running.process.communicate()
    assert running.process.returncode == 0, said
    assert "Traceback" not in said


def test_a_second_service_on_the_same_store_waits_until_the_first_has_ended(running: Running) -> None:
    running.until(lambda: (answer := running.get("/readyz")) and answer.status_code == 200)
    config = running.folder / "second.yaml"
    text = (running.folder / "watchkeeper.yaml").read_text()
    port = free_port()
    config.write_text(text.replace(f"port: {running.url.rpartition(':')[2]}", f"port: {port}"))
    second = start(config)
    try:
        assert second.stderr is not None
        assert any("another service leads" in line for line in second.stderr)  # read until it says so
        running.process.send_signal(signal.SIGTERM)
        running.process.communicate()
        again = Running(second, f"http://127.0.0.1:{port}", running.folder, running.slack, running.pagerduty)
        running.log(failed=False)
        again.until(lambda: (page := again.get("/metrics")) and re.search(r'llm_calls\{[^}]*source="chat"', page.text))
    finally:
        end(second)


def test_a_report_can_be_asked_for_and_says_why_there_is_none(running: Running) -> None:
    running.log(failed=False)
    running.until(lambda: (answer := running.get("/readyz")) and answer.status_code == 200)
    bad = httpx.post(f"{running.url}/api/v1/reports", json={"from": "yesterday-ish"}, timeout=30)
    assert bad.status_code == 422
    assert "is not a time" in bad.text
    asked = httpx.post(f"{running.url}/api/v1/reports", json={}, timeout=30)
    assert asked.status_code == 422
    assert "nothing has been learnt yet" in asked.text
