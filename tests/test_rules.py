"""The state machine of one alert, a minute a window; beside Prometheus' it stands in test_rules_oracle.py."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from alerts.conditions.moment import Reading, Verdict
from alerts.rules import Alert, State, Transition, close, condition, is_memory, step
from config.alerts import Rule
from detectors.measurement import Reason, Value

START = datetime(2026, 3, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

# One letter a window: what the alert is after it.
LETTERS = {State.INACTIVE: ".", State.PENDING: "P", State.FIRING: "F", State.NO_DATA: "N", State.ERROR: "E"}


def a_rule(**settings: Any) -> Rule:
    """A rule that is true above 0.5 unless it says something else."""
    return Rule.model_validate({"measure": "error_ratio", "above": 0.5} | settings)


def window(text: str) -> Value | None:
    """One word of a series: a number, `few` (a high number from 3 calls), `_` (no calls), `none` (no row) or a reason."""
    words = {
        "few": Value(0.9, n=3),
        "low": Value(0.1, n=3),
        "_": Value(None, n=0, reason=Reason.NO_CALLS),
        "none": None,
        "missing": Value(None, reason=Reason.MISSING_COLUMN),
        "broken": Value(None, reason=Reason.ERROR),
    }
    return words[text] if text in words else Value(float(text), n=100)


def series(text: str) -> list[Value | None]:
    """A series as promtool writes it: `1 0x3 _` is one 1, four times 0, and a window without calls."""
    values: list[Value | None] = []
    for word in text.split():
        value, _, more = word.partition("x")
        values += [window(value)] * (1 + int(more or 0))
    return values


def run(rule: Rule, values: list[Value | None], alert: Alert | None = None) -> tuple[Alert, str, list[Transition]]:
    """Steps through a series, a window a minute: the alert, its state after each window, its transitions."""
    alert, states, transitions = alert or Alert(), "", []
    begin = alert.read_until or START
    for number, value in enumerate(values, 1):
        alert, transition = step(rule, alert, value, begin + number * MINUTE)
        states += LETTERS[alert.state]
        transitions += [transition] if transition else []
    return alert, states, transitions


@dataclass(frozen=True)
class Scenario:
    """What a rule makes of a series."""

    says: str
    rule: dict[str, Any]
    series: str
    states: str


SCENARIOS = (
    Scenario("fires at once without for", {}, "0 1 1 0", ".FF."),
    Scenario("a threshold is not above itself", {}, "0.5 0.51", ".F"),
    Scenario("below fires below", {"above": None, "below": 0.5}, "1 0.5 0.4 0.5", "..F."),
    Scenario("for: fires once the condition has held that long", {"for": "2m"}, "1x4", "PPFFF"),
    Scenario("for: starts again after a good window", {"for": "2m"}, "1 1 0 1x3 0", "PP.PPFF."),
    Scenario("keep_firing_for: goes on that long", {"keep_firing_for": "2m"}, "1 0x3", "FFF.."),
    Scenario(
        "keep_firing_for: starts again when the condition is back", {"keep_firing_for": "2m"}, "1 0 0 1 0x2", "FFFFFF."
    ),
    Scenario("keep_firing_for: a pending alert is not kept", {"for": "2m", "keep_firing_for": "5m"}, "1 1 0 0", "PP.."),
    Scenario("clear: goes on until the level is left", {"clear": 0.2}, "1 0.3 0.2 0.3", "FF.."),
    Scenario("clear: needs the threshold to fire again", {"clear": 0.2}, "0.3 1 0.3 0.1 0.4", ".FF.."),
    Scenario("clear: a pending alert needs the threshold", {"clear": 0.2, "for": "2m"}, "1 0.3 1", "P.P"),
    Scenario("clear below", {"above": None, "below": 0.5, "clear": 0.8}, "0.4 0.7 0.8", "FF."),
    Scenario("min_calls: few calls do not fire", {"min_calls": 10}, "fewx3", "...."),
    Scenario("min_calls: few calls do not resolve", {"min_calls": 10}, "1 lowx3 0", "FFFFF."),
    Scenario("min_calls: few calls leave a pending alert pending", {"min_calls": 10, "for": "2m"}, "1 few few", "PPP"),
    Scenario("min_calls: the cap ends it", {"min_calls": 10, "no_data_cap": "3m"}, "1 lowx4", "FFFF.."),
    Scenario("min_calls: no_data ok does not speak of few calls", {"min_calls": 10, "no_data": "ok"}, "1 low _", "FF."),
    Scenario("keep: nothing fires and nothing resolves without data", {}, "_ _ 1 _ _ 0", "..FFF."),
    Scenario("keep: a row that is not there is no data either", {}, "1 none 0", "FF."),
    Scenario("keep: a pending alert stays pending", {"for": "3m"}, "1 _ _ 1 0", "PPPF."),
    Scenario("keep: at most for the cap", {"no_data_cap": "2m"}, "1 _x4", "FFF..."),
    Scenario("keep: the cap starts again with data", {"no_data_cap": "2m"}, "1 _ _ 1 _ _ _", "FFFFFF."),
    Scenario("keep: an hour is the cap", {}, "1 _x61", "F" * 61 + ".."),
    Scenario("ok: no data is no condition", {"no_data": "ok"}, "1 _ 1 _", "F.F."),
    Scenario("ok: it ends a pending alert", {"no_data": "ok", "for": "1m"}, "1 _ 1", "P.P"),
    Scenario("ok: keep_firing_for holds", {"no_data": "ok", "keep_firing_for": "2m"}, "1 _ _ _", "FFF."),
    Scenario("alert: no data is an alert", {"no_data": "alert"}, "0 _ _ 0", ".NN."),
    Scenario("alert: after for", {"no_data": "alert", "for": "2m"}, "0 _x3 0", "...NN."),
    Scenario("alert: a firing alert changes and goes on", {"no_data": "alert"}, "1 _ 1 0", "FNF."),
    Scenario(
        "alert: a firing alert goes on firing without for", {"no_data": "alert", "for": "2m"}, "1x2 _x2 1 0", "PPFFFNF."
    ),
    Scenario("alert: data that is true starts its own for", {"no_data": "alert", "for": "1m"}, "_ _ 1 1", ".NPF"),
    Scenario("alert: a pending alert turns to no data", {"no_data": "alert", "for": "2m"}, "1 _ _ _ 1", "PPPNP"),
    Scenario(
        "alert: it does not end by the cap while data is missing",
        {"no_data": "alert", "no_data_cap": "2m"},
        "_x6",
        "NNNNNNN",
    ),
    Scenario(
        "alert: between missing data and too few calls nothing flaps",
        {"no_data": "alert", "min_calls": 10, "no_data_cap": "3m"},
        "_ few _ few _ few _ few _ few",
        "NNNNNNNNNN",
    ),
    Scenario(
        "alert: too few calls for long end it",
        {"no_data": "alert", "min_calls": 10, "no_data_cap": "3m"},
        "_ _ fewx4",
        "NNNN...",
    ),
    Scenario(
        "alert: too few calls neither begin nor break a stretch without data",
        {"no_data": "alert", "min_calls": 10, "for": "2m"},
        "few low _ low _",
        "....N",
    ),
    Scenario("error: a missing column is an alert at once", {"for": "5m"}, "missing missing", "EE"),
    Scenario("error: a failed computation is one", {}, "0 broken 0", ".E."),
    Scenario("error: a firing alert goes on after it", {"for": "1m"}, "1 1 broken 1 0", "PFEF."),
    Scenario("error: is not the start of the condition", {"for": "2m"}, "missingx4 1 1 1", "EEEEEPPF"),
    Scenario("error: no data keeps it up to the cap", {"no_data_cap": "2m"}, "missing _x3", "EEE.."),
    Scenario("error: min_calls has no say", {"min_calls": 10}, "missing", "E"),
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.says)
def test_scenario(scenario: Scenario) -> None:
    assert run(a_rule(**scenario.rule), series(scenario.series))[1] == scenario.states


def test_a_window_read_twice_or_out_of_order_is_refused() -> None:
    alert, _, _ = run(a_rule(), series("1"))
    for at in (START + MINUTE, START):
        with pytest.raises(ValueError, match="was read already"):
            step(a_rule(), alert, window("1"), at)


def test_a_transition_says_what_was_read() -> None:
    _, _, transitions = run(a_rule(**{"for": "1m"}), series("0.7 0.8 0.1"))
    assert [(each.before, each.after, each.at, each.value, each.reason) for each in transitions] == [
        (State.INACTIVE, State.PENDING, START + MINUTE, 0.7, ""),
        (State.PENDING, State.FIRING, START + 2 * MINUTE, 0.8, ""),
        (State.FIRING, State.INACTIVE, START + 3 * MINUTE, 0.1, "recovered"),
    ]


@pytest.mark.parametrize(
    ("rule_settings", "text", "reason"),
    [
        ({"no_data": "alert"}, "0.9 _", "no data"),
        ({}, "0.9 missing", "cannot be evaluated: missing_column"),
        ({"no_data_cap": "1m"}, "0.9 _ _", "no usable data for too long"),
        ({"no_data": "ok"}, "0.9 _", "recovered"),
    ],
)
def test_a_transition_without_a_usable_value_has_no_number_and_a_reason(
    rule_settings: dict[str, Any], text: str, reason: str
) -> None:
    alert, _, transitions = run(a_rule(**rule_settings), series(text))
    assert (transitions[-1].value, transitions[-1].reason) == (None, reason)
    if alert.state is not State.INACTIVE:
        assert alert.reason == reason


def test_the_reason_goes_with_the_trouble() -> None:
    alert, _, _ = run(a_rule(no_data="alert"), series("1 _ 1"))
    assert (alert.state, alert.reason) == (State.FIRING, "")


def test_a_firing_alert_keeps_its_start_through_missing_data_and_errors() -> None:
    alert, states, _ = run(a_rule(no_data="alert"), series("1 1 _ missing 1"))
    assert states == "FFNEF"
    assert (alert.since, alert.fired_at) == (START + MINUTE, START + MINUTE)


def test_no_data_starts_with_the_first_window_without_data_and_not_with_what_was_pending() -> None:
    alert, states, _ = run(a_rule(no_data="alert", **{"for": "2m"}), series("1 _ _ _"))
    assert states == "PPPN"
    assert alert.since == START + 2 * MINUTE


def test_an_error_starts_with_itself_and_not_with_what_was_pending() -> None:
    alert, _, _ = run(a_rule(**{"for": "5m"}), series("1 1 broken broken"))
    assert (alert.state, alert.since) == (State.ERROR, START + 3 * MINUTE)


def test_closing_a_firing_alert_is_a_transition_with_the_reason_and_forgets_everything() -> None:
    alert, _, _ = run(a_rule(), series("1 1 _"))
    after, transition = close(alert, START + 9 * MINUTE, "its rule has gone")
    assert transition == Transition(State.FIRING, State.INACTIVE, START + 9 * MINUTE, None, "its rule has gone")
    assert after == Alert(read_until=START + 9 * MINUTE)


def test_closing_an_inactive_alert_is_no_transition_and_forgets_that_data_was_missing() -> None:
    alert, _, _ = run(a_rule(no_data="alert", **{"for": "5m"}), series("_ _"))
    assert alert.absent_since is not None
    assert close(alert, START + 9 * MINUTE, "gone") == (Alert(read_until=START + 9 * MINUTE), None)


def test_a_rule_says_its_condition_in_words() -> None:
    rule = a_rule(above=0.05, clear=0.02, over="5m", **{"for": "2m"})
    assert condition(rule) == "above 0.05 (clears at 0.02) over 5m for 2m"
    assert condition(a_rule(above=None, below=1)) == "below 1"


@pytest.mark.parametrize("no_data", ["ok", "keep"])
def test_an_inactive_alert_that_misses_no_data_is_no_memory(no_data: str) -> None:
    alert, _, _ = run(a_rule(no_data=no_data, min_calls=10), series("1 0 _ few"))
    assert not is_memory(alert)
    alert, _, _ = run(a_rule(no_data="alert", **{"for": "5m"}), series("_"))
    assert is_memory(alert)


@given(
    st.sampled_from(["ok", "keep", "alert"]),
    st.integers(0, 3),
    st.lists(st.sampled_from(["0", "1", "few", "_", "broken"])),
)
def test_forgetting_what_is_no_memory_changes_no_state(no_data: str, hold: int, words: list[str]) -> None:
    rule = a_rule(no_data=no_data, min_calls=10, **{"for": f"{hold}m"})
    alert, states = Alert(), ""
    for number, word in enumerate(words, 1):
        alert = step(rule, alert if is_memory(alert) else Alert(), window(word), START + number * MINUTE).alert
        states += LETTERS[alert.state]
    assert states == run(rule, [window(word) for word in words])[1]


numbers = st.sampled_from(["0", "0.3", "1", "few", "low", "_", "none", "missing", "broken"])
rules = st.builds(
    lambda hold, keep, clear, few, no_data, cap: a_rule(
        **{"for": f"{hold}m", "keep_firing_for": f"{keep}m", "no_data_cap": f"{cap}m"},
        clear=clear,
        min_calls=few,
        no_data=no_data,
    ),
    st.integers(0, 3),
    st.integers(0, 3),
    st.sampled_from([None, 0.2, 0.5]),
    st.sampled_from([0, 10]),
    st.sampled_from(["ok", "keep", "alert"]),
    st.integers(1, 4),
)


@given(rules, st.lists(numbers, max_size=40))
def test_whatever_is_read_the_memory_fits_the_state(rule: Rule, words: list[str]) -> None:
    alert = Alert()
    for number, word in enumerate(words, 1):
        before = alert
        alert, transition = step(rule, alert, window(word), START + number * MINUTE)
        assert (transition is None) == (before.state is alert.state)
        assert transition is None or (transition.before, transition.after) == (before.state, alert.state)
        assert (alert.since is None) == (alert.state is State.INACTIVE)
        assert alert.state is not State.FIRING or alert.fired_at is not None
        assert alert.state not in (State.INACTIVE, State.PENDING) or alert.fired_at is None
        assert alert.since is None or alert.since <= START + number * MINUTE
        assert bool(alert.reason) == (alert.state in (State.NO_DATA, State.ERROR))


@given(rules, st.lists(numbers, max_size=40), st.data())
def test_a_series_read_in_two_halves_gives_what_it_gives_in_one(
    rule: Rule, words: list[str], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(0, len(words)))
    whole = run(rule, [window(word) for word in words])
    half, first, one = run(rule, [window(word) for word in words[:cut]])
    rest, second, two = run(rule, [window(word) for word in words[cut:]], half)
    assert (rest, first + second, one + two) == whole


@given(rules, st.lists(numbers, max_size=20))
def test_nothing_is_kept_longer_than_the_cap_without_a_usable_window(rule: Rule, words: list[str]) -> None:
    if rule.no_data == "alert":
        rule = rule.model_copy(update={"no_data": "keep"})
    alert, _, _ = run(rule, [window(word) for word in words])
    cap = rule.no_data_cap // MINUTE
    after, _, _ = run(rule, [window("_")] * (cap + 1 + rule.keep_firing_for // MINUTE), alert)
    assert after.state is State.INACTIVE


class Hysteresis(RuleBasedStateMachine):
    """A rule with `clear`: between the two levels nothing ever changes."""

    def __init__(self) -> None:
        super().__init__()
        self.rule = a_rule(above=0.5, clear=0.2)
        self.alert = Alert()
        self.at = START
        self.expected = State.INACTIVE

    def read(self, value: float) -> None:
        self.at += MINUTE
        self.alert = step(self.rule, self.alert, Value(value, n=1), self.at).alert

    @rule(value=st.floats(0.51, 1e6))
    def above_the_threshold(self, value: float) -> None:
        self.read(value)
        self.expected = State.FIRING

    @rule(value=st.floats(0.21, 0.5))
    def between(self, value: float) -> None:
        self.read(value)

    @rule(value=st.floats(0, 0.2))
    def past_the_clear_level(self, value: float) -> None:
        self.read(value)
        self.expected = State.INACTIVE

    @invariant()
    def state_is_that_of_the_last_level_that_was_passed(self) -> None:
        assert self.alert.state is self.expected


TestHysteresis = Hysteresis.TestCase
TestHysteresis.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)


SURE = {"fires_on": "interval", "min_calls": 0}


def between(value: float, lower: float, upper: float) -> Value:
    """A number with its interval."""
    return Value(value, lower, upper, 20)


@pytest.mark.parametrize(
    ("rule_settings", "read", "states"),
    [
        ({}, [between(0.7, 0.4, 0.9), between(0.7, 0.51, 0.9)], ".F"),
        ({}, [between(0.7, 0.6, 0.8), between(0.6, 0.1, 0.9), between(0.5, 0.1, 0.9)], "FF."),
        ({"clear": 0.2}, [between(0.7, 0.6, 0.8), between(0.3, 0.0, 0.9), between(0.2, 0.0, 0.9)], "FF."),
        (
            {"above": None, "below": 0.5},
            [between(0.3, 0.1, 0.6), between(0.3, 0.1, 0.49), between(0.4, 0.1, 0.9)],
            ".FF",
        ),
        ({"for": "1m"}, [between(0.7, 0.6, 0.8), between(0.7, 0.4, 0.9), between(0.7, 0.6, 0.8)], "P.P"),
        ({}, [Value(0.9, n=5)], "."),
    ],
)
def test_on_the_interval_an_alert_begins_surely_and_goes_on_by_its_value(
    rule_settings: dict[str, Any], read: list[Value | None], states: str
) -> None:
    assert run(a_rule(**(SURE | rule_settings)), read)[1] == states


def test_a_measurement_of_a_judge_fires_on_its_interval_unless_it_is_told_otherwise() -> None:
    wide = [between(0.7, 0.4, 0.9)]
    assert run(a_rule(measure="judge_failure_ratio"), wide)[1] == "."
    assert run(a_rule(measure="judge_failure_ratio", fires_on="value"), wide)[1] == "F"
    assert run(a_rule(), wide)[1] == "F"
    assert condition(a_rule(measure="judge_failure_ratio")) == "above 0.5 with its whole interval"


@given(st.floats(0, 1), st.floats(0, 0.5), st.booleans())
def test_whoever_fires_on_the_interval_fires_on_the_value(value: float, half: float, above: bool) -> None:
    level: dict[str, Any] = {"above": 0.5} if above else {"above": None, "below": 0.5}
    read: list[Value | None] = [between(value, value - half, value + half)]
    assert run(a_rule(**SURE, **level), read)[1] != "F" or run(a_rule(**level), read)[1] == "F"


def test_too_few_to_say_anything_is_no_missing_data() -> None:
    few = Value(None, n=3, reason=Reason.TOO_FEW)
    assert run(a_rule(no_data="alert"), [few, few])[1] == ".."
    assert run(a_rule(), [window("1"), few, window("0")])[1] == "FF."


def test_a_verdict_stands_in_place_of_the_levels() -> None:
    alert = Alert()
    states = ""
    for number, (fires, goes_on) in enumerate([(False, True), (True, False), (False, True), (False, False)], 1):
        reading = Reading(Value(9.0, n=1), Verdict(fires, goes_on), f"reading {number}")
        alert = step(a_rule(), alert, reading, START + number * MINUTE).alert
        states += LETTERS[alert.state]
    assert states == ".FF."
    assert alert.said == "reading 4"


def test_a_change_of_state_says_how_sure_it_is_and_against_what() -> None:
    mine = a_rule()
    read = Reading(Value(0.9, 0.8, 0.95, 40), said="0.9 against 0.1 a week ago")
    fired = step(mine, Alert(), read, START)
    assert fired.transition == Transition(
        State.INACTIVE, State.FIRING, START, 0.9, "", 0.8, 0.95, 40, "0.9 against 0.1 a week ago"
    )
    broken = step(mine, fired.alert, Value(None, reason=Reason.ERROR), START + MINUTE)
    assert broken.transition is not None
    assert (broken.transition.value, broken.transition.lower, broken.transition.said) == (None, None, "")
