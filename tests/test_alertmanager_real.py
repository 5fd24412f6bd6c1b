"""A real Alertmanager receives, groups, keeps and resolves what we send, and tells a webhook of it."""

import json
import os
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from shutil import which
from threading import Event
from typing import Any

import httpx
import pytest
import yaml
from config_files import written
from fake_http import Answer, FakeHttp, Request
from fake_webhook import payload_problems
from hostile_messages import HOSTILE
from samples_notifiers import LONG, a_message, an_alert

from alerts.alertmanager import AlertmanagerNotifier
from alerts.notifier import AlertView, Link, Message
from alerts.prometheus_alert import fingerprint
from alerts.webhook import payload
from config.receivers import AlertmanagerReceiver
from monitor.commands.messages import notify_test
from monitor.daemon import clock

ATTEMPTS = 1200  # a busy machine: what must hold is asked for until it does
Json = dict[str, Any]


def binary() -> str:
    """Where Debian installs it: a skip where it may be missing, a failure where it must not."""
    found = which("prometheus-alertmanager")
    if found is None and os.environ.get("CI") != "true":
        pytest.skip("Debian's Alertmanager is not installed: apt-get install prometheus-alertmanager")
    assert found is not None, "CI must have prometheus-alertmanager: apt-get install prometheus-alertmanager"
    return found


class Told(FakeHttp):
    """Where Alertmanager sends its notifications."""

    def __init__(self) -> None:
        super().__init__()
        self.payloads: list[Json] = []

    def respond(self, request: Request) -> Answer:
        self.payloads.append(json.loads(request.body))
        return Answer(200)

    def of(self, rule: str, status: str) -> list[Json]:
        """The notifications about one rule."""
        return [
            each for each in self.payloads if each["status"] == status and each["groupLabels"] == {"alertname": rule}
        ]


class Alertmanager:
    """A running Alertmanager, its API, and what it has told."""

    def __init__(self, process: subprocess.Popen[bytes], url: str, told: Told) -> None:
        self.url = url
        self.told = told
        self._process = process
        self._client = httpx.Client(base_url=url, timeout=30)

    def alerts(self, rule: str) -> list[Json]:
        """What it holds of one rule."""
        response = self._client.get("/api/v2/alerts", params={"filter": f'alertname="{rule}"'})
        found: list[Json] = response.raise_for_status().json()
        return found

    def until(self, done: Callable[[], Any]) -> Any:
        """Asks again until there is an answer, a bounded number of times."""
        pause = Event()
        for _ in range(ATTEMPTS):
            assert self._process.poll() is None, "alertmanager has ended; its output is above"
            try:
                if found := done():
                    return found
            except (httpx.TransportError, httpx.HTTPStatusError):
                pass
            pause.wait(0.1)
        return pytest.fail(f"no answer after {ATTEMPTS} attempts")

    def close(self) -> None:
        self._client.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Alertmanager]:
    program, folder = binary(), tmp_path_factory.mktemp("alertmanager")
    with Told() as told, socket.create_server(("127.0.0.1", 0)) as free:
        route = {"receiver": "told", "group_by": ["alertname"], "group_wait": "1s", "group_interval": "1s"}
        receiver = {"name": "told", "webhook_configs": [{"url": told.base, "send_resolved": True}]}
        config = folder / "alertmanager.yml"
        config.write_text(yaml.safe_dump({"route": route, "receivers": [receiver]}))
        port = free.getsockname()[1]
        free.close()
        command = [
            program,
            f"--config.file={config}",
            f"--storage.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            "--log.level=warn",
        ]
        with subprocess.Popen(command) as process:
            made = Alertmanager(process, f"http://127.0.0.1:{port}", told)
            try:
                made.until(lambda: made.alerts("none") == [] or True)
                yield made
            finally:
                made.close()
                process.terminate()


def notifier(running: Alertmanager, **changes: Any) -> AlertmanagerNotifier:
    known = {"kind": "alertmanager", "urls": [running.url], "timeout": LONG}
    return AlertmanagerNotifier(AlertmanagerReceiver.model_validate(known | changes))


def views(rule: str, count: int, now: datetime) -> tuple[AlertView, ...]:
    return tuple(
        an_alert(
            labels={"rule": rule, "source": "support", "severity": "critical", "service": f"chat-{number}"},
            since=now - timedelta(minutes=7),
        )
        for number in range(count)
    )


def message(rule: str, count: int = 1, **changes: Any) -> Message:
    now = clock()
    links = (Link("Runbook", "https://wiki.example.org/errors"), Link("Status page", "https://watch.example.org/"))
    return a_message(alerts=views(rule, count, now), at=now, links=links, **changes)


def over(opened: Message) -> Message:
    """The resolution of a message, now."""
    now = clock()
    alerts = tuple(replace(each, state="resolved", ended=now) for each in opened.alerts)
    return replace(opened, action="resolve", alerts=alerts, at=now)


def test_it_groups_what_fires_and_tells_of_the_end(running: Alertmanager) -> None:
    opened = message("grouped", 3)
    notifier(running).send(opened, {})
    (first, *_) = running.until(lambda: running.told.of("grouped", "firing"))
    assert [alert["labels"]["service"] for alert in first["alerts"]] == ["chat-0", "chat-1", "chat-2"]
    assert first["commonAnnotations"]["runbook_url"] == "https://wiki.example.org/errors"
    assert {alert["generatorURL"] for alert in first["alerts"]} == {"https://watch.example.org/"}
    notifier(running).send(over(opened), {})
    (last, *_) = running.until(lambda: running.told.of("grouped", "resolved"))
    assert len(last["alerts"]) == 3
    assert running.alerts("grouped") == []


def test_it_groups_what_comes_in_messages_of_their_own_and_keeps_rules_apart(running: Alertmanager) -> None:
    sender = notifier(running)
    of_one, of_other = message("apart", 3), message("other")
    singles = [replace(of_one, key=f"key-{number}", alerts=(each,)) for number, each in enumerate(of_one.alerts)]
    for each in [*singles, of_other]:
        sender.send(each, {})

    def services(status: str, last: Json) -> list[str]:
        return sorted(alert["labels"]["service"] for alert in last["alerts"] if alert["status"] == status)

    wanted = ["chat-0", "chat-1", "chat-2"]
    running.until(lambda: [each for each in running.told.of("apart", "firing") if services("firing", each) == wanted])
    assert running.until(lambda: running.told.of("other", "firing"))
    groups = [{alert["labels"]["alertname"] for alert in each["alerts"]} for each in running.told.payloads]
    assert all(len(group) == 1 for group in groups)
    # One of three is over: the group still fires, and says which one it was.
    sender.send(over(singles[1]), {})
    running.until(
        lambda: [each for each in running.told.of("apart", "firing") if services("resolved", each) == ["chat-1"]]
    )
    for each in (singles[0], singles[2], of_other):
        sender.send(over(each), {})
    running.until(lambda: running.told.of("apart", "resolved"))
    running.until(lambda: running.told.of("other", "resolved"))
    assert running.alerts("apart") == []


def test_our_own_webhook_says_it_as_alertmanager_does(running: Alertmanager) -> None:
    opened = message("same", 2)
    notifier(running).send(opened, {})
    (theirs, *_) = running.until(lambda: running.told.of("same", "firing"))
    ours = payload(opened, "told", ["rule"])
    assert payload_problems(theirs) == []
    assert ours.keys() == theirs.keys()
    for name in ("version", "status", "receiver", "truncatedAlerts", "groupLabels", "commonLabels"):
        assert ours[name] == theirs[name], name
    for mine, other in zip(ours["alerts"], theirs["alerts"], strict=True):
        assert mine.keys() == other.keys()
        for name in ("status", "labels", "annotations", "endsAt", "generatorURL", "fingerprint"):
            assert mine[name] == other[name], name
        assert fingerprint(other["labels"]) == other["fingerprint"]
        assert datetime.fromisoformat(mine["startsAt"]) == datetime.fromisoformat(other["startsAt"])


def test_the_end_moves_with_each_sending(running: Alertmanager) -> None:
    sender = notifier(running)
    opened = message("lasting")
    sender.send(opened, {})
    ends = []
    for ahead in range(1, 4):
        sender.resend([opened], opened.at + timedelta(minutes=ahead))
        (alert,) = running.alerts("lasting")
        ends.append(datetime.fromisoformat(alert["endsAt"]))
    milliseconds = opened.at.replace(microsecond=opened.at.microsecond // 1000 * 1000)  # as it answers
    assert ends == [milliseconds + timedelta(minutes=5 + ahead) for ahead in range(1, 4)]


def test_what_is_not_sent_again_ends_by_itself(running: Alertmanager) -> None:
    sender = notifier(running, resend="1s", expire="2s")
    opened = message("dying")
    running.until(lambda: sender.resend([opened], clock()) or running.told.of("dying", "firing"))
    # The service has died: nobody says that the alert is over.
    running.until(lambda: running.told.of("dying", "resolved"))
    assert running.alerts("dying") == []


def test_an_alert_that_comes_back_after_its_end_fires_anew(running: Alertmanager) -> None:
    sender = notifier(running)
    opened = message("again")
    sender.send(opened, {})
    running.until(lambda: running.told.of("again", "firing"))
    sender.send(over(opened), {})
    running.until(lambda: running.told.of("again", "resolved"))
    sender.send(message("again"), {})
    running.until(lambda: len(running.told.of("again", "firing")) == 2)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_it_takes_hostile_text_in_every_place(running: Alertmanager, text: str) -> None:
    now = clock()
    alert = an_alert(
        labels={"rule": "hostile", "source": text, text: text, "__x": text, "a-b": "1", "a.b": "2"},
        summary=text,
        unit=text,
        condition=text,
        reason=text,
        exemplars=(text,),
        since=now,
    )
    links = (Link(text, text), Link(text, f"https://x/{text}"), Link("Status page", f"https://{text}/"))
    notifier(running).send(a_message(key=text, title=text, alerts=(alert,), links=links, at=now), {})


def test_notify_test_reaches_it(running: Alertmanager, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, f"receivers: {{am: {{kind: alertmanager, urls: {running.url}}}}}\n")
    assert notify_test(path, []) == 0
    assert "am: delivered, and resolved again" in capsys.readouterr().out
