"""What the pages about rules, receivers and their proof tell people to write can be written so."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from config_files import written
from pydantic import TypeAdapter

from config.alerts import Rule
from config.heartbeat import Heartbeat
from config.receivers import AnyReceiver
from config.routing import Routing
from monitor.commands.checks import load_checked
from monitor.commands.rules_test import rules_test

DOCS = Path(__file__).parents[1] / "docs"
SOURCE = "sources:\n  app: {kind: files, paths: [logs/*.jsonl], groupings: [[], [service]]}\n"
KINDS = {"threshold", "change", "burn", "traffic_drop", "budget", "event"}


def blocks(page: str) -> list[str]:
    """The blocks of YAML of a page."""
    return re.findall(r"```yaml\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), re.DOTALL)


def _rules() -> Iterator[str]:
    for text in blocks("rules.md"):
        if text.startswith("rules:"):
            yield text
        elif text.startswith("    "):
            yield f"rules:\n  written-in-part:\n    measure: error_ratio\n    above: 0.1\n{text}"
        else:
            yield f"rules:\n{text}"


def test_every_kind_of_rule_is_shown_and_what_is_shown_is_a_rule(tmp_path: Path) -> None:
    found: dict[str, Rule] = {}
    for text in _rules():
        found |= load_checked(written(tmp_path, SOURCE + text), {}).settings.rules
    assert {rule.kind for rule in found.values()} == KINDS
    assert any(rule.measure == "out_of_distribution_ratio" for rule in found.values())


def _unfiled(settings: Any) -> Any:
    """The settings with secrets in the place of files that hold them."""
    if isinstance(settings, dict):
        made = {key: _unfiled(value) for key, value in settings.items()}
        secrets = {key: made.pop(key) for key in list(made) if key.endswith("_file")}
        for key in secrets:
            name = key.removesuffix("_file")
            made[name] = ["json://127.0.0.1"] if name == "urls" else "0123456789abcdef0123456789abcdef"
        return made
    return settings


def test_every_receiver_that_is_shown_is_one() -> None:
    shown = [each for text in blocks("receivers.md") for each in yaml.safe_load(text)["receivers"].values()]
    receivers = [TypeAdapter(AnyReceiver).validate_python(_unfiled(each)) for each in shown]
    assert {each.kind for each in receivers} == {"slack", "pagerduty", "webhook", "alertmanager", "email", "apprise"}


def test_the_routing_that_is_shown_can_be_used() -> None:
    shown = [yaml.safe_load(text) for text in blocks("alerting.md")]
    assert [Routing.model_validate(each["routing"]) for each in shown if "routing" in each]


CONFIGURED = SOURCE + (
    "receivers: {slack: {kind: webhook, url: 'http://127.0.0.1:9/'}}\n"
    "rules: {errors: {measure: error_ratio, by: [service], above: 0.05, clear: 0.02, for: 2m}}\n"
)


def test_the_tests_of_rules_that_are_shown_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, CONFIGURED)
    shown = [text for text in blocks("proving-alerts.md") if "tests:" in text]
    assert len(shown) >= 3
    for number, text in enumerate(shown):
        path = tmp_path / f"{number}.yaml"
        path.write_text(text, encoding="utf-8")
        assert rules_test([path]) == 0, capsys.readouterr().out


def test_the_heartbeat_that_is_shown_is_one() -> None:
    (shown,) = [text for text in blocks("proving-alerts.md") if text.startswith("heartbeat:")]
    assert Heartbeat.model_validate(yaml.safe_load(shown)["heartbeat"])
