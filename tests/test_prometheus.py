"""A real Prometheus scrapes the server with the configuration that the project ships."""

import json
import os
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from shutil import which
from threading import Event
from typing import Any

import httpx
import pytest
import yaml
from snapshots import END, FRESH_FOR, NOW, judged, read_texts, snapshot

from config.server import Server as ServerSettings
from monitor.exporter import Exporter
from monitor.server import Server
from monitor.snapshot import Snapshot

DEPLOY = Path(__file__).parents[1] / "deploy"
ATTEMPTS = 1200  # a scrape may fail on a busy machine: what must hold is asked for until it does

Series = dict[str, Any]


def binary(name: str) -> str:
    """Where Debian installs it: a skip where it may be missing, a failure where it must not."""
    found = which(name)
    if found is None and os.environ.get("CI") != "true":
        pytest.skip("Debian's prometheus is not installed: apt-get install prometheus")
    assert found is not None, f"CI must have {name}: apt-get install prometheus"
    return found


class Prometheus:
    """A running Prometheus and its query API."""

    def __init__(self, process: subprocess.Popen[bytes], url: str) -> None:
        self._process = process
        self._client = httpx.Client(base_url=url, verify=False, timeout=30)

    def query(self, expression: str) -> list[Series]:
        response = self._client.get("/api/v1/query", params={"query": expression})
        if response.status_code == 503:  # it still starts
            return []
        answer = response.json()
        assert answer["status"] == "success", f"{expression}: {answer}"
        result: list[Series] = answer["data"]["result"]
        return result

    def until(self, done: Callable[[], Any]) -> Any:
        """Asks again until there is an answer, a bounded number of times."""
        pause = Event()
        for _ in range(ATTEMPTS):
            assert self._process.poll() is None, "prometheus has ended; its output is above"
            try:
                if found := done():
                    return found
            except httpx.TransportError:
                pass
            pause.wait(0.1)
        return pytest.fail(f"no answer after {ATTEMPTS} attempts")

    def one(self, expression: str) -> tuple[dict[str, str], float]:
        """The labels and the value of the only series, as soon as there is one."""
        (only,) = self.until(lambda: self.query(expression))
        return only["metric"], float(only["value"][1])

    def close(self) -> None:
        self._client.close()


def shipped_configuration(server: Server) -> dict[str, Any]:
    """deploy/prometheus.yml, pointed at this server and made quick; the target has a label that the gauges have too."""
    settings: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus.yml").read_text(encoding="utf-8"))
    settings["global"]["scrape_interval"] = "1s"
    (job,) = settings["scrape_configs"]
    job["static_configs"] = [{"targets": [server.url.removeprefix("http://")], "labels": {"service": "watchkeeper"}}]
    return settings


@contextmanager
def prometheus(folder: Path, server: Server) -> Iterator[Prometheus]:
    config = folder / "prometheus.yml"
    config.write_text(yaml.safe_dump(shipped_configuration(server)), encoding="utf-8")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        binary("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with subprocess.Popen(command) as process:
        running = Prometheus(process, f"http://127.0.0.1:{port}")
        try:
            yield running
        finally:
            running.close()
            process.terminate()


@pytest.fixture(scope="module")
def clock() -> list[timedelta]:
    """How far the server's clock has moved since the snapshot; a test may set it."""
    return [timedelta(0)]


@pytest.fixture(scope="module")
def scraped(tmp_path_factory: pytest.TempPathFactory, clock: list[timedelta]) -> Iterator[Prometheus]:
    def shown() -> Snapshot:
        return snapshot(texts=(read_texts(),), judge=judged())

    exporter = Exporter(shown, lambda: NOW + clock[0], FRESH_FOR, "1.2.3")
    server = Server(ServerSettings(port=0), exporter, shown, lambda: NOW, lambda: True)
    binary("prometheus")
    server.start()
    try:
        with prometheus(tmp_path_factory.mktemp("prometheus"), server) as running:
            running.until(lambda: running.query("llm_calls"))
            yield running
    finally:
        server.stop()


def test_a_gauge_arrives_with_the_labels_of_the_application_not_of_the_target(scraped: Prometheus) -> None:
    labels, value = scraped.one('llm_latency_seconds{service="support",model="gpt-4o",percentile="95"}')
    assert value == 3.1
    assert labels["source"] == "chat"
    assert labels["job"] == "watchkeeper"
    assert "exported_service" not in labels


def test_the_gauge_of_a_whole_source_has_no_segment_labels_at_all(scraped: Prometheus) -> None:
    labels, value = scraped.one('llm_calls{source="chat",service="",model=""}')
    assert value == 240
    assert labels.keys() == {"__name__", "instance", "job", "source"}


def test_alerts_and_window_ends_arrive(scraped: Prometheus) -> None:
    labels, _ = scraped.one('watchkeeper_alerts{state="firing"}')
    assert (labels["rule"], labels["severity"], labels["model"]) == ("errors", "critical", "gpt-4o")
    _, end = scraped.one('llm_window_end_timestamp_seconds{source="chat",length="60"}')
    assert end == END.timestamp()


def test_the_scrape_lost_nothing(scraped: Prometheus) -> None:
    scraped.one("up == 1")
    scraped.one("scrape_samples_post_metric_relabeling == scrape_samples_scraped > 300")


def test_every_query_of_the_dashboard_is_understood_and_answered(scraped: Prometheus) -> None:
    dashboard = json.loads((DEPLOY / "grafana" / "dashboards" / "watchkeeper.json").read_text(encoding="utf-8"))
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"].replace("$source", "chat")
            scraped.query(expression)
            if not re.search(r"rate\(|increase\(", expression):  # these need minutes of history
                scraped.until(lambda asked=expression: scraped.query(asked))


def test_a_gauge_ends_in_prometheus_when_its_window_is_no_longer_fresh(
    scraped: Prometheus, clock: list[timedelta]
) -> None:
    clock[0] = timedelta(hours=1)
    scraped.until(lambda: scraped.query('up == 1 unless on () llm_calls{source="chat"}'))
    scraped.until(lambda: scraped.query('llm_window_end_timestamp_seconds{source="chat"}'))
    clock[0] = timedelta(0)
    scraped.until(lambda: scraped.query('llm_calls{source="chat"}'))


def test_the_shipped_configuration_is_one_that_prometheus_accepts() -> None:
    checked = subprocess.run(
        [binary("promtool"), "check", "config", str(DEPLOY / "prometheus.yml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
