"""When a group may speak, what repeats, what is one message, and what holds messages back."""

from collections import defaultdict
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from pipeline_kit import DAY, HOUR, MINUTE, SECOND, START, Stage, a_view

from alerts.grouping import Way, fingerprint, identity, states
from alerts.inhibition import unheard_source
from alerts.silences import Silence
from alerts.steps import Acknowledgement, Moment, Outcome
from config.matchers import parse_matcher
from config.receivers import AlertmanagerReceiver, WebhookReceiver
from config.routing import Routing, TimeInterval

ERRORS, SLOW = a_view("errors"), a_view("slow")
FIVE = Way(interval=5 * MINUTE)
FIRST = "trigger Firing: errors on app"
OVER = "resolve Resolved: errors on app"


def silence(*matchers: str, until: datetime = START + HOUR, since: datetime = START) -> Silence:
    """A silence that alice wants."""
    return Silence(3, tuple(map(parse_matcher, matchers)), since, until, "alice", "a deployment")


def last_text(stage: Stage) -> str:
    """What the last step of the last verdict says."""
    return stage.verdicts[-1][1].steps[-1].text


# How a receiver wants to be told


def a_webhook(**changes: Any) -> WebhookReceiver:
    return WebhookReceiver.model_validate({"kind": "webhook", "url": "https://example.org"} | changes)


def test_one_message_an_alert_waits_for_nothing_and_a_group_for_its_members() -> None:
    assert Way.of(a_webhook(), Routing()).wait == timedelta(0)
    assert Way.of(a_webhook(group_by=["rule"]), Routing()).wait == 30 * SECOND
    assert Way.of(a_webhook(group_by=["rule"], group_wait="0s"), Routing()).wait == timedelta(0)


def test_alertmanager_is_told_of_everything_at_once_since_it_groups_itself() -> None:
    receiver = AlertmanagerReceiver.model_validate({"kind": "alertmanager", "urls": "http://am:9093"})
    assert Way.of(receiver, Routing()) == Way()
    assert Way.of(a_webhook(), Routing()).digest_above == 10


# Timers


def test_the_first_message_waits_for_the_others_of_its_group() -> None:
    stage = Stage(Way(wait=30 * SECOND), ["source"])
    assert stage.look(ERRORS) == []
    assert stage.look(ERRORS, SLOW, after=20 * SECOND) == []
    assert stage.look(ERRORS, SLOW, after=10 * SECOND) == ["trigger Firing: errors on app and 1 more"]
    assert stage.outcomes() == ["waiting", "waiting", "first", "first"]


def test_what_ends_while_its_group_waits_is_never_told() -> None:
    stage = Stage(Way(wait=30 * SECOND))
    stage.look(ERRORS)
    assert stage.look(after=30 * SECOND) == []
    assert stage.outcomes() == ["waiting", "never_told"]
    assert stage.look(after=HOUR) == []
    assert stage.outcomes() == ["waiting", "never_told"]


def test_a_group_speaks_once_in_its_interval_and_then_says_how_it_stands() -> None:
    stage = Stage(FIVE)
    assert stage.look(ERRORS) == [FIRST]
    for _ in range(4):
        assert stage.look(after=30 * SECOND) == []
        assert stage.look(ERRORS, after=30 * SECOND) == []
    assert stage.look(after=MINUTE) == [OVER]
    assert stage.said[-1][1].alerts[0].ended == START + 5 * MINUTE
    assert stage.look(ERRORS, after=MINUTE) == []
    assert stage.look(ERRORS, after=4 * MINUTE) == [FIRST]


def test_an_end_that_waited_says_when_it_ended_and_not_when_it_is_told() -> None:
    stage = Stage(FIVE)
    stage.look(ERRORS)
    stage.look(after=MINUTE)
    assert stage.look(after=4 * MINUTE) == [OVER]
    assert stage.said[-1][1].alerts[0].ended == START + MINUTE
    assert stage.outcomes() == ["first", "waiting", "resolved"]


def test_what_still_fires_is_told_again_and_again_until_somebody_takes_it_on() -> None:
    stage = Stage(Way(repeat=4 * HOUR))
    stage.look(ERRORS)
    assert stage.look(ERRORS, after=4 * HOUR - SECOND) == []
    assert stage.look(ERRORS, after=SECOND) == ["update Still firing: errors on app"]
    assert stage.said[-1][1].reminder
    taken = {fingerprint(ERRORS.labels): Acknowledgement("alice", stage.at)}
    stage.around = replace(stage.around, acknowledged=taken)
    assert stage.look(ERRORS, after=SECOND) == ["acknowledge Acknowledged by alice: errors on app"]
    assert stage.look(ERRORS, after=9 * HOUR) == []
    assert stage.look(after=SECOND) == [OVER]


def test_an_acknowledgement_is_told_once_everything_in_the_group_is_taken_on() -> None:
    stage = Stage(group_by=["source"])
    stage.look(ERRORS, SLOW)
    stage.around = Moment(START, acknowledged={fingerprint(ERRORS.labels): Acknowledgement("alice", START)})
    assert stage.look(ERRORS, SLOW, after=SECOND) == []
    both = {fingerprint(each.labels): Acknowledgement("bob", START) for each in (ERRORS, SLOW)}
    stage.around = Moment(START, acknowledged=both)
    assert stage.look(ERRORS, SLOW, after=SECOND) == ["acknowledge Acknowledged by bob: errors on app and 1 more"]
    assert stage.look(ERRORS, SLOW, after=SECOND) == []


def test_a_clock_that_is_set_back_holds_nothing_up_for_longer_than_an_interval() -> None:
    stage = Stage(FIVE)
    stage.look(ERRORS)
    assert stage.look(after=-30 * DAY) == []
    assert stage.look(after=5 * MINUTE) == [OVER]


# Digests


def segments(count: int, severity: str = "warning") -> list[Any]:
    return [a_view("errors", service=f"s{number}", severity=severity) for number in range(count)]


def test_many_alerts_that_begin_at_once_are_one_message_and_end_as_one() -> None:
    stage = Stage(Way(interval=5 * MINUTE, digest_above=10))
    assert stage.look(*segments(500)) == ["trigger Firing: 500 alerts that began at once: 500 errors"]
    assert len(stage.said[0][1].alerts) == 500
    assert set(stage.outcomes()) == {"digest"}
    assert last_text(stage) == "in one message with 499 others that began at once"
    assert stage.look(*segments(100), after=5 * MINUTE) == ["update Firing: 100 alerts that began at once: 100 errors"]
    assert stage.look(after=5 * MINUTE) == ["resolve Resolved: 100 alerts that began at once: 100 errors"]


def test_as_many_as_are_allowed_are_told_one_by_one() -> None:
    assert len(Stage(Way(digest_above=10)).look(*segments(10))) == 10
    assert len(Stage(Way(digest_above=0)).look(*segments(30))) == 30


def test_what_is_critical_does_not_drown_in_what_is_not() -> None:
    said = Stage(Way(digest_above=10)).look(*segments(30), a_view("down", severity="critical"))
    assert sorted(said) == [
        "trigger Firing: 30 alerts that began at once: 30 errors",
        "trigger Firing: down on app",
    ]


def test_an_alert_of_a_digest_that_flaps_stays_in_it() -> None:
    stage = Stage(Way(interval=5 * MINUTE, digest_above=10))
    stage.look(*segments(20))
    assert stage.look(*segments(10), after=MINUTE) == []
    assert stage.look(*segments(20), after=MINUTE) == []
    assert stage.look(*segments(20), after=3 * MINUTE) == []
    assert stage.look(*segments(21), after=MINUTE) == ["trigger Firing: errors on app / s20"]


def test_a_second_wave_joins_the_digest_that_is_open_when_it_may_speak() -> None:
    stage = Stage(Way(interval=5 * MINUTE, digest_above=10))
    stage.look(*segments(20))
    assert stage.look(*segments(40), after=MINUTE) == []
    assert "many begin at once" in last_text(stage)
    assert stage.look(*segments(40), after=4 * MINUTE) == ["update Firing: 40 alerts that began at once: 40 errors"]


# What holds messages back


def test_a_silence_holds_the_first_message_until_it_ends() -> None:
    stage = Stage(around=Moment(START, silences=[silence("rule=errors")]))
    assert stage.look(ERRORS, SLOW) == ["trigger Firing: slow on app"]
    assert stage.look(ERRORS, SLOW, after=HOUR - SECOND) == []
    assert stage.look(ERRORS, SLOW, after=SECOND) == [FIRST]
    assert stage.outcomes().count("silenced") == 1


def test_what_ends_in_silence_is_told_only_if_its_start_was() -> None:
    stage = Stage()
    stage.look(ERRORS)
    stage.around = Moment(START, silences=[silence("source=app")])
    assert stage.look(ERRORS, SLOW, after=SECOND) == []
    assert stage.look(after=SECOND) == [OVER]
    assert sorted(stage.outcomes()) == ["first", "never_told", "resolved", "silenced", "silenced"]


def test_a_silence_that_comes_while_an_alert_fires_holds_changes_and_reminders() -> None:
    stage = Stage(Way(repeat=HOUR))
    stage.look(ERRORS)
    stage.around = Moment(START, silences=[silence("rule=errors", until=START + DAY)])
    assert stage.look(a_view("errors", "no_data"), after=MINUTE) == []
    assert stage.look(ERRORS, after=2 * HOUR) == []
    assert last_text(stage) == "silence 3 of alice holds until 2026-03-06 12:00:00 UTC: a deployment"


def test_one_silenced_member_does_not_silence_its_group() -> None:
    stage = Stage(group_by=["source"], around=Moment(START, silences=[silence("rule=slow")]))
    assert stage.look(ERRORS, SLOW) == [FIRST]
    assert stage.look(ERRORS, SLOW, after=HOUR) == ["update Firing: errors on app and 1 more"]


def test_a_source_of_which_nothing_is_known_holds_back_every_alert_of_that_source() -> None:
    silent = a_view("source_silent")
    rule = unheard_source(("source_silent", "source_failing")).among([silent.labels])
    stage = Stage(around=Moment(START, inhibitors=[rule]))
    elsewhere = a_view("errors", source="other")
    assert sorted(stage.look(ERRORS, elsewhere, silent)) == [
        "trigger Firing: errors on other",
        "trigger Firing: source_silent on app",
    ]
    assert last_text(stage) == "the first message of its group"
    inhibited = next(each for _, each in stage.verdicts if each.outcome is Outcome.INHIBITED)
    assert inhibited.steps[-1].text.startswith("held back while source_silent fires on app (alert ")


def test_a_source_that_catches_up_says_nothing_new_but_what_ended_was_decided_before() -> None:
    stage = Stage(Way(interval=MINUTE), around=Moment(START, own_rules=frozenset({"source_failing"})))
    stage.look(ERRORS)
    stage.around = replace(stage.around, behind=frozenset({"app"}))
    assert stage.look(SLOW, a_view("source_failing"), after=MINUTE) == [OVER, "trigger Firing: source_failing on app"]
    stage.around = replace(stage.around, behind=frozenset())
    assert stage.look(SLOW, a_view("source_failing"), after=MINUTE) == ["trigger Firing: slow on app"]


@pytest.mark.parametrize(("mute", "active"), [(["evening"], []), ([], ["office"])])
def test_a_receiver_that_is_mute_hears_what_began_when_it_may(mute: list[str], active: list[str]) -> None:
    evening = TimeInterval.model_validate({"times": [{"start_time": "12:00", "end_time": "24:00"}]})
    office = TimeInterval.model_validate({"times": [{"start_time": "00:00", "end_time": "12:00"}]})
    known = {"evening": [evening], "office": [office]}
    stage = Stage(Way(mute={name: known[name] for name in mute}, active={name: known[name] for name in active}))
    assert stage.look(ERRORS) == []
    assert stage.outcomes() == ["muted"]
    assert stage.look(ERRORS, after=12 * HOUR) == [FIRST]


def test_a_canary_waits_for_nothing() -> None:
    stage = Stage(FIVE, around=Moment(START, prompt_rules=frozenset({"canary"})))
    assert stage.look(a_view("canary")) == ["trigger Firing: canary on app"]
    assert stage.look(after=SECOND) == ["resolve Resolved: canary on app"]


# Whatever happens


class Telling(RuleBasedStateMachine):
    """Segments fire and end, silences come and go, time passes and jumps back; people take alerts on."""

    services = ("a", "b", "c", "d")

    @initialize(
        group_by=st.sampled_from([None, ["source"], []]),
        wait=st.sampled_from([0, 30]),
        interval=st.sampled_from([0, 300]),
        repeat=st.sampled_from([0, 1200]),
        above=st.sampled_from([0, 2]),
    )
    def begin(self, group_by: list[str] | None, wait: int, interval: int, repeat: int, above: int) -> None:
        self.way = Way(wait * SECOND, interval * SECOND, repeat * SECOND, above)
        self.stage = Stage(self.way, group_by)
        self.firing: dict[str, Any] = {}
        self.jumped = False

    @rule(services=st.sets(st.sampled_from(services)), state=st.sampled_from(["firing", "no_data"]))
    def change(self, services: set[str], state: Any) -> None:
        self.firing = {each: a_view(state=state, service=each, since=self.stage.at) for each in services}
        over = {fingerprint(a_view(service=each).labels) for each in set(self.services) - services}
        kept = {name: taken for name, taken in self.stage.around.acknowledged.items() if name not in over}
        self.stage.around = replace(self.stage.around, acknowledged=kept)
        self.stage.look(*self.firing.values())

    @rule(seconds=st.sampled_from([10, 10, 30, 300, 1200]))
    def wait(self, seconds: int) -> None:
        self.stage.look(*self.firing.values(), after=seconds * SECOND)

    @rule()
    def jump_back(self) -> None:
        self.jumped = True
        self.stage.look(*self.firing.values(), after=-HOUR)

    @rule(service=st.sampled_from(services), seconds=st.sampled_from([30, 600]))
    def silence(self, service: str, seconds: int) -> None:
        until = self.stage.at + seconds * SECOND
        found = silence(f"service={service}", since=self.stage.at, until=until)
        self.stage.around = replace(self.stage.around, silences=[*self.stage.around.silences, found])

    @rule(service=st.sampled_from(services))
    def take_on(self, service: str) -> None:
        if service in self.firing:
            name = fingerprint(self.firing[service].labels)
            taken = {**self.stage.around.acknowledged, name: Acknowledgement("alice", self.stage.at)}
            self.stage.around = replace(self.stage.around, acknowledged=taken)

    def teardown(self) -> None:
        """Once all silences are over and everybody has waited, what was told is what fires; and in the end nothing."""
        if not hasattr(self, "stage"):
            return
        for firing in (list(self.firing.values()), []):
            for _ in range(3):
                self.stage.look(*firing, after=HOUR)
            told = [view for group in self.stage.groups.values() for view in group.told_active().values()]
            assert states(told) == states(firing)
            assert len(told) == len(firing)
        self.each_key_opens_changes_and_closes_in_this_order()

    @invariant()
    def each_key_opens_changes_and_closes_in_this_order(self) -> None:
        is_open: dict[str, bool] = defaultdict(bool)
        for _, message in getattr(self, "stage", Stage()).said:
            assert (message.action == "trigger") == (not is_open[message.key])
            is_open[message.key] = message.action != "resolve"

    @invariant()
    def a_group_speaks_once_in_its_interval(self) -> None:
        if not hasattr(self, "stage") or self.jumped:
            return
        last: dict[str, datetime] = {}
        for at, message in self.stage.said:
            if message.action != "acknowledge":
                assert message.key not in last or at - last[message.key] >= self.way.interval
                last[message.key] = at

    @invariant()
    def an_end_is_told_only_of_what_was_told(self) -> None:
        told: dict[str, set[Any]] = defaultdict(set)
        for _, message in getattr(self, "stage", Stage()).said:
            for view in message.alerts:
                if view.state == "resolved":
                    assert identity(view.labels) in told[message.key]
            active = {identity(view.labels) for view in message.alerts if view.state != "resolved"}
            told[message.key] = set() if message.action == "resolve" else active

    @invariant()
    def an_alert_is_told_in_one_group_at_a_time(self) -> None:
        if not hasattr(self, "stage"):
            return
        told = [which for group in self.stage.groups.values() for which in group.told_active()]
        assert len(told) == len(set(told))

    @invariant()
    def what_is_written_down_is_bounded(self) -> None:
        """Nothing is written twice in a row of an alert unless it was told twice."""
        last: dict[str, str] = {}
        for _, verdict in getattr(self, "stage", Stage()).verdicts:
            assert verdict.is_sent or last.get(verdict.alert) != verdict.word
            last[verdict.alert] = verdict.word


TestTelling = Telling.TestCase
TestTelling.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)
