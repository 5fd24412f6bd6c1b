"""The webhook: Alertmanager's payload, its signature, and what may not be configured."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email.message import Message as HeaderFields
from pathlib import Path
from typing import Any

import pytest
from fake_http import Answer, Request
from fake_webhook import FakeWebhook
from notifier_ends import failure_of_sending
from samples_notifiers import LONG, NOON, a_group, a_message, an_alert, assert_golden, resolved
from test_notifier_failures import PERMANENT

from alerts.notifier import Link, Message, Notifier
from alerts.registry import build
from alerts.webhook import MOST_ALERTS, payload
from config.receivers import WebhookReceiver
from monitor.daemon import clock


@pytest.fixture
def hook() -> Iterator[FakeWebhook]:
    with FakeWebhook() as made:
        yield made


def notifier(hook: FakeWebhook, **changes: Any) -> Notifier:
    """Sends to `hook`."""
    known = {
        "kind": "webhook",
        "url": hook.base + hook.path,
        "headers": [f"Authorization: {hook.token}"],
        "signing_secret": hook.secret,
        "timeout": LONG,
    }
    return build("ops", WebhookReceiver.model_validate(known | changes))


def headers_of(request: Request) -> HeaderFields:
    """As a web framework gives them: whatever the case of the name."""
    fields = HeaderFields()
    for name, value in request.headers.items():
        fields[name] = value
    return fields


def said(message: Message, group_by: list[str] | None = None) -> dict[str, Any]:
    return payload(message, "watchkeeper", group_by)


def test_a_trigger_and_its_resolution_are_what_alertmanager_would_say() -> None:
    links = (Link("Runbook", "https://wiki.example.org/errors"), Link("Status page", "https://watch.example.org/"))
    assert_golden("webhook_trigger", said(a_message(links=links)))
    assert_golden("webhook_resolved", said(resolved(a_message())))


def test_group_labels_are_those_that_the_group_is_made_by() -> None:
    found = said(a_group(3), ["rule", "source", "region"])
    assert found["groupLabels"] == {"alertname": "errors", "source": "support"}
    assert found["commonLabels"] == {"alertname": "errors", "source": "support"}
    assert [alert["labels"]["service"] for alert in found["alerts"]] == ["service-0", "service-1", "service-2"]
    assert said(a_message())["groupLabels"] == said(a_message())["commonLabels"]


def test_a_group_is_firing_while_one_of_its_alerts_is() -> None:
    over = an_alert(state="resolved", ended=NOON)
    mixed = said(a_message(action="update", alerts=(an_alert(), over)))
    assert mixed["status"] == "firing"
    assert [alert["status"] for alert in mixed["alerts"]] == ["firing", "resolved"]
    assert [alert["endsAt"] for alert in mixed["alerts"]] == ["0001-01-01T00:00:00Z", "2026-03-01T12:00:00Z"]


def test_alerts_that_are_left_out_are_counted() -> None:
    found = said(a_group(MOST_ALERTS + 7))
    assert (len(found["alerts"]), found["truncatedAlerts"]) == (MOST_ALERTS, 7)


def test_a_test_and_a_replay_are_other_alerts_than_the_real_one() -> None:
    prints = {said(a_message(**{mark: True}))["alerts"][0]["fingerprint"] for mark in ("test", "replay", "repeated")}
    assert len(prints) == 3
    assert said(a_message())["alerts"][0]["fingerprint"] in prints


def test_the_signature_is_over_the_time_of_sending_and_the_body(hook: FakeWebhook) -> None:
    notifier(hook).send(replace(a_message(), sent_at=NOON + timedelta(hours=3)), {})
    (request,) = hook.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert headers["x-watchkeeper-timestamp"] == str(int((NOON + timedelta(hours=3)).timestamp()))
    signed = headers["x-watchkeeper-timestamp"].encode() + b"." + request.body
    assert (
        headers["x-watchkeeper-signature"]
        == f"sha256={hmac.new(hook.secret.encode(), signed, hashlib.sha256).hexdigest()}"
    )
    assert headers["content-type"] == "application/json"


def test_without_a_secret_nothing_is_signed(hook: FakeWebhook) -> None:
    assert failure_of_sending(notifier(hook, signing_secret=None)).failure == "unauthorized"
    assert not [name for name in hook.requests[0].headers if "watchkeeper" in name.lower()]


def test_another_secret_or_a_changed_body_does_not_verify(hook: FakeWebhook) -> None:
    assert failure_of_sending(notifier(hook, signing_secret="another")).failure in PERMANENT
    notifier(hook).send(a_message(), {})
    request = hook.requests[-1]
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert hook.is_genuine(headers, request.body)
    assert not hook.is_genuine(headers, request.body + b" ")
    assert not hook.is_genuine(headers | {"x-watchkeeper-timestamp": "1"}, request.body)


def test_a_redirect_is_not_followed_with_the_secrets(hook: FakeWebhook) -> None:
    with FakeWebhook() as elsewhere:
        hook.script(*(Answer(status, headers={"Location": elsewhere.base + hook.path}) for status in (302, 307, 308)))
        for _ in range(3):
            assert failure_of_sending(notifier(hook)).failure == "unexpected"
        assert elsewhere.requests == []


def test_an_answer_of_any_length_is_not_read(hook: FakeWebhook) -> None:
    hook.script(Answer(200, b"x" * 50_000_000))
    notifier(hook).send(a_message(), {})
    hook.script(Answer(500, b"x" * 50_000_000, {"Retry-After": "9"}))
    assert failure_of_sending(notifier(hook)).retry_after_s == 9


def test_the_payload_is_json_without_infinities() -> None:
    odd = an_alert(value=float("inf"), lower=float("nan"), upper=float("-inf"))
    json.dumps(said(a_message(alerts=(odd,))), allow_nan=False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"url": "ftp://x/TopSecret"}, "receivers.ops.url must be a web address that begins with https:// or http://"),
        ({"url": "https://me:TopSecret@x/"}, "receivers.ops.url must hold no user and no password"),
        ({"url": "https://x/ TopSecret"}, "receivers.ops.url must be a web address"),
        ({"headers": ["TopSecret"]}, "receivers.ops.headers[0] must be a name, a colon and a value"),
        ({"headers": ["X-A: TopSecret\r\nX-B: 1"]}, "receivers.ops.headers[0] must be a name, a colon and a value"),
        ({"headers": ["X-A: b", "Host: TopSecret"]}, "receivers.ops.headers[1] sets a header that Watchkeeper itself"),
        ({"signing_secret": "  "}, "receivers.ops.signing_secret is empty"),
    ],
)
def test_settings_that_cannot_work_are_refused_without_a_secret_in_the_message(
    hook: FakeWebhook, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match="ops") as caught:
        notifier(hook, **changes)
    assert str(caught.value).startswith(message)
    assert "TopSecret" not in str(caught.value)


def test_the_documented_check_takes_what_is_sent_and_nothing_that_is_old_or_changed(hook: FakeWebhook) -> None:
    page = (Path(__file__).parents[1] / "docs" / "receivers.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    documented: dict[str, Any] = {}
    exec(code, documented)
    is_genuine = documented["is_genuine"]
    for sent_at in (clock(), clock() - timedelta(minutes=6)):
        notifier(hook).send(replace(a_message(), sent_at=sent_at), {})
    now, old = hook.requests
    secret = hook.secret.encode()
    assert is_genuine(secret, headers_of(now), now.body)
    assert not is_genuine(secret, headers_of(now), now.body + b" ")
    assert not is_genuine(b"another", headers_of(now), now.body)
    assert not is_genuine(secret, headers_of(old), old.body)
