"""`watchkeeper rules test`: the notation of series, the file and its problems, and what a person sees."""

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.problems import ConfigProblems
from detectors.intervals import wilson_of
from detectors.measurement import Key, Reason, Segment, Value, Window
from monitor.commands.rules_test import rules_test
from monitor.rules_test.file import START, InputSeries
from monitor.rules_test.notation import MOST_SAMPLES, parse, write
from monitor.rules_test.past import GivenPast
from monitor.rules_test.stage import Given
from monitor.rules_test.suite import read_suite

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
EXAMPLES = sorted((Path(__file__).parents[1] / "config" / "examples" / "rule-tests").glob("*.yaml"))


def written(folder: Path, text: str, name: str = "watchkeeper.yaml") -> Path:
    """A file with this text."""
    path = folder / name
    path.write_text(text)
    return path


NONE, BROKEN = Reason.NO_CALLS, Reason.ERROR


@pytest.mark.parametrize(
    ("text", "samples"),
    [
        ("0.1", (0.1,)),
        (5, (5.0,)),
        ("1x3", (1, 1, 1, 1)),
        ("1+2x3", (1, 3, 5, 7)),
        ("9-2x3 -1", (9, 7, 5, 3, -1)),
        ("-1.5e-1+.5x1", (-0.15, 0.35)),
        ("_ _x3 1", (NONE, NONE, NONE, NONE, 1)),
        ("1 errorx2 missing_column", (1, BROKEN, BROKEN, Reason.MISSING_COLUMN)),
    ],
)
def test_a_series_is_written_as_promtool_writes_it(text: object, samples: tuple[object, ...]) -> None:
    assert parse(text) == pytest.approx(samples)


@pytest.mark.parametrize("text", ["", "1+2", "x3", "stale", "1x-1", "1..2", "0x3,1", True, None, "1e999", "_x"])
def test_what_is_no_series_is_refused_with_what_would_be_right(text: object) -> None:
    with pytest.raises(ValueError, match=r"is not|has no value|too large"):
        parse(text)


def test_a_series_is_bounded_before_it_is_made() -> None:
    with pytest.raises(ValueError, match=f"longer than {MOST_SAMPLES} windows"):
        parse("1 1x99999999999")


@given(st.lists(st.floats(-1e9, 1e9) | st.sampled_from(list(Reason)), min_size=1, max_size=30).map(tuple))
def test_what_is_written_is_read_back(samples: tuple[float | Reason, ...]) -> None:
    assert parse(write(samples)) == samples


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_hold(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rules_test([path]) == 0
    assert "FAIL" not in capsys.readouterr().out


KINDS = {"threshold", "change", "burn", "traffic_drop", "budget", "event"}


def test_every_kind_of_rule_has_an_example_in_which_it_fires() -> None:
    fired: set[str] = set()
    for path in EXAMPLES:
        suite = read_suite(path, {})
        expected = [each for test in suite.tests for each in test.transitions or []]
        fired |= {suite.settings.rules[each.rule].kind for each in expected if each.to == "firing"}
    assert fired == KINDS


def test_texts_and_judges_have_examples_too() -> None:
    suite = read_suite(next(path for path in EXAMPLES if path.name == "texts.yaml"), {})
    measures = {each.measure for test in suite.tests for each in test.series}
    assert {"out_of_distribution_ratio", "embedding_drift", "drift_evidence", "judge_fail_ratio"} <= measures


BESIDE = """
window: 1m
rules:
  failing: {measure: error_ratio, above: 0.5, by: [service]}
  strange: {measure: out_of_distribution_ratio, above: 0.5, by: [service]}
  untold: {measure: judge_score, below: 0.5, no_data: alert}
tests:
  - name: each kind of window has its own time
    start: 2026-03-02T01:00:00Z
    series:
      - {measure: error_ratio, segment: {service: chat}, values: 0x29 1x29 0}
      - {measure: out_of_distribution_ratio, segment: {service: chat}, labels: {stream: prompt, baseline: rolling},
         values: 0 0.9}
      - {measure: judge_score, labels: {criterion: tone}, values: 0.9 _}
    transitions:
      - {at: 30m, rule: failing, segment: {service: chat}, to: firing}
      - {at: 60m, rule: failing, segment: {service: chat}, to: inactive}
      - {at: 1h, rule: strange, segment: {service: chat}, labels: {stream: prompt, baseline: rolling}, to: firing}
      - {at: 1h, rule: untold, labels: {criterion: tone}, to: no_data}
    messages:
      - {at: 30m, receiver: test, action: trigger, rules: failing}
      - {at: 60m, receiver: test, action: resolve, rules: failing}
      - {at: 60m, receiver: test, action: trigger, rules: strange}
      - {at: 60m, receiver: test, action: trigger, rules: untold}
"""


def test_traffic_texts_and_judge_are_tested_beside_each_other(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rules_test([written(tmp_path, BESIDE, "beside.yaml")]) == 0, capsys.readouterr().out


def test_a_source_whose_event_is_meant_must_be_named_where_there_are_several(tmp_path: Path) -> None:
    text = """
tests:
  - name: a
    series: [{measure: calls, source: one, values: 1}, {measure: calls, source: two, values: 1}]
    events: [{at: 0s, name: deploy, source: tow}, {at: 0s, name: deploy}]
"""
    with pytest.raises(ConfigProblems) as raised:
        read_suite(written(tmp_path, text, "tests.yaml"), {})
    assert "tests[0].events[0].source: unknown source 'tow'; did you mean 'two'?" in str(raised.value)
    assert "tests[0].events[1].source: must be set: there are several sources" in str(raised.value)


def test_what_was_before_has_an_hour_a_value_until_the_first_one() -> None:
    series = InputSeries.model_validate({"measure": "error_ratio", "before": "0.1 0.2 _", "values": "0.4 0.5", "n": 50})
    past = GivenPast((Given.of(series, [()]),), START, 5 * MINUTE, HOUR)
    # The first value is of the five minutes until midnight: the last whole hour before it ends at 23:00.
    hours = [Window(START - (back + 1) * HOUR, START - back * HOUR) for back in (4, 3, 2, 1)]
    found = past.values(Segment(), hours, Key.of("error_ratio"))
    assert [each and each.value for each in found] == [None, 0.1, 0.2, None]
    assert found[3] == Value(None, n=50, reason=Reason.NO_CALLS)
    (now,) = past.values(Segment(), [Window(START, START + 5 * MINUTE)], Key.of("error_ratio"))
    assert now is not None
    assert (now.value, now.n) == (0.5, 50)
    assert (now.lower, now.upper) == pytest.approx(wilson_of(25, 50))  # as measuring gives it
    assert past.values(Segment(), hours, Key.of("calls")) == [None] * 4


FAILING = """
rules:
  errors: {measure: error_ratio, above: 0.5}
tests:
  - name: wrong
    series: [{measure: error_ratio, values: 0 1 0 1}]
    transitions:
      - {at: 1m, rule: errors, to: firing, value: 0.7}
      - {at: 2m, rule: errors, to: inactive}
    messages:
      - {at: 1m, receiver: test, action: trigger, rules: errors}
      - {at: 2m, receiver: test, action: resolve, rules: errors}
  - name: right
    series: [{measure: error_ratio, values: 0}]
    transitions: []
"""


def test_a_failure_shows_what_was_expected_beside_what_happened(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, FAILING, "wrong.yaml")
    assert rules_test([path]) == 1
    assert capsys.readouterr().out.splitlines() == [
        f"FAIL {path}:5: wrong",
        "     transitions",
        "       -      1m  errors firing on app at 0.7",
        "       +      1m  errors firing on app at 1",
        "              2m  errors inactive on app at 0 (recovered)",
        "       +      3m  errors firing on app at 1",
        "     messages",
        "              1m  trigger to test: errors (Firing: errors on app)",
        "       -      2m  resolve to test: errors",  # group_interval holds it back
        f"ok   {path}:13: right",
        "1 of 2 tests failed: - was expected and did not happen, + happened and was not expected",
    ]


def test_the_rules_of_a_configuration_are_tested_and_may_be_replaced(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(
        tmp_path,
        """
sources: {support: {kind: files, paths: [calls.jsonl], groupings: [[], [service, model]]}}
rules:
  errors: {measure: error_ratio, above: 0.5, by: [service, model], for: 10m}
  other: {measure: latency_seconds, labels: {percentile: 95}, above: 1}
""",
    )
    path = written(
        tmp_path,
        """
config: watchkeeper.yaml
rules: {errors: {measure: error_ratio, above: 0.5, by: [model, service], for: 1m}}
tests:
  - name: replaced
    series: [{measure: error_ratio, segment: {model: m, service: a}, values: 1x2}]
    transitions:
      - {at: 0m, rule: errors, segment: {service: a, model: m}, to: pending}
      - {at: 1m, rule: errors, segment: {service: a, model: m}, to: firing}
""",
        "tests.yaml",
    )
    assert rules_test([path]) == 0, capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("tests: []", ":1: tests: "),
        (
            "tests:\n  - name: a\n    series:\n      - {measure: error_ratio, values: 1+2}",
            "values: '1+2' is not part of",
        ),
        ("tests:\n  - {name: a, series: [{measure: eror_ratio, values: 1}]}", "did you mean 'error_ratio'?"),
        ("tests:\n  - {name: a, serie: []}", ":2: tests[0].serie: "),
        (
            "tests:\n  - name: a\n    series: [{measure: error_ratio, values: 1}]\n"
            "    transitions: [{at: 0s, rule: errors, to: firing}]",
            ":4: tests[0].transitions[0].rule: unknown rule 'errors'",
        ),
        (
            "rules: {errors: {measure: error_ratio, above: 1}}\ntests:\n  - name: a\n"
            "    series: [{measure: error_ratio, values: 1x3}]\n"
            "    transitions: [{at: 5m, rule: errors, to: firing}]",
            ":5: tests[0].transitions[0].at: is after the end of the test; lengthen a series, or set `until`",
        ),
        (
            "rules: {errors: {measure: error_ratio, above: 1}}\ntests:\n  - name: a\n"
            "    series: [{measure: error_ratio, values: 1x3}]\n"
            "    transitions: [{at: 90s, rule: errors, to: firing}]",
            "at: no window ends then; write a multiple of 60s",
        ),
        (
            "tests:\n  - name: a\n    series: [{measure: error_ratio, values: 1}]\n"
            "    messages: [{at: 0s, receiver: slak, action: trigger, rules: a}]",
            "receiver: unknown receiver 'slak'",
        ),
        (
            "rules: {a: {measure: nothing, above: 1}}\ntests: [{name: a, series: [{measure: calls, values: 1}]}]",
            "nothing",
        ),
        ("config: none.yaml\ntests: [{name: a, series: [{measure: calls, values: 1}]}]", "none.yaml: does not exist"),
        (
            "tests: [{name: a, series: [{measure: topic_share, labels: {stream: prompt, topic: bills}, values: 1}]}]",
            "topic_share has the label baseline; add it to `labels`: rolling, pinned",
        ),
        (
            "tests: [{name: a, series: [{measure: judge_fail_ratio, labels: {criteria: tone}, values: 1}]}]",
            "judge_fail_ratio has no label 'criteria'; did you mean 'criterion'?",
        ),
        (
            "tests: [{name: a, series: [{measure: judge_fail_ratio, labels: {corrected: maybe}, values: 1}]}]",
            "must be one of yes, no",
        ),
        (
            "tests: [{name: a, series: [{measure: error_ratio, labels: {service: chat}, values: 1}]}]",
            "error_ratio has no label 'service'; write it under `segment`",
        ),
        (
            "tests: [{name: a, start: 2026-03-02T00:30:00Z, series: [{measure: judge_fail_ratio, values: 1}]}]",
            "tests[0].start: no window of judge_fail_ratio ends then; write a multiple of 3600s",
        ),
        (
            "rules: {a: {measure: judge_fail_ratio, above: 0.1}}\n"
            "tests: [{name: a, series: [{measure: judge_fail_ratio, values: 1}],"
            " transitions: [{at: 1m, rule: a, to: firing}]}]",
            "is after the end of the test",
        ),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_what_would_be_right(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ConfigProblems) as raised:
        read_suite(written(tmp_path, text, "tests.yaml"), {})
    assert problem in str(raised.value)


def test_a_missing_file_is_a_wrong_use(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert rules_test([tmp_path / "none.yaml"]) == 2
    assert "none.yaml: cannot be read: No such file or directory" in capsys.readouterr().err


def test_how_many_tests_held_is_a_metric(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, metrics = written(tmp_path, FAILING, "wrong.yaml"), tmp_path / "rules.prom"
    assert rules_test([path], metrics) == 1
    assert 'watchkeeper_rules_tests{state="passed"} 1.0' in metrics.read_text()
    assert 'watchkeeper_rules_tests{state="failed"} 1.0' in metrics.read_text()
    assert "watchkeeper_rules_test_last_run_timestamp_seconds" in metrics.read_text()
    assert rules_test([path], tmp_path / "none" / "rules.prom") == 2
    assert "cannot be written: No such file" in " ".join(capsys.readouterr().err.split())
