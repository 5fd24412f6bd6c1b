"""What an event of PagerDuty looks like, within the limits whatever the message."""

import json

import pytest
from fake_pagerduty import FakePagerDuty
from hostile_messages import messages
from hypothesis import given, settings
from hypothesis import strategies as st
from samples_notifiers import (
    ROUTING_KEY,
    a_message,
    an_alert,
    assert_golden,
    resolved,
)

from alerts.notifier import CallText, Link, Message, Notifier
from alerts.pagerduty_event import FEW_ALERTS, LONGEST_DEDUP_KEY, LONGEST_SUMMARY, MOST_BYTES, dedup_key, event

pytest_plugins = ("notifier_ends",)


def _group(count: int, labels: int = 1) -> Message:
    wide = {f"label-{number}": "x" * 250 for number in range(labels)}
    alerts = tuple(an_alert(labels={"source": "support", "service": f"s-{number}", **wide}) for number in range(count))
    return a_message(title=f"Firing: errors on support and {count - 1} more", alerts=alerts)


GOLDEN: dict[str, Message] = {
    "trigger": a_message(),
    "resolved": resolved(a_message()),
    "marked": a_message(replay=True, repeated=True, test=True),
    "two_alerts": a_message(
        severity="warning",
        alerts=(
            an_alert(labels={"source": "support", "rule": "errors", "service": "chat", "environment": "prod"}),
            an_alert(
                labels={"source": "search", "rule": "silent", "service": "rank", "environment": "prod"},
                state="no_data",
                value=None,
                lower=None,
                upper=None,
                n=0,
                reason="no calls",
                exemplars=(),
            ),
        ),
        links=(Link("no", "javascript:alert(1)"),),
    ),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_an_event_looks_as_in_its_golden_file(pager: Notifier, account: FakePagerDuty, name: str) -> None:
    pager.send(GOLDEN[name], {})
    sent = json.loads(account.requests[0].body)
    assert sent["routing_key"] == ROUTING_KEY
    assert_golden(f"pagerduty_{name}", sent | {"routing_key": "(the routing key)"})


def test_an_event_over_the_limit_goes_out_without_its_details_and_says_so(
    pager: Notifier, account: FakePagerDuty
) -> None:
    pager.send(_group(5, labels=2_000), {})
    payload = account.incidents[0].events[0]["payload"]
    assert "512 KB" in payload["custom_details"]["note"]
    assert payload["custom_details"]["alerts_in_all"] == 5
    assert payload["summary"].startswith("Firing: errors on support")


def test_an_event_over_the_limit_first_loses_all_alerts_but_a_few(pager: Notifier, account: FakePagerDuty) -> None:
    pager.send(_group(50, labels=100), {})
    details = account.incidents[0].events[0]["payload"]["custom_details"]
    assert (len(details["alerts"]), details["left_out"]) == (FEW_ALERTS, f"and {50 - FEW_ALERTS} more")


def test_the_chart_is_an_image_only_where_browsers_reach_it_by_https() -> None:
    shown = event(a_message(image="https://watch.example/chart.png?key=a b"))["images"]
    (link,) = a_message().links
    assert shown == [
        {
            "src": "https://watch.example/chart.png?key=a%20b",
            "alt": "The course of the measure",
            "href": link.href.replace(" ", "%20"),
        }
    ]
    for image in ("", "http://watch.example/chart.png", "https://", "javascript:alert(1)", "https://x/" + "a" * 3_000):
        assert "images" not in event(a_message(image=image))


def test_what_an_alert_is_compared_with_and_asked_for_texts_are_details() -> None:
    texts = (CallText("call-1", "How do I <b>pay</b>?", "By card."),)
    alert = an_alert(baseline="the rolling baseline of February", texts=texts)
    (told,) = event(a_message(alerts=(alert,)))["payload"]["custom_details"]["alerts"]
    assert told["compared_with"] == "the rolling baseline of February"
    assert told["texts"] == {"Prompt of call-1": "How do I <b>pay</b>?", "Response of call-1": "By card."}


def test_of_many_alerts_the_first_are_listed_and_the_rest_is_counted(pager: Notifier, account: FakePagerDuty) -> None:
    pager.send(_group(80), {})
    details = account.incidents[0].events[0]["payload"]["custom_details"]
    assert (len(details["alerts"]), details["left_out"]) == (50, "and 30 more")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_does_not_have_is_null(pager: Notifier, account: FakePagerDuty, value: float) -> None:
    pager.send(a_message(alerts=(an_alert(value=value, lower=value, upper=value),)), {})
    (alert,) = account.incidents[0].events[0]["payload"]["custom_details"]["alerts"]
    assert (alert["value"], alert["interval"]) == (None, [None, None])


@settings(max_examples=60, deadline=None)
@given(messages())
def test_any_event_is_within_the_limits(message: Message) -> None:
    whole = event(message)
    written = json.dumps(whole, ensure_ascii=False, allow_nan=False).encode()  # raises on a lone surrogate
    assert len(written) <= MOST_BYTES
    assert 0 < len(whole["payload"]["summary"]) <= LONGEST_SUMMARY
    assert whole["payload"]["source"]
    assert "\\u0000" not in written.decode()
    assert all(link["href"].startswith(("http://", "https://")) and link["text"] for link in whole["links"])


@settings(deadline=None)
@given(st.text(st.characters(), max_size=600))
def test_any_key_has_a_dedup_key_that_pagerduty_takes_and_that_is_its_own(key: str) -> None:
    made = dedup_key(key)
    assert 0 < len(made) <= LONGEST_DEDUP_KEY
    assert json.dumps(made, ensure_ascii=False).encode()
    assert made == dedup_key(key)
    assert made != dedup_key(f"{key}x")


def test_the_key_of_the_pipeline_is_sent_as_it_is() -> None:
    assert dedup_key("watchkeeper-0123abcd") == "watchkeeper-0123abcd"
