"""The settings of the way from an alert to a message: matchers, time intervals, inhibition, and what they mean."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from config_files import FILE, written
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alerts.inhibition import Inhibitor, inhibiting, unheard_source
from alerts.intervals import covering, covers
from alerts.matchers import all_match, matches
from alerts.silences import Silence, silencing
from config.load import draft, load
from config.matchers import parse_matcher
from config.problems import ConfigProblems
from config.routing import Inhibition, TimeInterval, parse_clock, parse_range
from monitor.commands.checks import warnings

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)  # a Thursday
LABELS = {"rule": "errors", "source": "app", "model": "gpt-4o", "service": "chat"}


# Matchers


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("rule=errors", True),
        ('rule = "errors"', True),
        ("rule=error", False),
        ("rule!=errors", False),
        ("route=", True),
        ("route!=", False),
        ("model=~gpt-4.*", True),
        ("model=~gpt", False),
        ("model=~gpt-4o|gpt-5", True),
        ("model!~gpt-4.*", False),
        ("model!~claude|command", True),
        ("route=~.*", True),
        ("rule=a=b", False),
    ],
)
def test_a_matcher_is_alertmanagers(text: str, fits: bool) -> None:
    assert matches(parse_matcher(text), LABELS) is fits


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("errors", "is not a matcher"),
        ("=errors", "is not a matcher"),
        ("1rule=errors", "is not a matcher"),
        ("rule=~(a", "missing"),
        ("rule=~(?=a)", "RE2"),
        (r"rule=~(a)\1", "RE2"),
        ("rule=" + "x" * 501, "longer than 500"),
    ],
)
def test_what_is_no_matcher_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        parse_matcher(text)


def test_no_label_can_stop_the_service_with_an_expression_that_would_backtrack() -> None:
    assert not matches(parse_matcher("service=~(a+)+b"), {"service": "a" * 100_000})
    assert matches(parse_matcher("service=~a.b"), {"service": "a\nb"})
    assert matches(parse_matcher("service=~a.*"), {"service": "a\ud800"})


values = st.text(alphabet="ab-|", max_size=4)


@given(st.dictionaries(st.sampled_from(["rule", "source"]), values), st.sampled_from(["rule", "source"]), values)
def test_a_matcher_and_its_opposite_never_agree(labels: dict[str, str], name: str, value: str) -> None:
    for one, other in (("=", "!="), ("=~", "!~")):
        pattern = value if one == "=" else value.replace("|", "-")
        first, second = (parse_matcher(f"{name}{operator}{pattern}") for operator in (one, other))
        assert matches(first, labels) != matches(second, labels)


def test_the_silence_that_lasts_longest_is_the_one_that_is_named() -> None:
    rule = (parse_matcher("rule=errors"),)
    one, two = (Silence(number, rule, NOON, NOON + timedelta(hours=number), "a", "r") for number in (1, 2))
    assert silencing(LABELS, [one, two]) == two
    assert silencing({"rule": "slow"}, [one, two]) is None
    assert [two.holds(NOON + timedelta(hours=hours)) for hours in (-1, 0, 2)] == [False, True, False]


# Inhibition

DOWN = {"rule": "down", "source": "app"}


def inhibitor(*firing: dict[str, str], **changes: Any) -> Inhibitor:
    settings = {"source": ["rule=down"], "target": ["rule=~errors|down"], "equal": ["source"]} | changes
    return Inhibitor.of(Inhibition.model_validate(settings)).among(firing)


def test_an_alert_is_held_back_by_another_with_the_same_labels() -> None:
    assert inhibiting(LABELS, [inhibitor(DOWN)]) == DOWN
    assert inhibiting(LABELS, [inhibitor(DOWN | {"source": "other"})]) is None
    assert inhibiting(LABELS, [inhibitor()]) is None
    assert inhibiting(LABELS | {"rule": "slow"}, [inhibitor(DOWN)]) is None
    assert inhibiting(LABELS, [inhibitor(DOWN, equal=["route"])]) == DOWN  # none of them has it


def test_an_alert_does_not_hold_itself_back_nor_two_each_other() -> None:
    other = DOWN | {"service": "chat"}
    assert inhibiting(DOWN, [inhibitor(DOWN, other)]) is None


def test_a_source_without_news_holds_back_all_its_alerts_but_those_that_say_so() -> None:
    silent = {"rule": "source_silent", "source": "app"}
    rule = unheard_source(("source_silent", "source_failing")).among([silent, LABELS])
    assert inhibiting(LABELS, [rule]) == silent
    assert inhibiting(LABELS | {"source": "other"}, [rule]) is None
    assert inhibiting({"rule": "source_failing", "source": "app"}, [rule]) is None


# Time intervals


def interval(**parts: Any) -> TimeInterval:
    return TimeInterval.model_validate(parts)


@pytest.mark.parametrize(
    ("parts", "at", "inside"),
    [
        ({}, NOON, True),
        ({"times": [{"start_time": "09:00", "end_time": "12:00"}]}, NOON, False),
        ({"times": [{"start_time": "12:00", "end_time": "24:00"}]}, NOON, True),
        ({"weekdays": ["monday:friday"]}, NOON, True),
        ({"weekdays": ["saturday", "sunday"]}, NOON, False),
        ({"weekdays": ["sunday"]}, NOON + timedelta(days=3), True),
        ({"days_of_month": ["1:5"]}, NOON, True),
        ({"days_of_month": [5]}, NOON, True),
        ({"days_of_month": ["-1"]}, NOON, False),
        ({"days_of_month": ["-1"]}, datetime(2024, 2, 29, tzinfo=UTC), True),
        ({"days_of_month": ["30:-1"]}, datetime(2026, 2, 28, tzinfo=UTC), False),
        ({"days_of_month": ["28:31"]}, datetime(2026, 2, 28, tzinfo=UTC), True),
        ({"months": ["january:march"]}, NOON, True),
        ({"months": ["4:6", "march"]}, NOON, True),
        ({"years": ["2027:2030"]}, NOON, False),
        ({"years": [2026], "months": ["4"]}, NOON, False),
        # Noon in London is one o'clock in Berlin, and two in summer.
        ({"times": [{"start_time": "13:00", "end_time": "14:00"}], "location": "Europe/Berlin"}, NOON, True),
        (
            {"times": [{"start_time": "13:00", "end_time": "14:00"}], "location": "Europe/Berlin"},
            datetime(2026, 7, 5, 12, tzinfo=UTC),
            False,
        ),
    ],
)
def test_a_moment_lies_in_an_interval_as_in_alertmanager(parts: Any, at: datetime, inside: bool) -> None:
    assert covers(interval(**parts), at) is inside


def test_yaml_may_read_times_and_ranges_as_numbers_of_base_sixty() -> None:
    read = interval(times=[{"start_time": 22 * 60, "end_time": 24 * 60}], days_of_month=[60 + 5])
    assert (read.times[0].start_time, read.times[0].end_time) == ("22:00", "24:00")
    assert parse_range("day", read.days_of_month[0]) == (1, 5)


@pytest.mark.parametrize(
    ("parts", "problem"),
    [
        ({"times": [{"start_time": "22:00", "end_time": "06:00"}]}, "two stretches"),
        ({"times": [{"start_time": "25:00", "end_time": "26:00"}]}, "not a time of day"),
        ({"times": [{"start_time": "9", "end_time": "10:00"}]}, "not a time of day"),
        ({"weekdays": ["mon"]}, "no weekday"),
        ({"weekdays": ["saturday:monday"]}, "ends before it begins"),
        ({"days_of_month": ["0:3"]}, "no day 0"),
        ({"days_of_month": ["32"]}, "no day"),
        ({"months": ["13"]}, "no month"),
        ({"years": ["26"]}, "no year"),
        ({"years": ["2026:2027:2028"]}, "no year"),
        ({"location": "Berlin"}, "unknown time zone"),
    ],
)
def test_what_is_no_interval_is_refused(parts: Any, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        interval(**parts)


@given(st.integers(0, 24 * 60 - 1))
def test_every_minute_of_a_day_is_in_one_half_of_it(minute: int) -> None:
    halves = [
        interval(times=[{"start_time": start, "end_time": end}])
        for start, end in (("00:00", "12:00"), ("12:00", "24:00"))
    ]
    at = NOON.replace(hour=minute // 60, minute=minute % 60)
    assert [covers(each, at) for each in halves] == [minute < parse_clock("12:00"), minute >= parse_clock("12:00")]
    assert covering({"first": halves[:1], "second": halves[1:]}, at) == ("first" if minute < 720 else "second")


# The file


def test_names_of_intervals_must_exist(tmp_path: Path) -> None:
    routing = "\nrouting: {time_intervals: {weekends: [{weekdays: [saturday]}]}}\n"
    text = FILE.replace("kind: pagerduty", "kind: pagerduty\n    mute_time_intervals: weekend") + routing
    with pytest.raises(ConfigProblems, match="'weekend' is not among the time_intervals; did you mean 'weekends'"):
        load(written(tmp_path, text), {})


def test_matchers_of_inhibition_are_checked_with_the_file(tmp_path: Path) -> None:
    text = FILE + "\nrouting: {inhibit: [{source: [rule=down], target: ['rule=~(']}]}\n"
    with pytest.raises(ConfigProblems, match=r"routing\.inhibit.*target.*RE2"):
        load(written(tmp_path, text), {})


def test_a_label_that_no_alert_has_is_doubted(tmp_path: Path) -> None:
    inhibit = "{source: [rule=down, receiver=x], target: [srevice=chat], equal: [modle]}"
    found = warnings(draft(written(tmp_path, f"{FILE}\nrouting: {{inhibit: [{inhibit}]}}\n"), {}))
    said = " ".join(str(each) for each in found if "routing" in str(each))
    assert said.count("alerts have no label") == 2
    assert "routing.inhibit[0].target[0]: alerts have no label 'srevice'; did you mean 'service'?" in said
    assert "routing.inhibit[0].equal[0]: alerts have no label 'modle'; did you mean 'model'?" in said


SLACK = "receivers: {team: {kind: slack, webhook_url: 'https://hooks.slack.com/services/x', chart_by_url: true}}\n"


@pytest.mark.parametrize(("url", "is_doubted"), [("", True), ("http://w.example.org", True), ("https://w.org", False)])
def test_a_chart_without_an_address_is_doubted(tmp_path: Path, url: str, is_doubted: bool) -> None:
    server = f"server: {{external_url: '{url}'}}\n" if url else ""
    found = warnings(draft(written(tmp_path, SLACK + server), {}))
    assert any("receivers.team.chart_by_url: its charts have no address" in str(each) for each in found) is is_doubted


def test_a_bot_uploads_its_charts(tmp_path: Path) -> None:
    text = SLACK.replace("webhook_url: 'https://hooks.slack.com/services/x'", "token: xoxb-1, channel: C1")
    with pytest.raises(ConfigProblems, match="a bot uploads the chart"):
        load(written(tmp_path, text), {})


def test_what_matches_everything_matches_everything() -> None:
    assert all_match((), LABELS)
