"""What `watchkeeper check` says of a rule about texts or about the judge that can never work."""

from pathlib import Path

import pytest
from test_rule_kinds import said

PRICED = "{model: m, input_usd_per_million: 0.1, output_usd_per_million: 0.4}"
JUDGE = f"judge: {{judges: {{one: {PRICED}}}, criteria: [helpfulness], budget_usd_per_day: 1}}\n"
OWN = "measure: out_of_distribution_ratio, above: 0.2"
TOPIC = "measure: topic_share, above: 2, by: [service]"


@pytest.mark.parametrize(
    ("rule", "more", "problem"),
    [
        (OWN, "", "rules.r.by: the texts of source app are read by [service] (text.by); write `by: [service]`"),
        (f"{OWN}, by: [service]", "text: {by: []}\n", "rules.r.by: the texts of source app are read as a whole (text.by); leave `by` out"),
        (f"{OWN}, by: [model]", "text: {by: [model]}\n", "rules.r.by: the texts of source app are read as a whole (text.by); add [model] to sources.app.groupings, or leave `by` out"),
        (f"{OWN}, by: [service], over: 4h", "", "rules.r.over: the length of a text window is chosen when its baseline is learnt; leave `over` out, or set text.window"),
        (f"{OWN}, by: [service], over: 4h", "text: {window: 1h}\n", "rules.r.over: is not the length of a text window; text.window is 1h: leave `over` out"),
        ("measure: drift_evidence, above: 1, by: [service], fires_on: interval", "", "rules.r.fires_on: drift_evidence has no interval; write `fires_on: value`"),
        ("measure: drift_evidence, above: 1, by: [service], change: {}", "", "rules.r.change: drift_evidence has no interval; write `fires_on: value`"),
        ("measure: embedding_drift, above: 1, by: [service], change: {}", "", "rules.r.change.how: embedding_drift can be below 0 and has no ratio; write `how: difference`"),
        (f"{TOPIC}, change: {{length: 4h}}", "", "rules.r.change.length: is not a whole number of text windows; a text window can be 1d long"),
        (f"{TOPIC}, change: {{ago: 2h}}", "text: {window: 4h}\n", "rules.r.change.ago: reaches into the window of the value; a text window is 4h long: write 4h or more"),
        (f"{TOPIC}, labels: {{stream: response}}", "text: {streams: [prompt]}\n", "rules.r.labels.stream: responses are not read; add response to text.streams"),
        ("measure: model_drift, above: 1, by: [service]", "text: {streams: [prompt]}\n", "rules.r.measure: responses are not read; add response to text.streams"),
        (f"{TOPIC}, labels: {{stream: answer}}", "", "rules.r.labels.stream: must be one of prompt, response"),
        (TOPIC, "text: {enabled: false}\n", "rules.r.measure: texts are not read; text.enabled is false"),
        ("measure: out_of_distribution_ratio, by: [service], burn: {objective: 0.99}", "", "rules.r.burn: out_of_distribution_ratio is of a sample, and an objective is of all calls; write above, with `fires_on: interval`"),
        ("measure: topic_share, by: [service], traffic_drop: {}", "", "rules.r.measure: topic_share is no traffic; choose from calls, traces, feedbacks"),
        ("measure: llm_topic_share, above: 1, by: [service]", "", "rules.r.measure: unknown measurement 'llm_topic_share'; did you mean 'topic_share'?"),
        ("measure: judge_fail_ratio, above: 0.1", "", "rules.r.measure: no judge is configured; add a section `judge`, see docs/judge.md"),
        ("measure: judge_fail_ratio, above: 0.1, over: 40m", JUDGE.replace("day: 1", "day: 1, window: 15m"), "rules.r.over: is not a whole number of judged windows; judge.window is 15m"),
        ("measure: judge_fail_ratio, above: 0.1, by: [service]", JUDGE, "rules.r.by: calls are judged by [service, model] (judge.sampling.by); write `by: [service, model]`, or leave `by` out"),
        ("measure: judge_fail_ratio, above: 0.1, labels: {criterion: helpfullness}", JUDGE, "rules.r.labels.criterion: nothing is judged by 'helpfullness'; did you mean 'helpfulness'?"),
        ("measure: judge_cost_usd, above: 5", JUDGE, "rules.r.measure: judge_cost_usd has no interval; write `fires_on: value`"),
        ("measure: judge_labels_shift, above: 0.1", JUDGE, "rules.r.measure: judge_labels_shift has no interval; write `fires_on: value`"),
        ("measure: judge_unmatched_ratio, above: 0.9", JUDGE, "rules.r.measure: judge_unmatched_ratio has no interval; write `fires_on: value`"),
    ],
)  # fmt: skip
def test_a_rule_that_can_never_fire_is_told_what_would_be_right(
    rule: str, more: str, problem: str, tmp_path: Path
) -> None:
    assert said(tmp_path, rule, more) == [problem]


@pytest.mark.parametrize(
    ("rule", "more"),
    [
        (f"{OWN}, by: [service], fires_on: interval, labels: {{baseline: pinned, stream: prompt}}", ""),
        (OWN, "text: {by: []}\n"),
        (f"{OWN}, by: [service], over: 4h", "text: {window: 4h}\n"),
        ("measure: drift_evidence, above: 1, by: [service], labels: {channel: mix, stream: response_given_prompt}", ""),
        (f"{TOPIC}, change: {{}}", ""),
        ("measure: model_drift, above: 0.1, by: [service], change: {how: difference}", ""),
        ("measure: descriptor_ratio, above: 0.1, by: [service], labels: {descriptor: refusal, service: chat}", ""),
        ("measure: judge_fail_ratio, above: 0.1, over: 1h, labels: {criterion: helpfulness, corrected: 'yes'}", JUDGE),
        ("measure: judge_win_p_value, below: 0.05, fires_on: value, labels: {criterion: tone}", JUDGE),
    ],
)
def test_a_rule_that_can_work_is_let_be(rule: str, more: str, tmp_path: Path) -> None:
    assert said(tmp_path, rule, more) == []
