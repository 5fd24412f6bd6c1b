"""Alertmanager's API: what is sent, to whom, when it ends, and what may not be configured."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from fake_alertmanager import FakeAlertmanager
from fake_http import HANGS, Answer, refused_address
from notifier_ends import failure_of_sending
from pydantic import ValidationError
from samples_notifiers import LONG, NOON, SHORT, a_group, a_message, an_alert, assert_golden, resolved

from alerts.alertmanager import MOST_AT_ONCE, AlertmanagerNotifier, alert_json
from alerts.notifier import Failure, Link, Resending
from alerts.registry import build
from config.receivers import AlertmanagerReceiver

FIVE = timedelta(minutes=5)


@pytest.fixture
def cluster() -> Iterator[list[FakeAlertmanager]]:
    with ExitStack() as stack:
        yield [stack.enter_context(FakeAlertmanager()) for _ in range(2)]


def notifier(*urls: str, **changes: Any) -> AlertmanagerNotifier:
    known = {
        "kind": "alertmanager",
        "urls": list(urls),
        "username": FakeAlertmanager.username,
        "password": FakeAlertmanager.password,
        "timeout": LONG,
    }
    made = build("ops", AlertmanagerReceiver.model_validate(known | changes))
    assert isinstance(made, AlertmanagerNotifier)
    return made


def end(server: FakeAlertmanager) -> datetime:
    (alert,) = server.alerts.values()
    return datetime.fromisoformat(alert["endsAt"])


def test_an_alert_is_what_prometheus_would_send() -> None:
    links = (Link("Runbook", "https://wiki.example.org/errors"), Link("Status page", "https://watch.example.org/"))
    assert_golden("alertmanager_firing", alert_json(an_alert(), a_message(links=links), FIVE))


def test_the_end_is_ahead_of_the_sending_and_a_resolution_is_the_end(cluster: list[FakeAlertmanager]) -> None:
    one = cluster[0]
    sender = notifier(one.base)
    late = NOON + timedelta(hours=3)  # the channel was away for hours: the alert must not have ended meanwhile
    sender.send(replace(a_message(), sent_at=late), {})
    assert end(one) == late + FIVE
    sender.resend([a_message()], late + timedelta(minutes=1))
    assert end(one) == late + timedelta(minutes=6)
    over = late + timedelta(minutes=2)
    sender.send(replace(resolved(a_message()), sent_at=over), {})
    assert end(one) == over
    assert one.firing(over) == []
    assert len(one.alerts) == 1


def test_an_alert_never_ends_before_it_starts() -> None:
    early = an_alert(since=NOON + timedelta(hours=1))
    for alert in (early, replace(early, state="resolved", ended=NOON)):
        made = alert_json(alert, a_message(), FIVE)
        assert datetime.fromisoformat(made["startsAt"]) <= datetime.fromisoformat(made["endsAt"])


def test_what_is_over_is_not_sent_again(cluster: list[FakeAlertmanager]) -> None:
    one = cluster[0]
    over = an_alert(state="resolved", ended=NOON, labels={"rule": "over", "source": "support"})
    notifier(one.base).resend([a_message(action="update", alerts=(an_alert(), over))], NOON)
    assert one.firing(NOON) == ["errors"]
    assert len(one.alerts) == 1


def test_every_member_is_told_and_one_is_enough(
    cluster: list[FakeAlertmanager], caplog: pytest.LogCaptureFixture
) -> None:
    one, other = cluster
    sender = notifier(refused_address(), one.base, other.base + "/")
    for _ in range(3):
        sender.send(a_message(), {})
    assert (len(one.posts), len(other.posts)) == (3, 3)
    assert len(caplog.records) == 1  # the member that is away is said once
    assert FakeAlertmanager.password not in caplog.text


def test_a_member_that_hangs_keeps_the_alert_from_nobody(cluster: list[FakeAlertmanager]) -> None:
    one, other = cluster
    one.script(HANGS)
    notifier(one.base, other.base, timeout=timedelta(seconds=1)).send(a_message(), {})
    assert len(other.alerts) == 1


def test_if_nobody_takes_it_the_failure_that_may_pass_is_told(cluster: list[FakeAlertmanager]) -> None:
    one, other = cluster
    one.script(Answer(400))
    other.script(Answer(503, headers={"Retry-After": "7"}))
    error = failure_of_sending(notifier(one.base, other.base))
    assert (error.failure, error.retry, error.retry_after_s) == (Failure.SERVER_ERROR, True, 7.0)
    one.script(HANGS)
    assert failure_of_sending(notifier(one.base, timeout=SHORT)).failure == Failure.TIMEOUT


def test_many_alerts_are_several_requests_and_one_refusal_does_not_stop_the_rest(
    cluster: list[FakeAlertmanager],
) -> None:
    one = cluster[0]
    sender = notifier(one.base)
    sender.send(a_group(2 * MOST_AT_ONCE + 1), {})
    assert [len(post) for post in one.posts] == [MOST_AT_ONCE, MOST_AT_ONCE, 1]
    one.reset()
    one.script(Answer(400))
    assert failure_of_sending(sender, a_group(2 * MOST_AT_ONCE)).failure == Failure.BAD_REQUEST
    assert len(one.alerts) == MOST_AT_ONCE


def test_a_token_is_sent_as_one(cluster: list[FakeAlertmanager]) -> None:
    one = cluster[0]
    one.script(Answer(200))
    notifier(one.base, username=None, password=None, bearer_token="TopSecret").send(a_message(), {})
    assert one.requests[0].headers["Authorization"] == "Bearer TopSecret"
    pair = b64encode(f"{FakeAlertmanager.username}:{FakeAlertmanager.password}".encode()).decode()
    notifier(one.base).send(a_message(), {})
    assert one.requests[1].headers["Authorization"] == f"Basic {pair}"


def test_it_says_that_it_must_be_told_again() -> None:
    sender = notifier("http://x", resend="30s")
    assert isinstance(sender, Resending)
    assert sender.resend_every == timedelta(seconds=30)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"urls": []}, "at least 1 item"),
        ({"password": None}, "set both username and password"),
        ({"bearer_token": "t"}, "set one of bearer_token and username"),
        ({"expire": "1m"}, "expire must be at least twice resend"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        notifier("http://x", **changes)


@pytest.mark.parametrize("url", ["alertmanager:9093", "https://me:TopSecret@x/"])
def test_an_address_that_is_none_is_refused_by_name(url: str) -> None:
    with pytest.raises(ValueError, match=r"^receivers\.ops\.urls\[1\] must") as caught:
        notifier("http://x", url)
    assert "TopSecret" not in str(caught.value)
