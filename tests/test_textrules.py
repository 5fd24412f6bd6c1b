"""Rules about texts: each reads every text window once, in order, whatever measured it."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import stores
from sqlalchemy import event
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

from detectors.measurement import Key, Segment, Value
from monitor.store import baselines, cursors, texts
from monitor.store.database import Database
from monitor.store.tables import ScoreRow

Made = Written | Given


@pytest.fixture
def store() -> Iterator[Database]:
    database = stores.in_memory()
    yield database
    database.close()


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
