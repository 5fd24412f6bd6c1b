"""The contract of a notifier, for every kind in the registry, against servers that follow the channels' rules."""

import json
import logging
import subprocess
import sys
import traceback
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, get_args

import pytest
from fake_http import HANGS, HANGS_UP, Answer, FakeHttp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples_notifiers import (
    HOSTILE,
    LONG,
    SAMPLES,
    SHORT,
    Sample,
    a_message,
    an_alert,
    each_sample,
    messages,
    resolved,
)

from alerts.http_errors import LONGEST_WAIT_S, RETRIED, retry_after
from alerts.notifier import DeliveryError, Failure, Link, Message, Notifier
from alerts.registry import NOTIFIERS, build
from config.alerts import AnyReceiver

UNION = get_args(AnyReceiver)[0]
KINDS = {get_args(model.model_fields["kind"].annotation)[0] for model in get_args(UNION)}


@pytest.fixture(scope="module")
def ends() -> Iterator[dict[str, tuple[FakeHttp, Notifier]]]:
    """Both ends of every kind: the server and the notifier that sends to it, made once."""
    with ExitStack() as stack, pytest.MonkeyPatch.context() as environment:
        environment.setenv("no_proxy", "127.0.0.1")
        servers = {sample.name: stack.enter_context(sample.server()) for sample in SAMPLES}
        made = {each.name: build("ops", each.settings(servers[each.name], LONG)) for each in SAMPLES}
        yield {name: (servers[name], made[name]) for name in servers}
        for notifier in made.values():
            notifier.close()


@pytest.fixture
def server(sample: Sample, ends: dict[str, tuple[FakeHttp, Notifier]]) -> FakeHttp:
    ends[sample.name][0].reset()
    return ends[sample.name][0]


@pytest.fixture
def notifier(sample: Sample, ends: dict[str, tuple[FakeHttp, Notifier]]) -> Notifier:
    return ends[sample.name][1]


def _failure(notifier: Notifier, message: Message | None = None, refs: dict[str, str] | None = None) -> DeliveryError:
    with pytest.raises(DeliveryError) as caught:
        notifier.send(message or a_message(), refs or {})
    return caught.value


def test_every_kind_has_settings_an_entry_in_the_registry_and_a_sample() -> None:
    assert KINDS == set(NOTIFIERS) == {sample.kind for sample in SAMPLES}


def test_the_registry_loads_a_client_library_only_for_who_has_such_a_receiver() -> None:
    code = "import sys, alerts.registry; print(*{'slack_sdk', 'pagerduty', 'httpx2'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
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


EXPECTED = {
    401: Failure.UNAUTHORIZED,
    403: Failure.UNAUTHORIZED,
    404: Failure.UNKNOWN_RECEIVER,
    407: Failure.UNAUTHORIZED,
    408: Failure.TIMEOUT,
    410: Failure.UNKNOWN_RECEIVER,
    413: Failure.TOO_LARGE,
    429: Failure.RATE_LIMITED,
}


def _expected(status: int) -> Failure:
    if status >= 500:
        return Failure.SERVER_ERROR
    if status < 400:
        return Failure.UNEXPECTED  # a redirect, or a success that the documentation does not know
    return EXPECTED.get(status, Failure.BAD_REQUEST)


@each_sample
@pytest.mark.parametrize("hundred", [200, 300, 400, 500])
def test_every_http_status_has_a_reason_and_costs_one_request(
    sample: Sample, notifier: Notifier, server: FakeHttp, hundred: int
) -> None:
    bare = a_message(alerts=())
    for status in range(hundred, hundred + 100):
        server.reset()
        server.script(Answer(status, "no answer of the documentation"))
        error = _failure(notifier, bare)
        assert (status, error.failure) == (status, _expected(status))
        assert error.retry is (error.failure in RETRIED)
        assert len(server.requests) == 1


PERMANENT = {Failure.UNAUTHORIZED, Failure.UNKNOWN_RECEIVER, Failure.BAD_REQUEST, Failure.TOO_LARGE}


def test_what_the_channel_will_never_accept_is_not_tried_again() -> None:
    assert set(Failure) - PERMANENT == RETRIED


@each_sample
@pytest.mark.parametrize("status", [429, 500, 503])
def test_retry_after_is_handed_on_and_not_slept(
    sample: Sample, notifier: Notifier, server: FakeHttp, status: int
) -> None:
    server.script(Answer(status, headers={"RETRY-after": "17"}))
    error = _failure(notifier)
    assert (error.retry, error.retry_after_s) == (True, 17.0)
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("30", 30.0),
        (" 1.5 ", 1.5),
        ("0", 0.0),
        ("999999999", LONGEST_WAIT_S),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("1e9", None),
        ("", None),
        ("9" * 5000, None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
def test_a_retry_after_that_is_no_number_of_seconds_is_left_to_the_outbox(header: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": header}) == seconds


@each_sample
def test_a_server_that_never_answers_is_a_timeout(sample: Sample, server: FakeHttp) -> None:
    server.script(HANGS)
    error = _failure(build("ops", sample.settings(server, SHORT)))
    assert (error.failure, error.retry) == (Failure.TIMEOUT, True)
    assert len(server.requests) <= 1  # a busy machine may not have read it yet


@each_sample
def test_a_server_that_hangs_up_is_unreachable(sample: Sample, notifier: Notifier, server: FakeHttp) -> None:
    server.script(HANGS_UP)
    error = _failure(notifier)
    assert (error.failure, error.retry) == (Failure.UNREACHABLE, True)
    assert len(server.requests) == 1


@each_sample
@pytest.mark.usefixtures("ends")
def test_a_refused_connection_is_unreachable(sample: Sample) -> None:
    error = _failure(build("ops", sample.settings(None, LONG)))
    assert (error.failure, error.retry) == (Failure.UNREACHABLE, True)


NO_ANSWERS = (
    b"",
    b"<html>please log in</html>",
    b'{"ok": true, "dedup_key": "k"',
    b"[1]",
    b"[]",
    b"null",
    b"true",
    b'"ok"',
    b"\xff\xfe\x00",
    b"[" * 200_000,
    b"9" * 10_000,
)


@each_sample
@pytest.mark.parametrize("body", NO_ANSWERS, ids=range(len(NO_ANSWERS)))
def test_a_success_with_a_body_that_is_no_answer_is_unexpected(
    sample: Sample, notifier: Notifier, server: FakeHttp, body: bytes
) -> None:
    server.script(Answer(sample.successes[0], body))
    error = _failure(notifier)
    assert (error.failure, error.retry) == (Failure.UNEXPECTED, True)


@each_sample
@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/html; charset=klingon"},
        {"Content-Encoding": "gzip"},
        {"Content-Type": "application/gzip"},
    ],
    ids=str,
)
def test_an_answer_in_an_unknown_coding_is_at_worst_unexpected(
    sample: Sample, notifier: Notifier, server: FakeHttp, headers: dict[str, str]
) -> None:
    for status in (sample.successes[0], 500):
        server.script(Answer(status, "not what the header says", headers))
        error = _failure(notifier)
        assert error.failure in (Failure.UNEXPECTED, Failure.SERVER_ERROR)
        assert error.retry


@each_sample
def test_no_secret_is_in_errors_logs_or_the_notifier(
    sample: Sample, notifier: Notifier, server: FakeHttp, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [Answer(status, " ".join(sample.secrets)) for status in (200, 202, 302, 400, 401, 403, 404, 429, 500)]
    echo = json.dumps({"ok": False, "error": sample.secrets[0], "errors": list(sample.secrets)})
    answers += [Answer(200, echo), Answer(400, echo), HANGS_UP]
    texts = [repr(notifier), str(notifier)]
    for answer in answers:
        server.script(answer)
        texts += _all_texts(_failure(notifier))
    texts += _all_texts(_failure(build("ops", sample.settings(None, LONG))))
    notifier.send(a_message(), {})
    _assert_no_secret(sample, [*texts, caplog.text, *map(str, (vars(record) for record in caplog.records))])


@each_sample
def test_no_secret_is_in_the_receipt(sample: Sample, notifier: Notifier) -> None:
    receipt = notifier.send(a_message(), {})
    _assert_no_secret(sample, [repr(receipt)])


@each_sample
def test_an_error_does_not_quote_the_message(sample: Sample, notifier: Notifier, server: FakeHttp) -> None:
    for answer in (Answer(400, "errors on support"), Answer(200, '{"ok": false, "error": "errors on support"}')):
        server.script(answer)
        assert "errors on support" not in " ".join(_all_texts(_failure(notifier)))


@each_sample
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    refs=st.dictionaries(
        st.sampled_from(["channel", "ts", "routing_key_fingerprint"]) | st.text(), st.text(), max_size=4
    )
)
def test_refs_of_another_receiver_end_in_a_delivery_or_in_a_delivery_error(
    sample: Sample, notifier: Notifier, refs: dict[str, str]
) -> None:
    try:
        notifier.send(a_message(action="update"), refs)
    except DeliveryError as error:
        assert not error.retry  # noqa: PT017


def _all_texts(error: DeliveryError) -> list[str]:
    assert error.__cause__ is None
    assert error.__context__ is None
    return [str(error), repr(error), repr(error.args), "".join(traceback.format_exception(error))]


def _assert_no_secret(sample: Sample, texts: list[str]) -> None:
    for secret in sample.secrets:
        assert not [text for text in texts if secret in text]


def _fields(message: Message) -> dict[str, Any]:
    return {name: getattr(message, name) for name in Message.__dataclass_fields__}
