"""The ready rules: each can be used as it is, and says why it is so."""

from pathlib import Path

import pytest
import yaml
from config_files import written
from typer.testing import CliRunner

from monitor.cli import app
from monitor.commands.checks import load_checked
from monitor.commands.library import FOLDER, GROUPS, library

SOURCE = (
    "sources:\n  app: {kind: files, paths: [logs/*.jsonl]}\n"
    "judge:\n  judges: {small: {url: http://127.0.0.1:9/v1, model: m, input_usd_per_million: 1, output_usd_per_million: 1}}\n"
    "  criteria: [harmfulness, helpfulness]\n  budget_usd_per_day: 1\n"
)


def test_every_file_is_a_group() -> None:
    assert sorted(path.stem for path in FOLDER.glob("*.yaml")) == sorted(GROUPS)


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_can_be_used_as_it_is(group: str, tmp_path: Path) -> None:
    text = library(group)
    rules = load_checked(written(tmp_path, SOURCE + text), {}).settings.rules
    assert list(rules) == list(yaml.safe_load(text)["rules"])


def test_all_groups_together_are_one_file(tmp_path: Path) -> None:
    rules = load_checked(written(tmp_path, SOURCE + library()), {}).settings.rules
    each = [yaml.safe_load(library(group))["rules"] for group in GROUPS]
    assert len(rules) == sum(map(len, each)) >= 30
    assert {rule.kind for rule in rules.values()} == {"threshold", "change", "burn", "traffic_drop", "budget", "event"}


@pytest.mark.parametrize("group", GROUPS)
def test_every_rule_has_a_reason_above_it(group: str) -> None:
    lines = library(group).splitlines()
    for number, line in enumerate(lines):
        if line.startswith("  ") and line[2] not in " #" and line.endswith(":"):
            assert lines[number - 1].startswith("  # "), line


def test_the_command_prints_a_group_or_all_and_knows_no_others() -> None:
    runner = CliRunner()
    assert runner.invoke(app, ["rules", "library", "cost"]).stdout == library("cost")
    assert runner.invoke(app, ["rules", "library"]).stdout == library()
    failed = runner.invoke(app, ["rules", "library", "costs"])
    assert failed.exit_code == 2
    assert "choose from availability" in failed.output.replace("\n", " ")
