"""Alerts in the store: what waits is told in time, what people do with alerts, and what is kept of it all."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import stores
from sqlmodel import select
from test_deliver import Scripted
from test_health import MINUTE, NOW, SECOND, a_rule, configured, decide, house_of, look, progress, said, slack

from alerts.steps import Outcome
from config.settings import Settings
from monitor import alertdesk
from monitor.alertbook import Book, UnknownAlertError, book, entries, find
from monitor.alertdesk import RefusedError, Wanted
from monitor.counters import Counters
from monitor.deliver import Delivery
from monitor.explain import explain
from monitor.store import groups, history, outbox, silences
from monitor.store.database import Database
from monitor.store.history import Asked
from monitor.store.tables import OutboxRow

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
GONE_QUIET = {"errors": a_rule(no_data="alert")}


@pytest.fixture
def store() -> Iterator[Database]:
    database = stores.in_memory()
    yield database
    database.close()


def waiting(**changes: Any) -> Settings:
    """Settings with one receiver that speaks every five minutes, and a rule that fires without data."""
    timers = {"group_interval": "5m"} | changes
    return configured(rules=GONE_QUIET, receivers={"slack": slack(**timers)})


def the_id(store: Database, settings: Settings) -> str:
    """The id of the only alert there is or was."""
    with store.reading() as session:
        (entry,) = entries(session, settings, Asked(), ended=True)
    return entry.id


def the_book(store: Database, settings: Settings) -> Book:
    with store.reading() as session:
        return book(session, settings, the_id(store, settings))


def outcomes(store: Database, settings: Settings) -> list[str]:
    return [row.outcome for row in the_book(store, settings).notifications]


def silenced(store: Database, *matchers: str, at: Any = NOW, lasts: str = "1h", alert: str = "") -> int:
    with store.transaction() as session:
        return alertdesk.silence(session, Wanted(matchers, "alice", "a deployment", lasts), at, alert).id


# What waits is told in time


def test_a_group_that_waits_is_told_by_the_next_look_after_its_wait(store: Database) -> None:
    house = house_of(store, waiting(group_wait="30s"))
    decide(house, "app", NOW, NOW, None)
    for seconds in (10, 20):
        look(house, NOW + seconds * SECOND)
    assert said(store) == []
    look(house, NOW + 30 * SECOND)
    assert said(store) == ["slack trigger: errors no_data"]
    assert outcomes(store, house.settings) == ["waiting", "first"]


def test_an_end_that_waits_is_told_by_the_next_look_and_says_when_and_why_it_ended(store: Database) -> None:
    house = house_of(store, waiting())
    decide(house, "app", NOW, NOW, None)
    decide(house, "app", NOW + MINUTE, NOW + MINUTE, 0.1)
    look(house, NOW + 2 * MINUTE)
    assert len(said(store)) == 1
    look(house_of(store, waiting()), NOW + 5 * MINUTE)  # after a restart
    assert said(store)[1:] == ["slack resolve: errors resolved"]
    with store.reading() as session:
        (last,) = [outbox.message_of(row) for row in session.exec(select(OutboxRow)) if row.action == "resolve"]
    assert (last.at, last.alerts[0].ended) == (NOW + 5 * MINUTE, NOW + MINUTE)


def test_what_waited_when_the_service_died_is_not_news_hours_later(store: Database) -> None:
    house = house_of(store, waiting(group_wait="30s"))
    progress(store, slot_end=NOW, last_success_at=NOW, newest=NOW)
    decide(house, "app", NOW, NOW, None)
    later = NOW + 5 * HOUR
    progress(store, last_success_at=later, newest=later)
    look(house, later)
    assert said(store) == []
    progress(store, slot_end=later)
    decide(house, "app", later, later, 0.1)
    look(house, later + MINUTE)
    assert said(store) == []
    assert outcomes(store, house.settings) == ["waiting", "stale", "never_told"]


def test_a_group_whose_receiver_has_gone_is_not_told_again_and_again(store: Database) -> None:
    decide(house_of(store, waiting()), "app", NOW, NOW, None)
    house = house_of(store, configured(rules=GONE_QUIET, receivers={}))
    decide(house, "app", NOW + MINUTE, NOW + MINUTE, None)
    assert said(store) == ["slack trigger: errors no_data", "slack resolve: errors resolved"]
    look(house, NOW + 2 * MINUTE)
    assert len(said(store)) == 2


def test_a_store_of_an_earlier_release_knows_of_open_groups_only_what_was_told(store: Database) -> None:
    house = house_of(store, waiting())
    decide(house, "app", NOW, NOW, None)
    with store.transaction() as session:
        (group,) = groups.open_groups(session)
        groups.save(session, [replace(group, wanted=None, told_at=None, kept={})])
    look(house, NOW + MINUTE)
    assert len(said(store)) == 1
    decide(house, "app", NOW + 2 * MINUTE, NOW + 2 * MINUTE, 0.1)
    assert said(store)[1:] == ["slack resolve: errors resolved"]


def test_a_replay_waits_by_the_time_of_the_log(store: Database) -> None:
    house = house_of(store, waiting(group_wait="2m"), replay=True)
    decide(house, "app", NOW + 1000 * HOUR, NOW + 20 * MINUTE, *[None] * 4, *[0.1] * 8)
    with store.reading() as session:
        made = [outbox.message_of(row) for row in session.exec(select(OutboxRow))]
    assert [(each.action, each.at) for each in made] == [
        ("trigger", NOW + 11 * MINUTE),
        ("resolve", NOW + 16 * MINUTE),
    ]


# Silences


def test_an_alert_that_is_silenced_is_told_when_the_silence_ends(store: Database) -> None:
    house = house_of(store, waiting())
    number = silenced(store, "rule=errors", "source=~a.*")
    decide(house, "app", NOW, NOW, None)
    look(house, NOW + MINUTE)
    assert (said(store), outcomes(store, house.settings)) == ([], ["silenced"])
    with store.transaction() as session:
        alertdesk.end_silence(session, number, NOW + 2 * MINUTE)
    look(house, NOW + 3 * MINUTE)
    assert said(store) == ["slack trigger: errors no_data"]


def test_exactly_one_alert_can_be_silenced_by_its_id(store: Database) -> None:
    house = house_of(store, waiting())
    decide(house, "app", NOW, NOW, None)
    silenced(store, alert=the_id(store, house.settings))
    with store.reading() as session:
        (found,) = silences.not_over(session, NOW)
    assert [str(each) for each in found.matchers] == ["rule=errors", "source=app"]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"matchers": ["source=~.*"]}, "fit every alert"),
        ({"matchers": []}, "fit every alert"),
        ({"matchers": ["severity!=critical"]}, "fit every alert"),
        ({"matchers": ["errors"]}, "is not a matcher"),
        ({"matchers": ["rule=~(a"]}, "not a regular expression"),
        ({"matchers": [f"a=b{number}" for number in range(51)]}, "at most 50"),
        ({"lasts": ""}, "either how long"),
        ({"until": "2026-03-06"}, "either how long"),
        ({"lasts": "", "until": "2026-03-01"}, "over before it begins"),
        ({"start": "2026-03-01", "lasts": "1h"}, "over before it begins"),
        ({"lasts": "soon"}, "not a duration"),
        ({"lasts": "9999999d"}, "longer than"),
        ({"reason": " "}, "needs a reason"),
        ({"by": ""}, "by whom"),
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(store: Database, changes: dict[str, Any], problem: str) -> None:
    wanted = Wanted(**({"matchers": ["rule=errors"], "by": "alice", "reason": "r", "lasts": "1h"} | changes))
    with store.transaction() as session, pytest.raises(RefusedError, match=problem):
        alertdesk.silence(session, wanted, NOW)


def test_only_a_silence_that_holds_or_will_can_be_ended(store: Database) -> None:
    number = silenced(store, "rule=errors")
    with store.transaction() as session:
        alertdesk.end_silence(session, number, NOW + MINUTE)
        with pytest.raises(RefusedError, match="no silence"):
            alertdesk.end_silence(session, number, NOW + MINUTE)
        assert silences.newest(session, 5)[0].ends_at == NOW + MINUTE


# Inhibition


def test_a_source_that_cannot_be_read_holds_back_what_it_did_not_tell_yet(store: Database) -> None:
    house = house_of(store, waiting(group_wait="30s"))
    progress(store, slot_end=NOW, newest=NOW, failing_since=NOW - HOUR)
    decide(house, "app", NOW, NOW, None)
    look(house, NOW + MINUTE)
    look(house, NOW + 2 * MINUTE)
    assert said(store) == ["slack trigger: source_failing firing"]
    with store.reading() as session:
        quiet = next(each for each in entries(session, house.settings, Asked(rule="errors")))
    assert quiet.outcomes == {"slack": "inhibited"}


def test_a_rule_of_inhibition_is_followed(store: Database) -> None:
    routing = {"inhibit": [{"source": ["rule=down"], "target": ["rule=~errors|slow"], "equal": ["source"]}]}
    down = a_rule(above=0.8)
    settings = configured(rules={"errors": a_rule(), "down": down}, receivers={"slack": slack()}, routing=routing)
    decide(house_of(store, settings), "app", NOW, NOW, 0.9)
    assert said(store) == ["slack trigger: down firing"]


# Acknowledgements and notes


def test_an_alert_that_is_taken_on_is_not_repeated_until_it_is_over_and_fires_again(store: Database) -> None:
    house = house_of(store, waiting(repeat_interval="1h"))
    decide(house, "app", NOW, NOW, None)
    name = the_id(store, house.settings)
    with store.transaction() as session:
        alertdesk.acknowledge(session, name, "alice", "it is the proxy", NOW + MINUTE)
        with pytest.raises(RefusedError, match="alice has taken"):
            alertdesk.acknowledge(session, name, "bob", "", NOW + MINUTE)
    look(house, NOW + 2 * MINUTE)
    look(house, NOW + 2 * HOUR)
    assert said(store)[1:] == ["slack acknowledge: errors no_data"]
    later = NOW + 2 * HOUR
    decide(house, "app", later, later, 0.1)
    decide(house, "app", later + MINUTE, later + MINUTE, None)
    with store.reading() as session:
        assert history.acknowledged(session) == {}
    assert [row.author for row in the_book(store, house.settings).notes] == ["alice"]


def test_what_is_over_or_pending_cannot_be_taken_on_but_noted(store: Database) -> None:
    rules = {"errors": a_rule(no_data="alert", **{"for": "5m"})}
    house = house_of(store, configured(rules=rules))
    decide(house, "app", NOW, NOW, 0.9)
    name = the_id(store, house.settings)
    with store.transaction() as session:
        with pytest.raises(RefusedError, match="pending"):
            alertdesk.acknowledge(session, name, "alice", "", NOW)
        alertdesk.note(session, name, "alice", "the proxy\x1b[31m", NOW)
        with pytest.raises(RefusedError, match="needs a text"):
            alertdesk.note(session, name, "alice", " ", NOW)
    assert [row.text for row in the_book(store, house.settings).notes] == ["the proxy\\x1b[31m"]


# What is kept, and what is said of it


def test_an_alert_is_found_by_how_its_id_begins_also_when_it_is_over(store: Database) -> None:
    house = house_of(store, waiting())
    decide(house, "app", NOW, NOW, None, 0.1)
    name = the_id(store, house.settings)
    with store.reading() as session:
        assert find(session, name[:4]) == name
        for unknown in ("", "zzz"):
            with pytest.raises(UnknownAlertError, match="no alert has the id"):
                find(session, unknown)


def test_the_story_of_an_alert_says_why_each_message_was_sent_or_was_not(store: Database) -> None:
    house = house_of(store, waiting())
    receiver = Scripted()
    delivery = Delivery(store, {"slack": receiver}, Counters({"channel": ["slack"]}))
    silenced(store, "rule=errors", lasts="3m")
    decide(house, "app", NOW, NOW, None)
    look(house, NOW + 3 * MINUTE)
    delivery.step(NOW + 3 * MINUTE + SECOND)
    decide(house, "app", NOW + 4 * MINUTE, NOW + 4 * MINUTE, 0.1)
    look(house, NOW + 8 * MINUTE)
    told = explain(the_book(store, house.settings), house.settings)
    assert [each.text for each in told] == [
        "errors on source=app is over. It fires above 0.5.",
        "From over to without data with the window that ended 2026-03-05 12:00:00 UTC (no data).",
        "slack: not told: silence 1 of alice holds until 2026-03-05 12:03:00 UTC: a deployment.",
        "slack: told: the first message of its group.",
        "The message to slack (trigger) was delivered at the first try.",
        "From without data to over with the window that ended 2026-03-05 12:04:00 UTC, at 0.1, of 100 calls.",
        "slack: not told yet: waits until 2026-03-05 12:08:00 UTC (group_interval 5m).",
        "slack: told that it is over: its start was told, so its end is too.",
        "The message to slack (resolve) waits to be sent.",
    ]
    assert told[3].steps == (
        "inhibition: no alert that fires holds it back",
        "freshness: app is measured up to now",
        "silences: no silence fits it",
        "time intervals: the receiver may be told at this time",
        "grouping: its group may speak",
        "deduplication: the first message of its group",
    )


def test_an_alert_without_a_receiver_says_so(store: Database) -> None:
    house = house_of(store, configured(rules={"errors": a_rule(receiver=[])}))
    decide(house, "app", NOW, NOW, 0.9)
    told = explain(the_book(store, house.settings), house.settings)
    assert "no receiver is configured" in told[-1].text


def test_everything_that_is_kept_is_forgotten_in_time_but_who_has_an_alert(store: Database) -> None:
    house = house_of(store, waiting())
    decide(house, "app", NOW, NOW, None)
    name = the_id(store, house.settings)
    with store.transaction() as session:
        alertdesk.note(session, name, "alice", "seen", NOW)
        alertdesk.acknowledge(session, name, "alice", "", NOW)
        alertdesk.silence(session, Wanted(["rule=x"], "alice", "r", "1h"), NOW)
        for each in (groups, history, silences):
            each.expire(session, NOW + 500 * DAY, 400 * DAY)
    kept = the_book(store, house.settings)
    assert (kept.notifications, [row.kind for row in kept.notes]) == ([], ["acknowledge"])
    with store.reading() as session:
        assert silences.newest(session, 5) == []
        assert len(groups.open_groups(session)) == 1


def test_what_becomes_of_alerts_is_counted(store: Database) -> None:
    house = house_of(store, waiting())
    silenced(store, "rule=errors", lasts="1m")
    decide(house, "app", NOW, NOW, None)
    look(house, NOW + MINUTE)
    counted = house.counters.counted().counts["notifications"]
    assert {outcome: count for (outcome,), count in counted.items() if count} == {"silenced": 1, "first": 1}
    assert {outcome for (outcome,) in counted} == {each.value for each in Outcome} - {"nothing"}
