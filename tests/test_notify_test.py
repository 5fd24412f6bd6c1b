"""`watchkeeper notify-test` with every kind of receiver that has no account anywhere, written as users write them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from config_files import written
from fake_alertmanager import FakeAlertmanager
from fake_apprise import FakeApprise
from fake_http import refused_address
from fake_smtp import FakeSmtp
from fake_webhook import FakeWebhook
from samples_notifiers import alertmanager_seen, apprise_seen, email_seen, webhook_seen

from monitor.commands.messages import notify_test


def hook(server: Any) -> str:
    base = server.base if server else refused_address()
    return (
        f"kind: webhook, url: {base}{FakeWebhook.path}, "
        f'headers: ["Authorization: {FakeWebhook.token}"], signing_secret: {FakeWebhook.secret}'
    )


def manager(server: Any) -> str:
    base = server.base if server else refused_address()
    return (
        f"kind: alertmanager, urls: [{base}], username: {FakeAlertmanager.username}, "
        f"password: {FakeAlertmanager.password}"
    )


def mail(server: Any) -> str:
    port = server.port if server else refused_address().rpartition(":")[2]
    return (
        f"kind: email, host: 127.0.0.1, port: {port}, security: none, username: {FakeSmtp.username}, "
        f"password: {FakeSmtp.password}, from: w@example.org, to: team@example.org"
    )


def service(server: Any) -> str:
    return f"kind: apprise, urls: ['{FakeApprise.url(server.base if server else refused_address())}']"


KINDS: list[tuple[Callable[[Any], str], Callable[[], AbstractContextManager[Any]], Callable[[Any], str]]] = [
    (hook, FakeWebhook, webhook_seen),
    (manager, FakeAlertmanager, alertmanager_seen),
    (mail, FakeSmtp, email_seen),
    (service, FakeApprise, apprise_seen),
]
each_kind = pytest.mark.parametrize(
    ("settings", "fake", "seen"), KINDS, ids=["webhook", "alertmanager", "email", "apprise"]
)


@each_kind
def test_a_test_and_its_resolution_arrive_and_are_marked(
    settings: Callable[[Any], str],
    fake: Callable[[], AbstractContextManager[Any]],
    seen: Callable[[Any], str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with fake() as server:
        assert notify_test(written(tmp_path, f"receivers: {{team: {{{settings(server)}}}}}\n"), ["team"]) == 0
        assert "team: delivered, and resolved again" in capsys.readouterr().out
        text = seen(server)
    assert "This is a test of the receiver team; nothing is wrong." in text
    assert "Resolved: a test" in text
    assert "Test" in text
    assert "prompt would stand" not in text


@pytest.mark.parametrize("include", [True, False])
def test_a_test_tries_the_chart_and_tries_texts_where_they_are_asked_for(tmp_path: Path, include: bool) -> None:
    with FakeSmtp() as server:
        text = f"receivers: {{team: {{{mail(server)}, include_text: {str(include).lower()}}}}}\n"
        assert notify_test(written(tmp_path, text), ["team"]) == 0
        (opening, _) = server.mails
    assert [part.get_content_type() for part in opening.parsed.walk()].count("image/png") == 1
    assert ("prompt would stand" in opening.body("plain")) is include


@each_kind
def test_a_receiver_that_is_away_is_an_error_in_words(
    settings: Callable[[Any], str],
    fake: Callable[[], AbstractContextManager[Any]],
    seen: Callable[[Any], str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert notify_test(written(tmp_path, f"receivers: {{team: {{{settings(None)}}}}}\n"), []) == 1
    out = capsys.readouterr().out
    assert "team: not delivered (unreachable)" in out
    assert "TopSecret" not in out
