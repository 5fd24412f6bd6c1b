"""Secrets of the configuration: where they may be written, and that nothing shows them."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from config_files import FILE, routing_key, written
from pydantic import SecretStr, ValidationError

from config.load import draft, load
from config.problems import ConfigProblems
from config.receivers import PagerDutyReceiver
from config.settings import Settings
from config.shape import Choice, Items, Names, Section, Shape, Value, shape_of
from monitor.commands.checks import load_checked
from monitor.commands.config import check

SECRET = "s3cr3t-7f2c9a"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(tmp_path, FILE)


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
        ("receivers", "*", "webhook", "url"),
        ("receivers", "*", "webhook", "headers", 0),
        ("receivers", "*", "webhook", "signing_secret"),
        ("receivers", "*", "alertmanager", "password"),
        ("receivers", "*", "alertmanager", "bearer_token"),
        ("receivers", "*", "email", "password"),
        ("receivers", "*", "apprise", "urls", 0),
        ("text", "embedder", "openai", "api_key"),
        ("golden", "endpoint", "api_key"),
        ("heartbeat", "url"),
        ("judge", "judges", "*", "api_key"),
        ("evaluate", "endpoints", "*", "api_key"),
        ("server", "token"),
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
    {"receivers": {"a": {"kind": "webhook", "url": SECRET, "headers": [{"Authorization": SECRET}]}}},
    {"receivers": {"a": {"kind": "webhook", "url": [SECRET], "headers": SECRET, "signing_secret": {SECRET: SECRET}}}},
    {"receivers": {"a": {"kind": "alertmanager", "urls": [], "username": "a", "password": SECRET}}},
    {"receivers": {"a": {"kind": "alertmanager", "urls": ["x"], "bearer_token": SECRET, "password": [SECRET]}}},
    {"receivers": {"a": {"kind": "email", "host": "h", "security": "none", "username": "u", "password": SECRET}}},
    {"receivers": {"a": {"kind": "apprise", "urls": [SECRET], "timeout": "soon"}}},
    {"receivers": {"a": {"kind": "apprise", "urls": [[SECRET], {"url": SECRET}]}}},
    {"receivers": {"a": SECRET}},
    {"receivers": SECRET},
    {"golden": {"prompts": "p", "endpoint": {"api_key": SECRET, "modle": "m"}}},
    {"golden": {"prompts": "p", "endpoint": {"api_key": [SECRET]}, "budget_usd_per_day": "much"}},
    {"golden": {"endpoint": {"api_key": SECRET, "url": f"https://{SECRET}@host/v1"}}},
    {"judge": {"judges": {"a": {"api_key": SECRET, "modle": "m"}}, "criteria": [SECRET]}},
    {"judge": {"judges": {"a": {"api_key": [SECRET]}, "b": {"url": f"https://{SECRET}@host/v1"}}}},
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


def test_secrets_survive_only_as_secrets_in_the_tree(file: Path) -> None:
    key = draft(file, {}).tree["receivers"]["on-call"]["routing_key"]
    assert isinstance(key, SecretStr)
