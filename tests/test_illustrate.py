"""What a message gets when it is sent: the course of the measure, the image's address, and texts only where asked for."""

import dataclasses
import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import ibis
import pytest
from logs import ENGINES, log_maker
from pydantic import SecretStr
from snapshots import FRESH_FOR, snapshot
from sqlmodel import select
from test_deliver import Scripted

from alerts.grouping import fingerprint
from alerts.notifier import AlertView, CallText, Link, Message
from alerts.pipeline import Group
from config.load import load
from config.server import Server as ServerSettings
from config.sources.common import Redaction
from config.sources.files import FilesSource
from detectors.measurement import Key, Measured, Reason, Segment, Value, Window
from monitor import api_charts, silence_page
from monitor.counters import Counters
from monitor.cycle import cycle
from monitor.deliver import Delivery
from monitor.exporter import Exporter
from monitor.house import House
from monitor.illustrate import CHART_PATH, Illustrator, with_course
from monitor.opening import open_house
from monitor.quoting import READ, Quoting, read_texts
from monitor.server import Server
from monitor.store import courses, judging, outbox, silences
from monitor.store.tables import BaselineRow, OutboxRow, TextRow
from monitor.ways import linked

START = datetime(2026, 3, 5, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
NOW = START + 4 * HOUR
CONFIG = """
sources:
  app: {kind: files, paths: [log.jsonl], lateness: 0s, groupings: [[], [service]], silent_after: 0s}
rules:
  errors: {measure: error_ratio, by: [service], above: 0.5, min_calls: 3, over: 30m}
  slow: {measure: latency_seconds, labels: {percentile: "95"}, above: 100}
  unkind: {measure: judge_fail_ratio, labels: {criterion: tone}, over: 2h, above: 0.2}
receivers:
  slack: {kind: slack, webhook_url: "https://hooks.slack.com/services/T/B/x"}
  hook: {kind: webhook, url: "https://hooks.example.org/x"}
  open: {kind: webhook, url: "https://hooks.example.org/y", include_text: true}
  manager: {kind: alertmanager, urls: ["http://alertmanager:9093"], include_text: true}
text: {enabled: false}
window: 10m
start: 30d
server: {external_url: "https://watch.example.org/"}
"""
SECRET = "ana@example.org"


def calls() -> Iterator[dict[str, Any]]:
    """A call a minute; those of the service chat fail in the last hour."""
    for number in range(4 * 60):
        at = START + number * MINUTE
        service = "chat" if number % 2 == 0 else "search"
        yield {
            "id": f"c{number}",
            "started_at": at.isoformat(),
            "latency_s": 1.0,
            "service": service,
            "prompt": f"Prompt {number} of {SECRET} <!channel>",
            "response": f"Response {number}",
        } | ({"error_type": "server"} if service == "chat" and number >= 180 else {})


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder: Path = tmp_path_factory.mktemp("house")
    (folder / "log.jsonl").write_text("".join(json.dumps(each) + "\n" for each in calls()))
    (folder / "watchkeeper.yaml").write_text(CONFIG)
    house = open_house(load(folder / "watchkeeper.yaml", {}))
    for watched in house.sources.values():
        cycle(house, watched, NOW, lambda: False)
    yield house
    house.close()


def alert(**changes: Any) -> AlertView:
    known: dict[str, Any] = {
        "labels": {"rule": "errors", "source": "app", "severity": "warning", "service": "chat"},
        "summary": "errors",
        "state": "firing",
        "since": START + 3 * HOUR + 20 * MINUTE,
        "exemplars": ("c238", "c236", "gone", "c234"),
    }
    return AlertView(**(known | changes))


def a_message(*alerts: AlertView, **changes: Any) -> Message:
    return Message("watchkeeper-1/2", "trigger", "Firing", "warning", alerts or (alert(),), NOW, **changes)


def test_the_course_is_that_of_the_rules_measure_and_segment_with_its_level(house: House) -> None:
    shown = with_course(house, alert(), NOW)
    course = dict(shown.series)
    assert course[NOW.timestamp()] == 1.0
    assert course[(START + HOUR).timestamp()] == 0.0
    assert [at for at, _ in shown.series] == sorted(course)
    assert shown.threshold == 0.5
    other = with_course(house, alert(labels={**alert().labels, "service": "search"}), NOW)
    assert {value for _, value in other.series} == {0.0}


def test_a_measures_own_labels_choose_its_series(house: House) -> None:
    labels = {"rule": "slow", "source": "app", "severity": "warning", "percentile": "95", "owner": "me"}
    shown = with_course(house, alert(labels=labels), NOW)
    assert {value for _, value in shown.series} == {1.0}
    assert shown.threshold == 100


def test_the_course_ends_where_the_alert_ended(house: House) -> None:
    ended = START + 3 * HOUR + 40 * MINUTE
    assert with_course(house, alert(state="resolved", ended=ended), NOW).series[-1][0] == ended.timestamp()


@pytest.mark.parametrize("days", [0, 1, 400])
def test_a_chart_has_a_bounded_number_of_points_however_long_an_alert_fires(house: House, days: int) -> None:
    shown = with_course(house, alert(), NOW + timedelta(days=days))
    assert len(shown.series) <= courses.MOST


@pytest.mark.parametrize(
    "labels",
    [
        {"rule": "errors", "source": "gone"},
        {"rule": "gone", "source": "app"},
        {"rule": "errors", "source": "app"},
        {"rule": "errors", "source": "app", "service": "never seen"},
        {"rule": "drift", "source": "app", "stream": "prompt", "baseline": "rolling"},
        {},
    ],
)
def test_what_has_no_course_is_told_without_one(house: House, labels: dict[str, str]) -> None:
    told = a_message(alert(labels=labels))
    (shown,) = Illustrator(house)(told, "slack").alerts
    assert dataclasses.replace(shown, silence="", report="") == alert(labels=labels)


def test_a_drift_is_shown_by_its_evidence_and_says_which_baseline_it_is_against(house: House) -> None:
    day = timedelta(days=1)
    with house.database.transaction() as session:
        session.add(
            BaselineRow(
                source="app", segment="[]", stream="prompt", version="0123456789", state="accepted", fitted_at=START,
                fitted_from=START - 8 * day, fitted_until=START - day, length_s=3600, read_until=NOW, facts={}, body=b"",
            )
        )  # fmt: skip
        for number in range(4):
            labels = {"channel": "all", "stream": "prompt"}
            body = [["drift_evidence", labels, 0.5 * number, None, None, 100, None]]
            body.append(["drift_evidence", {**labels, "channel": "mix"}, 9.0, None, None, 100, None])
            session.add(
                TextRow(
                    source="app", segment="[]", stream="prompt", length_s=3600, start=START + number * HOUR,
                    end=START + (number + 1) * HOUR, baseline="0123456789", body=body, findings={},
                )
            )  # fmt: skip
    labels = {"rule": "drift", "source": "app", "stream": "prompt", "baseline": "rolling", "channel": "mix"}
    shown = with_course(house, alert(labels=labels), NOW)
    assert [value for _, value in shown.series] == [0.0, 0.5, 1.0, 1.5]
    assert shown.threshold == 1.0
    assert shown.baseline == "the rolling baseline 01234567, learnt from 2026-02-25 to 2026-03-04"


def test_the_course_of_a_rule_about_a_judge_is_that_of_its_verdicts(house: House) -> None:
    series = {"criterion": "tone", "judge": "small", "series": "x"}
    key, other = (Key.of("judge_fail_ratio", corrected=each, **series) for each in ("no", "yes"))
    missing = Value(None, n=0, reason=Reason.NO_VALUES)
    with house.database.transaction() as session:
        for number in range(4):
            end = START + number * HOUR
            for hours, share in ((1, 0.1 * number), (2, 0.5)):
                values = {key: Value(share, n=50), other: missing}
                judging.measure(session, [Measured("app", Segment(), Window(end - hours * HOUR, end), values)])
    labels = {"rule": "unkind", "source": "app", "corrected": "no", **series}
    shown = with_course(house, alert(labels=labels), NOW)
    assert [value for _, value in shown.series] == [0.5] * 4
    assert shown.threshold == 0.2
    built_in = {"rule": "judged_worse", "source": "app", "criterion": "tone", "judge": "small"}
    worse = with_course(house, alert(labels=built_in), NOW)
    assert [value for _, value in worse.series] == pytest.approx([0.0, 0.1, 0.2, 0.3])
    assert worse.threshold is None


def test_the_image_has_an_address_where_people_reach_the_server_by_https(house: House) -> None:
    shown = Illustrator(house)(a_message(), "slack")
    assert shown.image == "https://watch.example.org/api/v1/charts/watchkeeper-1%2F2.png"
    assert Illustrator(house)(a_message(), "hook").image == ""


def test_texts_are_read_only_for_a_receiver_that_asked_for_them_and_are_redacted(house: House) -> None:
    for receiver in ("slack", "hook"):
        assert "Prompt" not in repr(Illustrator(house)(a_message(), receiver))
    for receiver in ("open", "manager"):
        (told,) = Illustrator(house)(a_message(), receiver).alerts
        assert told.texts == (
            CallText("c238", "Prompt 238 of [email] <!channel>", "Response 238"),
            CallText("c236", "Prompt 236 of [email] <!channel>", "Response 236"),
        )


def test_what_leaves_is_redacted_also_where_the_source_is_not(house: House) -> None:
    watched = house.sources["app"]
    bare = watched.settings.model_copy(update={"redact": Redaction(enabled=False)})
    said = Illustrator(house)
    with_secrets = SimpleNamespace(columns={}, calls=lambda since, until: _raw(watched.source, since, until))
    house.sources["app"] = dataclasses.replace(watched, settings=bare, source=with_secrets)  # type: ignore[index, arg-type]
    try:
        (told,) = said(a_message(), "open").alerts
    finally:
        house.sources["app"] = watched  # type: ignore[index]
    assert [each.prompt for each in told.texts] == ["mail [email] now", "mail [email] now"]


def _raw(source: Any, since: datetime, until: datetime) -> Any:
    return source.calls(since, until).mutate(prompt=ibis.literal(f"mail {SECRET} now"))


@pytest.fixture(params=ENGINES)
def make_log(request: pytest.FixtureRequest) -> Any:
    return log_maker(request)


def test_texts_come_from_every_engine_and_only_their_beginning(make_log: Any) -> None:
    rows = [
        {"id": "a", "started_at": START, "prompt": "é" * 10_000, "response": None},
        {"id": "b", "started_at": START, "prompt": "", "response": "two"},
        {"id": "c", "started_at": START - HOUR, "prompt": "out of the stretch"},
    ]
    source = files_source()
    watched = SimpleNamespace(name="app", settings=source, source=make_log(rows))
    found = read_texts(watched, ("b", "a", "c", "x"), (START, START + MINUTE))  # type: ignore[arg-type]
    assert found == (CallText("b", "", "two"), CallText("a", "é" * READ, ""))


def files_source() -> Any:
    """Settings of a source, as they are without any."""
    return FilesSource.model_validate({"kind": "files", "paths": ["x"]})


def test_a_receiver_that_is_told_every_minute_asks_the_source_once(house: House) -> None:
    told = Illustrator(house)
    first = told(a_message(), "manager")
    with house.sources["app"].using:  # a second query would wait for this
        assert told(a_message(), "manager") == first


class Broken:
    """A source that cannot be read."""

    def calls(self, since: datetime, until: datetime) -> Any:
        raise OSError("the secret is hunter2")


def test_a_source_that_cannot_be_read_costs_the_texts_and_not_the_message(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    watched = house.sources["app"]
    house.sources["app"] = dataclasses.replace(watched, source=Broken())  # type: ignore[index, arg-type]
    try:
        (shown,) = Illustrator(house)(a_message(), "open").alerts
    finally:
        house.sources["app"] = watched  # type: ignore[index]
    assert shown.texts == ()
    assert "hunter2" not in caplog.text
    assert "app" in caplog.text


def test_a_slow_source_is_not_waited_for_and_not_asked_again_meanwhile(house: House) -> None:
    watched, asked = house.sources["app"], []
    go_on = threading.Event()

    class Slow:
        def calls(self, since: datetime, until: datetime) -> Any:
            asked.append(since)
            go_on.wait()
            raise OSError

    slow = dataclasses.replace(watched, source=Slow(), using=threading.Lock())  # type: ignore[arg-type]
    quoting = Quoting(patience_s=0.05)
    for number in range(3):
        assert quoting.texts(slow, (f"c{number}",), Window(START, NOW)) == ()
    go_on.set()
    assert len(asked) <= 1


def test_a_fault_of_ours_costs_the_extras_and_not_the_message(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(courses, "of_windows", lambda *_: 1 / 0)
    caplog.set_level(logging.ERROR)
    assert Illustrator(house)(a_message(), "slack").title == a_message().title
    assert "goes without" in caplog.text


def test_a_message_leads_to_the_page_that_silences_its_alert_and_says_the_command(house: House) -> None:
    told = Illustrator(house)(a_message(), "hook")
    (shown,) = told.alerts
    (link,) = told.links
    name = fingerprint(alert().labels)
    assert shown.silence == f"watchkeeper silence add --alert {name} --for 2h --reason …"
    assert link == Link("Silence it", f"https://watch.example.org/silence/{name}")
    over = alert(state="resolved", ended=NOW)
    assert Illustrator(house)(a_message(over), "hook") == a_message(over)
    several = Illustrator(house)(a_message(over, alert(), alert()), "hook")
    assert [each.text for each in several.links] == ["Silence the first"]
    assert Illustrator(house)(a_message(replay=True), "hook").links == ()


DRIFTED = {"rule": "drift", "source": "app", "stream": "prompt", "baseline": "rolling", "channel": "mix"}


def test_what_is_about_texts_leads_to_the_page_that_reports_on_it_and_else_to_the_command(house: House) -> None:
    drifted = alert(labels=DRIFTED, since=START)
    page = f"https://watch.example.org/reports/new/{fingerprint(DRIFTED)}"
    for told in (Illustrator(house)(a_message(alert(), drifted), each) for each in ("slack", "hook")):
        assert [each.report for each in told.alerts] == ["", page]
        assert Link("Drift report", page) in told.links
    command = "watchkeeper report --source app --to 2026-03-05T04:00Z"
    assert Illustrator(house)(a_message(drifted, replay=True), "hook").alerts[0].report == command
    bare = house.settings.model_copy(update={"server": ServerSettings()})
    ended = dataclasses.replace(drifted, state="resolved", ended=NOW - HOUR)
    told = linked(bare, a_message(drifted, ended))
    assert [each.report for each in told.alerts] == [command, command.replace("04:00", "03:00")]
    assert told.links == ()


@pytest.fixture(scope="module")
def served(house: House) -> Iterator[httpx.Client]:
    exporter = Exporter(snapshot, lambda: NOW, FRESH_FOR, "1.2.3")
    server = Server(ServerSettings(port=0), exporter, snapshot, lambda: NOW, lambda: True)
    server.mount(api_charts.routes(house, lambda: NOW))
    server.mount(silence_page.routes(house.database, lambda: NOW, SecretStr("s3cret-wörd")))
    server.start()
    with httpx.Client(base_url=server.url, timeout=60) as client:
        yield client
    server.stop()


def fired(house: House) -> tuple[str, str]:
    """The key of the group that the log's failing calls made, and the id of its alert."""
    with house.database.reading() as session:
        row = session.exec(select(OutboxRow).where(OutboxRow.receiver == "slack")).first()
    assert row is not None
    return row.key, fingerprint(row.message["alerts"][0]["labels"])


def test_the_chart_of_a_group_is_served_by_its_key(house: House, served: httpx.Client) -> None:
    key, _ = fired(house)
    picture = served.get(CHART_PATH.format(key=key))
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.content.startswith(b"\x89PNG")
    for other in ("nothing", "x" * 5_000, "%00"):
        assert served.get(CHART_PATH.format(key=other)).status_code == 404


FORM = {"by": "ana", "reason": "we know", "for": "2h", "token": "s3cret-wörd"}
OWN = {"Sec-Fetch-Site": "same-origin"}


def test_the_form_of_the_page_silences_exactly_its_alert(house: House, served: httpx.Client) -> None:
    _, name = fired(house)
    page = served.get(f"/silence/{name}")
    assert page.status_code == 200
    assert "service=chat" in page.text
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers["Referrer-Policy"] == "same-origin"
    with house.database.reading() as session:
        assert silences.newest(session, 9) == []
    answer = served.post(f"/silence/{name}", data=FORM, headers=OWN)
    assert "Silenced until" in answer.text
    assert "s3cret" not in answer.text
    with house.database.reading() as session:
        (made,) = silences.newest(session, 9)
    assert (made.author, made.reason, made.ends_at - made.starts_at) == ("ana", "we know", 2 * HOUR)
    assert {matcher.name: matcher.value for matcher in made.matchers}.items() >= {
        ("service", "chat"),
        ("rule", "errors"),
    }


@pytest.mark.parametrize(
    ("form", "headers", "status"),
    [
        (FORM, {}, 403),
        (FORM, {"Origin": "https://evil.example"}, 403),
        (FORM, {"Origin": "null"}, 403),
        (FORM, {"Sec-Fetch-Site": "cross-site"}, 403),
        (FORM | {"token": "guess"}, OWN, 403),
        (FORM | {"by": ""}, OWN, 422),
        (FORM | {"for": "for ever"}, OWN, 422),
        (FORM | {"for": "0s"}, OWN, 422),
        (FORM | {"reason": "<script>alert(1)</script>", "for": "x"}, OWN, 422),
        (FORM | {"reason": "x" * 20_000}, OWN, 413),
    ],
)
def test_a_form_that_is_wrong_or_of_another_page_silences_nothing(
    house: House, served: httpx.Client, form: dict[str, str], headers: dict[str, str], status: int
) -> None:
    _, name = fired(house)
    with house.database.reading() as session:
        before = silences.newest(session, 9)
    answer = served.post(f"/silence/{name}", data=form, headers=headers)
    assert answer.status_code == status
    assert "<script>alert" not in answer.text
    with house.database.reading() as session:
        assert silences.newest(session, 9) == before


def test_an_alert_that_is_not_known_has_no_page(served: httpx.Client) -> None:
    assert served.get("/silence/000000000000").status_code == 404
    assert served.post("/silence/000000000000", data=FORM, headers=OWN).status_code == 404


def test_the_store_never_holds_what_was_added_when_a_message_was_sent(house: House) -> None:
    receiver = Scripted()
    with house.database.transaction() as session:
        outbox.enqueue(session, Group("watchkeeper-1/2", "open"), a_message(), NOW)
    delivery = Delivery(house.database, {"open": receiver}, Counters({"channel": ["open"]}), Illustrator(house))
    for _ in range(3):
        delivery.step(NOW)
    assert "Prompt 238" in repr(receiver.tried)
    with house.database.reading() as session:
        assert "Prompt 238" not in repr([row.message for row in session.exec(select(OutboxRow))])
