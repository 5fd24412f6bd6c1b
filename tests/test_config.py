"""Loading the configuration: layers, secrets, what `init`, `check` and `schema` give, and that nothing else is raised."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from json_schema import mismatches
from pydantic import BaseModel, SecretStr, ValidationError

from config.alerts import PagerDutyReceiver, Rule
from config.load import draft, load
from config.problems import ConfigProblems, Problem
from config.schema import json_schema
from config.settings import Settings
from config.shape import Choice, Items, Names, Section, Shape, Value, is_section, shape_of
from config.sources import FilesSource
from config.template import template
from config.types import format_duration, parse_duration
from monitor.commands.checks import all_problems, load_checked
from monitor.commands.config import check, init, schema

EXAMPLES = Path(__file__).parents[1] / "config" / "examples"
SECRET = "s3cr3t-7f2c9a"

FILE = """\
sources:
  my-app:
    kind: files
    paths: [logs/*.jsonl]
rules:
  errors: {measure: error_ratio, above: 0.05, receiver: on-call}
receivers:
  on-call:
    kind: pagerduty
    routing_key: from-the-file
server: {port: 9000}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "watchkeeper.yaml"
    path.write_text(FILE)
    return path


def routing_key(path: Path | None, environ: dict[str, str]) -> str:
    receiver = load(path, environ).settings.receivers["on-call"]
    assert isinstance(receiver, PagerDutyReceiver)
    return receiver.routing_key.get_secret_value()


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "watchkeeper.yaml"
    path.write_text(text)
    return path


# -- layers


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


# -- secrets


def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "pd").write_text("from-a-secret-file\n")
    path = written(tmp_path, FILE.replace("routing_key: from-the-file", "routing_key_file: pd"))
    assert routing_key(path, {}) == "from-a-secret-file"


def test_each_layer_of_secrets_overrules_the_next(file: Path) -> None:
    (file.parent / "pd").write_text("from-the-variable-s-file\r\n")
    assert routing_key(file, {}) == "from-the-file"
    from_file = {"WATCHKEEPER__RECEIVERS__ON_CALL__ROUTING_KEY_FILE": str(file.parent / "pd")}
    assert routing_key(file, from_file) == "from-the-variable-s-file"
    assert routing_key(file, from_file | {"WATCHKEEPER__RECEIVERS__ON_CALL__ROUTING_KEY": "direct"}) == "direct"


def test_a_secret_file_that_the_environment_overrules_need_not_exist(tmp_path: Path) -> None:
    path = written(tmp_path, FILE.replace("routing_key: from-the-file", "routing_key_file: /no/such/file"))
    assert routing_key(path, {"WATCHKEEPER__RECEIVERS__ON_CALL__ROUTING_KEY": "direct"}) == "direct"


def test_a_list_of_secrets_has_one_a_line_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("one\n\ntwo\n")
    text = FILE.replace("routing_key: from-the-file", "routing_key: k\n    previous_routing_keys_file: old")
    receiver = load(written(tmp_path, text), {}).settings.receivers["on-call"]
    assert isinstance(receiver, PagerDutyReceiver)
    assert [key.get_secret_value() for key in receiver.previous_routing_keys] == ["one", "two"]


def secret_places(shape: Shape | None, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of the settings that holds a secret, with `*` for a name and 0 for an item."""
    match shape:
        case Value(secret=True):
            yield path
        case Items(item=item):
            yield from secret_places(item, (*path, 0))
        case Names(value=value):
            yield from secret_places(value, (*path, "*"))
        case Choice(options=options):
            for kind, option in options.items():
                yield from secret_places(option, (*path, kind))
        case Section():
            for key in shape.fields:
                yield from secret_places(shape.child(key), (*path, key))


def test_all_fields_for_secrets_are_secrets() -> None:
    assert set(secret_places(shape_of(Settings))) == {
        ("sources", "*", "table", "url"),
        ("receivers", "*", "slack", "token"),
        ("receivers", "*", "slack", "webhook_url"),
        ("receivers", "*", "pagerduty", "routing_key"),
        ("receivers", "*", "pagerduty", "previous_routing_keys", 0),
        ("store", "url"),
    }


# Each secret in its right place, in a configuration that is wrong in other ways, some of them about the secret itself.
LEAKY: list[dict[str, Any]] = [
    {"store": {"url": SECRET, "directory": 3}},
    {"store": {"url": [SECRET]}},
    {"store": {"url": {SECRET: SECRET}}},
    {"store": {"url": SECRET, "url_file": "x", "directory": 3}},
    {"store": {"url": f"postgresql://${{{SECRET}}}@db"}},
    {"sources": {"a": {"kind": "table", "url": SECRET}}},
    {"sources": {"a": {"kind": "files", "url": SECRET}}},
    {"sources": {"a": {"kind": "tabel", "url": SECRET}}},
    {"sources": {"a": {"url": SECRET}}},
    {"receivers": {"a": {"kind": "slack", "token": SECRET, "webhook_url": SECRET}}},
    {"receivers": {"a": {"kind": "slack", "tokn": SECRET}}},
    {"receivers": {"a": {"kind": "pagerduty", "routing_key": SECRET, "url": 3}}},
    {"receivers": {"a": {"kind": "pagerduty", "routing_key": [SECRET], "previous_routing_keys": SECRET}}},
    {"receivers": {"a": {"kind": "pagerduty", "routing_key": "k", "previous_routing_keys": [[SECRET], {"a": SECRET}]}}},
    {"receivers": {"a": SECRET}},
    {"receivers": SECRET},
    {"store": SECRET},
]


@pytest.mark.parametrize("tree", LEAKY, ids=str)
def test_no_message_shows_a_secret(tmp_path: Path, tree: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, yaml.safe_dump(tree))
    with pytest.raises(ConfigProblems) as raised:
        load_checked(path, {})
    assert check(path, {}) == 2
    out, err = capsys.readouterr()
    read = draft(path, {})
    shown = f"{raised.value} {raised.value!r} {raised.value.__cause__!r} {raised.value.__context__!r} {out} {err}"
    assert SECRET not in shown + repr(read.problems)
    assert raised.value.problems


@pytest.mark.parametrize("tree", LEAKY, ids=str)
def test_no_message_shows_a_secret_of_a_variable(tree: dict[str, Any]) -> None:
    environ = {f"WATCHKEEPER__{key.upper()}": json.dumps(value) for key, value in tree.items()}
    with pytest.raises(ConfigProblems) as raised:
        load(None, environ)
    assert SECRET not in str(raised.value)


def test_a_file_that_is_no_yaml_does_not_show_the_secrets_in_it(tmp_path: Path) -> None:
    for wrong in (
        f"routing_key: '{SECRET}",
        f"{SECRET}: : x",
        f"\t{SECRET}",
        f"a: *{SECRET}\nb: [",
        f"!{SECRET} a: 'x",
    ):
        with pytest.raises(ConfigProblems) as raised:
            load(written(tmp_path, f"receivers:\n  on-call:\n    {wrong}\n"), {})
        assert SECRET not in str(raised.value)


def test_loaded_settings_do_not_show_their_secrets(tmp_path: Path) -> None:
    loaded = load(written(tmp_path, FILE.replace("from-the-file", SECRET)), {})
    tree = draft(loaded.path, {}).tree
    assert SECRET not in f"{loaded!r} {loaded.settings} {tree!r} {loaded.settings.model_dump_json()}"
    assert routing_key(loaded.path, {}) == SECRET


def test_settings_made_in_code_do_not_show_what_they_refuse() -> None:
    with pytest.raises(ValidationError) as raised:
        Settings.model_validate({"store": {"url": [SECRET]}})
    assert SECRET not in str(raised.value)


# -- the models themselves


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


# -- what init, schema and check give


def uncommented(text: str) -> str:
    """The template with every setting that is turned off turned on."""
    return re.sub(r"(?m)^( *)#(?=[a-z])", r"\1", text)


def keys_of(
    value: Any, shape: Shape | None, found: set[tuple[type[BaseModel], str]]
) -> set[tuple[type[BaseModel], str]]:
    """The keys of models that a written tree uses, under the class that declares them."""
    chosen = shape.chosen(value) if isinstance(shape, Choice) else shape
    if isinstance(chosen, Section):
        for key, each in value.items():
            name = "for_" if key == "for" else key
            owner = next(c for c in reversed(chosen.model.__mro__) if name in getattr(c, "model_fields", {}))
            found.add((owner, name))
            keys_of(each, chosen.child(key), found)
    elif isinstance(chosen, Names):
        for each in value.values():
            keys_of(each, chosen.value, found)
    return found


def declared(shape: Shape | None, found: set[tuple[type[BaseModel], str]]) -> set[tuple[type[BaseModel], str]]:
    """All keys of all models, likewise."""
    match shape:
        case Section():
            for name in shape.model.model_fields:
                owner = next(c for c in reversed(shape.model.__mro__) if name in getattr(c, "model_fields", {}))
                found.add((owner, name))
            for key in shape.fields:
                declared(shape.child(key), found)
        case Choice(options=options):
            for option in options.values():
                declared(option, found)
        case Names(value=value):
            declared(value, found)
    return found


def test_the_template_is_valid_and_watches_something(tmp_path: Path) -> None:
    path = written(tmp_path, template())
    settings = load_checked(path, {}).settings
    assert (set(settings.sources), set(settings.rules)) == ({"app"}, {"errors", "slow"})


def test_the_template_with_everything_turned_on_is_valid(tmp_path: Path) -> None:
    path = written(tmp_path, uncommented(template()))
    assert all_problems(draft(path, {})) == []
    assert {type(source).__name__ for source in load(path, {}).settings.sources.values()} == {
        "FilesSource",
        "TableSource",
    }


def test_the_template_shows_every_setting_with_its_description() -> None:
    tree = yaml.safe_load(uncommented(template()))
    assert keys_of(tree, shape_of(Settings), set()) == declared(shape_of(Settings), set())
    flat = re.sub(r"\s*\n\s*# ", " ", template())
    for model, name in declared(shape_of(Settings), set()):
        if not is_section(Section(model).child(name)):
            assert (model.model_fields[name].description or "").removesuffix(".") in flat, f"{model.__name__}.{name}"


def test_every_setting_has_a_description() -> None:
    for model, name in declared(shape_of(Settings), set()):
        info = model.model_fields[name]
        section = isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel)
        assert info.annotation.__doc__ if section else info.description, f"{model.__name__}.{name}"


def test_init_writes_the_template_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "watchkeeper.yaml"
    assert init(path) == 0
    assert path.read_text() == template()
    path.write_text("mine")
    assert init(path) == 2
    assert "is there already: --force overwrites it" in capsys.readouterr().err.replace("\n", "")
    assert path.read_text() == "mine"
    assert init(path, force=True) == 0
    assert path.read_text() == template()
    assert init(tmp_path / "no-folder" / "watchkeeper.yaml") == 2


SECRETS_OF_EXAMPLES: dict[str, dict[str, str]] = {
    "demo": {},
    "files": {"RECEIVERS__TEAM__WEBHOOK_URL": "https://hooks.slack.com/services/T/B/x"},
    "postgres": {
        "SOURCES__APP__URL": "postgresql://localhost/app",
        "RECEIVERS__TEAM__WEBHOOK_URL": "https://hooks.slack.com/services/T/B/x",
    },
    "litellm": {
        "SOURCES__LITELLM__URL": "postgresql://localhost/litellm",
        "RECEIVERS__TEAM__WEBHOOK_URL": "https://hooks.slack.com/services/T/B/x",
    },
    "production": {
        "SOURCES__ASSISTANT__URL": "postgresql://localhost/assistant",
        "RECEIVERS__TEAM__TOKEN": "xoxb-1",
        "RECEIVERS__ONCALL__ROUTING_KEY": "k",
        "STORE__URL": "postgresql://localhost/watchkeeper",
    },
}


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_example_is_valid(path: Path) -> None:
    environ = {f"WATCHKEEPER__{name}": value for name, value in SECRETS_OF_EXAMPLES[path.stem].items()}
    settings = load_checked(path, environ).settings
    assert settings.sources
    assert settings.rules


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_an_example_keeps_its_secrets_out_of_the_file(path: Path) -> None:
    environ = {f"WATCHKEEPER__{name}": value for name, value in SECRETS_OF_EXAMPLES[path.stem].items()}
    for name in environ:
        problems = draft(path, {other: value for other, value in environ.items() if other != name}).problems
        (problem,) = problems
        assert problem.key.endswith("_file")


def test_the_schema_takes_what_the_loader_takes() -> None:
    described = json_schema()
    texts = [template(), uncommented(template()), *(path.read_text() for path in EXAMPLES.glob("*.yaml"))]
    for text in texts:
        assert list(mismatches(yaml.safe_load(text), described, described)) == []


@pytest.mark.parametrize(
    "text",
    [
        "sources: {app: {kind: files}}",
        "sources: {app: {kind: flies, paths: [x]}}",
        "sources: {app: {kind: files, paths: [x], pathz: [x]}}",
        "sources: {My App: {kind: files, paths: [x]}}",
        "sources: {app: {kind: files, paths: [x], columns: {modle: x}}}",
        "sources: {app: {kind: files, paths: [x], every: soon}}",
        "sources: {app: {kind: files, paths: [x], groupings: [[user_id]]}}",
        "receivers: {oncall: {kind: pagerduty}}",
        "receivers: {oncall: {kind: pagerduty, routing_key: a, routing_key_file: b}}",
        "rules: {errors: {measure: error_ratio, above: much}}",
        "reciever: {}",
        "server: {port: 99999}",
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(tmp_path: Path, text: str) -> None:
    described = json_schema()
    assert list(mismatches(yaml.safe_load(text), described, described))
    assert draft(written(tmp_path, text), {}).problems


def test_the_schema_is_printed_as_json_with_durations_as_people_write_them(capsys: pytest.CaptureFixture[str]) -> None:
    assert schema() == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == json_schema()
    assert printed["properties"]["window"]["default"] == "1m"
    assert '"PT' not in json.dumps(printed)


def test_check_sums_up_a_valid_configuration(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(file, {}) == 0
    out = capsys.readouterr().out
    assert f"warning: {file}:4: sources.my-app.paths[0]: no file matches yet; it was looked for at" in out
    assert out.endswith("configuration is valid: 1 source, 1 rule, 1 receiver\n")
    (file.parent / "logs").mkdir()
    (file.parent / "logs" / "a.jsonl").touch()
    assert check(file, {}) == 0
    assert "warning" not in capsys.readouterr().out


def test_check_prints_lines_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, "\n" * 99 + '"[red]x[/red]": 1\n')
    assert check(path, {}) == 2
    assert capsys.readouterr().out.splitlines() == [
        f"{path}:100: [red]x[/red]: unknown key; the keys here are "
        "sources, rules, receivers, window, history, start, allowed_lateness, health, server, store, retention",
        f"1 problem in {path}",
    ]


def test_check_warns_of_a_configuration_that_watches_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "rules: {errors: {measure: error_ratio, above: 1}}\n")
    assert check(path, {}) == 0
    out = capsys.readouterr().out
    assert "warning: " + str(path) + ": sources: no source is configured" in out
    assert "receivers: no receiver is configured; alerts show only in the metrics and on the status page" in out


# -- nothing else is raised

EVERYTHING = "".join(line for line in uncommented(template()).splitlines(keepends=True) if "# " not in line)
PIECES = st.one_of(
    st.sampled_from(
        [
            *":-[]{}#&*!|>'\"%@`,?\n\t \0~<=",
            "<<: ",
            "*a",
            "&a ",
            "!!int ",
            "- ",
            "---\n",
            "${X}",
            "\ud800",
            "\U0001f4af",
        ]
    ),
    st.text(max_size=5),
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["files", "table", "slack", "1m", "calls", "service", "app", "oncall", "99999999999999d"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def only_problems(path: Path, environ: dict[str, str]) -> None:
    problems: tuple[Problem, ...] = ()
    try:
        load_checked(path, environ)
    except ConfigProblems as raised:
        problems = raised.problems
    for problem in problems:
        assert problem.message
        assert problem.file
        str(problem).encode()


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("mutations") / "watchkeeper.yaml"


@given(edits=st.lists(st.tuples(st.integers(0, len(EVERYTHING)), st.integers(0, 30), PIECES), min_size=1, max_size=4))
def test_a_file_that_was_edited_at_random_raises_nothing_but_problems(
    scratch: Path, edits: list[tuple[int, int, str]]
) -> None:
    text = EVERYTHING
    for start, length, piece in edits:
        text = text[:start] + piece + text[start + length :]
    scratch.write_bytes(text.encode(errors="surrogatepass"))
    only_problems(scratch, {})


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


TREE = yaml.safe_load(EVERYTHING)
PLACES = [path for path in places(TREE) if path]


@given(where=st.sampled_from(PLACES), value=VALUES, name=st.none() | st.text(max_size=8))
def test_a_value_of_any_type_in_any_place_raises_nothing_but_problems(
    scratch: Path, where: tuple[Any, ...], value: Any, name: str | None
) -> None:
    tree = yaml.safe_load(EVERYTHING)
    around = tree
    for key in where[:-1]:
        around = around[key]
    if isinstance(around, dict) and name is not None:
        del around[where[-1]]
        around[name] = value
    else:
        around[where[-1]] = value
    scratch.write_text(json.dumps(tree))
    only_problems(scratch, {})


@given(
    where=st.sampled_from([path for path in PLACES if not any(isinstance(key, int) for key in path)]),
    suffix=st.sampled_from(["", "", "_FILE", "__X", "__"]) | st.text(max_size=4),
    value=st.text(max_size=12) | VALUES.map(json.dumps),
)
def test_a_variable_of_any_text_raises_nothing_but_problems(
    scratch: Path, where: tuple[str, ...], suffix: str, value: str
) -> None:
    scratch.write_text(EVERYTHING)
    name = "WATCHKEEPER__" + "__".join(where).upper() + suffix
    only_problems(scratch, {name: value})


def test_secrets_survive_only_as_secrets_in_the_tree(file: Path) -> None:
    key = draft(file, {}).tree["receivers"]["on-call"]["routing_key"]
    assert isinstance(key, SecretStr)
