"""`watchkeeper backtest`: rules counted on the past, and the threshold for a wished number of alerts."""

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.levels import with_level
from alerts.rules import Alert, AlertId, State, step
from alerts.watch import Readings
from config.alerts import Rule
from config.load import load
from detectors.intervals import wilson_of
from detectors.measurement import Batch, Key, Measured, Reason, Segment, Series, Value, Window
from monitor.backtest import Episode, Episodes, Result
from monitor.backtest import backtest as count
from monitor.commands.backtest import Asked, show
from monitor.commands.backtest import backtest as command
from monitor.daemon import clock
from monitor.opening import store_url
from monitor.recording import recorded as kept_of
from monitor.slots import floor
from monitor.store import judging
from monitor.store.database import Database
from monitor.suggestion import Suggestion, Wish, rounded, suggest

START = datetime(2026, 3, 2, tzinfo=UTC)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
ERRORS = Key.of("error_ratio")
A, B = Segment.of(service="a"), Segment.of(service="b")
ID = AlertId("errors", "app", A, ())


def a_rule(**changes: Any) -> Rule:
    return Rule.model_validate({"measure": "error_ratio", "above": 0.5, "by": ["service"]} | changes)


def recorded(values: list[float | None], n: list[float] | None = None, segment: Segment = A) -> Readings:
    """The error ratio of one segment, a value a minute from `START` on."""
    windows = [Window(START + number * MINUTE, START + (number + 1) * MINUTE) for number in range(len(values))]
    numbers = np.array([np.nan if each is None else each for each in values])
    counts = np.array(n or [100.0] * len(values))
    series = {ERRORS: Series(numbers, n=counts, reason=Reason.NO_CALLS), Key.of("calls"): Series(counts)}
    return Readings(
        "app", MINUTE, {(("service",), MINUTE): Batch("app", [(segment, each) for each in windows], series)}
    )


def span_of(readings: Readings) -> tuple[datetime, datetime]:
    (batch,) = readings.batches.values()
    return START, batch.rows[-1][1].end


# Episodes


def test_an_alert_without_data_in_between_is_one_episode() -> None:
    episodes = Episodes()
    for minute, state in enumerate([State.PENDING, State.FIRING, State.NO_DATA, State.FIRING, State.INACTIVE]):
        episodes.note(ID, state, START + minute * MINUTE)
    (only,) = episodes.all()
    assert (only.began, only.ended) == (START + MINUTE, START + 4 * MINUTE)
    assert only.states == {State.FIRING, State.NO_DATA}


def test_what_still_fires_has_no_end_and_what_was_only_pending_is_none() -> None:
    episodes = Episodes()
    episodes.note(ID, State.PENDING, START)
    episodes.note(ID._replace(segment=B), State.FIRING, START)
    assert [(each.alert.segment, each.ended) for each in episodes.all()] == [(B, None)]


# Wishes


@pytest.mark.parametrize(
    ("text", "wish"),
    [
        ("2 per 7d", Wish(2, 7 * DAY)),
        ("1/1d", Wish(1, DAY)),
        (" 0.5 ", Wish(0.5, 7 * DAY)),
        ("3 per 1w", Wish(3, 7 * DAY)),
    ],
)
def test_a_wish_is_a_number_of_alerts_in_a_time(text: str, wish: Wish) -> None:
    assert Wish.parse(text) == wish


@pytest.mark.parametrize("text", ["many", "2 per", "-1", "2 per never", "2 per 0s", ""])
def test_what_is_no_wish_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\d"):
        Wish.parse(text)


# Suggestions


def test_the_suggested_threshold_gives_as_many_alerts_as_were_wished_for() -> None:
    peaks = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4]
    values = [value for peak in peaks for value in (peak, 0.1, 0.1)]
    read = recorded(list(values))
    found = suggest("errors", a_rule(), [read], span_of(read), Wish(2, span_of(read)[1] - START))
    assert (found.level, found.alerts) == (0.7, 2)


def test_it_goes_through_for_keep_firing_for_and_min_calls() -> None:
    values = [0.1, 0.9, 0.1, 0.8, 0.8, 0.8, 0.1, 0.8, 0.1, 0.1, 0.1, 0.99, 0.99, 0.99, 0.1, 0.1]
    n = [100.0] * 11 + [3.0] * 3 + [100.0] * 2
    read = recorded(list(values), n)
    rule = a_rule(for_="2m", keep_firing_for="2m", min_calls=10)
    found = suggest("errors", rule, [read], span_of(read), Wish(1, span_of(read)[1] - START))
    assert found.level is not None
    assert 0.1 <= found.level < 0.8
    assert found.alerts == 1


def test_alerts_that_merge_into_one_that_never_ends_are_no_suggestion() -> None:
    values = [0.3, 0.9] * 20
    read = recorded(list(values))
    found = suggest("errors", a_rule(), [read], span_of(read), Wish(5, span_of(read)[1] - START))
    # At 0.2 it would fire once and for ever: within the wish, and of no use.
    assert (found.level, found.alerts) == (0.9, 0)


def test_a_series_without_two_values_has_no_threshold() -> None:
    read = recorded([0.5] * 10)
    found = suggest("errors", a_rule(), [read], span_of(read), Wish(1, DAY))
    assert (found.level, found.alerts) == (None, None)
    assert found.why


def test_the_second_half_says_what_a_threshold_does_that_has_not_seen_it() -> None:
    calm, wild = [0.1, 0.2, 0.1, 0.3] * 5, [0.1, 0.9] * 10
    read = recorded([*calm, *wild])
    found = suggest("errors", a_rule(), [read], span_of(read), Wish(0, DAY))
    assert (found.level, found.alerts) == (0.9, 0)
    assert found.checked == (0.3, 10)


def test_only_what_the_rule_reads_is_kept() -> None:
    kept = kept_of("errors", a_rule(), recorded([0.1]))
    assert kept is not None
    assert list(kept.batches[("service",), MINUTE].series) == [ERRORS]
    assert kept_of("errors", a_rule(by=[]), recorded([0.1])) is None


@given(st.floats(-1e6, 1e6), st.floats(1e-9, 1e3))
def test_a_rounded_level_fires_on_the_same_values(level: float, gap: float) -> None:
    for stricter in (level + gap, level - gap, math.inf, -math.inf):
        if stricter != level:
            found = rounded(level, stricter)
            assert level <= found < stricter or stricter < found <= level


@given(
    st.lists(st.sampled_from([None, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0]), min_size=4, max_size=60),
    st.booleans(),
    st.integers(0, 2),
    st.integers(0, 2),
    st.sampled_from([0.0, 1.0, 2.0, 5.0]),
)
def test_a_suggestion_never_gives_more_than_was_wished_for(
    values: list[float | None], is_below: bool, hold: int, keep: int, number: float
) -> None:
    level = {"above": None, "below": 0.5} if is_below else {}
    rule = a_rule(**{"for": f"{hold}m", "keep_firing_for": f"{keep}m"}, **level)
    read = recorded(values)
    found = suggest("errors", rule, [read], span_of(read), Wish(number, span_of(read)[1] - START))
    if found.level is None:
        return
    alert, fired = Alert(), 0
    suggested = with_level(rule, found.level)
    (batch,) = read.batches.values()
    for _, window in batch.rows:
        alert, change = step(suggested, alert, batch.value(A, window, ERRORS), window.end)
        fired += change is not None and change.after is State.FIRING
    assert fired == found.alerts <= number


# On a log


def written(folder: Path) -> Path:
    """Eight hours of a service: ten calls every ten minutes, of which most fail at three times and in the end."""
    end = floor(clock(), 10 * MINUTE) - 10 * MINUTE
    lines = []
    for number in range(48):
        begun = end - (48 - number) * 10 * MINUTE
        failed = 8 if number in (10, 11, 30, 47) else 1 if number % 5 == 0 else 0
        for call in range(10):
            at = (begun + call * MINUTE / 2).isoformat()
            record = {"id": f"{number}-{call}", "started_at": at, "latency_s": 1.0, "input_tokens": 100 + failed}
            lines.append(json.dumps(record | ({"error_type": "server"} if call < failed else {})))
    (folder / "calls.jsonl").write_text("\n".join(lines) + "\n")
    path = folder / "watchkeeper.yaml"
    path.write_text(
        """
window: 10m
sources: {app: {kind: files, paths: [calls.jsonl], lateness: 0s, groupings: [[]]}}
receivers: {hook: {kind: webhook, url: "http://127.0.0.1:9/"}}
rules:
  errors: {measure: error_ratio, above: 0.05, receiver: hook}
  strict: {measure: error_ratio, above: 0.7}
  fast: {measure: latency_seconds, labels: {percentile: 95}, above: 5}
"""
    )
    return path


def test_rules_are_counted_on_a_log_and_nobody_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path)
    assert command(path, Asked("12h", ("strict", "errors"), "4 per 1d"), as_json=True) == 0
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["rule"], first["alerts"] > 5) == ("errors", True)
    assert first["suggestion"]["alerts"] <= 2
    assert first["suggestion"]["level"] >= 0.1
    assert (second["rule"], second["alerts"], second["per_7d"]) == ("strict", 3, pytest.approx(42))
    assert second["still_firing"] == 1
    assert 1800 < second["firing_s"] - second["longest_s"] + 1200 < 1800 + 1201
    assert not (tmp_path / "watchkeeper-data").exists()


OTHERS = """
  burning: {measure: error_ratio, burn: {objective: 0.9, windows: [{long: 30m, short: 10m, rate: 1}], enough_calls: 5}}
  risen: {measure: error_ratio, over: 30m, above: 2, clear: 1, change: {value: 0.1}}
  spent: {measure: tokens, labels: {type: input}, budget: {amount: 100000, per: day}}
  marked: {measure: events, event: {}}
  strange: {measure: out_of_distribution_ratio, labels: {stream: prompt}, above: 0.1}
  failing: {measure: judge_fail_ratio, labels: {criterion: tone}, above: 0.1, receiver: hook}
  unheard: {measure: judge_score, below: 0.1}
judge:
  judges: {small: {url: "http://127.0.0.1:9/v1", model: m, input_usd_per_million: 1, output_usd_per_million: 1}}
  criteria: [tone]
  own_criteria: {tone: {question: "Is it polite?"}}
  budget_usd_per_day: 1
"""


def test_a_suggestion_for_another_kind_gives_what_it_says_when_it_is_put_in(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text() + OTHERS)
    loaded, now = load(path, {}), clock()
    names, span = ("burning", "risen", "spent"), (now - DAY / 2, now)
    found = list(count(loaded, names, span, now, Wish(4, DAY)))
    suggested = dict(loaded.settings.rules)
    for each in found:
        assert each.suggestion is not None
        assert each.suggestion.level is not None, each.suggestion.why
        suggested[each.rule] = with_level(suggested[each.rule], each.suggestion.level)
    changed = replace(loaded, settings=loaded.settings.model_copy(update={"rules": suggested}))
    again = list(count(changed, names, span, now, None))
    expected = [each.suggestion and each.suggestion.alerts for each in found]
    assert [len(each.fired) for each in again] == expected
    assert max(len(each.fired) for each in again) > 0


WATCHED_APART = ("failing", "unheard", "strange", "marked")


def test_rules_about_a_judge_are_counted_on_the_verdicts_in_the_store_and_what_was_not_read_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path)
    path.write_text(path.read_text() + OTHERS)
    hour, newest = timedelta(hours=1), floor(clock(), timedelta(hours=1))
    key = Key.of("judge_fail_ratio", criterion="tone", corrected="no", judge="small", series="x")
    rows = [
        Measured("app", Segment(), Window(newest - (back + 1) * hour, newest - back * hour), {key: ratio_of(failed)})
        for back, failed in enumerate([5, 70, 60, 5, 50, 5, 5])
    ]
    (tmp_path / "watchkeeper-data").mkdir()
    store = Database.open(store_url(load(path, {})))
    with store.transaction() as session:
        judging.measure(session, rows)
    store.close()
    assert command(path, Asked("12h", WATCHED_APART, "1 per 12h", tmp_path / "metrics.prom"), as_json=True) == 0
    found = {each["rule"]: each for each in map(json.loads, capsys.readouterr().out.splitlines())}
    assert (found["failing"]["alerts"], found["failing"]["unread"]) == (2, None)
    assert 0.4 <= found["failing"]["suggestion"]["level"] < 0.6
    assert found["failing"]["suggestion"]["alerts"] == 1
    assert found["unheard"]["unread"] is None  # a judged window was read, and had no such number
    assert "no text window was read" in found["strange"]["unread"]
    written_down = (tmp_path / "metrics.prom").read_text()
    assert 'watchkeeper_backtest_alerts{rule="failing"} 2.0' in written_down
    assert 'watchkeeper_backtest_unread{rule="strange"} 1.0' in written_down
    assert "watchkeeper_backtest_last_run_timestamp_seconds" in written_down
    assert "there is no level to set" in found["marked"]["suggestion"]["why"]


def ratio_of(failed: int) -> Value:
    """Of a hundred verdicts."""
    return Value(failed / 100, *wilson_of(failed, 100), 100)


def test_a_person_reads_a_table_and_that_a_suggestion_is_in_sample(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    span = START, START + 7 * DAY
    firing = Episode(ID, START, START + DAY, frozenset({State.FIRING}))
    episodes = [firing, replace(firing, alert=ID._replace(segment=B), ended=None)]
    broken = Episode(ID, START, None, frozenset({State.ERROR}))
    wish = Wish.parse("2")
    results = [
        Result("strict", span, episodes, Suggestion(wish, 0.75, 0.3, 1, (0.5, 4))),
        Result("fast", span, [broken], Suggestion(wish, None, why="nothing moves"), "no judge was asked"),
    ]
    show(results, load(written(tmp_path), {}))
    said = " ".join(capsys.readouterr().out.replace("│", "").split())
    assert "strict 2 2 8 d 4 d 7 d in 2 places, 1 still firing" in said
    assert "fast 0 0 1 could not be evaluated, no judge was asked" in said
    assert "strict: for 2 per 7d: above: 0.75, clear: 0.3 would have given 1 alerts in this very span." in said
    assert "(in sample), so the future will differ. Chosen on the first half alone (above: 0.5), it gives 4" in said
    assert "fast: no threshold is suggested: nothing moves" in said


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        (Asked("2d", ("erors",), ""), "unknown rule 'erors': did you mean 'errors'?"),
        (Asked("soon", (), ""), "--last: 'soon' is not a duration"),
        (Asked("0s", (), ""), "--last must be longer than 0s"),
        (Asked("1d", (), "some"), "'some' is not a number of alerts"),
    ],
)
def test_what_cannot_be_counted_is_explained(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: Asked, problem: str
) -> None:
    assert command(written(tmp_path), asked, as_json=False) == 2
    assert problem in capsys.readouterr().err
