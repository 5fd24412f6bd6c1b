"""The state machine of an alert beside Prometheus': a tiny oracle of its semantics, and Prometheus itself.

Where a series has no gaps the two must agree in every minute. Where it has, they differ by design, and the last tests
say how; docs/proving-alerts.md tells people the same.
"""

import json
import os
import random
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import which
from typing import Any, NamedTuple

import pytest
import stores
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from alerts.rules import Alert, AlertId, State, step
from config.alerts import Rule
from detectors.measurement import Reason, Segment, Value
from monitor.store import states

START = datetime(2026, 3, 5, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LETTERS = {State.INACTIVE: ".", State.PENDING: "P", State.FIRING: "F", State.NO_DATA: "N", State.ERROR: "E"}
GAP = Value(None, n=0, reason=Reason.NO_CALLS)


class Oracle:
    """Prometheus' own bookkeeping for one series without gaps (rules/alerting.go), in minutes."""

    def __init__(self, hold: int, keep: int) -> None:
        self.hold, self.keep = hold, keep
        self.active_at: int | None = None
        self.keep_since: int | None = None
        self.firing = False

    def eval(self, at: int, is_true: bool) -> str:
        """The state after one evaluation."""
        if is_true:
            self.active_at = at if self.active_at is None else self.active_at
            self.keep_since = None
        elif self.active_at is not None:
            self.keep_since = at if self.firing and self.keep_since is None else self.keep_since
            kept = self.firing and self.keep_since is not None and at - self.keep_since < self.keep
            if not kept:
                self.active_at, self.keep_since, self.firing = None, None, False
        if self.active_at is None:
            return "."
        self.firing = self.firing or at - self.active_at >= self.hold
        return "F" if self.firing else "P"


def a_rule(hold: int, keep: int, **changes: Any) -> Rule:
    """Above 0.5, with the two times in minutes."""
    known = {"measure": "error_ratio", "above": 0.5, "for": f"{hold}m", "keep_firing_for": f"{keep}m"}
    return Rule.model_validate(known | changes)


def states_of(rule: Rule, values: Sequence[float | None]) -> str:
    """A letter a minute; None is a minute without calls."""
    alert, letters = Alert(), ""
    for number, each in enumerate(values):
        value = GAP if each is None else Value(each, n=1)
        alert = step(rule, alert, value, START + number * MINUTE).alert
        letters += LETTERS[alert.state]
    return letters


@given(st.integers(0, 5), st.integers(0, 5), st.lists(st.booleans(), max_size=60))
def test_a_series_without_gaps_gives_the_states_that_prometheus_gives(hold: int, keep: int, truths: list[bool]) -> None:
    oracle = Oracle(hold, keep)
    expected = "".join(oracle.eval(number, each) for number, each in enumerate(truths))
    assert states_of(a_rule(hold, keep), [float(each) for each in truths]) == expected


class Beside(RuleBasedStateMachine):
    """One alert and the oracle are led through the same evaluations; ours is killed and started again in between."""

    ID = AlertId("errors", "app", Segment(), ())

    @initialize(hold=st.integers(0, 5), keep=st.integers(0, 5), is_below=st.booleans())
    def begin(self, hold: int, keep: int, is_below: bool) -> None:
        self.rule = a_rule(hold, keep, **({"above": None, "below": 0.5} if is_below else {}))
        self.true, self.false = (0.4, 0.5) if is_below else (0.6, 0.5)
        self.oracle = Oracle(hold, keep)
        self.alert, self.minute, self.expected = Alert(), 0, "."
        self.store = stores.in_memory()

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()

    def read(self, is_true: bool) -> None:
        self.minute += 1
        before, at = self.alert.state, START + self.minute * MINUTE
        self.alert, transition = step(self.rule, self.alert, Value(self.true if is_true else self.false, n=1), at)
        self.expected = self.oracle.eval(self.minute, is_true)
        changed = None if transition is None else (transition.before, transition.after, transition.at)
        assert changed == (None if before is self.alert.state else (before, self.alert.state, at))

    @rule(minutes=st.integers(1, 7))
    def the_condition_holds(self, minutes: int) -> None:
        for _ in range(minutes):
            self.read(True)

    @rule(minutes=st.integers(1, 7))
    def the_condition_does_not_hold(self, minutes: int) -> None:
        for _ in range(minutes):
            self.read(False)

    @rule(truths=st.lists(st.booleans(), min_size=1, max_size=8))
    def it_flaps(self, truths: list[bool]) -> None:
        for each in truths:
            self.read(each)

    @rule(minutes=st.integers(1, 4))
    def evaluations_are_missed(self, minutes: int) -> None:
        self.minute += minutes

    @rule()
    def the_service_starts_again_from_its_store(self) -> None:
        with self.store.transaction() as session:
            states.save_alerts(session, [(self.ID, self.alert)])
        with self.store.reading() as session:
            self.alert = states.alerts(session).get(self.ID, Alert())

    @rule()
    def a_window_that_was_read_is_offered_again(self) -> None:
        if self.alert.read_until is not None:
            with pytest.raises(ValueError, match="was read already"):
                step(self.rule, self.alert, Value(self.true, n=1), self.alert.read_until)

    @invariant()
    def both_are_in_the_same_state_since_the_same_minute(self) -> None:
        if hasattr(self, "oracle"):
            assert LETTERS[self.alert.state] == self.expected
            active_at = self.oracle.active_at
            assert self.alert.since == (None if active_at is None else START + active_at * MINUTE)


TestBeside = Beside.TestCase
TestBeside.settings = settings(max_examples=30, stateful_step_count=20, deadline=None)


def promtool() -> str:
    """Where Debian installs it: a skip where it may be missing, a failure where it must not."""
    found = which("promtool")
    if found is None and os.environ.get("CI") != "true":
        pytest.skip("Debian's prometheus is not installed: apt-get install prometheus")
    assert found is not None, "CI must have promtool: apt-get install prometheus"
    return found


class Case(NamedTuple):
    """One rule and the states that Prometheus should give it, a letter a minute; `?` is not asked."""

    name: str
    expression: str
    rule: Rule
    states: str


def asked(folder: Path, given: str, cases: Sequence[Case]) -> subprocess.CompletedProcess[str]:
    """What Prometheus' own unit tests of rules say to these states of a series written as promtool wants it."""
    alerts = [
        {
            "alert": each.name,
            "expr": each.expression,
            "for": f"{each.rule.for_ // MINUTE}m",
            "keep_firing_for": f"{each.rule.keep_firing_for // MINUTE}m",
        }
        for each in cases
    ]
    expected = [each for case in cases for each in _samples(case)]
    test = {"interval": "1m", "input_series": [{"series": "x", "values": given}], "promql_expr_test": expected}
    (folder / "rules.yaml").write_text(json.dumps({"groups": [{"name": "all", "interval": "1m", "rules": alerts}]}))
    suite = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}
    (folder / "test.yaml").write_text(json.dumps(suite))
    command = [promtool(), "test", "rules", "test.yaml"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


def _samples(case: Case) -> list[dict[str, Any]]:
    words = {"P": "pending", "F": "firing"}
    found = []
    for minute, letter in enumerate(case.states):
        if letter == "?":
            continue
        labels = f'ALERTS{{alertname="{case.name}", alertstate="{words.get(letter)}"}}'
        samples = [{"labels": labels, "value": 1}] if letter in words else []
        found.append({"expr": f'ALERTS{{alertname="{case.name}"}}', "eval_time": f"{minute}m", "exp_samples": samples})
    return found


TIMINGS = [(0, 0), (3, 0), (0, 2), (2, 2), (2, 5)]


def test_prometheus_reaches_the_same_states_minute_by_minute(tmp_path: Path) -> None:
    dice = random.Random(20260305)
    runs = [[dice.choice([0.0, 0.5, 1.0])] * dice.choice([1, 1, 2, 3, 6]) for _ in range(40)]
    values = [value for each in runs for value in each][:80]
    cases = []
    for hold, keep in TIMINGS:
        above, below = a_rule(hold, keep), a_rule(hold, keep, above=None, below=0.5)
        cases.append(Case(f"above_{hold}_{keep}", "x > 0.5", above, states_of(above, values)))
        cases.append(Case(f"below_{hold}_{keep}", "x < 0.5", below, states_of(below, values)))
    assert {letter for case in cases for letter in case.states} == {".", "P", "F"}
    result = asked(tmp_path, " ".join(map(str, values)), cases)
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]


def test_prometheus_is_really_asked(tmp_path: Path) -> None:
    wrong = Case("wrong", "x > 0.5", a_rule(0, 0), "..")
    assert asked(tmp_path, "1 1", [wrong]).returncode == 1


# How the two differ where a series has gaps: a minute without calls is a series that ends for Prometheus.

GAPPY = [1.0, None, None, 1.0, 0.0, 1.0, *[None] * 3, 0.0, 1.0, 1.0, *[None] * 8]
PROMETHEUS_ENDS = " ".join("stale" if each is None else f"{each:g}" for each in GAPPY)
PROMETHEUS_LOOKS_BACK = " ".join("_" if each is None else f"{each:g}" for each in GAPPY)


@pytest.mark.parametrize(("hold", "keep"), TIMINGS)
def test_no_data_ok_is_what_prometheus_does_with_a_series_that_ends(tmp_path: Path, hold: int, keep: int) -> None:
    ours = a_rule(hold, keep, no_data="ok")
    case = Case("ends", "x > 0.5", ours, states_of(ours, GAPPY))
    result = asked(tmp_path, PROMETHEUS_ENDS, [case])
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]


def test_no_data_keep_holds_the_state_where_prometheus_ends_it_or_reads_the_last_value_again(tmp_path: Path) -> None:
    ours = a_rule(0, 0, no_data_cap="4m")
    assert states_of(ours, GAPPY) == "FFFF.FFFF.FFFFFF...."
    for values, theirs in (
        (PROMETHEUS_ENDS, "F..F.F....FF........"),
        # For five minutes the last value counts as the present one; whether the fifth is one of them, versions disagree.
        (PROMETHEUS_LOOKS_BACK, "FFFF.FFFF.FFFFFF?..."),
    ):
        result = asked(tmp_path, values, [Case("keep", "x > 0.5", ours, theirs)])
        assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]


def test_minutes_that_prometheus_bridges_by_looking_back_fire_nothing_here(tmp_path: Path) -> None:
    values: list[float | None] = [1.0, None, None, None, 1.0, 0.0]
    ours = a_rule(2, 0)
    assert states_of(ours, values) == "PPPPF."  # unknown minutes fire nothing; the next known one may
    result = asked(tmp_path, "1 _ _ _ 1 0", [Case("hold", "x > 0.5", ours, "PPFFF.")])
    assert result.returncode == 0, result.stdout[-3000:] + result.stderr[-3000:]
