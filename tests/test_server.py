"""The web server: what it answers, whom it answers, and that nothing from a log breaks its pages."""

import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from threading import Event, Thread
from threading import enumerate as all_threads

import httpx
import pytest
from snapshots import FRESH_FOR, NOW, alerts, measured, snapshot, sources, transitions

from config.server import Server as ServerSettings
from detectors.measurement import Key, Reason, Segment, Value
from monitor import formats
from monitor.exporter import Exporter
from monitor.page import REASONS, SHOWN_SEGMENTS, render_page, style, style_hash
from monitor.server import Server, ServerError
from monitor.snapshot import Snapshot

HOSTILE = "<script>alert(1)</script>\"'&<!channel>\ud800\x00"


def server_of(
    shown: Callable[[], Snapshot] = snapshot, *, alive: bool = True, settings: ServerSettings | None = None
) -> Server:
    exporter = Exporter(shown, lambda: NOW, FRESH_FOR, "1.2.3")
    return Server(settings or ServerSettings(port=0), exporter, shown, lambda: NOW, lambda: alive)


@contextmanager
def running(server: Server) -> Iterator[httpx.Client]:
    server.start()
    try:
        with httpx.Client(base_url=server.url, timeout=30, verify=False) as client:
            yield client
    finally:
        server.stop()


@pytest.fixture(scope="module")
def client() -> Iterator[httpx.Client]:
    with running(server_of()) as client:
        yield client


class Page(HTMLParser):
    """What a browser would see: text, tags and the places that links lead to."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def page_of(shown: Snapshot) -> Page:
    return Page(render_page(shown, NOW, "1.2.3"))


def test_metrics_are_served_as_prometheus_text(client: httpx.Client) -> None:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'llm_calls{model="",route="",service="",source="chat"} 240.0\n' in answer.text


def test_a_client_that_asks_for_nonsense_gets_the_same_text(client: httpx.Client) -> None:
    answer = client.get("/metrics", headers={"Accept": "application/openmetrics-text;version=x,text/plain;version="})
    assert answer.status_code == 200
    assert "llm_calls{" in answer.text


def test_alive_while_the_scheduler_works(client: httpx.Client) -> None:
    assert client.get("/healthz").json() == {"alive": True}
    assert client.head("/healthz").status_code == 200


def test_not_alive_when_the_scheduler_hangs_whatever_the_state_of_the_sources() -> None:
    with running(server_of(alive=False)) as client:
        answer = client.get("/healthz")
        assert answer.status_code == 503
        assert answer.json()["alive"] is False
        assert client.get("/readyz").status_code == 200


def test_ready_once_every_source_was_read_to_its_end(client: httpx.Client) -> None:
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "sources": {}})


def test_not_ready_before_and_it_says_why() -> None:
    waiting = tuple(replace(source, last_success_at=None) for source in sources())
    with running(server_of(lambda: snapshot(sources=waiting))) as client:
        answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["sources"] == {"chat": "not read to its end yet", "search": sources()[1].failure}


def test_every_answer_carries_the_headers_that_keep_a_browser_out_of_trouble(client: httpx.Client) -> None:
    for path in ("/", "/metrics", "/healthz", "/readyz", "/api/v1/status", "/nowhere"):
        headers = client.get(path).headers
        assert headers["content-security-policy"].startswith(f"default-src 'none'; style-src {style_hash()};")
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert "server" not in headers


def test_the_page_s_only_style_is_the_one_that_the_policy_allows(client: httpx.Client) -> None:
    html = client.get("/").text
    assert re.findall(r"<style>(.*?)</style>", html, re.DOTALL) == [style()]
    assert "style=" not in html


def test_there_are_no_pages_of_the_framework(client: httpx.Client) -> None:
    for path in ("/docs", "/redoc", "/openapi.json"):
        assert client.get(path).status_code == 404


def test_nothing_can_be_changed_through_the_server(client: httpx.Client) -> None:
    assert client.post("/").status_code == 405
    assert client.delete("/api/v1/status").status_code == 405


@pytest.mark.parametrize("host", ["evil.example", "evil.example:9464", "127.0.0.1.evil.example", "[::2]:80", "", "[x"])
def test_a_foreign_name_is_refused_on_localhost(client: httpx.Client, host: str) -> None:
    answer = client.get("/api/v1/status", headers={"Host": host})
    assert answer.status_code == 400
    assert "chat" not in answer.text


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1:80", "[::1]:9464"])
def test_names_of_this_machine_are_known(client: httpx.Client, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


def test_the_host_of_the_external_url_is_known() -> None:
    settings = ServerSettings(port=0, external_url="https://watch.example/llm/")
    server = server_of(settings=settings)
    with running(server) as client:
        assert client.get("/healthz", headers={"Host": "watch.example"}).status_code == 200
        assert client.get("/healthz", headers={"Host": "other.example"}).status_code == 400


def test_any_name_is_answered_when_the_server_listens_on_all_addresses() -> None:
    with running(server_of(settings=ServerSettings(host="0.0.0.0", port=0))) as client:
        assert client.get("/healthz", headers={"Host": "watchkeeper:9464"}).status_code == 200


def test_a_port_that_is_taken_is_an_error_that_says_what_to_change() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            ServerError, match=rf"127\.0\.0\.1 port {port}: Address already in use; set server\.host and server\.port"
        ):
            server_of(settings=ServerSettings(port=port)).start()


def test_stopping_closes_the_port_and_ends_the_thread_even_with_an_open_connection() -> None:
    server, others = server_of(), set(all_threads())
    server.start()
    (serving,) = (thread for thread in set(all_threads()) - others if thread.name == "watchkeeper-server")
    with httpx.Client(base_url=server.url, verify=False) as client:
        client.get("/healthz")
        server.stop()
        serving.join(60)
        assert not serving.is_alive()
        with pytest.raises(httpx.TransportError):
            client.get("/healthz")


def test_stopping_does_not_wait_for_a_request_that_hangs() -> None:
    entered, release = Event(), Event()

    def hanging() -> Snapshot:
        entered.set()
        release.wait(30)
        return snapshot()

    def ask() -> None:
        with suppress(httpx.TransportError):
            httpx.get(f"{server.url}/readyz", timeout=60, verify=False)

    server = server_of(hanging)
    server.start()
    asking = Thread(target=ask)
    asking.start()
    assert entered.wait(30)
    server.stop()
    assert not release.is_set()
    release.set()
    asking.join()


def test_a_server_that_never_started_can_be_stopped() -> None:
    server_of().stop()


def test_the_status_is_one_json_object(client: httpx.Client) -> None:
    status = client.get("/api/v1/status").json()
    assert status["at"] == NOW.isoformat()
    assert status["sources"][0]["quarantined"] == {"no id": 3}
    assert status["alerts"][1]["segment"] == {"service": "support", "model": "gpt-4o"}
    assert status["alerts"][0]["labels"] == {"percentile": "95"}
    assert status["transitions"][0]["after"] == "firing"
    window = status["windows"][0]
    assert (window["source"], window["segment"], window["length_s"]) == ("chat", {}, 60)
    values = {(value["name"], *value["labels"].values()): value for value in window["values"]}
    assert values["latency_seconds", "95"]["value"] == 3.1
    assert values["cache_hit_ratio",]["reason"] == "missing_column"
    assert {"name": "rows", "labels": {"source": "chat"}, "value": 1200} in status["counters"]
    assert {"source": "chat", "length_s": 300, "end": "2026-03-05T14:29:00+00:00"} in status["ends"]


def test_the_status_is_json_even_with_infinities_and_broken_text() -> None:
    row = measured(Segment.of(model=HOSTILE))
    row = replace(row, values={Key.of("calls"): Value(float("inf"))})
    with running(server_of(lambda: snapshot(windows=(row,)))) as client:
        status = json.loads(client.get("/api/v1/status").content.decode())
    assert status["windows"][0]["values"][0]["value"] is None
    assert status["windows"][0]["segment"]["model"].endswith(r"<!channel>\ud800\x00")


def test_the_page_shows_alerts_sources_receivers_changes_and_numbers() -> None:
    text = page_of(snapshot()).text
    assert "3 alerts. Not healthy: search, oncall." in text
    for shown in (
        "errors firing critical",
        "support · gpt-4o · percentile 95",
        "above 0.05 (clears at 0.02) over 5m for 2m 31 min ago",
        "0.1235",
        "not sent: stale",
        "chat files ok 14 s ago",
        "PostgreSQL at db.internal does not answer",
        "3 no id",
        "unauthorized, since 20 min ago",
        "all calls 240 3.33 % 1.67 % to 6.67 % 840 ms 3.1 s 250 ms 412 ms 3,288 540 $0.50",
        "other service",
        "recovered",
    ):
        assert shown in text


def test_the_page_needs_no_script_and_nothing_from_elsewhere() -> None:
    page = page_of(snapshot())
    assert "script" not in page.tags
    assert not [link for link in page.links if "//" in link]
    assert {"metrics", "api/v1/status"} <= set(page.links)


def test_hostile_text_stays_text_on_the_page() -> None:
    segment = Segment.of(service=HOSTILE)
    shown = snapshot(
        windows=(measured(segment, source="chat"),),
        sources=(replace(sources()[1], failure=HOSTILE, quarantined={HOSTILE: 1}),),
        alerts=(replace(alerts()[1], segment=segment, labels=(("key", HOSTILE),), held=HOSTILE),),
        transitions=(replace(transitions()[0], segment=segment, reason=HOSTILE, held=HOSTILE),),
    )
    with running(server_of(lambda: shown)) as client:
        html = client.get("/").text
    page = Page(html)
    assert "script" not in page.tags
    assert page.text.count("<script>alert(1)</script>\"'&<!channel>\\ud800\\x00") == 9
    assert set(page.tags) == set(page_of(snapshot()).tags)


def test_a_quiet_page_says_that_all_is_well_and_an_empty_one_that_nothing_is_watched() -> None:
    well = snapshot(alerts=alerts()[:1], sources=sources()[:1], channels=(), transitions=())
    assert "No alert; every source is read." in page_of(well).text
    assert "nobody is told" in page_of(well).text
    assert "nothing is watched" in page_of(Snapshot(NOW)).text
    starting = replace(sources()[0], state="starting", last_success_at=None)
    assert "Starting: chat not read" in page_of(replace(well, sources=(starting,))).text


def test_the_page_shows_the_busiest_segments_and_counts_the_rest() -> None:
    windows = [measured(Segment.of(model=f"m{number:03}"), calls=number) for number in range(30, SHOWN_SEGMENTS + 35)]
    text = page_of(snapshot(windows=tuple(windows))).text
    assert "5 more segments" in text
    assert "m034" not in text
    assert text.index("m134") < text.index("m035")


def test_a_missing_number_is_a_dash_that_says_why() -> None:
    row = replace(measured(), values={Key.of("error_ratio"): Value(None, n=0, reason=Reason.NO_CALLS)})
    html = render_page(snapshot(windows=(row,)), NOW, "1.2.3")
    assert f'title="{REASONS[Reason.NO_CALLS]}"><span>–' in html
    assert set(REASONS) == set(Reason)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (formats.count(1284301), "1,284,301"),
        (formats.count(0.03333), "0.033"),
        (formats.count(13.7), "14"),
        (formats.count(float("inf")), "∞"),
        (formats.percent(0.0312), "3.12 %"),
        (formats.seconds(0.412), "412 ms"),
        (formats.seconds(1.839), "1.84 s"),
        (formats.seconds(600), "10 min"),
        (formats.dollars(0.00042), "$0.00042"),
        (formats.dollars(1234.5), "$1,234.50"),
        (formats.duration(89), "89 s"),
        (formats.duration(90), "1.5 min"),
        (formats.duration(-3), "0 s"),
        (formats.duration(3 * 86400), "3 d"),
        (formats.ago(NOW - timedelta(hours=2), NOW), "2 h ago"),
        (formats.ago(NOW + timedelta(seconds=5), NOW), "in 5 s"),
    ],
)
def test_numbers_and_times_read_well(shown: str, expected: str) -> None:
    assert shown == expected
