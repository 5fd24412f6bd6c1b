"""What is measured of a source when rules read trailing windows."""

from datetime import timedelta

from logs import duckdb_log
from random_logs import START

from config.alerts import Rule
from config.settings import Settings
from detectors.measurement import Key, Segment, Window
from monitor.meter import Meter

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
CALLS = [
    {"id": str(n), "started_at": START + n * MINUTE, "latency_s": 1.0, "output_tokens": 7, "service": "chat"}
    for n in range(0, 180, 10)
]


def a_meter(**rule: object) -> Meter:
    source = {"kind": "files", "paths": ["x"], "groupings": [[], ["service"]]}
    settings = Settings.model_validate({"sources": {"app": source}, "rules": {"r": {"measure": "calls"} | rule}})
    return Meter.of(settings, settings.sources["app"], settings.rules.values())


def test_history_windows_are_measured_whole_although_a_rule_reads_trailing_windows_of_their_length() -> None:
    meter = a_meter(over="1h", above=5)
    log = duckdb_log(CALLS)
    admitted = meter.admit(log, START + MINUTE, START + 2 * HOUR, {})
    readings = meter.read(log, START + HOUR, START + 2 * HOUR, admitted)
    tokens, calls, chat = Key.of("tokens", type="output"), Key("calls"), Segment.of(service="chat")
    for segment in (Segment(), chat):
        batch = readings.batches[segment.columns, HOUR]
        for end in (START + HOUR, START + 2 * HOUR):
            value = batch.value(segment, Window(end - HOUR, end), tokens)
            assert value is not None
            assert value.value == 6 * 7
    whole = readings.batches[(), HOUR]
    between = Window(START + 30 * MINUTE, START + 90 * MINUTE)
    found = whole.value(Segment(), between, calls)
    assert found is not None
    assert found.value == 6
    # What no rule reads is not measured there, and not kept as missing.
    assert tokens not in whole.measured(whole.rows.index((Segment(), between))).values


def test_the_windows_of_a_burn_rate_are_measured() -> None:
    meter = a_meter(
        measure="error_ratio", burn={"objective": 0.99, "windows": [{"long": "2h", "short": "10m", "rate": 3}]}
    )
    assert meter.trailing == {
        ((), 2 * HOUR): frozenset({"error_ratio"}),
        ((), 10 * MINUTE): frozenset({"error_ratio"}),
    }


def test_a_rule_that_needs_no_trailing_window_measures_none() -> None:
    assert a_meter(measure="cost_usd", budget={"amount": 1}).trailing == {}
    assert a_meter(above=1, change={}).trailing == {}
    assert Rule(measure="calls", above=1).kind == "threshold"
