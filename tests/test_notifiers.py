"""The contract of a notifier, for every kind in the registry, against servers that follow the channels' rules."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from fake_http import FakeHttp
from hostile_messages import HOSTILE, messages
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples_notifiers import (
    LONG,
    NOON,
    SAMPLES,
    Sample,
    a_message,
    an_alert,
    each_sample,
    resolved,
)

from alerts.notifier import CallText, DeliveryError, Link, Message, Notifier, Resending
from alerts.registry import NOTIFIERS, build
from config.receivers import AnyReceiver

UNION = get_args(AnyReceiver)[0]
KINDS = {get_args(model.model_fields["kind"].annotation)[0] for model in get_args(UNION)}

pytest_plugins = ("notifier_ends",)

SECOND = timedelta(seconds=1)
COURSE: dict[str, Any] = {
    "series": tuple((NOON.timestamp() - 60 * (60 - number), 0.01 * (number % 13)) for number in range(60)),
    "threshold": 0.05,
}


def test_every_kind_has_settings_an_entry_in_the_registry_and_a_sample() -> None:
    assert KINDS == set(NOTIFIERS) == {sample.kind for sample in SAMPLES}


def test_the_registry_loads_a_client_library_only_for_who_has_such_a_receiver() -> None:
    code = (
        "import sys, alerts.registry; print(*{'slack_sdk', 'pagerduty', 'httpx2', 'apprise', 'PIL'} & set(sys.modules))"
    )
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout.strip() == ""


@each_sample
def test_it_keeps_the_protocol(sample: Sample, notifier: Notifier) -> None:
    assert notifier.kind == sample.kind
    assert isinstance(notifier.deduplicates, bool)


@each_sample
def test_a_message_says_what_where_since_when_and_how_sure(
    sample: Sample, notifier: Notifier, server: FakeHttp
) -> None:
    notifier.send(a_message(), {})
    seen = sample.seen(server)
    for said in ("errors on support", "chat", "gpt-4o-mini", "2026-03-01", "11:53:00", "0.12", "0.0871", "0.1634"):
        assert said in seen
    for said in ("1340", "above 0.05 over 5m for 2m", "call-0001"):
        assert said in seen
    assert sample.count(server) == 1


@each_sample
def test_a_life_from_trigger_to_resolve_needs_no_more_than_the_receipt(
    sample: Sample, notifier: Notifier, server: FakeHttp
) -> None:
    refs = notifier.send(a_message(), {}).refs
    stored = json.loads(json.dumps(dict(refs)))
    assert all(isinstance(each, str) for pair in stored.items() for each in pair)
    stored = dict(notifier.send(a_message(action="update"), stored).refs) or stored
    notifier.send(resolved(a_message()), stored)


@each_sample
def test_a_resolve_whose_opening_left_no_receipt_is_not_an_error(sample: Sample, notifier: Notifier) -> None:
    notifier.send(resolved(a_message()), {})


@each_sample
def test_deduplicates_is_true_exactly_if_a_repeated_trigger_makes_no_second_message(
    sample: Sample, notifier: Notifier, server: FakeHttp
) -> None:
    notifier.send(a_message(), {})
    notifier.send(a_message().marked_repeated(), {})
    assert sample.count(server) == (1 if notifier.deduplicates else 2)


@each_sample
@pytest.mark.parametrize(
    ("change", "words"),
    [({"replay": True}, "Replay of the past"), ({"test": True}, "Test"), ({"repeated": True}, "May be a repetition")],
)
def test_a_replay_a_test_and_a_repetition_are_marked(
    sample: Sample, notifier: Notifier, server: FakeHttp, change: dict[str, bool], words: str
) -> None:
    notifier.send(a_message(), {})
    assert words not in sample.seen(server)
    notifier.send(a_message(key="another", **change), {})
    assert words in sample.seen(server)


@each_sample
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_text_in_every_place_is_delivered(
    sample: Sample, notifier: Notifier, server: FakeHttp, text: str
) -> None:
    alert = an_alert(
        labels={"source": text, text: text}, summary=text, unit=text, condition=text, reason=text, exemplars=(text,)
    )
    message = a_message(key=text, title=text, alerts=(alert,) * 30, links=(Link(text, text), Link(text, "https://x/")))
    refs = notifier.send(message, {}).refs
    assert sample.count(server) == 1
    notifier.send(Message(**{**_fields(message), "action": "resolve"}), refs)


@each_sample
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(message=messages())
def test_any_message_is_accepted(sample: Sample, notifier: Notifier, server: FakeHttp, message: Message) -> None:
    notifier.send(message, {})


@each_sample
def test_the_same_group_is_the_same_thing_at_the_other_end_and_a_resolve_ends_it(
    sample: Sample, notifier: Notifier, server: FakeHttp
) -> None:
    if sample.name == "slack with a webhook":
        pytest.skip("a webhook tells no ts: nothing that it posted can be changed")
    refs = dict(notifier.send(a_message(), {}).refs)
    refs = dict(notifier.send(a_message(action="update", at=NOON + SECOND), refs).refs) or refs
    assert sample.firing(server) == 1
    notifier.send(resolved(a_message()), refs)
    assert sample.firing(server) == 0


@each_sample
def test_an_acknowledgement_is_taken_opens_nothing_and_a_resolve_still_ends_it(
    sample: Sample, notifier: Notifier, server: FakeHttp
) -> None:
    refs = dict(notifier.send(a_message(), {}).refs)
    taken_on = a_message(action="acknowledge", title="Acknowledged by ana: errors on support", at=NOON + SECOND)
    refs = dict(notifier.send(taken_on, refs).refs) or refs
    firing = sample.firing(server)
    if sample.kind != "pagerduty":  # it has a state of its own for that
        assert "Acknowledged by ana" in sample.seen(server)
    if notifier.deduplicates:
        assert sample.count(server) == 1
    assert firing >= 1
    notifier.send(resolved(a_message()), refs)
    assert sample.firing(server) < firing or sample.name == "slack with a webhook"


@each_sample
def test_a_chart_is_shown_where_the_channel_can_and_costs_no_alert_where_it_cannot_be_drawn(
    sample: Sample, notifier: Notifier, server: FakeHttp
) -> None:
    notifier.send(a_message(alerts=(an_alert(**COURSE),)), {})
    pictures = sample.pictures(server)
    assert len(pictures) == (sample.name in ("slack with a bot token", "email"))
    assert all(picture.startswith(b"\x89PNG\r\n\x1a\n") and len(picture) < 20_000 for picture in pictures)
    server.reset()
    for series in (((0.0, float("nan")), (1.0, float("inf"))), ((1.0, 1e308), (float("inf"), -1e308)), ((0.0, 1.0),)):
        notifier.send(a_message(key=str(series), alerts=(an_alert(series=series, threshold=float("nan")),)), {})
    assert sample.pictures(server) == []


TEXTS = (CallText("call-0001", "SENTINEL <b>how</b> do I pay?", "SENTINEL by card"), CallText("call-0002"))


@each_sample
def test_no_text_of_a_call_leaves_unless_it_was_asked_for(sample: Sample, notifier: Notifier, server: FakeHttp) -> None:
    told = a_message(alerts=(an_alert(texts=TEXTS, **COURSE),) * 3)
    refs = notifier.send(told, {}).refs
    for action in ("update", "acknowledge", "resolve"):
        notifier.send(Message(**{**_fields(told), "action": action}), refs)
    if isinstance(notifier, Resending):
        notifier.resend([told], NOON)
    sent = [request.body for request in getattr(server, "requests", ())] + [each.raw for each in mails(server)]
    assert sent
    assert not [body for body in sent if b"SENTINEL" in body]


@each_sample
def test_text_that_was_asked_for_is_escaped_and_short(sample: Sample, server: FakeHttp) -> None:
    settings = sample.settings(server, LONG).model_copy(update={"include_text": True})
    notifier = build("ops", settings)
    long = (CallText("call-1", "<script>" + "x" * 100_000, "<!channel> " + "y" * 100_000),) * 50
    for number, texts in enumerate((TEXTS, long)):
        alert = an_alert(texts=texts, labels={"rule": "errors", "source": f"source-{number}"})
        notifier.send(a_message(key=str(number), alerts=(alert,)), {})
    notifier.close()
    seen = sample.seen(server)
    assert seen.count("SENTINEL") in (2, 4)  # a mail says it twice
    assert len(seen) < 30_000
    assert "xxxx" in seen
    assert "<!channel>" not in seen or sample.kind in ("webhook", "alertmanager", "pagerduty", "email")
    if sample.kind == "email":
        assert "&lt;script&gt;" in mails(server)[-1].body("html")
        assert "<script>" not in mails(server)[-1].body("html")


@each_sample
def test_no_secret_is_in_the_receipt(sample: Sample, notifier: Notifier) -> None:
    receipt = notifier.send(a_message(), {})
    assert not [secret for secret in sample.secrets if secret in repr(receipt)]


@each_sample
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    refs=st.dictionaries(
        st.sampled_from(["channel", "ts", "routing_key_fingerprint", "message_id"]) | st.text(), st.text(), max_size=4
    )
)
def test_refs_of_another_receiver_end_in_a_delivery_or_in_a_delivery_error(
    sample: Sample, notifier: Notifier, refs: dict[str, str]
) -> None:
    try:
        notifier.send(a_message(action="update"), refs)
    except DeliveryError as error:
        assert not error.retry  # noqa: PT017


def mails(server: Any) -> list[Any]:
    """What a mail server has; no other server has any."""
    found: list[Any] = getattr(server, "mails", [])
    return found


def _fields(message: Message) -> dict[str, Any]:
    return {name: getattr(message, name) for name in Message.__dataclass_fields__}
