"""An alert in Prometheus' words: names that its rules allow, and alerts that stay apart."""

import re

from hostile_messages import HOSTILE, messages
from hypothesis import given
from hypothesis import strategies as st
from samples_notifiers import a_message, an_alert

from alerts.notifier import Link, Message
from alerts.prometheus_alert import annotations, fingerprint, generator_url, label_names, label_value, labels

NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


@given(st.sets(st.text(max_size=20) | st.sampled_from([*HOSTILE, "a.b", "a-b", "a_b", "a_b_2", "rule", "alertname"])))
def test_every_label_has_a_name_of_its_own_that_prometheus_allows(names: set[str]) -> None:
    found = label_names(names)
    assert found.keys() == names
    assert len(set(found.values())) == len(names)
    for each in found.values():
        assert NAME.fullmatch(each)
        assert not each.startswith("__")


def test_names_that_are_good_as_they_are_stay() -> None:
    assert label_names(["a-b", "a_b", "a.b", "9", "rule", "__x"]) == {
        "a_b": "a_b",
        "a-b": "a_b_2",
        "a.b": "a_b_3",
        "9": "_9",
        "rule": "alertname",
        "__x": "_x",
    }


@given(st.text(), st.text())
def test_two_values_stay_two(one: str, other: str) -> None:
    assert (label_value(one) == label_value(other)) == (one == other)


def test_a_long_value_is_cut_and_stays_apart_from_another() -> None:
    assert label_value("x" * 1000) != label_value("x" * 1001)
    assert len(label_value("x" * 100_000)) < 300


@given(messages())
def test_whatever_the_alert_holds_it_has_a_name_and_no_empty_label(message: Message) -> None:
    for alert in message.alerts[:3]:
        named = labels(alert, message)
        assert named["alertname"]
        assert all(named.values())
        assert all(annotations(alert, message).values())
        assert len(fingerprint(named)) == 16


def test_the_runbook_has_a_place_of_its_own() -> None:
    links = (Link("Runbook", "https://wiki.example.org/a"), Link("Status page", "https://watch.example.org/"))
    message = a_message(links=links)
    assert annotations(an_alert(), message)["runbook_url"] == "https://wiki.example.org/a"
    assert generator_url(message) == "https://watch.example.org/"


def test_a_link_that_go_would_not_parse_is_left_out() -> None:
    for href in ("https://a b/", "https://x/%zz", "https://user:pw@x/", "http://[::1", "https://x:y/"):
        assert generator_url(a_message(links=(Link("Status page", href),))) == ""
