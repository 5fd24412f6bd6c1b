"""From alerts to messages: what is decided, how a group is named, and what a message tells."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.grouping import Group, fingerprint, group_key, identity
from alerts.messages import ACTIONS, message
from alerts.notifier import AlertView, Message
from alerts.pipeline import decide
from alerts.rules import Alert, AlertId, State
from alerts.steps import Outcome
from alerts.view import Active, is_active, labels_of, view
from config.alerts import Rule
from detectors.measurement import OTHER, Segment, Value

AT = datetime(2026, 3, 5, 12, tzinfo=UTC)
CLOSED = Group("k", "slack")


def a_view(name: str = "errors", state: Any = "firing", **labels: str) -> AlertView:
    """One alert as a person reads it."""
    own = {"severity": "warning", "rule": name, "source": "app"} | labels
    return AlertView(own, summary=f"{name} is high", state=state, since=AT - timedelta(minutes=5), value=0.9)


def opened(*told: AlertView) -> Group:
    """A group whose receiver was told of these alerts."""
    return Group("k", "slack", True, told)


def an_active(state: State = State.FIRING, **changes: Any) -> Active:
    """An alert on one segment with its rule."""
    alert_id = AlertId("errors", "app", Segment.of(service="chat", model="m"), (("percentile", "95"),))
    rule = Rule.model_validate({"measure": "error_ratio", "above": 0.05, "severity": "critical"} | changes)
    value = Value(0.1234567, 0.1, 0.2, 100)
    return Active(alert_id, rule, Alert(state, since=AT, fired_at=AT, value=value, reason="because"), ("call-1",))


@pytest.mark.parametrize(
    ("group", "active", "outcome"),
    [
        (CLOSED, [], Outcome.NOTHING),
        (CLOSED, [a_view()], Outcome.FIRST),
        (opened(a_view()), [a_view()], Outcome.UNCHANGED),
        (opened(a_view()), [], Outcome.RESOLVED),
        (opened(a_view()), [a_view("slow")], Outcome.CHANGED),
        (opened(a_view()), [a_view(), a_view("slow")], Outcome.CHANGED),
        (opened(a_view(), a_view("slow")), [a_view()], Outcome.CHANGED),
        (opened(a_view()), [a_view(state="no_data")], Outcome.CHANGED),
        (opened(a_view()), [a_view(severity="critical")], Outcome.CHANGED),
        (opened(a_view(), a_view("slow")), [a_view("slow"), a_view()], Outcome.UNCHANGED),
        (opened(a_view(), a_view("slow", state="resolved")), [a_view()], Outcome.UNCHANGED),
        (opened(a_view(), a_view("slow", state="resolved")), [a_view(), a_view("slow")], Outcome.CHANGED),
        (opened(a_view()), [replace(a_view(), value=0.95, n=7, exemplars=("x",))], Outcome.UNCHANGED),
    ],
)
def test_what_is_decided(group: Group, active: Sequence[AlertView], outcome: Outcome) -> None:
    assert decide(group, active) is outcome


def test_only_five_outcomes_are_messages() -> None:
    assert ACTIONS == {
        Outcome.FIRST: "trigger",
        Outcome.CHANGED: "update",
        Outcome.RESOLVED: "resolve",
        Outcome.REPEATED: "update",
        Outcome.ACKNOWLEDGED: "acknowledge",
    }


@pytest.mark.parametrize("state", State)
def test_people_hear_of_firing_missing_data_and_errors(state: State) -> None:
    assert is_active(Alert(state)) == (state in (State.FIRING, State.NO_DATA, State.ERROR))


texts = st.text(max_size=3)
label_sets = st.dictionaries(texts, texts, max_size=3)


@given(label_sets, st.randoms(), st.none() | st.lists(texts, max_size=3))
def test_the_order_of_labels_does_not_change_the_key(
    labels: dict[str, str], dice: Any, group_by: list[str] | None
) -> None:
    shuffled = list(labels.items())
    dice.shuffle(shuffled)
    assert group_key("slack", labels, group_by) == group_key("slack", dict(shuffled), group_by)


@given(label_sets, label_sets, texts, texts)
def test_different_labels_or_receivers_have_different_keys(
    one: dict[str, str], two: dict[str, str], here: str, there: str
) -> None:
    assert (group_key(here, one, None) == group_key(there, two, None)) == ((here, one) == (there, two))


@given(label_sets, st.lists(texts, max_size=3))
def test_only_the_labels_of_group_by_count(labels: dict[str, str], group_by: list[str]) -> None:
    chosen = {name: value for name, value in labels.items() if name in group_by}
    assert group_key("slack", labels, group_by) == group_key("slack", chosen, None)


def test_an_empty_group_by_is_one_group_for_everything() -> None:
    assert group_key("slack", {"rule": "a"}, []) == group_key("slack", {"rule": "b"}, [])


def test_a_replay_has_keys_of_its_own_that_every_channel_takes() -> None:
    labels = {"rule": "\ud800" * 1000, "service": "\0"}
    live, replayed = group_key("slack", labels, None), group_key("slack", labels, None, "replay-")
    assert replayed == f"replay-{live}"
    assert len(replayed) < 100
    assert replayed.isascii()


def test_the_key_of_a_group_is_what_it_was_in_every_version() -> None:
    """It names incidents that are open at PagerDuty: another version must find them again."""
    assert (
        group_key("oncall", {"rule": "errors", "source": "app"}, None) == "watchkeeper-713eabae051377020b77acb502e83a7b"
    )


def test_an_alert_has_the_labels_of_rule_source_severity_segment_and_measurement() -> None:
    assert an_active().labels() == {
        "rule": "errors",
        "source": "app",
        "severity": "critical",
        "service": "chat",
        "model": "m",
        "percentile": "95",
    }


def test_severity_is_no_part_of_what_an_alert_is() -> None:
    active = an_active()
    assert (
        identity(active.labels()) == identity(labels_of(active.id)) == identity(active.labels() | {"severity": "info"})
    )


def test_a_firing_alert_is_shown_with_its_number_and_calls() -> None:
    shown = view(an_active(over="5m"))
    assert (shown.state, shown.since, shown.condition) == ("firing", AT, "above 0.05 over 5m")
    assert (shown.value, shown.lower, shown.upper, shown.n) == (0.1234567, 0.1, 0.2, 100)
    assert shown.summary == "error_ratio percentile 95 is 0.1235 (above 0.05 over 5m)"
    assert shown.exemplars == ("call-1",)


@pytest.mark.parametrize("state", [State.NO_DATA, State.ERROR])
def test_an_alert_without_data_shows_the_reason_and_not_the_last_good_number(state: State) -> None:
    shown = view(an_active(state))
    assert (shown.value, shown.lower, shown.upper, shown.n, shown.reason) == (None, None, None, None, "because")
    assert shown.summary == "error_ratio percentile 95: because (above 0.05)"


def test_a_fingerprint_names_an_alert_whatever_its_severity_and_the_order_of_its_labels() -> None:
    labels = an_active().labels()
    assert fingerprint(labels) == fingerprint(dict(reversed(labels.items())) | {"severity": "info"})
    assert fingerprint(labels) != fingerprint(labels | {"model": "n"})
    assert fingerprint({"rule": "errors", "source": "app"}) == "63bc74abac70"  # people have it in their notes


def test_the_summary_of_the_rule_is_used_as_it_is() -> None:
    assert view(an_active(summary="Calls <fail>")).summary == "Calls <fail>"


def test_the_first_message_tells_what_fires() -> None:
    told = message(CLOSED, Outcome.FIRST, [a_view()], AT)
    assert (told.key, told.action, told.at, told.alerts) == ("k", "trigger", AT, (a_view(),))


def test_a_change_tells_what_fires_first_and_then_what_of_the_told_has_ended_and_why() -> None:
    group = opened(a_view("errors"), a_view("slow"), a_view("old", state="resolved"))
    slow = replace(a_view("slow", state="resolved"), ended=AT - timedelta(minutes=1), reason="gone")
    told = message(group, Outcome.CHANGED, [a_view("cost"), a_view("errors"), slow], AT)
    assert [(each.labels["rule"], each.state, each.ended, each.reason) for each in told.alerts] == [
        ("cost", "firing", None, ""),
        ("errors", "firing", None, ""),
        ("slow", "resolved", AT - timedelta(minutes=1), "gone"),
    ]


def test_a_resolve_tells_of_everything_that_was_told() -> None:
    told = message(opened(a_view("errors"), a_view("slow")), Outcome.RESOLVED, [], AT)
    assert (told.action, [(each.labels["rule"], each.state) for each in told.alerts]) == (
        "resolve",
        [("errors", "resolved"), ("slow", "resolved")],
    )


def test_an_alert_whose_severity_changes_is_not_told_as_ended() -> None:
    told = message(opened(a_view()), Outcome.CHANGED, [a_view(severity="critical")], AT)
    assert [(each.state, each.labels["severity"]) for each in told.alerts] == [("firing", "critical")]
    assert told.severity == "critical"


def test_a_change_still_leads_to_the_calls_behind_an_alert_that_goes_on() -> None:
    group = opened(replace(a_view("errors"), exemplars=("call-1",)))
    told = message(group, Outcome.CHANGED, [a_view("errors"), replace(a_view("slow"), exemplars=("call-2",))], AT)
    assert [each.exemplars for each in told.alerts] == [("call-1",), ("call-2",)]


def test_a_message_is_as_severe_as_its_worst_alert() -> None:
    views = [a_view("a", severity="info"), a_view("b", severity="error"), a_view("c")]
    assert message(CLOSED, Outcome.FIRST, views, AT).severity == "error"


@pytest.mark.parametrize(
    ("outcome", "active", "title"),
    [
        (Outcome.FIRST, [a_view()], "Firing: errors on app"),
        (Outcome.FIRST, [a_view(state="no_data")], "No data: errors on app"),
        (Outcome.FIRST, [a_view(state="error")], "Broken rule: errors on app"),
        (Outcome.CHANGED, [a_view("b"), a_view("c")], "Firing: b on app and 2 more"),
        (Outcome.RESOLVED, [], "Resolved: told on app"),
        (
            Outcome.FIRST,
            [a_view(service="s", model=OTHER, percentile="95", receiver="r")],
            "Firing: errors on app / s / r",
        ),
    ],
)
def test_the_title_says_what_and_where(outcome: Outcome, active: list[AlertView], title: str) -> None:
    group = CLOSED if outcome is Outcome.FIRST else opened(a_view("told"))
    assert message(group, outcome, active, AT).title == title


def test_the_title_of_the_end_names_the_place_as_that_of_the_beginning_did() -> None:
    """Labels come back from the store in alphabetical order."""
    first = a_view(service="chat", model="m", environment="prod")
    stored = replace(first, labels=dict(sorted(first.labels.items())))
    begin = message(CLOSED, Outcome.FIRST, [first], AT).title
    end = message(opened(stored), Outcome.RESOLVED, [], AT).title
    assert begin == "Firing: errors on app / chat / prod / m"
    assert end.removeprefix("Resolved") == begin.removeprefix("Firing")


names = st.sampled_from(["errors", "slow", "cost"])
states = st.sampled_from(["firing", "no_data", "error"])


@given(st.lists(st.dictionaries(names, states), max_size=30))
def test_what_the_receiver_was_told_always_agrees_with_what_is_active(steps: list[Mapping[str, str]]) -> None:
    group, sent = CLOSED, list[Message]()
    for step in steps:
        active = [a_view(name, state) for name, state in step.items()]
        outcome = decide(group, active)
        if outcome in ACTIONS:
            was_open = group.is_open
            sent.append(message(group, outcome, active, AT))
            group = Group("k", "slack", outcome is not Outcome.RESOLVED, sent[-1].alerts)
            assert (sent[-1].action == "trigger") == (not was_open)
        assert group.is_open == bool(active)
        last = sent[-1].alerts if sent else ()
        assert {(each.labels["rule"], each.state) for each in last if each.state != "resolved"} == set(step.items())
    actions = [each.action for each in sent]
    assert all(a != b or a == "update" for a, b in zip(["resolve", *actions], actions, strict=False))
