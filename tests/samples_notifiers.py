"""One sample of every kind of receiver, for the contract suite, and the messages that the suite sends.

To add a kind: write its fake server, then a line in `SAMPLES`.
"""

import json
import os
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_alertmanager import FakeAlertmanager
from fake_apprise import FakeApprise
from fake_http import Answer, FakeHttp, refused_address
from fake_pagerduty import FakePagerDuty
from fake_slack import FakeSlack
from fake_smtp import FakeSmtp
from fake_webhook import FakeWebhook

from alerts.notifier import AlertView, Link, Message
from config.receivers import (
    AlertmanagerReceiver,
    AnyReceiver,
    AppriseReceiver,
    EmailReceiver,
    PagerDutyReceiver,
    SlackReceiver,
    WebhookReceiver,
)

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
LONG = timedelta(minutes=2)  # a starved machine has been seen to take half a minute
SHORT = timedelta(milliseconds=150)
ROUTING_KEY = "0123456789abcdefTopSecretOfPager"
PREVIOUS_KEY = "fedcba9876543210TopSecretOfPager"


@dataclass(frozen=True)
class Sample:
    """A kind of receiver with a server that follows its channel's rules.

    `settings` takes the server (None: one that refuses connections) and the timeout. `successes` are the statuses that
    can mean success. `accepted` is what the channel says when it has taken a message. `seen` is all that a person can
    read at the other end, `count` the number of messages or incidents there. `answers`: whether the channel says in the
    body that it has taken a message; for the others the status says it all. `http`: whether it speaks HTTP at all.
    `tells_wait`: whether the client tells what `Retry-After` says. `firing` is how many incidents, or the newest words of
    how many messages, still say that something fires. `pictures` are the charts that a person sees.
    """

    name: str
    kind: str
    server: Callable[[], FakeHttp | FakeSmtp]
    settings: Callable[[Any, timedelta], AnyReceiver]
    secrets: tuple[str, ...]
    successes: tuple[int, ...]
    accepted: Answer
    seen: Callable[[Any], str]
    count: Callable[[Any], int]
    firing: Callable[[Any], int]
    pictures: Callable[[Any], list[bytes]] = lambda server: []
    answers: bool = True
    http: bool = True
    tells_wait: bool = True


def _bot(server: FakeSlack | None, timeout: timedelta) -> AnyReceiver:
    url = server.api_url if server else f"{refused_address()}/api/"
    return SlackReceiver.model_validate(
        {"kind": "slack", "token": FakeSlack.token, "channel": "#alerts", "api_url": url, "timeout": timeout}
    )


def _webhook(server: FakeSlack | None, timeout: timedelta) -> AnyReceiver:
    url = server.webhook_url if server else refused_address() + FakeSlack.webhook_path
    return SlackReceiver.model_validate({"kind": "slack", "webhook_url": url, "timeout": timeout})


def _pagerduty(server: FakePagerDuty | None, timeout: timedelta) -> AnyReceiver:
    url = server.base if server else refused_address()
    return PagerDutyReceiver.model_validate(
        {
            "kind": "pagerduty",
            "routing_key": ROUTING_KEY,
            "previous_routing_keys": [PREVIOUS_KEY],
            "url": url,
            "timeout": timeout,
        }
    )


def _own_webhook(server: FakeWebhook | None, timeout: timedelta) -> AnyReceiver:
    url = (server.base if server else refused_address()) + FakeWebhook.path
    return WebhookReceiver.model_validate(
        {
            "kind": "webhook",
            "url": url,
            "headers": [f"Authorization: {FakeWebhook.token}"],
            "signing_secret": FakeWebhook.secret,
            "timeout": timeout,
        }
    )


def _alertmanager(server: FakeAlertmanager | None, timeout: timedelta) -> AnyReceiver:
    return AlertmanagerReceiver.model_validate(
        {
            "kind": "alertmanager",
            "urls": [server.base if server else refused_address()],
            "username": FakeAlertmanager.username,
            "password": FakeAlertmanager.password,
            "timeout": timeout,
        }
    )


def _email(server: FakeSmtp | None, timeout: timedelta) -> AnyReceiver:
    return EmailReceiver.model_validate(
        {
            "kind": "email",
            "host": "127.0.0.1",
            "port": server.port if server else int(refused_address().rpartition(":")[2]),
            "security": "none",
            "username": FakeSmtp.username,
            "password": FakeSmtp.password,
            "from": "watchkeeper@example.org",
            "to": ["oncall@example.org", "team@example.org"],
            "timeout": timeout,
        }
    )


def _apprise(server: FakeApprise | None, timeout: timedelta) -> AnyReceiver:
    url = FakeApprise.url(server.base if server else refused_address())
    return AppriseReceiver.model_validate({"kind": "apprise", "urls": [url], "timeout": timeout})


def _slack_seen(server: FakeSlack) -> str:
    return "\n".join(message.text for message in server.messages)


def _slack_count(server: FakeSlack) -> int:
    return len(server.roots)


def _slack_firing(server: FakeSlack) -> int:
    return sum("resolved" not in message.text.lower() for message in server.roots)


def _slack_pictures(server: FakeSlack) -> list[bytes]:
    shown = [block["slack_file"]["id"] for each in server.roots for block in each.blocks if block["type"] == "image"]
    return [file.content for file in server.files if file.id in shown]


def _pagerduty_firing(server: FakePagerDuty) -> int:
    return len(server.open_incidents)


def _pagerduty_seen(server: FakePagerDuty) -> str:
    return "\n".join(str(event["payload"]) for incident in server.incidents for event in incident.events)


def _pagerduty_count(server: FakePagerDuty) -> int:
    return len(server.incidents)


def webhook_seen(server: FakeWebhook) -> str:
    """All payloads that it has taken."""
    return json.dumps(server.payloads, ensure_ascii=False)


def _webhook_firing(server: FakeWebhook) -> int:
    newest = {payload["groupKey"]: payload["status"] for payload in server.payloads}
    return [*newest.values()].count("firing")


def _webhook_count(server: FakeWebhook) -> int:
    return len(server.payloads)


def alertmanager_seen(server: FakeAlertmanager) -> str:
    """The newest version of all its alerts."""
    return json.dumps([*server.alerts.values()], ensure_ascii=False)


def _alertmanager_firing(server: FakeAlertmanager) -> int:
    return len(server.firing(NOON + timedelta(minutes=5)))


def _alertmanager_count(server: FakeAlertmanager) -> int:
    return len(server.alerts)


def apprise_seen(server: FakeApprise) -> str:
    """Titles and texts of all messages."""
    return "\n".join(f"{each['title']}\n{each['message']}" for each in server.messages)


def _apprise_firing(server: FakeApprise) -> int:
    return "Resolved" not in server.messages[-1]["title"]


def _apprise_count(server: FakeApprise) -> int:
    return len(server.messages)


def email_seen(server: FakeSmtp) -> str:
    """Subjects and both bodies of all mails."""
    return "\n".join(f"{mail.parsed['Subject']}\n{mail.body('plain')}\n{mail.body('html')}" for mail in server.mails)


def _email_firing(server: FakeSmtp) -> int:
    threads = {
        mail.parsed.get("References", mail.parsed["Message-ID"]): mail.parsed["Subject"] for mail in server.mails
    }
    return sum("Resolved" not in subject for subject in threads.values())


def _email_pictures(server: FakeSmtp) -> list[bytes]:
    parts = (part for mail in server.mails for part in mail.parsed.walk())
    return [part.get_payload(decode=True) for part in parts if part.get_content_type() == "image/png"]


def _email_count(server: FakeSmtp) -> int:
    return len(server.mails)


SAMPLES = (
    Sample(
        name="slack with a bot token",
        kind="slack",
        server=FakeSlack,
        settings=_bot,
        secrets=(FakeSlack.token,),
        successes=(200,),
        accepted=Answer(200, '{"ok": true, "channel": "C0ALERTS", "ts": "1.2"}'),
        seen=_slack_seen,
        count=_slack_count,
        firing=_slack_firing,
        pictures=_slack_pictures,
    ),
    Sample(
        name="slack with a webhook",
        kind="slack",
        server=FakeSlack,
        settings=_webhook,
        secrets=(FakeSlack.webhook_path, "TopSecretOfTheHook"),
        successes=(200,),
        accepted=Answer(200, "ok"),
        seen=_slack_seen,
        count=_slack_count,
        firing=_slack_firing,
    ),
    Sample(
        name="pagerduty",
        kind="pagerduty",
        server=FakePagerDuty,
        settings=_pagerduty,
        secrets=(ROUTING_KEY, PREVIOUS_KEY, ROUTING_KEY[-4:] + ")"),
        successes=(202,),
        accepted=Answer(202, '{"status": "success", "message": "Event processed", "dedup_key": "k"}'),
        seen=_pagerduty_seen,
        count=_pagerduty_count,
        firing=_pagerduty_firing,
    ),
    Sample(
        name="webhook",
        kind="webhook",
        server=FakeWebhook,
        settings=_own_webhook,
        secrets=(FakeWebhook.path, FakeWebhook.secret, FakeWebhook.token, "TopSecretOf"),
        successes=tuple(range(200, 300)),
        accepted=Answer(200),
        seen=webhook_seen,
        count=_webhook_count,
        firing=_webhook_firing,
        answers=False,
    ),
    Sample(
        name="alertmanager",
        kind="alertmanager",
        server=FakeAlertmanager,
        settings=_alertmanager,
        secrets=(FakeAlertmanager.password, b64encode(FakeAlertmanager.password.encode()).decode()[4:20]),
        successes=tuple(range(200, 300)),
        accepted=Answer(200),
        seen=alertmanager_seen,
        count=_alertmanager_count,
        firing=_alertmanager_firing,
        answers=False,
    ),
    Sample(
        name="email",
        kind="email",
        server=FakeSmtp,
        settings=_email,
        secrets=(FakeSmtp.password, b64encode(FakeSmtp.password.encode()).decode()[4:20]),
        successes=(),
        accepted=Answer(),
        seen=email_seen,
        count=_email_count,
        firing=_email_firing,
        pictures=_email_pictures,
        answers=False,
        http=False,
    ),
    Sample(
        name="apprise",
        kind="apprise",
        server=FakeApprise,
        settings=_apprise,
        secrets=(FakeApprise.path, FakeApprise.password, "TopSecretOf"),
        successes=tuple(range(200, 300)),
        accepted=Answer(200),
        seen=apprise_seen,
        count=_apprise_count,
        firing=_apprise_firing,
        answers=False,
        tells_wait=False,
    ),
)

each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
each_sample_over_http = pytest.mark.parametrize(
    "sample", [sample for sample in SAMPLES if sample.http], ids=lambda sample: sample.name
)
each_sample_that_answers = pytest.mark.parametrize(
    "sample", [sample for sample in SAMPLES if sample.answers], ids=lambda sample: sample.name
)


def assert_golden(name: str, payload: Any) -> None:
    """The payload is the one in tests/golden, to the character. UPDATE_GOLDEN=1 writes the file: read the difference."""
    path = Path(__file__).parent / "golden" / f"{name}.json"
    written = json.dumps(payload, indent=2, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(written)
    assert written == path.read_text()


def an_alert(**changes: Any) -> AlertView:
    """An alert as the pipeline makes it."""
    known: dict[str, Any] = {
        "labels": {
            "rule": "errors",
            "source": "support",
            "severity": "critical",
            "service": "chat",
            "model": "gpt-4o-mini",
        },
        "summary": "error_ratio is 0.12 (above 0.05 over 5m for 2m)",
        "state": "firing",
        "since": NOON - timedelta(minutes=7),
        "value": 0.12,
        "lower": 0.0871,
        "upper": 0.1634,
        "n": 1340,
        "condition": "above 0.05 over 5m for 2m",
        "exemplars": ("call-0001", "call-0002", "call-0003"),
    }
    return AlertView(**(known | changes))


def a_message(**changes: Any) -> Message:
    """A trigger for one alert."""
    known: dict[str, Any] = {
        "key": "watchkeeper-4f2a",
        "action": "trigger",
        "title": "Firing: errors on support / chat / gpt-4o-mini",
        "severity": "critical",
        "alerts": (an_alert(),),
        "at": NOON,
        "links": (Link("Open in Watchkeeper", "http://localhost:9464/alerts?rule=errors&source=support"),),
    }
    return Message(**(known | changes))


def resolved(message: Message) -> Message:
    """The resolution of a message."""
    alerts = tuple(
        an_alert(
            state="resolved", ended=NOON + timedelta(minutes=5), value=0.01, lower=None, upper=None, reason="below"
        )
        for _ in message.alerts
    )
    title = message.title.replace("Firing", "Resolved")
    return a_message(key=message.key, action="resolve", title=title, alerts=alerts, at=NOON + timedelta(minutes=5))


def a_group(count: int, **labels: str) -> Message:
    """A trigger for several alerts of one rule, one a service."""
    alerts = tuple(
        an_alert(labels={"rule": "errors", "source": "support", "service": f"service-{number}", **labels}, exemplars=())
        for number in range(count)
    )
    return a_message(title=f"Firing: errors on support and {count - 1} more", alerts=alerts)
