"""The fake channels themselves: what they must refuse, so that a pass of the other suites means something."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest
from fake_pagerduty import FakePagerDuty
from fake_slack import FakeSlack, refuse_content
from samples_notifiers import ROUTING_KEY

pytest_plugins = ("notifier_ends",)

NEXT_KEY = "aaaabbbbccccddddTopSecretOfPager"


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"text": "x", "blocks": [_section("y")] * 51}, "invalid_blocks"),
        ({"text": "x", "blocks": [_section("y" * 3_001)]}, "invalid_blocks"),
        ({"text": "x", "blocks": [_section("")]}, "invalid_blocks"),
        (
            {"text": "x", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "y" * 151}}]},
            "invalid_blocks",
        ),
        ({"text": "x", "blocks": [{"type": "video"}]}, "invalid_blocks"),
        ({"text": "x", "blocks": [_section("y" * 2_900)] * 5}, "msg_blocks_too_long"),
        ({"text": "x", "blocks": [_section("y" * 3_000)]}, None),
    ],
)
def test_the_fake_refuses_what_slack_refuses(body: dict[str, Any], code: str | None) -> None:
    assert refuse_content(body) == code


def test_the_fake_updates_by_id_only_and_drops_old_blocks(slack: FakeSlack) -> None:
    posted = _called(slack, "chat.postMessage", {"channel": "alerts", "text": "x", "blocks": [_section("y")]})
    assert posted["channel"] == "C0ALERTS"
    change = {"ts": posted["ts"], "text": "z"}
    assert _called(slack, "chat.update", {"channel": "alerts", **change})["error"] == "channel_not_found"
    assert _called(slack, "chat.update", {"channel": "C0ALERTS", **change})["ok"]
    assert slack.messages[0].text == "z"
    assert (
        _called(slack, "chat.update", {"channel": "C0ALERTS", "ts": "1.1", "text": "z"})["error"] == "message_not_found"
    )
    assert _called(slack, "chat.delete", {})["error"] == "unknown_method"


def _called(slack: FakeSlack, method: str, body: dict[str, Any]) -> Any:
    headers = {"Authorization": f"Bearer {slack.token}", "Content-Type": "application/json"}
    request = urllib.request.Request(slack.api_url + method, json.dumps(body).encode(), headers, method="POST")
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


GOOD: dict[str, Any] = {
    "routing_key": ROUTING_KEY,
    "event_action": "trigger",
    "dedup_key": "k",
    "payload": {"summary": "s", "source": "s", "severity": "error"},
}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({}, ""),
        ({"routing_key": "short"}, "routing_key"),
        ({"routing_key": None}, "routing_key"),
        ({"event_action": "shout"}, "event_action"),
        ({"event_action": "resolve", "dedup_key": ""}, "dedup_key"),
        ({"dedup_key": "k" * 256}, "dedup_key"),
        ({"payload": {**GOOD["payload"], "summary": ""}}, "payload.summary"),
        ({"payload": {**GOOD["payload"], "summary": "s" * 1025}}, "payload.summary"),
        ({"payload": {**GOOD["payload"], "source": ""}}, "payload.source"),
        ({"payload": {**GOOD["payload"], "severity": "fatal"}}, "payload.severity"),
        ({"payload": {**GOOD["payload"], "custom_details": "text"}}, "custom_details"),
        ({"payload": {**GOOD["payload"], "custom_details": {"x": "x" * 512_000}}}, "512 KB"),
    ],
)
def test_the_fake_refuses_what_pagerduty_refuses(account: FakePagerDuty, change: dict[str, Any], named: str) -> None:
    status, body = _enqueued(account, GOOD | change)
    assert status == (400 if named else 202)
    assert named in json.dumps(body)
    assert bool(named) == (body["status"] == "invalid event")


def test_the_fake_drops_what_comes_with_another_key_and_makes_a_key_if_none_is_given(account: FakePagerDuty) -> None:
    status, body = _enqueued(account, {**GOOD, "dedup_key": None})
    assert (status, bool(body["dedup_key"])) == (202, True)
    resolve = {"event_action": "resolve", "dedup_key": body["dedup_key"], "routing_key": NEXT_KEY}
    assert _enqueued(account, resolve)[0] == 202
    assert len(account.open_incidents) == len(account.dropped) == 1
    acknowledge = resolve | {"event_action": "acknowledge", "routing_key": ROUTING_KEY}
    assert _enqueued(account, acknowledge)[0] == 202
    assert account.open_incidents[0].status == "acknowledged"


def _enqueued(account: FakePagerDuty, body: dict[str, Any]) -> tuple[int, Any]:
    request = urllib.request.Request(f"{account.base}/v2/enqueue", json.dumps(body).encode(), method="POST")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
