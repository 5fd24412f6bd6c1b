"""How a message looks in Slack: within the limits, and without anybody's markup but ours."""

import json
from datetime import timedelta, timezone

import pytest
from fake_slack import mentions, refuse_content, texts
from hostile_messages import HOSTILE, messages
from hypothesis import given, settings
from samples_notifiers import (
    NOON,
    a_group,
    a_message,
    an_alert,
)

from alerts.notifier import Message
from alerts.slack_blocks import blocks, escaped, fallback, farewell, headline
from alerts.wording import units


@settings(max_examples=60, deadline=None)
@given(messages())
def test_any_message_is_within_the_limits_and_calls_nobody(message: Message) -> None:
    payload = {"text": fallback(message), "blocks": blocks(message)}
    assert refuse_content(payload) is None
    assert refuse_content({"text": farewell(message)}) is None
    assert mentions(payload) == []
    assert len(payload["text"]) < 2_000
    assert json.loads(json.dumps(payload, allow_nan=False)) == payload


@settings(max_examples=60, deadline=None)
@given(messages())
def test_the_first_alert_is_always_listed_and_the_others_listed_or_counted(message: Message) -> None:
    shown = sum("*State:*" in text for text in texts(blocks(message)) if text.count("*Since:*"))
    rest = [text for text in texts(blocks(message)) if text == f"and {len(message.alerts) - shown} more"]
    assert shown >= min(1, len(message.alerts))
    assert bool(rest) == (shown < len(message.alerts))


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("limit", [1, 5, 6, 150, 3_000])
def test_escaped_text_keeps_its_limit_and_no_entity_is_cut(text: str, limit: int) -> None:
    shown = escaped(text, limit)
    assert units(shown) <= limit
    bare = shown.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert not set(bare) & set("&<>")


def test_many_alerts_fit_and_the_rest_is_counted() -> None:
    said = texts(blocks(a_group(300)))
    shown = sum("service=service-" in text for text in said)
    assert shown >= 10
    assert f"and {300 - shown} more" in said


@pytest.mark.parametrize(("severity", "sign"), [("critical", "🔴"), ("error", "🟠"), ("warning", "🟡"), ("info", "🔵")])
def test_the_severity_is_seen_in_colour_and_in_words(severity: str, sign: str) -> None:
    title = headline(a_message(severity=severity))
    assert title.startswith(sign)
    assert title.endswith(f"({severity})")


def test_a_resolution_is_called_so_once() -> None:
    assert headline(a_message(action="resolve", title="errors")) == "✅ Resolved: errors"
    assert headline(a_message(action="resolve", title="Resolved: errors")) == "✅ Resolved: errors"


def test_times_are_in_utc_whatever_their_zone() -> None:
    since = (NOON - timedelta(minutes=7)).astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert blocks(a_message(alerts=(an_alert(since=since),))) == blocks(a_message())
