"""Every way in which a configuration can be wrong, with the exact text that the user reads."""

from pathlib import Path

import pytest

from config.load import draft
from monitor.commands.checks import all_problems

FIXTURES = Path(__file__).parent / "config_fixtures"

# The file of that name in config_fixtures: what `watchkeeper check` says of it, each line behind the file's name.
WRONG_FILES: dict[str, list[str]] = {
    "yaml_colon": [
        ":3: is not YAML: while parsing a flow mapping expected ',' or '}', but got ':'; check quotes, colons and the indentation around this line",
    ],
    "yaml_mapping_here": [
        ":2: is not YAML: mapping values are not allowed here; check quotes, colons and the indentation around this line",
    ],
    "yaml_tab": [
        ":2: is not YAML: a tab; indent with spaces",
    ],
    "not_utf8": [
        ": is not UTF-8 text (byte 39); save it as UTF-8",
    ],
    "yaml_two_documents": [
        ":3: holds a second document; take out the line `---`",
    ],
    "yaml_star": [
        ":4: is not YAML: an alias (*name) that no anchor (&name) defines; quote a text that starts with *",
    ],
    "yaml_impossible_escape": [
        ":1: is not YAML: an escape of a character that does not exist; use single quotes",
    ],
    "yaml_control_character": [
        ":2: is not YAML: a control character or half of a surrogate pair; take it out",
    ],
    "yaml_alias_of_itself": [
        ":3: sources.again: is empty, but must be a section of keys; write a value, or take the key out",
        ":3: sources.again: refers to itself; take the alias out",
    ],
    "yaml_alias_bomb": [
        ":1: is too large once its aliases are followed; use fewer aliases",
    ],
    "yaml_too_deep": [
        ":1: is nested too deeply; keep to the levels that the settings have",
    ],
    "yaml_tag": [
        ":2: sources.app.paths: has the tag tag:yaml.org,2002:python/tuple; write the plain value",
    ],
    "yaml_not_a_section": [
        ":1: must be a section of keys; start with `sources:`",
    ],
    "yaml_duplicate_key": [
        ":7: sources.app.every: is written twice, first in line 5; keep one of the two",
    ],
    "yaml_number_as_key": [
        ":5: server.9001: is not text as a key; write the key in quotes",
    ],
    "yaml_list_as_key": [
        ":4: server: has a key that is a list or a section; keys are words",
    ],
    "yaml_merge_of_a_list": [
        ":5: sources.app.<<: merges what is not a section; write <<: *name",
    ],
    "yaml_alias_of_nothing": [
        ":4: is not YAML: an alias (*name) that no anchor (&name) defines; quote a text that starts with *",
    ],
    "window_not_of_history": [
        ":3: window: with it, history (1h) is not a whole number of windows that divides a day; set history too",
    ],
    "unknown_key": [
        ":6: rules.errors.abov: unknown key; did you mean 'above'?",
    ],
    "unknown_key_far_from_all": [
        ":5: sources.app.owner: unknown key; the keys here are columns, timezone, groupings, max_segments, every, lateness, max_duration, trace_gap, silent_after, redact, kind, paths, format, delimiter, retention, latest_by, feedback",
    ],
    "unknown_key_of_another_kind": [
        ":5: sources.app.statement_timeout: unknown key; it belongs to kind table",
    ],
    "unknown_section": [
        ":3: reciever: unknown key; did you mean 'receivers'?",
    ],
    "unknown_key_by_field_name": [
        ":7: rules.errors.for_: unknown key; did you mean 'for'?",
    ],
    "missing_paths": [
        ":2: sources.app.paths: is missing; add for example `paths: [logs/calls-*.jsonl*]`",
    ],
    "missing_measure": [
        ":4: rules.errors.measure: is missing; add for example `measure: error_ratio`",
    ],
    "missing_secret": [
        ":4: receivers.oncall.routing_key: is missing; add routing_key, or routing_key_file with the path of a file that holds it",
    ],
    "missing_kind": [
        ":2: sources.app: has no kind; add `kind: files` or `kind: table`",
    ],
    "unknown_kind": [
        ":4: sources.app.kind: unknown kind 'flies'; did you mean 'files'? The kinds are files, table",
    ],
    "unknown_kind_far_from_all": [
        ":4: receivers.team.kind: unknown kind 'carrier-pigeon'; the kinds are slack, pagerduty, webhook, alertmanager, email, apprise",
    ],
    "empty_entry": [
        ":2: sources.app: is empty, but must be a section of keys; write a value, or take the key out",
    ],
    "empty_value": [
        ":4: server.port: is empty, but must be a whole number; write a value, or take the key out",
    ],
    "type_section": [
        ":2: sources.app: must be a section of keys, not text; write the keys indented under it, first `kind: files` or `kind: table`",
    ],
    "type_section_of_names": [
        ":1: sources: must be a section of keys, not a list; write each name with its value on a line of its own, indented",
    ],
    "type_section_of_a_model": [
        ":3: server: must be a section of keys, not text; write the keys indented under it: host, port, external_url, token, token_file, reports_kept",
    ],
    "type_text": [
        ":4: server.host: must be text, not a number; put it in quotes",
    ],
    "type_text_fraction": [
        ":7: rules.errors.by: source app is not cut by [model]; add [model] to sources.app.groupings, or name other `sources` in the rule",
        ":8: rules.errors.labels.model: must be text, not a number; put it in quotes",
    ],
    "type_text_true": [
        ":5: rules.errors.measure: must be text, not true or false; put it in quotes",
    ],
    "type_whole_number": [
        ":4: server.port: must be a whole number, not text",
    ],
    "type_fraction": [
        ":4: server.port: must be a whole number, not a fraction",
    ],
    "type_number": [
        ":6: rules.errors.above: must be a number, not text",
    ],
    "type_true_false": [
        ":5: sources.app.redact.enabled: must be true or false, not text",
    ],
    "type_list": [
        ":5: sources.app.groupings: must be a list, not text; write [a, b], or each item on a line of its own after '- '",
    ],
    "type_secret": [
        ":6: receivers.oncall.routing_key: must be text, not a list",
    ],
    "limit_lower": [
        ":7: rules.errors.min_calls: must be at least 0",
    ],
    "limit_upper": [
        ":4: server.port: must be at most 65535",
    ],
    "limit_not_finite": [
        ":6: rules.errors.above: must be a finite number",
    ],
    "limit_empty_list": [
        ":4: sources.app.paths: must not be empty",
    ],
    "limit_one_character": [
        ":5: sources.app.delimiter: must be 1 character long",
    ],
    "not_a_name": [
        ":2: sources.My App: is not a name; use lower-case letters and digits with single - or _ between them, 63 at most, such as 'my-app'",
    ],
    "not_a_name_too_long": [
        ":2: sources.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa: is not a name; use lower-case letters and digits with single - or _ between them, 63 at most",
    ],
    "not_one_of": [
        ":7: rules.errors.severity: must be one of critical, error, warning, info; did you mean 'critical'?",
    ],
    "not_one_of_in_a_list": [
        ":6: sources.app.redact.kinds[1]: must be one of email, phone, card, key; did you mean 'phone'?",
    ],
    "duration_without_unit": [
        ":5: sources.app.every: 'soon' is not a duration; write a number and a unit, such as 30s, 5m, 1h30m or 28d",
    ],
    "duration_of_nothing": [
        ":5: sources.app.every: must be longer than 0s",
    ],
    "duration_below_zero": [
        ":5: sources.app.lateness: must not be shorter than 0s",
    ],
    "duration_too_long": [
        ":5: sources.app.lateness: is too long for a duration",
    ],
    "duration_list": [
        ":5: sources.app.every: is not a duration; write a number and a unit, such as 30s, 5m, 1h30m or 28d",
    ],
    "timezone": [
        ":5: sources.app.timezone: 'Mars/Olympus' is not a time zone; write an IANA name such as UTC or Europe/Berlin",
    ],
    "pattern": [
        ":6: sources.app.redact.patterns[0]: is not a regular expression; missing ), unterminated subpattern at position 0",
    ],
    "column_of_calls": [
        ":6: sources.app.columns.modle: unknown column 'modle'; did you mean 'model'?",
    ],
    "column_of_feedback": [
        ":7: sources.app.feedback.columns.scor: unknown column 'scor'; did you mean 'score'?",
    ],
    "column_of_grouping": [
        ":5: sources.app.groupings[1][0]: unknown column 'user_id'; choose from service, environment, operation, provider, model, response_model, route, prompt_version",
    ],
    "column_twice": [
        ":5: sources.app.groupings: [model, model] names a column twice",
    ],
    "column_latest_by": [
        ":5: sources.app.latest_by: unknown column 'updated_at'; did you mean 'started_at'?",
    ],
    "rule_without_threshold": [
        ":4: rules.errors: set exactly one of above and below",
    ],
    "rule_with_two_thresholds": [
        ":4: rules.errors: set exactly one of above and below",
    ],
    "rule_clear_above": [
        ":4: rules.errors: clear (0.1) must not be greater than above (0.05)",
    ],
    "rule_clear_below": [
        ":4: rules.errors: clear (1) must not be less than below (5)",
    ],
    "slack_two_ways": [
        ":4: receivers.team: set exactly one of token (with channel) and webhook_url",
    ],
    "slack_no_channel": [
        ":4: receivers.team: a token needs a channel to post to",
    ],
    "table_and_query": [
        ":2: sources.app: set exactly one of table and query",
    ],
    "table_nor_query": [
        ":2: sources.app: set exactly one of table and query",
    ],
    "unknown_receiver": [
        ":4: rules.errors.receiver: 'oncal' is not among the receivers; did you mean 'oncall'?",
    ],
    "unknown_receiver_none": [
        ":7: rules.errors.receiver[0]: 'oncall' is not among the receivers; no receivers are configured",
    ],
    "unknown_receiver_of_health": [
        ":6: health.receiver[1]: 'pager' is not among the receivers; receivers are oncall",
    ],
    "unknown_source": [
        ":9: rules.errors.sources[1]: 'search' is not among the sources; sources are app",
    ],
    "window_not_of_a_day": [
        ":3: window: does not divide a day, so windows would not stay aligned; write 30s, 1m or 5m",
    ],
    "over_not_of_windows": [
        ":7: rules.errors.over: is not a whole number of windows; a window is 1m",
    ],
    "history_not_of_windows": [
        ":3: history: is not a whole number of windows that divides a day; a window is 1m",
    ],
    "secret_twice": [
        ":7: receivers.oncall.routing_key_file: routing_key is written here too; keep one of routing_key and routing_key_file",
    ],
    "secret_file_missing": [
        ":6: receivers.oncall.routing_key_file: the file cannot be read: No such file or directory; check the path and its rights",
    ],
    "secret_file_empty": [
        ":6: receivers.oncall.routing_key_file: the file is empty; write only the secret into it",
    ],
    "secret_file_binary": [
        ":6: receivers.oncall.routing_key_file: the file is not UTF-8 text; write the secret as plain text",
    ],
    "secret_file_folder": [
        ":6: receivers.oncall.routing_key_file: the file cannot be read: Is a directory; check the path and its rights",
    ],
    "secret_file_no_path": [
        ":6: receivers.oncall.routing_key_file: is not the path of a file; write the path of the file with the secret",
    ],
    "secret_empty": [
        ":6: receivers.oncall.routing_key: is empty; write the secret, or take the key out",
    ],
    "secret_placeholder": [
        ":6: receivers.oncall.routing_key: looks like ${…}, but variables are not filled in here; set WATCHKEEPER__RECEIVERS__ONCALL__ROUTING_KEY, or routing_key_file to the path of a file that holds the value",
    ],
    "secret_placeholder_inside": [
        ":4: sources.app.url: looks like ${…}, but variables are not filled in here; set WATCHKEEPER__SOURCES__APP__URL, or url_file to the path of a file that holds the value",
    ],
    "secret_placeholder_in_list": [
        ":7: receivers.oncall.previous_routing_keys[0]: looks like ${…}, but variables are not filled in here; set WATCHKEEPER__RECEIVERS__ONCALL__PREVIOUS_ROUTING_KEYS, or previous_routing_keys_file to the path of a file that holds the value",
    ],
    "measure_unknown": [
        ":5: rules.errors.measure: unknown measurement 'eror_ratio'; did you mean 'error_ratio'?",
    ],
    "measure_with_prefix": [
        ":5: rules.errors.measure: unknown measurement 'llm_error_ratio'; did you mean 'error_ratio'?",
    ],
    "measure_far_from_all": [
        ":5: rules.errors.measure: unknown measurement 'happiness'; choose from calls, calls_per_second, failed_calls, error_ratio, success_ratio, cancelled_ratio, latency_seconds, time_to_first_token_seconds, time_per_output_token_seconds, tokens, tokens_per_second, tokens_per_call, streaming_ratio, truncated_ratio, empty_ratio, refusal_ratio, cache_hit_ratio, cost_usd, cost_usd_per_call, traces, traces_per_second, calls_per_trace, trace_success_ratio, trace_latency_seconds, tokens_per_trace, feedbacks, feedback_score, feedback_positive_ratio",
    ],
    "label_unknown": [
        ":6: rules.errors.labels.errortype: failed_calls has no label 'errortype'; did you mean 'error_type'?",
    ],
    "label_of_none": [
        ":6: rules.errors.labels.percentile: error_ratio has no label 'percentile'; it has none of its own; further labels are columns of `by`",
    ],
    "label_value": [
        ":6: rules.errors.labels.percentile: must be one of 50, 90, 95, 99, mean",
    ],
    "label_percentile_missing": [
        ":5: rules.errors.measure: latency_seconds needs a percentile; add `labels: {percentile: 95}`, or one of 50, 90, 95, 99, mean",
    ],
    "label_of_a_segment_not_watched": [
        ":6: rules.errors.labels.service: the rule does not watch segments by service; add service to its `by`",
    ],
    "by_without_grouping": [
        ":6: rules.errors.by: source app is not cut by [route]; add [route] to sources.app.groupings, or name other `sources` in the rule",
    ],
    "group_by_unknown": [
        ":7: receivers.team.group_by[0]: alerts have no label 'rul'; did you mean 'rule'?",
    ],
    "many_at_once": [
        ":4: sources.app.pathz: unknown key; did you mean 'paths'?",
        ":5: sources.other.kind: unknown kind 'flies'; did you mean 'files'? The kinds are files, table",
        ":7: rules.errors.abov: unknown key; did you mean 'above'?",
        ":7: rules.errors.measure: unknown measurement 'eror_ratio'; did you mean 'error_ratio'?",
        ":7: rules.errors.receiver: 'oncal' is not among the receivers; did you mean 'oncall'?",
        ":8: rules.slow.by: source app is not cut by [route]; add [route] to sources.app.groupings, or name other `sources` in the rule",
        ":8: rules.slow.by: source other is not cut by [route]; add [route] to sources.other.groupings, or name other `sources` in the rule",
        ":8: rules.slow.measure: latency_seconds needs a percentile; add `labels: {percentile: 95}`, or one of 50, 90, 95, 99, mean",
        ":12: receivers.oncall.routing_key_file: the file cannot be read: No such file or directory; check the path and its rights",
        ":14: server.port: must be a whole number, not text",
        ":15: server.port: is written twice, first in line 14; keep one of the two",
        ":16: window: does not divide a day, so windows would not stay aligned; write 30s, 1m or 5m",
    ],
    "does_not_exist": [
        ": does not exist; `watchkeeper init` writes one to start from",
    ],
}

FILE = """
sources:
  app: {kind: files, paths: [calls.jsonl]}
  my-logs: {kind: files, paths: [logs.jsonl]}
rules:
  errors: {measure: error_ratio, above: 0.05}
receivers:
  oncall: {kind: pagerduty, routing_key: from-the-file}
"""

# Variables beside a file that is right: what is said of them.
WRONG_VARIABLES: list[tuple[dict[str, str], list[str]]] = [
    (
        {"WATCHKEEPER__SERVER__PROT": "9000"},
        ["WATCHKEEPER__SERVER__PROT: server.prot: unknown key; did you mean WATCHKEEPER__SERVER__PORT?"],
    ),
    (
        {"WATCHKEEPER__SERVER__COLOUR": "blue"},
        [
            "WATCHKEEPER__SERVER__COLOUR: server.colour: unknown key; choose from WATCHKEEPER__SERVER__HOST, WATCHKEEPER__SERVER__PORT, WATCHKEEPER__SERVER__EXTERNAL_URL, "
            "WATCHKEEPER__SERVER__TOKEN, WATCHKEEPER__SERVER__TOKEN_FILE, WATCHKEEPER__SERVER__REPORTS_KEPT"
        ],
    ),
    (
        {"WATCHKEEPER__SERVER__PORT": "http"},
        ["WATCHKEEPER__SERVER__PORT: server.port: must be a whole number, not text"],
    ),
    (
        {"watchkeeper__window": "often"},
        [
            "watchkeeper__window: window: 'often' is not a duration; write a number and a unit, such as 30s, 5m, 1h30m or 28d"
        ],
    ),
    (
        {"WATCHKEEPER_SERVER__PORT": "9000"},
        ["WATCHKEEPER_SERVER__PORT: is not read; did you mean WATCHKEEPER__SERVER__PORT?"],
    ),
    (
        {"WATCHKEEPER__WINDOW__LENGTH": "1m"},
        ["WATCHKEEPER__WINDOW__LENGTH: window.length: the key has no keys of its own; set WATCHKEEPER__WINDOW"],
    ),
    (
        {"WATCHKEEPER__SOURCES__APP__PATHS__0": "x"},
        [
            'WATCHKEEPER__SOURCES__APP__PATHS__0: sources.app.paths.0: a list is set as a whole; write WATCHKEEPER__SOURCES__APP__PATHS=["a", "b"]'
        ],
    ),
    (
        {"WATCHKEEPER__SOURCES__APP__PATHS": "[x"},
        [
            'WATCHKEEPER__SOURCES__APP__PATHS: sources.app.paths: is not YAML: while parsing a flow sequence expected \',\' or \']\', but got \'<stream end>\'; write it as in ["a", "b"] or {"key": "value"}'
        ],
    ),
    (
        {"WATCHKEEPER__SOURCES__APP__GROUPINGS": "service"},
        [
            "WATCHKEEPER__SOURCES__APP__GROUPINGS: sources.app.groupings: must be a list, not text; write [a, b], or each item on a line of its own after '- '"
        ],
    ),
    (
        {"WATCHKEEPER__SOURCES__MY_LOGS__COLUMNS__MODLE": "x"},
        [
            "WATCHKEEPER__SOURCES__MY_LOGS__COLUMNS__MODLE: sources.my-logs.columns.modle: unknown column 'modle'; did you mean 'model'?"
        ],
    ),
    (
        {"WATCHKEEPER__SOURCES__ARP__LATENESS": "1m"},
        [
            "WATCHKEEPER__SOURCES__ARP__LATENESS: sources.arp: has no known kind; did you mean WATCHKEEPER__SOURCES__APP__LATENESS?"
        ],
    ),
    (
        {"WATCHKEEPER__RECEIVERS__TEAM__CHANNEL": "C1"},
        [
            "WATCHKEEPER__RECEIVERS__TEAM__CHANNEL: receivers.team: has no known kind; set WATCHKEEPER__RECEIVERS__TEAM__KIND to one of slack, pagerduty, webhook, alertmanager, email, apprise"
        ],
    ),
    (
        {"WATCHKEEPER__RECEIVERS__TEAM__KIND": "slak"},
        [
            "WATCHKEEPER__RECEIVERS__TEAM__KIND: receivers.team.kind: unknown kind 'slak'; did you mean 'slack'? The kinds are slack, pagerduty, webhook, alertmanager, email, apprise"
        ],
    ),
    (
        {"WATCHKEEPER__RULES": '{"slow": {"measure": "calls", "abov": 1}}'},
        ["WATCHKEEPER__RULES: rules.slow.abov: unknown key; did you mean 'above'?"],
    ),
    (
        {"WATCHKEEPER__RULES__SLOW__ABOVE": "1"},
        ["WATCHKEEPER__RULES__SLOW__ABOVE: rules.slow.measure: is missing; add for example `measure: error_ratio`"],
    ),
    (
        {"WATCHKEEPER__RULES__ERRORS__RECEIVER": "pager"},
        [
            "WATCHKEEPER__RULES__ERRORS__RECEIVER: rules.errors.receiver: 'pager' is not among the receivers; receivers are oncall"
        ],
    ),
    (
        {"WATCHKEEPER__RULES__ERRORS__MEASURE": "eror_ratio"},
        [
            "WATCHKEEPER__RULES__ERRORS__MEASURE: rules.errors.measure: unknown measurement 'eror_ratio'; did you mean 'error_ratio'?"
        ],
    ),
    (
        {"WATCHKEEPER__RECEIVERS__ONCALL__ROUTING_KEY_FILE": "/no/such/file"},
        [
            "WATCHKEEPER__RECEIVERS__ONCALL__ROUTING_KEY_FILE: receivers.oncall.routing_key_file: the file cannot be read: No such file or directory; check the path and its rights"
        ],
    ),
    (
        {"WATCHKEEPER__RECEIVERS__ONCALL__ROUTING_KEY": "${PD_KEY}"},
        [
            "WATCHKEEPER__RECEIVERS__ONCALL__ROUTING_KEY: receivers.oncall.routing_key: looks like ${…}, but variables are not filled in here; set WATCHKEEPER__RECEIVERS__ONCALL__ROUTING_KEY, or routing_key_file to the path of a file that holds the value"
        ],
    ),
    (
        {"WATCHKEEPER__SERVER__PORT_FILE": "/run/port"},
        [
            "WATCHKEEPER__SERVER__PORT_FILE: server.port_file: unknown key; did you mean WATCHKEEPER__SERVER__TOKEN_FILE?"
        ],
    ),
    (
        {"WATCHKEEPER__SERVER__PORT": "9000", "watchkeeper__server__port": "9001"},
        ["watchkeeper__server__port: server.port: is set by WATCHKEEPER__SERVER__PORT too; keep one of the two"],
    ),
    (
        {"WATCHKEEPER__SOURCES____KIND": "files"},
        [
            "WATCHKEEPER__SOURCES____KIND: sources.: a name is missing between the underscores; write WATCHKEEPER__SOURCES__NAME"
        ],
    ),
]


@pytest.fixture(autouse=True)
def in_the_folder_of_the_fixtures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are named as a user would who stands beside them."""
    monkeypatch.chdir(FIXTURES)


@pytest.mark.parametrize("name", WRONG_FILES)
def test_a_wrong_file_is_explained(name: str) -> None:
    said = [str(problem) for problem in all_problems(draft(Path(f"{name}.yaml"), {}))]
    assert said == [f"{name}.yaml{text}" for text in WRONG_FILES[name]]


def test_every_fixture_has_its_text() -> None:
    assert {path.stem for path in FIXTURES.glob("*.yaml")} == set(WRONG_FILES) - {"does_not_exist"}


@pytest.mark.parametrize(("variables", "expected"), WRONG_VARIABLES, ids=lambda value: next(iter(value)).split(":")[0])
def test_a_wrong_variable_is_explained(tmp_path: Path, variables: dict[str, str], expected: list[str]) -> None:
    path = tmp_path / "watchkeeper.yaml"
    path.write_text(FILE)
    assert all_problems(draft(path, {})) == []
    assert [str(problem) for problem in all_problems(draft(path, variables))] == expected


def test_a_file_that_may_not_be_read_is_explained(tmp_path: Path) -> None:
    said = [str(problem) for problem in draft(tmp_path, {}).problems]
    assert said == [f"{tmp_path}: cannot be read: Is a directory; check the path and its rights"]


def test_a_secret_file_of_megabytes_is_refused_before_it_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("x" * 1_000_000)
    path = tmp_path / "watchkeeper.yaml"
    path.write_text("receivers:\n  oncall: {kind: pagerduty, routing_key_file: key}\n")
    said = [str(problem) for problem in draft(path, {}).problems]
    assert said == [
        f"{path}:2: receivers.oncall.routing_key_file: the file is longer than 65536 bytes; write only the secret into it"
    ]


def test_what_a_terminal_cannot_print_is_escaped(tmp_path: Path) -> None:
    path = tmp_path / "watchkeeper.yaml"
    path.write_text('server:\n  "po\\u001b[31mrt\\ud800": 1\n')
    (problem,) = draft(path, {}).problems
    assert (
        str(problem)
        == f"{path}:2: server.po\\x1b[31mrt\\ud800: holds half of a surrogate pair; write the key in plain letters"
    )
