"""What `watchkeeper check` says of a rule whose kind does not fit, and of its templates."""

from pathlib import Path

import pytest
from config_files import written

from config.load import draft
from monitor.commands.checks import all_problems

SOURCE = "sources:\n  app: {kind: files, paths: [logs/*.jsonl]}\n"


def said(tmp_path: Path, rule: str, more: str = "") -> list[str]:
    """The problems of a file with one rule, without the place."""
    path = written(tmp_path, f"{SOURCE}{more}rules:\n  r: {{{rule}}}\n")
    return [str(each).split(": ", 1)[1] for each in all_problems(draft(path, {}))]


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("measure: cost_usd, burn: {objective: 0.99}", "rules.r.measure: cost_usd is no ratio, so it has no error budget; write error_ratio, for example"),
        ("measure: error_ratio, traffic_drop: {}", "rules.r.measure: error_ratio is no traffic; choose from calls, traces, feedbacks"),
        ("measure: calls, budget: {amount: 5}", "rules.r.measure: calls is not spent; choose from cost_usd, tokens"),
        ("measure: tokens, budget: {amount: 5}", "rules.r.measure: a budget of tokens needs their type; add `labels: {type: output}`, or input: a rule for each that has a budget"),
        ("measure: calls, event: {}", "rules.r.measure: has no events: 'calls'; write `measure: events`"),
        ("measure: events, above: 1", "rules.r.measure: events are watched by a section `event`; add `event: {}`"),
        ("measure: latency_seconds, labels: {percentile: 95}, above: 2, change: {}", "rules.r.change: a percentile has no interval; write `fires_on: value`, with `min_calls` and `for` so that a few calls do not fire"),
        ("measure: cost_usd, above: 2, fires_on: interval", "rules.r.fires_on: cost_usd has no interval; write `fires_on: value`, with `min_calls` and `for` so that a few calls do not fire"),
        ("measure: feedback_score, above: 2, change: {}", "rules.r.change.how: a score can be below 0 and has no ratio; write `how: difference`"),
        ("measure: latency_seconds, labels: {percentile: 95}, above: 2, fires_on: value, change: {length: 1d}", "rules.r.change.length: the percentiles of several windows are no percentile of all; leave `length` out, or watch percentile mean"),
        ("measure: calls, over: 1h, above: 2, change: {ago: 1h}", "rules.r.change.ago: reaches into the window of the value; write 2h or more"),
        ("measure: calls, above: 2, change: {length: 90m}", "rules.r.change.length: is not a whole number of history windows; a history window is 1h"),
        ("measure: calls, above: 2, change: {ago: 500d}", "rules.r.change.ago: is longer than measurements are kept; retention.long is 400d"),
        ("measure: calls, above: 2, change: {}, burn: {objective: 0.99}", "rules.r: change and burn cannot stand in one rule; write a rule for each"),
        ("measure: calls, traffic_drop: {}, below: 2", "rules.r: below (2) is a share of the usual traffic; write a number between 0 and 1"),
        ("measure: calls, above: 0, change: {}", "rules.r: a ratio to a baseline is never 0 or less; write a level above 0, or `how: difference`"),
        ("measure: cost_usd, budget: {amount: 0}", "rules.r.budget.amount: must be greater than 0"),
        ("measure: error_ratio, burn: {objective: 99.9}", "rules.r.burn.objective: must be less than 1"),
        ("measure: error_ratio, burn: {objective: 0.9}", "rules.r.burn: a burn rate of 14.4 can never be reached with an objective of 0.9; when every call fails it is 10, so write a lower rate"),
        ("measure: error_ratio, burn: {objective: 0.99, windows: [{long: 1h, short: 90s, rate: 2}]}", "rules.r.burn.windows[0].short: is not a whole number of windows; a window is 1m"),
        ("measure: error_ratio, burn: {objective: 0.99}, clear: 1", "rules.r: clear has no meaning beside burn; its levels and windows are in burn.windows"),
        ("measure: error_ratio, above: 1, summary: '{{ valu }}'", "rules.r.summary: nothing is called 'valu'; did you mean 'value'?"),
        ("measure: error_ratio, above: 1, summary: '{{ value }'", "rules.r.summary: is not a template: unexpected '}'; see docs/rules.md"),
        ("measure: error_ratio, above: 1, owner: '{{ value }}'", "rules.r.owner: nothing is called 'value'; choose from labels, rule, source; an owner depends on labels alone"),
        ("measure: error_ratio, above: 1, owner: '{{ labels.service }}'", "rules.r.owner: cannot be filled: 'dict object' has no attribute 'service'; labels are rule, source"),
        ("measure: error_ratio, above: 1, description: '{{ value + 1 }}'", "rules.r.description: cannot be filled where there is no value: unsupported operand type(s) for +: 'NoneType' and 'int'; labels are rule, source"),
        ("measure: error_ratio, above: 1, severity: '{{ source }}'", "rules.r.severity: gives 'a-source', which is no severity; it must give one of critical, error, warning, info"),
        ("measure: error_ratio, above: 1, severity: critcal", "rules.r.severity: must be one of critical, error, warning, info; did you mean 'critical'?"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_work_is_told_what_would_be_right(rule: str, problem: str, tmp_path: Path) -> None:
    assert said(tmp_path, rule) == [problem]


@pytest.mark.parametrize(
    "rule",
    [
        "measure: error_ratio, burn: {objective: 0.99}",
        "measure: calls, above: 100, fires_on: interval",
        "measure: latency_seconds, labels: {percentile: mean}, above: 2, change: {length: 1d}",
        "measure: tokens, labels: {type: input}, budget: {amount: 5, per: week}",
        "measure: events, event: {name: deploy}, by: [service], owner: '{{ labels.service }}'",
        "measure: error_ratio, above: 1, severity: \"{{ 'error' if source == 'app' else 'info' }}\"",
        "measure: error_ratio, above: 1, summary: 'plain {braces}'",
    ],
)
def test_a_rule_that_can_work_is_let_be(rule: str, tmp_path: Path) -> None:
    assert said(tmp_path, rule) == []
