"""What leaves on /metrics: names, labels, freshness, and that no text can break it."""

import os
import re
import subprocess
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from shutil import which

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families
from snapshots import END, FRESH_FOR, NOW, WHOLE, alerts, measured, snapshot, sources

from alerts.notifier import Failure
from config.calls import GROUPING_COLUMNS
from detectors.catalogue import MEASUREMENTS
from detectors.measurement import Key, Measured, Segment, Value
from monitor.clean import LABEL_LENGTH, clean_label
from monitor.counters import BUCKETS, COUNTERS, DELIVERED, TIMERS, Counters
from monitor.exporter import Exporter
from monitor.snapshot import Snapshot

# Written out, not made from the catalogue: names are a public contract.
MEASURED = (
    "calls calls_per_second failed_calls traces traces_per_second calls_per_trace error_ratio success_ratio "
    "trace_success_ratio cancelled_ratio latency_seconds time_to_first_token_seconds time_per_output_token_seconds "
    "trace_latency_seconds tokens tokens_per_second tokens_per_call tokens_per_trace streaming_ratio truncated_ratio "
    "empty_ratio refusal_ratio cost_usd cost_usd_per_call feedbacks feedback_score feedback_positive_ratio"
)
HEALTH = (
    "source_last_success_timestamp_seconds source_lag_seconds rows_total quarantined_total late_changed_total "
    "cycle_seconds_count deliveries_total outbox_pending build_info alerts"
)

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def exported(shown: Snapshot) -> str:
    return Exporter(lambda: shown, lambda: NOW, FRESH_FOR, "1.2.3").render().decode()


def samples(shown: Snapshot) -> Samples:
    """Every sample by name and non-empty labels: as Prometheus sees them."""
    found: Samples = {}
    for family in text_string_to_metric_families(exported(shown)):
        for sample in family.samples:
            series = sample.name, frozenset((name, value) for name, value in sample.labels.items() if value)
            assert series not in found, f"{series} comes twice"
            found[series] = sample.value
    return found


def series(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return name, frozenset(labels.items())


def one_value(value: float, *, segment: Segment = WHOLE, age: timedelta = timedelta(0), seconds: int = 60) -> Measured:
    row = measured(segment, end=END - age, seconds=seconds)
    return replace(row, values={Key.of("calls"): Value(value)})


def test_every_name_of_the_table_of_measurements_is_exported() -> None:
    names = {name for name, _ in samples(snapshot())}
    assert {f"llm_{name}" for name in MEASURED.split()} <= names
    assert {f"watchkeeper_{name}" for name in HEALTH.split()} <= names
    assert "llm_window_end_timestamp_seconds" in names


def test_a_gauge_carries_its_source_its_segment_and_its_own_labels() -> None:
    found = samples(snapshot())
    assert found[series("llm_calls", source="chat")] == 240
    labels = {"source": "chat", "service": "support", "model": "gpt-4o"}
    assert found[series("llm_latency_seconds", **labels, percentile="95")] == 3.1
    assert found[series("llm_latency_seconds", **labels, percentile="mean")] == 0.25
    assert found[series("llm_failed_calls", **labels, error_type="timeout")] == 0.25
    assert found[series("llm_feedback_score", **labels, key="thumbs")] == 0.25


def test_every_series_of_a_family_has_the_same_label_names() -> None:
    for family in text_string_to_metric_families(exported(snapshot())):
        names = {frozenset(sample.labels.keys() - {"le"}) for sample in family.samples}
        assert len(names) <= 1, f"{family.name}: {names}"


def test_the_label_of_summaries_is_not_used() -> None:
    assert "quantile=" not in exported(snapshot())


def test_no_value_is_no_sample_and_never_zero() -> None:
    found = samples(snapshot())
    assert found[series("llm_calls", source="chat", service="billing")] == 0
    assert series("llm_error_ratio", source="chat", service="billing") not in found
    assert not [name for name, _ in found if name == "llm_cache_hit_ratio"]


def test_a_gauge_goes_when_its_window_is_no_longer_fresh_and_its_window_end_stays() -> None:
    found = samples(snapshot())
    assert series("llm_calls", source="search") not in found
    assert found[series("llm_window_end_timestamp_seconds", source="search", length="60")] == END.timestamp() - 7200
    assert found[series("llm_window_end_timestamp_seconds", source="chat", length="300")] == END.timestamp()


def test_a_window_is_fresh_up_to_the_last_moment() -> None:
    edge = FRESH_FOR - (NOW - END)
    assert series("llm_calls", source="chat") in samples(snapshot(windows=(one_value(1, age=edge),)))
    late = edge + timedelta(microseconds=1)
    assert series("llm_calls", source="chat") not in samples(snapshot(windows=(one_value(1, age=late),)))


def test_of_two_windows_of_one_segment_the_newest_is_exported_and_then_the_shortest() -> None:
    older = one_value(1, age=timedelta(minutes=1))
    shown = snapshot(windows=(one_value(2), older, one_value(3, seconds=300)))
    assert samples(shown)[series("llm_calls", source="chat")] == 2


def test_alerts_are_exported_with_their_state_and_inactive_ones_are_not() -> None:
    found = {labels: value for (name, labels), value in samples(snapshot()).items() if name == "watchkeeper_alerts"}
    place = {"source": "chat", "service": "support", "model": "gpt-4o"}
    errors = {"rule": "errors", "severity": "critical", "state": "firing", **place}
    assert found[frozenset(errors.items())] == 1
    assert Counter(dict(labels)["state"] for labels in found) == dict.fromkeys(
        ("firing", "pending", "no_data", "error"), 1
    )


def test_a_label_of_a_rule_cannot_replace_the_alert_s_own() -> None:
    alert = replace(alerts()[1], labels=(("rule", "x"), ("state", "x"), ("service", "x")))
    found = [labels for name, labels in samples(snapshot(alerts=(alert,))) if name == "watchkeeper_alerts"]
    assert dict(found[0]) | {"rule": "errors", "state": "firing", "service": "support"} == dict(found[0])


def test_the_health_of_sources_and_channels_is_exported() -> None:
    found = samples(snapshot())
    assert found[series("watchkeeper_source_last_success_timestamp_seconds", source="chat")] == NOW.timestamp() - 12
    assert found[series("watchkeeper_source_lag_seconds", source="chat")] == 80
    assert found[series("watchkeeper_rows_total", source="chat")] == 1200
    assert found[series("watchkeeper_quarantined_total", source="chat", reason="no id")] == 3
    assert found[series("watchkeeper_outbox_pending", channel="oncall")] == 2
    assert found[series("watchkeeper_build_info", version="1.2.3")] == 1


def test_a_source_that_never_succeeded_has_no_time_of_success() -> None:
    shown = snapshot(sources=(replace(sources()[0], last_success_at=None, lag_s=None),))
    assert not [name for name, _ in samples(shown) if name.startswith("watchkeeper_source_")]


def test_lag_grows_while_no_new_snapshot_comes() -> None:
    shown = snapshot(at=NOW - timedelta(minutes=10))
    assert samples(shown)[series("watchkeeper_source_lag_seconds", source="chat")] == 680


def test_counters_exist_at_zero_for_every_configured_source_and_channel() -> None:
    found = samples(snapshot())
    assert found[series("watchkeeper_rows_total", source="search")] == 0
    assert found[series("watchkeeper_late_changed_total", source="search")] == 0
    assert found[series("watchkeeper_cycle_seconds_count", source="search")] == 0
    for outcome in (DELIVERED, *Failure):
        assert found[series("watchkeeper_deliveries_total", channel="slack", outcome=outcome)] == 0


def test_durations_fall_into_cumulative_buckets() -> None:
    counters = Counters({"source": ["chat"]})
    for seconds in (0.05, 0.06, 7, 1000):
        counters.observe("cycle_seconds", seconds, source="chat")
    found = samples(snapshot(counters=counters.counted()))
    buckets = [found[series("watchkeeper_cycle_seconds_bucket", source="chat", le=f"{bound:g}")] for bound in BUCKETS]
    assert buckets == [1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3]
    assert found[series("watchkeeper_cycle_seconds_bucket", source="chat", le="+Inf")] == 4
    assert found[series("watchkeeper_cycle_seconds_sum", source="chat")] == 1007.11


@pytest.mark.parametrize(
    ("name", "labels", "problem"),
    [
        ("row", {"source": "chat"}, "nothing counts 'row'"),
        ("rows", {"channel": "chat"}, "rows has the labels source, not channel"),
        ("rows", {}, "not none"),
    ],
)
def test_a_counter_that_is_not_in_the_list_is_refused(name: str, labels: dict[str, str], problem: str) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        Counters().add(name, **labels)


def test_a_counter_never_falls() -> None:
    with pytest.raises(ValueError, match="only grows"):
        Counters().add("rows", amount=-1, source="chat")


def test_labels_of_measurements_and_columns_of_segments_never_share_a_name() -> None:
    own = {label for spec in MEASUREMENTS for label, _ in spec.labels}
    assert not own & {*GROUPING_COLUMNS, "source", "rule", "severity", "state", "length", "quantile", "le"}


HOSTILE = [
    "",
    "a\nb",
    'say "hi"\\',
    "\x00\x1b[31m",
    "\ud800",
    "\\ud800",
    "<script>",
    "e\u0301\u202e",
    "x" * 1_000_000,
    "x" * 999_999 + "y",
    "𝔘" * 200,
]


def test_hostile_values_make_different_series_of_bounded_valid_text() -> None:
    windows = tuple(one_value(number, segment=Segment.of(model=text)) for number, text in enumerate(HOSTILE))
    found = samples(snapshot(windows=windows))
    assert sorted(value for (name, _), value in found.items() if name == "llm_calls") == list(range(len(HOSTILE)))


@given(st.lists(st.text(st.characters(exclude_categories=())), unique=True, max_size=6))
def test_any_text_makes_a_label_that_prometheus_takes(texts: list[str]) -> None:
    labels = [clean_label(text) for text in texts]
    assert len(set(labels)) == len(texts)
    for label in labels:
        assert 0 < len(label) <= LABEL_LENGTH
        assert label.isprintable()
        label.encode()


def test_promtool_finds_nothing_to_complain_about() -> None:
    promtool = which("promtool")
    if promtool is None and os.environ.get("CI") != "true":
        pytest.skip("Debian's prometheus is not installed: apt-get install prometheus")
    assert promtool is not None, "CI must have promtool: apt-get install prometheus"
    page = exported(snapshot())
    checked = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    assert checked.stderr == ""
    assert checked.returncode == 0


def test_every_own_metric_is_in_the_lists_that_documents_are_made_from() -> None:
    described = {f"watchkeeper_{spec.name}_total" for spec in COUNTERS} | {
        f"watchkeeper_{spec.name}" for spec in TIMERS
    }
    typed = set(re.findall(r"^# TYPE (watchkeeper_\w+) (?:counter|histogram)$", exported(snapshot()), re.MULTILINE))
    assert {name for name in typed if not name.startswith("watchkeeper_process_")} == described
