"""Loading the configuration: the file, the environment over it, and the settings models themselves."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from config_files import FILE, written
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from config.alerts import Rule
from config.load import load
from config.receivers import PagerDutyReceiver
from config.settings import Settings
from config.sources import FilesSource
from config.types import format_duration, parse_duration


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path, FILE)


def test_a_file_is_loaded_with_its_folder(file: Path) -> None:
    loaded = load(file, {})
    assert loaded.settings.server.port == 9000
    assert (loaded.path, loaded.folder) == (file, file.parent)
    assert loaded.resolve("logs/*.jsonl") == file.parent / "logs/*.jsonl"
    assert loaded.resolve("/var/log/x") == Path("/var/log/x")
    source = loaded.settings.sources["my-app"]
    assert isinstance(source, FilesSource)
    assert source.paths == ["logs/*.jsonl"], "the settings stay what the user wrote"


def test_the_environment_overrules_the_file_key_by_key(file: Path) -> None:
    environ = {"WATCHKEEPER__SERVER__PORT": "9001", "WATCHKEEPER__SERVER__HOST": "0.0.0.0"}
    server = load(file, environ).settings.server
    assert (server.port, server.host) == (9001, "0.0.0.0")


def test_variables_reach_names_with_dashes_in_any_case(file: Path) -> None:
    environ = {"watchkeeper__sources__My_App__lateness": "5m", "WATCHKEEPER__RULES__ERRORS__FOR": "3m"}
    settings = load(file, environ).settings
    assert settings.sources["my-app"].lateness == timedelta(minutes=5)
    assert settings.rules["errors"].for_ == timedelta(minutes=3)


def test_variables_hold_lists_and_sections_as_json_or_yaml(file: Path) -> None:
    environ = {
        "WATCHKEEPER__SOURCES__MY_APP__PATHS": "[a.jsonl, b.jsonl]",
        "WATCHKEEPER__SOURCES__MY_APP__GROUPINGS": '[[], ["model"]]',
        "WATCHKEEPER__RULES": '{"slow": {"measure": "calls", "below": 1}}',
        "WATCHKEEPER__RULES__SLOW__BELOW": "2",
        "WATCHKEEPER__RULES__ERRORS__RECEIVER": "on-call",
    }
    settings = load(file, environ).settings
    source = settings.sources["my-app"]
    assert isinstance(source, FilesSource)
    assert (source.paths, source.groupings) == (["a.jsonl", "b.jsonl"], [[], ["model"]])
    assert settings.rules["slow"].below == 2, "the longer variable says more and wins"
    assert set(settings.rules) == {"slow", "errors"}, "a section from a variable is laid over the file's"


def test_an_empty_variable_counts_as_unset(file: Path) -> None:
    assert load(file, {"WATCHKEEPER__SERVER__PORT": ""}).settings.server.port == 9000


def test_variables_of_others_are_left_alone(file: Path) -> None:
    environ = {"WATCHKEEPER_CONFIG": "x", "WATCHKEEPER_PORT_9464_TCP": "tcp://10.0.0.1", "PATH": "/bin"}
    assert load(file, environ).settings == load(file, {}).settings


def test_the_environment_alone_can_be_a_configuration() -> None:
    environ = {
        "WATCHKEEPER__SOURCES__APP__PATHS": '["x.jsonl"]',
        "WATCHKEEPER__SOURCES__APP__KIND": "files",
        "WATCHKEEPER__RECEIVERS__ON_CALL__ROUTING_KEY": "k",
        "WATCHKEEPER__RECEIVERS__ON_CALL__KIND": "pagerduty",
    }
    loaded = load(None, environ)
    assert set(loaded.settings.sources) == {"app"}
    assert set(loaded.settings.receivers) == {"on_call"}
    assert (loaded.path, loaded.folder) == (None, Path.cwd())


def test_settings_are_plain_settings_whatever_they_were_loaded_from(file: Path) -> None:
    settings = load(file, {}).settings
    assert type(settings) is Settings
    assert settings == Settings.model_validate(settings.model_dump(by_alias=True))


def test_an_empty_file_and_empty_sections_are_defaults(tmp_path: Path) -> None:
    assert load(written(tmp_path, ""), {}).settings == Settings()
    assert load(written(tmp_path, "# nothing\nrules:\nserver:\nsources: {}\n"), {}).settings == Settings()


def test_anchors_and_merges_are_followed(tmp_path: Path) -> None:
    text = """
rules:
  base: &base {measure: error_ratio, above: 0.05, min_calls: 20}
  strict:
    <<: *base
    above: 0.01
"""
    rules = load(written(tmp_path, text), {}).settings.rules
    assert (rules["strict"].above, rules["strict"].min_calls, rules["base"].above) == (0.01, 20, 0.05)


def test_yaml_words_are_read_as_editors_read_them(tmp_path: Path) -> None:
    text = """
rules:
  a: {measure: calls, above: 1e3, summary: no, runbook: 2026-11-01, over: 60}
receivers:
  on-call: {kind: pagerduty, routing_key: 01234567890123456789012345678901, previous_routing_keys: [1e5]}
"""
    settings = load(written(tmp_path, text), {}).settings
    rule = settings.rules["a"]
    assert (rule.above, rule.summary, rule.runbook, rule.over) == (1000, "no", "2026-11-01", timedelta(minutes=1))
    receiver = settings.receivers["on-call"]
    assert isinstance(receiver, PagerDutyReceiver)
    assert receiver.routing_key.get_secret_value() == "01234567890123456789012345678901"
    assert receiver.previous_routing_keys[0].get_secret_value() == "1e5", "a key is what is written, not a number"


def test_settings_made_in_code_are_held_together_too() -> None:
    with pytest.raises(ValidationError, match=r"rules\.errors\.receiver\[0\]: 'oncall' is not among the receivers"):
        Settings(rules={"errors": Rule(measure="error_ratio", above=1, receiver=["oncall"])})


@given(st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=10_000)))
def test_a_duration_is_read_back_as_it_was_written(duration: timedelta) -> None:
    assert parse_duration(format_duration(duration)) == duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("1h30m", 5400),
        ("1 h 30 m", 5400),
        ("2w", 1_209_600),
        ("0.5m", 30),
        ("90", 90),
        (90, 90),
        (1.5, 1.5),
    ],
)
def test_durations_are_written_in_many_ways(text: str | float, seconds: float) -> None:
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "value", [None, True, "", "5", "5x", "m", "-5m", -1, float("nan"), float("inf"), [], {}, "1e9d", 1e300]
)
def test_what_is_no_duration_is_a_value_error(value: Any) -> None:
    if value == "5":
        assert parse_duration(value) == timedelta(seconds=5)
        return
    with pytest.raises(ValueError, match=r"duration|shorter"):
        parse_duration(value)
