"""Rules about texts: each reads every text window once, in order, whatever measured it."""

from collections.abc import Iterator
from typing import Any

import pytest
import stores
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from sqlalchemy import event
from test_health import progress
from text_rules_kit import (
    CHAT,
    DAY,
    HOUR,
    MAIL,
    MINUTE,
    NOON,
    SOON,
    TOO_FEW,
    Given,
    Written,
    a_rule,
    around,
    changes,
    follow,
    house_with,
    messages,
    said,
)

from alerts.rules import Alert, step
from detectors.measurement import Key, Segment
from monitor.daemon import Service, clock
from monitor.illustrate import with_course
from monitor.slots import floor
from monitor.store import baselines, cursors, texts
from monitor.store.database import Database
from monitor.store.tables import ScoreRow

Made = Written | Given


@pytest.fixture(scope="module")
def created() -> Iterator[Database]:
    database = stores.in_memory()
    yield database
    database.close()


@pytest.fixture
def store(created: Database) -> Database:
    stores.empty(created)
    return created


@pytest.fixture(params=[Written, Given])
def made(request: pytest.FixtureRequest, store: Database) -> Any:
    """A line of windows, of each kind that there is."""
    line = request.param(store)
    line.begin()
    return line


def measured(made: Made, *numbers: float | None, last: Any = NOON, role: str = "rolling") -> None:
    """One window an hour up to the last."""
    for number, value in enumerate(numbers):
        made.window(last - (len(numbers) - 1 - number) * HOUR, around(value), role)


# What holds for every kind of windows


def test_an_alert_fires_and_ends_with_the_window_that_says_so(made: Made, store: Database) -> None:
    house = house_with(store, a_rule())
    for hour, number in enumerate((0.1, 0.3, 0.4, 0.1)):
        made.window(NOON + hour * HOUR, around(number))
        follow(house, made, NOON + hour * HOUR + SOON)
    assert changes(store) == ["r0 firing 13:00", "r0 inactive 15:00"]
    assert said(store) == ["trigger r0", "resolve r0"]


def test_a_window_is_read_once_and_a_later_revision_fires_nothing(made: Made, store: Database) -> None:
    house = house_with(store, a_rule())
    made.window(NOON, around(0.1))
    follow(house, made, NOON + SOON)
    made.window(NOON, around(0.9))
    for minute in range(3, 6):
        follow(house, made, NOON + minute * MINUTE)
    assert changes(store) == []
    made.window(NOON + HOUR, around(0.1))
    follow(house, made, NOON + HOUR + SOON)
    assert changes(store) == []


def test_after_a_restart_the_rules_read_on_where_they_were(made: Made, store: Database) -> None:
    rule = a_rule(**{"for": "1h"})
    made.window(NOON, around(0.5))
    follow(house_with(store, rule), made, NOON + SOON)
    again = house_with(store, rule)
    follow(again, made, NOON + 5 * MINUTE)
    made.window(NOON + HOUR, around(0.5))
    follow(again, made, NOON + HOUR + SOON)
    assert changes(store) == ["r0 pending 12:00", "r0 firing 13:00"]


def test_a_decision_that_was_not_saved_is_taken_again_whole(made: Made, store: Database) -> None:
    house = house_with(store, a_rule())
    made.window(NOON, around(0.5))

    def fail(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("INSERT INTO cursor"):
            raise RuntimeError("the power went out")

    event.listen(store.engine, "before_cursor_execute", fail)
    with pytest.raises(RuntimeError):
        follow(house, made, NOON + SOON)
    event.remove(store.engine, "before_cursor_execute", fail)
    with store.reading() as session:
        assert cursors.read_until(session, "app") == {}
    assert (changes(store), said(store)) == ([], [])
    follow(house, made, NOON + SOON)
    assert (changes(store), said(store)) == (["r0 firing 12:00"], ["trigger r0"])


def test_time_is_that_of_the_windows(made: Made, store: Database) -> None:
    rule = a_rule(**{"for": "2h", "keep_firing_for": "2h"})
    house = house_with(store, rule)
    for hour, number in enumerate((0.5, 0.5, 0.5, 0.1, 0.1, 0.1)):
        made.window(NOON + hour * HOUR, around(number))
        follow(house, made, NOON + hour * HOUR + SOON)
    assert changes(store) == ["r0 pending 12:00", "r0 firing 14:00", "r0 inactive 17:00"]


def test_of_what_was_missed_only_what_goes_on_is_told(made: Made, store: Database) -> None:
    house = house_with(store, a_rule(), a_rule(above=0.6))
    measured(made, 0.7, 0.3, 0.3)
    follow(house, made, NOON + SOON)
    assert changes(store) == ["r0 firing 10:00 stale", "r1 firing 10:00 stale", "r1 inactive 11:00 stale"]
    assert said(store) == ["trigger r0"]


def test_windows_that_are_not_the_present_are_not_read_until_they_are(made: Made, store: Database) -> None:
    house = house_with(store, a_rule())
    measured(made, 0.5)
    follow(house, made, NOON + HOUR + MINUTE)  # another window has closed, and is not measured yet
    assert (changes(store), said(store)) == ([], [])
    made.window(NOON + HOUR, around(0.1))
    follow(house, made, NOON + HOUR + SOON)
    assert changes(store) == ["r0 firing 12:00 stale", "r0 inactive 13:00 stale"]
    assert said(store) == []


def test_what_a_source_said_before_it_went_silent_is_not_told_hours_later(made: Made, store: Database) -> None:
    house = house_with(store, a_rule())
    measured(made, 0.5)
    follow(house, made, NOON + 5 * HOUR, complete_until=NOON + MINUTE)
    assert changes(store) == []


def test_an_interval_that_is_not_past_the_level_does_not_fire(made: Made, store: Database) -> None:
    house = house_with(store, a_rule(fires_on="interval"))
    for hour, number in enumerate((0.25, 0.35, 0.25)):
        made.window(NOON + hour * HOUR, around(number))
        follow(house, made, NOON + hour * HOUR + SOON)
    assert changes(store) == ["r0 firing 13:00"]


def test_the_calls_behind_a_measurement_go_with_the_alert(made: Made, store: Database) -> None:
    made.findings = {"new": [{"name": "recall", "exemplars": ["a", "b"]}]}
    measured(made, 0.5)
    follow(house_with(store, a_rule()), made, NOON + SOON)
    assert messages(store)[0].alerts[0].exemplars == ("a", "b")


@pytest.mark.parametrize(
    ("no_data", "found"),
    [
        ("keep", ["r0 firing 12:00", "r0 inactive 14:00"]),
        ("ok", ["r0 firing 12:00", "r0 inactive 13:00"]),
        ("alert", ["r0 firing 12:00", "r0 no_data 13:00"]),
    ],
)
def test_a_window_without_texts_is_missing_data(made: Made, store: Database, no_data: str, found: list[str]) -> None:
    house = house_with(store, a_rule(no_data=no_data))
    for hour, number in enumerate((0.5, None, None)):
        made.window(NOON + hour * HOUR, around(number))
        follow(house, made, NOON + hour * HOUR + SOON)
    assert changes(store) == found


def test_a_window_with_too_few_texts_says_nothing(made: Made, store: Database) -> None:
    house = house_with(store, a_rule(no_data="alert"))
    made.window(NOON, TOO_FEW)
    follow(house, made, NOON + SOON)
    assert changes(store) == []


def test_two_baselines_have_an_alert_each(made: Made, store: Database) -> None:
    made.begin("pinned")
    house = house_with(store, a_rule(), a_rule(labels={"baseline": "pinned"}))
    measured(made, 0.5)
    measured(made, 0.5, role="pinned")
    follow(house, made, NOON + SOON)
    assert changes(store) == ["r0 firing 12:00", "r0 firing 12:00", "r1 firing 12:00"]
    told = [dict(view.labels) for each in messages(store) for view in each.alerts]
    assert sorted((each["rule"], each["baseline"]) for each in told) == [
        ("r0", "pinned"),
        ("r0", "rolling"),
        ("r1", "pinned"),
    ]


def test_a_rule_reads_only_the_labels_that_it_names(made: Made, store: Database) -> None:
    house = house_with(store, a_rule(labels={"stream": "response"}), a_rule(labels={"service": "mail"}))
    measured(made, 0.5)
    follow(house, made, NOON + SOON)
    assert changes(store) == []


def test_an_alert_whose_line_has_gone_is_over(made: Made, store: Database) -> None:
    made.begin("pinned")
    house = house_with(store, a_rule(labels={"baseline": "pinned"}))
    measured(made, 0.1)
    measured(made, 0.5, role="pinned")
    follow(house, made, NOON + SOON)
    if isinstance(made, Given):
        del made.given["pinned"]
    else:
        with store.transaction() as session:
            (pinned,) = [each for each in baselines.in_use(session) if each.pinned]
            baselines.unpin(session, pinned)
    follow(house, made, NOON + 3 * MINUTE)
    assert changes(store) == ["r0 firing 12:00", "r0 inactive 12:03"]
    assert said(store) == ["trigger r0", "resolve r0"]


def test_a_change_is_against_earlier_windows(made: Made, store: Database) -> None:
    rule = a_rule(above=2, change={"ago": "1d", "length": "4h"}, fires_on="value")
    measured(made, *[0.1] * 8, last=NOON - DAY)
    house = house_with(store, rule)
    for hour, number in enumerate((0.15, 0.35)):
        made.window(NOON + hour * HOUR, around(number))
        follow(house, made, NOON + hour * HOUR + SOON)
    assert changes(store) == ["r0 firing 13:00"]
    assert messages(store)[0].alerts[0].baseline.startswith("0.35 against 0.1 in the 4h from 2026-03-04 09:00 UTC")


def test_a_replay_tells_of_every_window_in_its_turn(made: Made, store: Database) -> None:
    house = house_with(store, a_rule(), replay=True)
    for hour, number in enumerate((0.5, 0.1, 0.5)):
        made.window(NOON + hour * HOUR, around(number))
        follow(house, made, NOON + hour * HOUR)
    assert changes(store) == ["r0 firing 12:00", "r0 inactive 13:00", "r0 firing 14:00"]
    assert said(store) == ["trigger r0", "resolve r0", "trigger r0"]


def test_no_more_alerts_fire_than_may(made: Made, store: Database) -> None:
    made.begin("pinned")
    house = house_with(store, a_rule(max_alerts=1))
    measured(made, 0.3)
    measured(made, 0.5, role="pinned")
    follow(house, made, NOON + SOON)
    (only,) = messages(store)[0].alerts
    assert only.labels["baseline"] == "pinned"
    assert "1 more are over it and left out" in only.baseline


@given(st.lists(st.sampled_from([None, 0.1, 0.3]), min_size=1, max_size=8), st.sets(st.integers(0, 7)))
@examples(max_examples=25, deadline=None)
def test_whenever_one_looks_the_same_is_decided(
    created: Database, numbers: list[float | None], looks: set[int]
) -> None:
    stores.empty(created)
    rule = a_rule(**{"for": "1h", "keep_firing_for": "1h"})
    made, alert, wanted = Given(created), Alert(), []
    made.begin()
    for hour, number in enumerate(numbers):
        end = NOON + hour * HOUR
        made.window(end, around(number))
        alert, transition = step(rule, alert, around(number), end)
        if transition is not None:
            wanted.append(f"r0 {transition.after} {end:%H:%M}")
        if hour in looks or hour == len(numbers) - 1:
            follow(house_with(created, rule), made, end + SOON)
    assert [each.removesuffix(" stale") for each in changes(created)] == wanted


# What holds for the windows of texts


def test_the_calls_of_a_strange_window_are_its_strangest(store: Database) -> None:
    made = Written(store, findings={"new": [{"name": "recall", "exemplars": ["new"]}]})
    made.begin()
    row = {"source": "app", "segment": texts.segment_text(CHAT), "stream": "prompt", "baseline": "rolling"}
    with store.transaction() as session:
        for call, p, ago in (("odd", 0.01, 5), ("odder", 0.001, 6), ("usual", 0.5, 7), ("before", 0.0001, 65)):
            session.add(ScoreRow(**row, call_id=call, at=NOON - ago * MINUTE, score=1 - p, p=p))
    measured(made, 0.5)
    follow(house_with(store, a_rule()), made, NOON + SOON)
    assert messages(store)[0].alerts[0].exemplars == ("odder", "odd", "usual")


def a_topic(name: str, *calls: str) -> dict[str, Any]:
    return {"topic": {"name": name}, "exemplars": list(calls)}


def test_an_alert_about_a_topic_shows_calls_of_that_topic(store: Database) -> None:
    made = Written(store, findings={"grown": [a_topic("refund", "r")], "shrunk": [a_topic("login", "l")]})
    made.begin()
    for topic in ("refund", "login", "other"):
        made.window(NOON, around(0.5), key=Key.of("topic_share", topic=topic))
    rule = a_rule(measure="topic_share", labels={"topic": "other"})
    follow(house_with(store, rule), made, NOON + SOON)
    assert messages(store)[0].alerts[0].exemplars == ()
    made.window(NOON + HOUR, around(0.5), key=Key.of("topic_share", topic="login"))
    follow(house_with(store, a_rule(measure="topic_share", labels={"topic": "login"})), made, NOON + HOUR + SOON)
    assert messages(store)[-1].alerts[0].exemplars == ("l",)


def test_what_a_backfill_wrote_is_not_read_before_its_turn(store: Database) -> None:
    made = Written(store)
    made.begin()
    house = house_with(store, a_rule())
    measured(made, 0.1)
    with store.transaction() as session:
        (stored,) = baselines.in_use(session)
    made.window(NOON + HOUR, around(0.5))
    with store.transaction() as session:
        baselines.note_read(session, stored, NOON)
    follow(house, made, NOON + SOON)
    assert changes(store) == []


def test_a_new_baseline_goes_on_where_the_one_before_was(store: Database) -> None:
    made = Written(store)
    made.begin()
    house = house_with(store, a_rule(**{"for": "1h"}))
    measured(made, 0.5)
    follow(house, made, NOON + SOON)
    made.begin(version="next", state="candidate", fitted_at=NOON, read_until=NOON - HOUR)
    with store.transaction() as session:
        (later,) = [each for each in baselines.known(session) if each.version == "next"]
        baselines.accept(session, later)
    made.window(NOON, around(0.1), "next")  # the last window is measured again, against the new one
    follow(house, made, NOON + 5 * MINUTE)
    made.window(NOON + HOUR, around(0.6), "next")
    follow(house, made, NOON + HOUR + SOON)
    assert changes(store) == ["r0 pending 12:00", "r0 firing 13:00"]


def test_texts_that_are_read_as_a_whole_have_no_segments_and_that_is_said(store: Database) -> None:
    made = Written(store, segment=Segment())
    made.begin()
    measured(made, 0.5)
    house = house_with(store, a_rule(), text={"by": []})
    follow(house, made, NOON + SOON)
    follow(house, made, NOON + 3 * MINUTE)
    assert changes(store) == ["r0 error 12:00"]
    assert "missing_column" in messages(store)[0].alerts[0].reason


def test_windows_of_another_length_than_the_rule_names_are_an_error(store: Database) -> None:
    made = Written(store)
    made.begin()
    measured(made, 0.5)
    follow(house_with(store, a_rule(over="4h"), text={"window": "4h"}), made, NOON + SOON)
    assert changes(store) == ["r0 error 12:00"]


def test_the_drift_of_the_model_is_that_of_responses_given_their_prompts(store: Database) -> None:
    for stream in ("prompt", "response", "response_given_prompt"):
        made = Written(store, stream=stream, measure="model_drift")
        made.begin()
        made.window(NOON, around(0.5))
    follow(house_with(store, a_rule(measure="model_drift")), made, NOON + SOON)
    assert changes(store) == ["r0 firing 12:00"]
    assert dict(messages(store)[0].alerts[0].labels)["baseline"] == "rolling"


def test_what_is_against_no_baseline_is_read_once(store: Database) -> None:
    made = Written(store, measure="descriptor_ratio")
    made.begin()
    made.begin("pinned")
    for role in ("rolling", "pinned"):
        made.window(NOON, around(0.5), role, Key.of("descriptor_ratio", descriptor="refusal"))
    follow(house_with(store, a_rule(measure="descriptor_ratio")), made, NOON + SOON)
    assert changes(store) == ["r0 firing 12:00"]
    assert "baseline" not in messages(store)[0].alerts[0].labels


@pytest.mark.parametrize(
    ("labels", "found"),
    [({}, ["r0 firing 12:00", "r0 inactive 14:00"]), ({"topic": "refund"}, ["r0 firing 12:00", "r0 no_data 13:00"])],
)
def test_only_a_topic_that_a_rule_names_can_be_missing(
    store: Database, labels: dict[str, str], found: list[str]
) -> None:
    made = Written(store)
    made.begin()
    house = house_with(store, a_rule(measure="topic_share", labels=labels, no_data="alert"))
    for hour, topic in enumerate(("refund", "login", "login")):
        value = around(0.5 if topic == "refund" else 0.1)
        made.window(NOON + hour * HOUR, value, key=Key.of("topic_share", topic=topic))
        follow(house, made, NOON + hour * HOUR + SOON)
    assert changes(store) == found


def test_a_stream_that_is_not_read_any_more_leaves_no_alert_open(store: Database) -> None:
    made = Written(store, stream="response")
    made.begin()
    measured(made, 0.5)
    follow(house_with(store, a_rule()), made, NOON + SOON)
    follow(house_with(store, a_rule(), text={"streams": ["prompt"]}), made, NOON + 3 * MINUTE)
    assert changes(store) == ["r0 firing 12:00", "r0 inactive 12:03"]


def test_each_segment_has_its_own_time(store: Database) -> None:
    chat, mail = Written(store), Written(store, segment=MAIL)
    chat.begin()
    mail.begin(length_s=4 * 3600)
    house = house_with(store, a_rule(max_alerts=1))
    mail.window(NOON, around(0.5))
    chat.window(NOON, around(0.1))
    follow(house, chat, NOON + SOON)
    chat.window(NOON + HOUR, around(0.6))
    follow(house, chat, NOON + HOUR + SOON)
    assert changes(store) == ["r0 firing 12:00"]  # the other is left out: one fires already
    chat.window(NOON + 2 * HOUR, around(0.1))
    follow(house, chat, NOON + 2 * HOUR + SOON)
    assert changes(store) == ["r0 firing 12:00"]


def test_rules_about_texts_are_no_rules_about_traffic(store: Database) -> None:
    house = house_with(store, a_rule(), a_rule(measure="error_ratio"), a_rule(measure="judge_fail_ratio"))
    assert list(house.rules_of("app")) == ["r1"]


def test_an_alert_about_texts_shows_the_course_of_its_measure(store: Database) -> None:
    made = Written(store)
    made.begin()
    measured(made, 0.1, 0.2, 0.5)
    house = house_with(store, a_rule())
    follow(house, made, NOON + SOON)
    (alert,) = messages(store)[0].alerts
    shown = with_course(house, alert, NOON + SOON)
    assert [value for _, value in shown.series] == [0.1, 0.2, 0.5]
    assert (shown.threshold, shown.baseline[:20]) == (0.2, "the rolling baseline")


def test_a_scratch_store_has_no_marks_of_the_live_one(store: Database) -> None:
    made = Written(store)
    made.begin()
    measured(made, 0.5)
    follow(house_with(store, a_rule()), made, NOON + SOON)
    with store.transaction() as session:
        assert list(cursors.read_until(session, "app").values()) == [NOON]
        cursors.forget(session)
        assert cursors.read_until(session, "app") == {}


def test_the_service_reads_them_after_each_look_at_the_texts(store: Database) -> None:
    made = Written(store)
    now = clock()
    end = floor(now, HOUR)
    made.begin(read_until=end - DAY, fitted_until=end - DAY)
    made.window(end, around(0.5))
    progress(store, complete_until=now)
    house = house_with(store, a_rule())
    Service(house, {})._read_texts()
    assert changes(store) == [f"r0 firing {end:%H:%M}"]
