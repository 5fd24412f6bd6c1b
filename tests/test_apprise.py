"""Apprise beyond the common contract: Teams, several services in one receiver, reasons from words, and limits."""

from base64 import b64decode
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import apprise
import pytest
from config_files import written
from fake_apprise import FakeApprise
from fake_http import Answer
from hostile_messages import HOSTILE, messages
from hypothesis import given, settings
from notifier_ends import failure_of_sending
from samples_notifiers import LONG, NOON, a_group, a_message, an_alert, resolved

from alerts import registry
from alerts.apprise import AppriseNotifier, _refusal
from alerts.apprise_text import LONGEST_TITLE, body, harmless, title
from alerts.notifier import Failure, Link, Message
from alerts.wording import units
from config.receivers import AppriseReceiver
from monitor.commands.config import check

TEAMS = (
    "https://prod-00.westeurope.logic.azure.com:443/workflows/0123456789abcdef/triggers/manual/paths/invoke"
    "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=TopSecretOfTheWorkflow"
)


def receiver(*urls: str, **more: object) -> AppriseReceiver:
    return AppriseReceiver.model_validate({"kind": "apprise", "urls": list(urls), **more})


@pytest.fixture
def two() -> Iterator[tuple[FakeApprise, FakeApprise]]:
    with FakeApprise() as first, FakeApprise() as second:
        yield first, second


def test_teams_is_reached_by_the_address_of_its_workflow() -> None:
    (service,) = AppriseNotifier(receiver(TEAMS))._services
    assert "Teams" in str(service.service_name) or "Workflow" in str(service.service_name)
    assert "TopSecret" not in repr(service)


def test_a_service_neither_sleeps_nor_tries_again_nor_follows_elsewhere_whatever_its_url_says() -> None:
    (service,) = AppriseNotifier(receiver("json://host/?retry=5&wait=60&rto=100&cto=100", timeout="3s"))._services
    assert (service.request_rate_per_sec, service.retry, service.redirects) == (0, 0, False)
    assert service.request_timeout == (3.0, 3.0)


@pytest.mark.parametrize("url", ["", "carrier-pigeon://TopSecret", "TopSecret", "json://", "http://"])
def test_a_url_that_apprise_does_not_know_is_named_by_its_place_and_not_quoted(url: str) -> None:
    with pytest.raises(ValueError, match=r"receivers\.team\.urls\[1\] is no URL that Apprise knows") as caught:
        registry.build("team", receiver("json://host/", url))
    assert "TopSecret" not in str(caught.value)


def test_a_service_that_has_a_message_does_not_get_it_again_when_the_others_are_tried_again(
    two: tuple[FakeApprise, FakeApprise],
) -> None:
    first, second = two
    notifier = AppriseNotifier(receiver(FakeApprise.url(first.base), FakeApprise.url(second.base)))
    second.script(Answer(503), Answer(503))
    assert failure_of_sending(notifier).failure is Failure.SERVER_ERROR
    notifier_of_another = a_message(key="another")
    failure_of_sending(notifier, notifier_of_another)
    notifier.send(a_message(), {})
    notifier.send(notifier_of_another, {})
    assert (len(first.messages), len(second.messages)) == (2, 2)
    notifier.send(a_message(), {})  # told again on purpose
    assert len(first.messages) == 3


def test_what_may_still_arrive_decides_whether_a_receiver_is_tried_again(two: tuple[FakeApprise, FakeApprise]) -> None:
    first, second = two
    notifier = AppriseNotifier(receiver(FakeApprise.url(first.base), FakeApprise.url(second.base)))
    first.script(Answer(401))
    second.script(Answer(500))
    assert failure_of_sending(notifier).retry
    first.script(Answer(401))
    assert not failure_of_sending(notifier).retry


@pytest.mark.parametrize(
    ("words", "failure", "retry"),
    [
        ("Failed to send Teams notification: Unauthorized, error=401.", Failure.UNAUTHORIZED, False),
        ("A Connection error occurred. Socket Exception: Read timed out.", Failure.TIMEOUT, True),
        ("A Connection error occurred sending Discord notification.", Failure.UNREACHABLE, True),
        ("Could not send.", Failure.UNEXPECTED, True),
        ("", Failure.UNEXPECTED, True),
    ],
)
def test_the_reason_is_read_from_apprises_words_and_where_they_give_none_it_is_not_made_up(
    words: str, failure: Failure, retry: bool
) -> None:
    error = _refusal(words)
    assert (error.failure, error.retry) == (failure, retry)


def _with_chart() -> Message:
    since = NOON.timestamp()
    return a_message(alerts=(an_alert(series=tuple((since + each, float(each % 7)) for each in range(40))),))


def test_a_service_that_takes_attachments_gets_the_chart_where_that_is_asked_for(
    two: tuple[FakeApprise, FakeApprise],
) -> None:
    url = FakeApprise.url(two[0].base)
    AppriseNotifier(receiver(url)).send(_with_chart(), {})
    AppriseNotifier(receiver(url, attach_charts=True)).send(_with_chart(), {})
    AppriseNotifier(receiver(url, attach_charts=True)).send(a_message(), {})
    bare, shown, drawn_by_nothing = two[0].messages
    assert not bare.get("attachments")
    (picture,) = shown["attachments"]
    assert (picture["filename"], picture["mimetype"]) == ("chart.png", "image/png")
    assert b64decode(picture["base64"]).startswith(b"\x89PNG")
    assert not drawn_by_nothing.get("attachments")


def test_a_chart_that_is_refused_costs_no_message(two: tuple[FakeApprise, FakeApprise]) -> None:
    two[0].script(Answer(413))
    AppriseNotifier(receiver(FakeApprise.url(two[0].base), attach_charts=True)).send(_with_chart(), {})
    (message,) = two[0].messages
    assert not message.get("attachments")


def test_a_service_without_attachments_is_sent_the_message_as_ever() -> None:
    (service,) = AppriseNotifier(receiver(TEAMS, attach_charts=True))._services
    assert not service.attachment_support


def test_a_resolution_is_told_as_a_success(two: tuple[FakeApprise, FakeApprise]) -> None:
    notifier = AppriseNotifier(receiver(FakeApprise.url(two[0].base)))
    notifier.send(a_message(), {})
    notifier.send(resolved(a_message()), {})
    assert [each["type"] for each in two[0].messages] == ["failure", "success"]


@pytest.mark.parametrize("limit", [160, 1_000, 32_000])
@settings(max_examples=15, deadline=None)
@given(message=messages())
def test_any_message_fits_into_what_a_service_takes_and_calls_nobody(limit: int, message: Message) -> None:
    said, head = body(message, limit), title(message)
    assert 0 < units(said) <= limit
    assert 0 < units(head) <= LONGEST_TITLE
    said.encode()
    for sign in ("@everyone", "<!channel>", "<@U123>"):
        assert sign not in said + head


@pytest.mark.parametrize("text", [*HOSTILE, "@everyone @here <@&123> <!subteam^S1> <#C1>"])
def test_names_and_commands_are_words(text: str) -> None:
    calm = harmless(text[:1_000])
    assert not [sign for sign in ("@e", "@h", "@U", "@&", "<!", "<#") if sign in calm]


def test_links_are_kept_where_a_service_takes_little_and_the_rest_is_counted() -> None:
    said = body(a_group(60), 1_000)
    assert "http://localhost:9464/alerts?rule=errors&source=support" in said
    shown = said.count("Where:")
    assert shown >= 1
    assert f"and {60 - shown} more" in said
    whole = body(a_message(links=(Link("Runbook", "https://wiki.example.org/x"),)), 8_000)
    assert whole.endswith("Runbook: https://wiki.example.org/x")


def test_without_the_package_check_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real = registry.find_spec
    monkeypatch.setattr(registry, "find_spec", lambda name: None if name == "apprise" else real(name))
    path = written(tmp_path, "receivers: {team: {kind: apprise, urls: ['json://TopSecret/']}}\n")
    assert check(path, {}) == 2
    said = "".join(capsys.readouterr())
    assert "receivers.team.kind: apprise needs the package apprise, which is not installed" in said
    assert "pip install watchkeeper[apprise]" in said
    with pytest.raises(ValueError, match=r"receivers\.team\.kind: apprise needs the package apprise"):
        registry.build("team", receiver("json://TopSecret/"))


def test_this_version_of_apprise_has_what_its_door_sets() -> None:
    service = apprise.Apprise.instantiate("json://host/")
    names = ("request_rate_per_sec", "overflow_mode", "socket_connect_timeout", "socket_read_timeout", "redirects")
    assert [name for name in names if not hasattr(service, name)] == []


def test_a_long_alert_is_cut_and_not_sent_in_pieces(two: tuple[FakeApprise, FakeApprise]) -> None:
    notifier = AppriseNotifier(receiver(FakeApprise.url(two[0].base), timeout=LONG + timedelta(seconds=1)))
    notifier.send(a_message(alerts=(an_alert(summary="x" * 100_000, condition="y" * 100_000),) * 100), {})
    (told,) = two[0].messages
    assert units(told["message"]) <= 8_000
