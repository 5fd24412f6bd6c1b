"""What `init`, `check` and `schema` give, and the examples."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from config_files import FILE, uncommented, written
from json_schema import mismatches
from pydantic import BaseModel

from config.load import draft, load
from config.schema import json_schema
from config.settings import Settings
from config.shape import Choice, Names, Section, Shape, is_section, shape_of
from config.template import template
from monitor.commands.checks import all_problems, load_checked
from monitor.commands.config import check, init, schema

EXAMPLES = Path(__file__).parents[1] / "config" / "examples"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path, FILE)


def keys_of(
    value: Any, shape: Shape | None, found: set[tuple[type[BaseModel], str]]
) -> set[tuple[type[BaseModel], str]]:
    """The keys of models that a written tree uses, under the class that declares them."""
    chosen = shape.chosen(value) if isinstance(shape, Choice) else shape
    if isinstance(chosen, Section):
        for key, each in value.items():
            name = {"for": "for_", "from": "from_"}.get(key, key)
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
                child = shape.child(key)
                # Of the kinds that exclude each other one is a section; the template shows the others in comments.
                declared(next(iter(child.options.values())) if isinstance(child, Choice) else child, found)
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
    "oncall": {
        "RECEIVERS__ONCALL__ROUTING_KEY": "k",
        "RECEIVERS__TEAM__TOKEN": "xoxb-1",
        "RECEIVERS__TICKETS__URL": "https://tickets.example.org/x",
        "RECEIVERS__TICKETS__SIGNING_SECRET": "s",
        "RECEIVERS__LEAD__PASSWORD": "p",
        "HEARTBEAT__URL": "https://hc-ping.com/x",
        "SERVER__TOKEN": "t",
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
        "sources, rules, receivers, window, history, start, allowed_lateness, text, drift, golden, judge, evaluate, health, heartbeat, routing, server, store, retention",
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
