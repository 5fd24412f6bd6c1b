"""Other numbers in a rule: stepped as a threshold over what it has read, it does what it would have done."""

from typing import Any

import pytest
from conditions_kit import HOUR, MINUTE, NOW, Measure, a_rule, ratio, reading
from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.levels import compared, spelled, twin, with_level
from alerts.rules import Alert, step
from config.alerts import Rule
from detectors.measurement import Reason, Value, Window

BURN = {
    "objective": 0.9,
    "windows": [{"long": "1h", "short": "5m", "rate": 2}, {"long": "6h", "short": "30m", "rate": 1}],
}
RULES = {
    "threshold": a_rule(above=0.2, clear=0.1, min_calls=10),
    "threshold on the interval": a_rule(below=0.3, fires_on="interval", no_data="alert"),
    "change": a_rule(above=2, clear=1.5, over="1h", change={}),
    "difference": a_rule(above=0.1, over="1h", change={"how": "difference", "value": 0.1}),
    "burn": a_rule(burn=BURN, min_calls=5),
    "traffic drop": a_rule(measure="calls", over="15m", clear=0.7, traffic_drop={"weeks": 2}),
    "budget": a_rule(measure="cost_usd", budget={"amount": 20, "per": "day"}),
    "budget by its value": a_rule(measure="cost_usd", fires_on="value", budget={"amount": 20, "per": "day"}),
}
LEVELS = {"traffic drop": [0.2, 0.5, 0.8], "budget": [5.0, 20.0, 40.0], "budget by its value": [5.0, 20.0, 40.0]}


def past(rule: Rule, seed: int) -> Measure:
    """A past in which now and then much fails, little comes or nothing is known: a function of the window."""

    def measure(window: Window) -> Value | None:
        number = int(window.start.timestamp() // 300 + window.length / MINUTE * 7 + seed) * 2_654_435_761 % 1_000
        if number < 40:
            return None if number < 20 else Value(None, n=0, reason=Reason.NO_CALLS)
        if rule.measure == "calls":
            usual = 400 * (window.length / HOUR)
            recent = window.end > NOW - HOUR
            count = round(usual * (0 if recent and number < 200 else 0.3 if recent and number < 500 else 1))
            return Value(float(count), n=count)
        if rule.measure == "cost_usd":
            return Value(number / 1_000 * (window.length / HOUR) * 2, n=number)
        calls = number // 3
        return ratio(calls * (0.6 if number % 5 == 0 else 0.05), calls) if calls else None

    return measure


@pytest.mark.parametrize("kind", RULES)
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), which=st.integers(0, 2))
def test_the_twin_of_a_rule_does_what_the_rule_would_have_done(kind: str, seed: int, which: int) -> None:
    rule = RULES[kind]
    level = LEVELS.get(kind, [0.5, 1.0, 1.7] if kind == "burn" else [0.05, 0.25, 0.5])[which]
    real, stepped = with_level(rule, level), with_level(twin(rule), level)
    one, other, measure = Alert(), Alert(), past(rule, seed)
    for number in range(12):
        at = NOW + number * 10 * MINUTE
        one = step(real, one, reading(real, measure, at), at).alert
        other = step(stepped, other, compared(rule, reading(rule, measure, at)), at).alert
        assert (one.state, one.since, one.fired_at) == (other.state, other.since, other.fired_at)


@pytest.mark.parametrize(
    ("kind", "level", "words"),
    [
        ("threshold", 0.25, "above: 0.25"),
        ("threshold on the interval", 0.25, "below: 0.25"),
        ("change", 3.0, "above: 3"),
        ("burn", 1.5, "burn.windows with the rates 3, 1.5"),
        ("traffic drop", 0.4, "below: 0.4"),
        ("budget", 1234.5, "budget.amount: 1234.5"),
    ],
)
def test_a_number_is_said_as_a_person_writes_it(kind: str, level: float, words: str) -> None:
    assert spelled(RULES[kind], level) == words


def test_the_clear_level_goes_with_the_number() -> None:
    def cleared(level: float, **changes: Any) -> float | None:
        return with_level(a_rule(**changes), level).clear

    assert cleared(1.0, above=0.5, clear=0.2) == 0.4
    assert cleared(2.0, above=0, clear=-1) == 1.0
    assert cleared(2, below=10, clear=15) == 3
    assert cleared(2.0, above=0.5) is None
    assert cleared(0.25, measure="calls", over="15m", clear=0.8, traffic_drop={}) == 0.4
