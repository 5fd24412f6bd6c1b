"""PagerDuty beyond the common contract: one incident over its life, and keys that rotate."""

import pytest
from fake_pagerduty import FakePagerDuty
from hostile_messages import HOSTILE
from notifier_ends import failure_of_sending
from samples_notifiers import (
    PREVIOUS_KEY,
    ROUTING_KEY,
    a_message,
    an_alert,
    resolved,
)

from alerts.notifier import Failure, Link, Notifier
from alerts.registry import build
from config.receivers import PagerDutyReceiver

NEXT_KEY = "aaaabbbbccccddddTopSecretOfPager"

pytest_plugins = ("notifier_ends",)


def _with_keys(account: FakePagerDuty, current: str, *previous: str) -> Notifier:
    keys = {"routing_key": current, "previous_routing_keys": list(previous)}
    return build("ops", PagerDutyReceiver.model_validate({"kind": "pagerduty", "url": account.base, **keys}))


def test_there_is_one_incident_from_the_first_trigger_to_the_resolve(pager: Notifier, account: FakePagerDuty) -> None:
    refs = dict(pager.send(a_message(), {}).refs)
    pager.send(a_message(action="update", title="worse"), refs)
    pager.send(a_message(), refs)
    (incident,) = account.open_incidents
    assert incident.dedup_key == a_message().key
    assert [each["payload"]["summary"][:5] for each in incident.events] == ["Firin", "worse", "Firin"]
    pager.send(resolved(a_message()), refs)
    assert account.open_incidents == []
    assert account.dropped == []


def test_a_resolve_closes_what_a_person_has_acknowledged(pager: Notifier, account: FakePagerDuty) -> None:
    refs = pager.send(a_message(), {}).refs
    account.incidents[0].status = "acknowledged"
    pager.send(resolved(a_message()), refs)
    assert [incident.status for incident in account.incidents] == ["resolved"]


@pytest.mark.parametrize("opened_with", [ROUTING_KEY, PREVIOUS_KEY])
def test_an_acknowledgement_reaches_the_incident_with_the_key_that_opened_it(
    pager: Notifier, account: FakePagerDuty, opened_with: str
) -> None:
    opener = _with_keys(account, opened_with)
    refs = opener.send(a_message(), {}).refs
    opener.close()
    assert pager.send(a_message(action="acknowledge", title="Acknowledged by ana"), refs).refs == refs
    assert [incident.status for incident in account.incidents] == ["acknowledged"]
    assert account.dropped == []


def test_a_change_event_opens_nothing_and_says_what_happened_where(pager: Notifier, account: FakePagerDuty) -> None:
    alert = an_alert(labels={"source": "support", "service": "chat"}, summary="gpt-4o-mini is answered by another one")
    assert pager.send(a_message(action="change", title="Another model", alerts=(alert,)), {}).refs == {}
    assert account.incidents == []
    (told,) = account.changes
    assert told["routing_key"] == ROUTING_KEY
    assert (told["payload"]["summary"], told["payload"]["source"]) == ("Another model", "support")
    assert told["payload"]["custom_details"]["detail"] == "gpt-4o-mini is answered by another one"


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_change_is_taken(pager: Notifier, account: FakePagerDuty, text: str) -> None:
    alert = an_alert(labels={"source": text, text: text}, summary=text)
    pager.send(a_message(action="change", title=text, alerts=(alert,) * 2, links=(Link(text, text),)), {})
    pager.send(a_message(action="change", title=text, alerts=()), {})
    assert len(account.changes) == 2


def test_a_refused_change_event_is_a_failure_like_any_other(account: FakePagerDuty) -> None:
    pager = _with_keys(account, "tooshort")
    error = failure_of_sending(pager, a_message(action="change"))
    pager.close()
    assert (error.failure, error.retry) == (Failure.UNAUTHORIZED, False)


def test_a_trigger_after_the_resolve_is_a_new_incident(pager: Notifier, account: FakePagerDuty) -> None:
    for _ in range(2):
        pager.send(resolved(a_message()), pager.send(a_message(), {}).refs)
    assert [incident.status for incident in account.incidents] == ["resolved", "resolved"]


def test_a_resolve_that_finds_nothing_open_is_accepted(pager: Notifier, account: FakePagerDuty) -> None:
    pager.send(resolved(a_message()), {})
    assert len(account.dropped) == 1


@pytest.mark.parametrize("action", ["update", "resolve"])
def test_what_an_old_key_opened_is_changed_and_closed_with_the_old_key(account: FakePagerDuty, action: str) -> None:
    before = _with_keys(account, PREVIOUS_KEY)
    refs = before.send(a_message(), {}).refs
    after = _with_keys(account, ROUTING_KEY, NEXT_KEY, PREVIOUS_KEY)
    later = resolved(a_message()) if action == "resolve" else a_message(action="update")
    assert after.send(later, refs).refs == refs
    (incident,) = account.incidents
    assert (incident.status, len(incident.events)) == (("resolved", 1) if action == "resolve" else ("triggered", 2))
    after.send(a_message(key="new"), {})
    assert account.incidents[-1].routing_key == ROUTING_KEY
    before.close()
    after.close()


@pytest.mark.parametrize("action", ["update", "resolve"])
def test_a_key_that_is_gone_is_a_lasting_failure_that_says_what_to_do_and_sends_nothing(
    pager: Notifier, account: FakePagerDuty, action: str
) -> None:
    gone = _with_keys(account, NEXT_KEY)
    refs = dict(gone.send(a_message(), {}).refs)
    gone.close()
    account.requests.clear()
    error = failure_of_sending(pager, a_message(action=action), refs)
    assert (error.failure, error.retry) == (Failure.UNAUTHORIZED, False)
    assert "previous_routing_keys" in str(error)
    assert not [key for key in (NEXT_KEY, ROUTING_KEY, PREVIOUS_KEY) if key in str(error) or key[:8] in str(error)]
    assert account.requests == []


def test_the_receipt_tells_keys_apart_and_not_the_key(pager: Notifier, account: FakePagerDuty) -> None:
    (fingerprint,) = pager.send(a_message(), {}).refs.values()
    assert len(fingerprint) == 8
    assert fingerprint not in ROUTING_KEY
    other = _with_keys(account, NEXT_KEY)
    assert set(other.send(a_message(), {}).refs.values()) != {fingerprint}
    other.close()


def test_a_key_from_a_file_may_end_in_a_line_break(account: FakePagerDuty) -> None:
    pager = _with_keys(account, f"{ROUTING_KEY}\n")
    pager.send(a_message(), {})
    pager.close()
    assert account.incidents[0].routing_key == ROUTING_KEY


def test_a_wrong_routing_key_is_a_lasting_failure_of_the_credentials(account: FakePagerDuty) -> None:
    for key in ("tooshort", ""):
        pager = _with_keys(account, key)
        error = failure_of_sending(pager)
        pager.close()
        assert (error.failure, error.retry) == (Failure.UNAUTHORIZED, False)
        assert "routing_key" in str(error)
