"""The contract of a notifier, for every kind in the registry, against servers that follow the channels' rules."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from fake_http import FakeHttp
from hostile_messages import HOSTILE, messages
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples_notifiers import (
    SAMPLES,
    Sample,
    a_message,
    an_alert,
    each_sample,
    resolved,
)

from alerts.notifier import DeliveryError, Link, Message, Notifier
from alerts.registry import NOTIFIERS
from config.receivers import AnyReceiver

UNION = get_args(AnyReceiver)[0]
KINDS = {get_args(model.model_fields["kind"].annotation)[0] for model in get_args(UNION)}

pytest_plugins = ("notifier_ends",)


def test_every_kind_has_settings_an_entry_in_the_registry_and_a_sample() -> None:
    assert KINDS == set(NOTIFIERS) == {sample.kind for sample in SAMPLES}


def test_the_registry_loads_a_client_library_only_for_who_has_such_a_receiver() -> None:
    code = "import sys, alerts.registry; print(*{'slack_sdk', 'pagerduty', 'httpx2'} & set(sys.modules))"
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
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(message=messages())
def test_any_message_is_accepted(sample: Sample, notifier: Notifier, server: FakeHttp, message: Message) -> None:
    notifier.send(message, {})


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


def _fields(message: Message) -> dict[str, Any]:
    return {name: getattr(message, name) for name in Message.__dataclass_fields__}
