"""The service's own health, and who is told what when: sources that fail or catch up, channels that fail, rules that go."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import stores
from hypothesis import settings as examples
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from logs import Log, duckdb_log
from sqlmodel import select

from alerts.grouping import group_key, identity
from alerts.notifier import Message
from alerts.rules import Alert, AlertId
from alerts.view import is_active, labels_of
from alerts.watch import Readings
from config.alerts import Rule
from config.detectors import Text
from config.receivers import PagerDutyReceiver, SlackReceiver
from config.settings import Settings
from config.sources.files import FilesSource
from detectors.measurement import Batch, Key, Labels, Reason, Segment, Series, Window
from monitor.counters import Counters
from monitor.decide import GONE, decide_health, decide_slots
from monitor.health import CHANNEL_FAILING, SOURCE_FAILING, SOURCE_SILENT, TEXTS_FAILING, health_rule, observe
from monitor.house import House, Watched
from monitor.meter import Meter
from monitor.reading.desk import TextDesk
from monitor.store import groups, outbox, states
from monitor.store.database import Database
from monitor.store.tables import ChannelRow, OutboxRow, ProgressRow, TransitionRow

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
# Receivers that are told of everything as it happens; those that wait are in test_timers.py.
AT_ONCE = {"group_wait": "0s", "group_interval": "0s", "repeat_interval": "0s"}
ERRORS = Key.of("error_ratio")
A, B = Segment.of(service="a"), Segment.of(service="b")


def slack(**changes: Any) -> SlackReceiver:
    return SlackReceiver.model_validate(
        {"kind": "slack", "webhook_url": "https://hooks.slack.com/services/T/B/x"} | AT_ONCE | changes
    )


def pagerduty(**changes: Any) -> PagerDutyReceiver:
    return PagerDutyReceiver.model_validate({"kind": "pagerduty", "routing_key": "k" * 32} | AT_ONCE | changes)


def a_rule(**changes: Any) -> Rule:
    return Rule.model_validate({"measure": "error_ratio", "above": 0.5} | changes)


def configured(*sources: str, **changes: Any) -> Settings:
    """Settings with some sources, the rule `errors` and the receiver `slack`, unless they say something else."""
    files = {name: FilesSource(kind="files", paths=["calls.jsonl"]) for name in sources or ("app",)}
    return Settings.model_validate(
        {"sources": files, "rules": {"errors": a_rule()}, "receivers": {"slack": slack()}} | changes
    )


@pytest.fixture
def store() -> Iterator[Database]:
    database = stores.in_memory()
    yield database
    database.close()


CALLS: Log | None = None


def failed_calls() -> Log:
    """A log with one call that failed in the minute before `NOW`."""
    global CALLS  # noqa: PLW0603  made for the first test that fires an alert
    if CALLS is None:
        call = {
            "id": "call-1",
            "started_at": NOW - 30 * SECOND,
            "latency_s": 1.0,
            "error_type": "server",
            "service": "a",
        }
        CALLS = duckdb_log([call])
    return CALLS


def house_of(store: Database, settings: Settings, *, replay: bool = False) -> House:
    """The service's parts, over sources that are never read but for the calls behind an alert."""
    sources = {}
    for name, source in settings.sources.items():
        mine = [each for each in settings.rules.values() if not each.sources or name in each.sources]
        log: Any = failed_calls()
        sources[name] = Watched(name, source, log, Meter.of(settings, source, mine))
    return House(settings, store, sources, Counters(), TextDesk(settings.text), replay=replay)


def minutes(
    source: str, last: datetime, *values: float | None, segments: tuple[Segment, ...] = (Segment(),)
) -> Readings:
    """The error ratio of the minutes up to `last`, the same in each segment; None is no calls."""
    first = last - len(values) * MINUTE
    windows = [Window(first + number * MINUTE, first + (number + 1) * MINUTE) for number in range(len(values))]
    numbers = np.array([np.nan if each is None else each for each in values for _ in segments])
    rows = [(segment, window) for window in windows for segment in segments]
    series = {ERRORS: Series(numbers, n=np.full(len(rows), 100.0), reason=Reason.NO_CALLS)}
    return Readings(source, MINUTE, {(segments[0].columns, MINUTE): Batch(source, rows, series)})


def decide(house: House, source: str, now: datetime, last: datetime, *values: float | None, **more: Any) -> None:
    """Decides the slots up to `last`, as a cycle at `now` does."""
    ends = [last - (len(values) - 1 - number) * MINUTE for number in range(len(values))]
    decision = decide_slots(house, house.sources[source], minutes(source, last, *values, **more), ends, now)
    with house.database.transaction() as session:
        decision.save(session, now)


def look(house: House, now: datetime) -> None:
    """Looks at the service's own health."""
    decision = decide_health(house, now)
    with house.database.transaction() as session:
        decision.save(session, now)


def progress(store: Database, name: str = "app", **changes: Any) -> None:
    """Notes how a source is doing."""
    with store.transaction() as session:
        row = states.progress(session, name, NOW - 10 * HOUR)
        for field, value in changes.items():
            setattr(row, field, value)


def messages(store: Database) -> list[tuple[str, Message]]:
    """Every message that was made, with its receiver."""
    with store.reading() as session:
        rows = session.exec(select(OutboxRow).order_by(OutboxRow.id))  # type: ignore[arg-type]
        return [(row.receiver, outbox.message_of(row)) for row in rows]


def said(store: Database) -> list[str]:
    """Every message in words: receiver, action, rules with states."""
    return [
        f"{receiver} {message.action}: " + ", ".join(f"{each.labels['rule']} {each.state}" for each in message.alerts)
        for receiver, message in messages(store)
    ]


def history(store: Database) -> list[tuple[str, str, str, str | None]]:
    """Every transition: rule, states, why nobody was told."""
    with store.reading() as session:
        rows = session.exec(select(TransitionRow).order_by(TransitionRow.id))  # type: ignore[arg-type]
        return [(row.rule, row.from_state, row.to_state, row.held) for row in rows]


def remembered(store: Database) -> dict[AlertId, Alert]:
    with store.reading() as session:
        return states.alerts(session)


# What the built-in rules read


def observed(
    settings: Settings, rows: list[ProgressRow], channels: list[ChannelRow]
) -> dict[tuple[str, str, Labels], Any]:
    found = observe(settings, {row.source: row for row in rows}, {row.receiver: row for row in channels}, {}, NOW)
    return {(each.rule, each.source, each.labels): value.value for each, value in found}


CHANNEL = (CHANNEL_FAILING, "watchkeeper", (("receiver", "slack"),))


def test_a_source_that_works_is_neither_failing_nor_silent() -> None:
    row = ProgressRow(source="app", watched_since=NOW - HOUR, newest=NOW - 2 * MINUTE, last_success_at=NOW - MINUTE)
    assert observed(configured(), [row], []) == {
        (SOURCE_FAILING, "app", ()): 0,
        (SOURCE_SILENT, "app", ()): 60,
        (TEXTS_FAILING, "app", ()): 0,
        CHANNEL: 0,
    }


def test_while_a_source_fails_nobody_knows_whether_it_is_silent() -> None:
    row = ProgressRow(source="app", watched_since=NOW - HOUR, newest=NOW - HOUR, failing_since=NOW - MINUTE)
    found = observed(configured(), [row], [])
    assert (found[SOURCE_FAILING, "app", ()], found[SOURCE_SILENT, "app", ()]) == (60, None)


@pytest.mark.parametrize("newest", [None, NOW - timedelta(days=30)])
def test_a_source_is_silent_since_it_is_watched_at_most(newest: datetime | None) -> None:
    row = ProgressRow(source="app", watched_since=NOW - MINUTE, newest=newest, last_success_at=NOW)
    assert observed(configured(), [row], [])[SOURCE_SILENT, "app", ()] == 60


def test_a_source_that_was_never_read_and_a_removed_one_are_not_looked_at() -> None:
    row = ProgressRow(source="removed", watched_since=NOW - HOUR)
    assert observed(configured(), [row], []) == {CHANNEL: 0}


def test_a_channel_fails_since_its_first_failure() -> None:
    assert observed(configured(), [], [ChannelRow(receiver="slack", failing_since=NOW - HOUR)])[CHANNEL] == 3600


def test_a_built_in_rule_needs_its_subject_in_the_settings() -> None:
    quiet = {"app": FilesSource(kind="files", paths=["x"], silent_after=timedelta(0))}
    settings = configured(sources=quiet)
    ids = [
        AlertId(SOURCE_FAILING, "app", Segment(), ()),
        AlertId(SOURCE_SILENT, "app", Segment(), ()),
        AlertId(SOURCE_FAILING, "removed", Segment(), ()),
        AlertId(CHANNEL_FAILING, "watchkeeper", Segment(), (("receiver", "slack"),)),
        AlertId(CHANNEL_FAILING, "watchkeeper", Segment(), (("receiver", "removed"),)),
        AlertId("errors", "app", Segment(), ()),
    ]
    assert [health_rule(settings, each) is not None for each in ids] == [True, False, False, True, False, False]


def test_texts_that_cannot_be_read_are_an_alert_of_their_own(store: Database) -> None:
    house = house_of(store, configured())
    progress(store, newest=NOW, last_success_at=NOW)
    house.desk.failed("app", "the endpoint does not answer", NOW)
    look(house, NOW + 301 * SECOND)
    assert said(store) == ["slack trigger: texts_failing firing"]
    house.desk.succeeded("app")
    progress(store, newest=NOW + 400 * SECOND, last_success_at=NOW + 400 * SECOND)
    look(house, NOW + 401 * SECOND)
    assert said(store)[1:] == ["slack resolve: texts_failing resolved"]


def test_texts_that_are_not_read_cannot_fail() -> None:
    row = ProgressRow(source="app", watched_since=NOW - HOUR, newest=NOW, last_success_at=NOW)
    found = observed(configured(text=Text(enabled=False)), [row], [])
    assert not any(rule == TEXTS_FAILING for rule, _, _ in found)


# Sources and channels in trouble


def test_a_source_that_fails_for_five_minutes_is_told_and_so_is_its_recovery(store: Database) -> None:
    house = house_of(store, configured())
    progress(store, newest=NOW, failing_since=NOW)
    for seconds in range(0, 400, 10):
        look(house, NOW + seconds * SECOND)
    assert said(store) == ["slack trigger: source_failing firing"]
    progress(store, failing_since=None, newest=NOW + 400 * SECOND)
    look(house, NOW + 400 * SECOND)
    assert said(store)[1:] == ["slack resolve: source_failing resolved"]
    assert messages(store)[0][1].at == NOW + 310 * SECOND


def test_a_silent_source_is_told_once_and_stays_told_while_it_fails(store: Database) -> None:
    house = house_of(store, configured())
    progress(store, newest=NOW - 61 * MINUTE, last_success_at=NOW)
    look(house, NOW)
    progress(store, failing_since=NOW)
    look(house, NOW + MINUTE)
    assert said(store) == ["slack trigger: source_silent firing"]
    progress(store, failing_since=None, newest=NOW + MINUTE, last_success_at=NOW + 2 * MINUTE)
    look(house, NOW + 2 * MINUTE)
    assert said(store)[1:] == ["slack resolve: source_silent resolved"]


def test_a_source_that_was_not_read_since_is_not_silent_for_that(store: Database) -> None:
    house = house_of(store, configured())
    progress(store, newest=NOW, last_success_at=NOW)
    look(house, NOW + 10 * HOUR)
    assert said(store) == []


def test_that_a_channel_fails_is_told_to_every_other_one(store: Database) -> None:
    house = house_of(store, configured(receivers={"slack": slack(), "oncall": pagerduty(), "team": slack()}))
    with store.transaction() as session:
        session.add(ChannelRow(receiver="slack", failing_since=NOW - HOUR))
    look(house, NOW)
    assert sorted(said(store)) == ["oncall trigger: channel_failing firing", "team trigger: channel_failing firing"]


def test_that_the_only_channel_fails_is_told_to_nobody_but_kept(store: Database) -> None:
    house = house_of(store, configured())
    with store.transaction() as session:
        session.add(ChannelRow(receiver="slack", failing_since=NOW - HOUR))
    look(house, NOW)
    assert said(store) == []
    assert history(store) == [(CHANNEL_FAILING, "inactive", "firing", None)]


def test_health_goes_to_the_receivers_that_it_names_with_its_severity(store: Database) -> None:
    receivers = {"slack": slack(), "oncall": pagerduty()}
    house = house_of(store, configured(receivers=receivers, health={"receiver": ["oncall"], "severity": "critical"}))
    progress(store, failing_since=NOW - HOUR)
    look(house, NOW)
    assert said(store) == ["oncall trigger: source_failing firing"]
    assert messages(store)[0][1].severity == "critical"


def test_a_clock_that_goes_backwards_decides_nothing(store: Database) -> None:
    house = house_of(store, configured())
    progress(store, failing_since=NOW - HOUR)
    look(house, NOW)
    look(house, NOW - MINUTE)
    look(house, NOW)
    assert said(store) == ["slack trigger: source_failing firing"]


# What has gone


@pytest.mark.parametrize(
    "after",
    [
        configured(rules={}),
        configured("other"),
        configured("app", "other", rules={"errors": a_rule(sources=["other"])}),
        configured(rules={"errors": a_rule(by=["model"])}),
        configured(rules={"errors": a_rule(by=["service", "model"])}),
        configured(rules={"errors": a_rule(by=["service"], labels={"service": "b"})}),
    ],
    ids=["rule", "source", "source of the rule", "segment", "finer segment", "chosen segment"],
)
def test_an_alert_whose_rule_segment_or_source_has_gone_is_resolved_with_that_reason(
    store: Database, after: Settings
) -> None:
    before = configured("app", "other", rules={"errors": a_rule(by=["service"], no_data="alert")})
    decide(house_of(store, before), "app", NOW, NOW, None, segments=(A,))
    assert said(store) == ["slack trigger: errors no_data"]
    look(house_of(store, after), NOW + MINUTE)
    assert said(store)[1:] == ["slack resolve: errors resolved"]
    assert [each.reason for each in messages(store)[1][1].alerts] == [GONE]
    assert history(store)[1:] == [("errors", "no_data", "inactive", None)]
    assert remembered(store) == {}


def test_what_was_never_told_goes_in_silence(store: Database) -> None:
    settings = configured(rules={"errors": a_rule(no_data="alert", **{"for": "5m"})})
    decide(house_of(store, settings), "app", NOW, NOW, None)
    assert remembered(store) != {}
    look(house_of(store, configured(rules={})), NOW + MINUTE)
    assert (said(store), remembered(store)) == ([], {})


def test_a_rule_that_was_removed_and_comes_back_reads_on(store: Database) -> None:
    with_rule = house_of(store, configured(rules={"errors": a_rule(no_data="alert", **{"for": "1m"})}))
    decide(with_rule, "app", NOW, NOW, None)
    look(house_of(store, configured(rules={})), NOW + HOUR)
    decide(with_rule, "app", NOW + 2 * MINUTE, NOW + 2 * MINUTE, None, None)
    assert said(store) == ["slack trigger: errors no_data"]


def test_a_channel_alert_ends_with_its_receiver(store: Database) -> None:
    receivers = {"slack": slack(), "oncall": pagerduty()}
    with store.transaction() as session:
        session.add(ChannelRow(receiver="oncall", failing_since=NOW - HOUR))
    look(house_of(store, configured(receivers=receivers)), NOW)
    look(house_of(store, configured()), NOW + MINUTE)
    assert said(store) == ["slack trigger: channel_failing firing", "slack resolve: channel_failing resolved"]


def test_a_receiver_that_the_rule_no_longer_names_is_told_that_it_is_over_for_it(store: Database) -> None:
    receivers = {"slack": slack(), "oncall": pagerduty()}
    no_data = a_rule(no_data="alert")
    decide(house_of(store, configured(receivers=receivers, rules={"errors": no_data})), "app", NOW, NOW, None)
    only = no_data.model_copy(update={"receiver": ["oncall"]})
    decide(
        house_of(store, configured(receivers=receivers, rules={"errors": only})),
        "app",
        NOW + MINUTE,
        NOW + MINUTE,
        None,
    )
    assert sorted(said(store)) == [
        "oncall trigger: errors no_data",
        "slack resolve: errors resolved",
        "slack trigger: errors no_data",
    ]


def test_what_ended_while_its_source_caught_up_is_resolved_although_the_source_goes(store: Database) -> None:
    settings = configured("app", "other", rules={"errors": a_rule(no_data="alert")})
    house = house_of(store, settings)
    decide(house, "app", NOW, NOW, None)
    decide(house, "app", NOW + 5 * HOUR, NOW + HOUR, 0.0)
    assert len(said(store)) == 1
    look(house_of(store, configured("other")), NOW + 5 * HOUR)
    assert said(store)[1:] == ["slack resolve: errors resolved"]


# Catching up


def test_old_slots_make_history_and_no_message(store: Database) -> None:
    house = house_of(store, configured())
    decide(house, "app", NOW + HOUR, NOW, 0.9, 0.1, 0.9)
    assert said(store) == []
    assert [each[3] for each in history(store)] == ["stale"] * 3


def test_what_still_fires_when_it_has_caught_up_is_told_once(store: Database) -> None:
    house = house_of(store, configured(rules={"errors": a_rule(no_data="alert")}))
    decide(house, "app", NOW + HOUR, NOW, None, None)
    decide(house, "app", NOW + HOUR, NOW + HOUR - 8 * MINUTE, None)
    assert said(store) == []
    decide(house, "app", NOW + HOUR, NOW + HOUR, *[None] * 7)
    assert said(store) == ["slack trigger: errors no_data"]
    assert messages(store)[0][1].at == NOW + HOUR
    decide(house, "app", NOW + HOUR + MINUTE, NOW + HOUR + MINUTE, None)
    assert len(said(store)) == 1


def test_of_a_stretch_of_old_and_fresh_slots_only_what_fires_at_its_end_is_told(store: Database) -> None:
    house = house_of(store, configured(rules={"errors": a_rule(no_data="alert")}))
    decide(house, "app", NOW, NOW, *[None] * 30, 0.1, None)
    assert said(store) == ["slack trigger: errors no_data"]
    assert messages(store)[0][1].at == NOW
    assert [each[3] for each in history(store)] == ["stale", None, None]


def test_what_began_and_ended_in_the_fresh_slots_of_a_catch_up_is_not_told(store: Database) -> None:
    house = house_of(store, configured())
    decide(house, "app", NOW, NOW, *[0.1] * 28, 0.9, 0.9, 0.1, 0.1)
    assert said(store) == []
    assert [each[3] for each in history(store)] == ["stale", "stale"]


def test_what_fired_and_ended_in_old_slots_is_never_told(store: Database) -> None:
    house = house_of(store, configured())
    decide(house, "app", NOW, NOW, 0.9, *[0.1] * 30)
    assert said(store) == []


def test_what_was_told_before_a_downtime_and_ended_meanwhile_is_resolved_at_the_first_fresh_slot(
    store: Database,
) -> None:
    house = house_of(store, configured(rules={"errors": a_rule(no_data="alert")}))
    decide(house, "app", NOW, NOW, None)
    decide(house, "app", NOW + 2 * HOUR, NOW + HOUR, 0.1)
    assert said(store) == ["slack trigger: errors no_data"]
    decide(house, "app", NOW + 2 * HOUR, NOW + 2 * HOUR, 0.1)
    assert said(store)[1:] == ["slack resolve: errors resolved"]


def test_what_was_told_before_a_downtime_and_fired_again_is_not_told_twice(store: Database) -> None:
    house = house_of(store, configured(rules={"errors": a_rule(no_data="alert")}))
    decide(house, "app", NOW, NOW, None)
    decide(house, "app", NOW + 2 * HOUR, NOW + HOUR, 0.1, None)
    decide(house, "app", NOW + 2 * HOUR, NOW + 2 * HOUR, None)
    assert said(store) == ["slack trigger: errors no_data"]


@pytest.mark.parametrize("group_by", [None, ["rule"], []])
def test_nobody_else_tells_of_a_source_that_is_catching_up(store: Database, group_by: list[str] | None) -> None:
    receivers = {"slack": slack(group_by=group_by)}
    house = house_of(store, configured("app", "other", rules={"errors": a_rule(no_data="alert")}, receivers=receivers))
    decide(house, "app", NOW + HOUR, NOW, None)
    decide(house, "other", NOW + HOUR, NOW + HOUR, None)
    progress(store, "other", failing_since=NOW, newest=NOW)
    look(house, NOW + HOUR)
    told = {each.labels["source"] for _, message in messages(store) for each in message.alerts}
    assert told == {"other"}
    decide(house, "app", NOW + HOUR, NOW + HOUR, None)
    told = {each.labels["source"] for _, message in messages(store) for each in message.alerts}
    assert told == {"other", "app"}


def test_a_source_that_catches_up_is_not_told_as_over_by_others(store: Database) -> None:
    receivers = {"slack": slack(group_by=["rule"])}
    house = house_of(store, configured("app", "other", rules={"errors": a_rule(no_data="alert")}, receivers=receivers))
    decide(house, "app", NOW, NOW, None)
    decide(house, "app", NOW + 2 * HOUR, NOW + HOUR, 0.1)
    decide(house, "other", NOW + 2 * HOUR, NOW + 2 * HOUR, None)
    decide(house, "other", NOW + 2 * HOUR + MINUTE, NOW + 2 * HOUR + MINUTE, 0.1)
    look(house, NOW + 2 * HOUR + 2 * MINUTE)
    assert [{each.labels["source"]: each.state for each in message.alerts} for _, message in messages(store)] == [
        {"app": "no_data"},
        {"other": "no_data", "app": "no_data"},
        {"app": "no_data", "other": "resolved"},
    ]


# What is told


def test_an_alert_leads_to_the_calls_behind_it_the_runbook_and_the_page(store: Database) -> None:
    rule = a_rule(by=["service"], runbook="https://wiki.example.org/errors")
    receivers = {"slack": slack(group_by=["rule"])}
    settings = configured(
        rules={"errors": rule}, receivers=receivers, server={"external_url": "https://watch.example.org"}
    )
    house = house_of(store, settings)
    decide(house, "app", NOW, NOW, 0.9, segments=(A,))
    ((_, message),) = messages(store)
    assert [each.exemplars for each in message.alerts] == [("call-1",)]
    assert [link.href for link in message.links] == ["https://wiki.example.org/errors", "https://watch.example.org"]
    with store.reading() as session:
        assert [row.exemplars for row in session.exec(select(TransitionRow))] == [["call-1"]]


def test_alerts_of_a_group_are_one_message_in_a_stable_order(store: Database) -> None:
    receivers = {"slack": slack(group_by=["rule", "source"])}
    settings = configured(rules={"errors": a_rule(by=["service"], no_data="alert")}, receivers=receivers)
    decide(house_of(store, settings), "app", NOW, NOW, None, segments=(B, A))
    ((_, message),) = messages(store)
    assert [each.labels["service"] for each in message.alerts] == ["a", "b"]
    assert message.title == "No data: errors on app / a and 1 more"


def test_a_replay_tells_of_every_slot_under_keys_of_its_own(store: Database) -> None:
    house = house_of(store, configured(rules={"errors": a_rule(no_data="alert")}), replay=True)
    decide(house, "app", NOW + 1000 * HOUR, NOW, None, 0.1)
    assert said(store) == ["slack trigger: errors no_data", "slack resolve: errors resolved"]
    labels = {"rule": "errors", "source": "app", "severity": "warning"}
    assert {(message.key, message.replay) for _, message in messages(store)} == {
        (group_key("slack", labels, None, "replay-"), True)
    }


class TellingOf(RuleBasedStateMachine):
    """Two sources advance, fall behind and catch up; segments lose their data; health is looked at in between."""

    sources = ("app", "other")

    @initialize(group_by=st.sampled_from([None, ["rule"], ["source"], []]))
    def begin(self, group_by: list[str] | None) -> None:
        self.store = stores.in_memory()
        receivers = {"slack": slack(group_by=group_by), "oncall": pagerduty()}
        rules = {"errors": a_rule(by=["service"], no_data="alert", **{"for": "1m"})}
        self.house = house_of(self.store, configured(*self.sources, rules=rules, receivers=receivers))
        self.now = NOW
        self.until = dict.fromkeys(self.sources, NOW)
        self.is_fresh = dict.fromkeys(self.sources, True)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()

    @rule(minutes=st.sampled_from([1, 1, 3, 60]))
    def wait(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule(source=st.sampled_from(sources), values=st.lists(st.sampled_from([None, 0.1]), min_size=1, max_size=5))
    def advance(self, source: str, values: list[float | None]) -> None:
        count = int((self.now - self.until[source]) / MINUTE)
        if count:
            self.until[source] += min(count, len(values)) * MINUTE
            decide(self.house, source, self.now, self.until[source], *values[:count], segments=(A, B))
            self.is_fresh[source] = self.until[source] >= self.house.sources[source].fresh_since(self.now)

    @rule(source=st.sampled_from(sources), fails=st.booleans())
    @precondition(lambda self: self.now > NOW)
    def look(self, source: str, fails: bool) -> None:
        progress(self.store, source, failing_since=NOW - HOUR if fails else None, newest=self.now)
        self.now += SECOND
        look(self.house, self.now)

    @invariant()
    def what_was_told_is_what_fires_in_every_source_that_is_not_behind(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store.reading() as session:
            opened = groups.open_groups(session)
        alerts = {
            identity(labels_of(each)): alert for each, alert in remembered(self.store).items() if is_active(alert)
        }
        for source in (each for each in self.sources if self.is_fresh[each]):
            firing = {which for which in alerts if ("source", source) in which and ("rule", "errors") in which}
            for receiver in ("slack", "oncall"):
                told = [
                    view
                    for each in opened
                    if each.receiver == receiver
                    for view in each.told
                    if view.state != "resolved"
                ]
                mine = {identity(each.labels) for each in told if each.labels["source"] == source}
                assert {which for which in mine if ("rule", "errors") in which} == firing

    @invariant()
    def each_group_is_opened_changed_and_closed_in_this_order(self) -> None:
        if not hasattr(self, "store"):
            return
        is_open: dict[str, bool] = {}
        for _, message in messages(self.store):
            assert (message.action == "trigger") == (not is_open.get(message.key, False))
            is_open[message.key] = message.action != "resolve"


TestTellingOf = TellingOf.TestCase
TestTellingOf.settings = examples(max_examples=15, stateful_step_count=15, deadline=None)
