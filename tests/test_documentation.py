"""The documentation says what the code does: generated tables, commands, promises about start-up."""

import json
import re
import shlex
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.load import draft
from config.settings import Settings
from detectors.measurement import Key, Measurement, Segment, Value, Window
from monitor.documentation import filled, tables
from monitor.store import outbox
from monitor.store.measurements import segment_text
from monitor.store.tables import TransitionRow

ROOT = Path(__file__).parent.parent
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
HEAVY = (
    "ibis",
    "torch",
    "pandas",
    "sqlmodel",
    "sqlalchemy",
    "evidently",
    "fastapi",
    "duckdb",
    "slack_sdk",
    "numpy",
    "pydantic",
)


@pytest.mark.parametrize("page", tables())
def test_the_tables_of_a_page_are_those_of_the_code(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    assert filled(text, tables()[page]) == text, "run: python -m monitor.documentation"


def test_the_json_lines_are_those_of_the_code() -> None:
    shown = [json.loads(block) for block in _blocks(ROOT / "docs" / "measurements.md", "json")]
    measured, changed = shown
    window = Window(datetime.fromisoformat(measured["start"]), datetime.fromisoformat(measured["end"]))
    value = Value(measured["value"], n=measured["n"])
    key = Key.of(measured["name"], **measured["labels"])
    measurement = Measurement(measured["source"], Segment.of(**measured["segment"]), window, key, value)
    assert json.dumps(measurement.as_json()) == json.dumps(
        measured
    )  # as text, so that the order of the keys is one too
    at = datetime.fromisoformat(changed["at"])
    row = TransitionRow(
        rule=changed["rule"],
        source=changed["source"],
        segment=segment_text(Segment.of(**changed["segment"])),
        labels=json.dumps(list(changed["labels"].items())),
        from_state=changed["from"],
        to_state=changed["to"],
        at=at,
        decided_at=at,
        **{name: changed[name] for name in ("value", "lower", "upper", "n", "held")},
    )
    assert json.dumps(outbox.transition_json(row)) == json.dumps(changed)


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; from monitor.cli import app; from typer.testing import CliRunner; "
        "result = CliRunner().invoke(app, ['--help']); "
        f"print(result.exit_code, [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "0 []"


def test_every_command_of_the_pages_can_be_typed() -> None:
    from typer.main import get_command

    from monitor.cli import app

    typed = 0
    for page in PAGES:
        for line in re.findall(r"^(?:\$ |\.venv/bin/)?watchkeeper (.+)$", "\n".join(_blocks(page)), re.MULTILINE):
            command: Any = get_command(app)
            words = shlex.split(
                re.sub(r"\[(--.+?)]", r"\1", line), comments=True
            )  # [--option]: one that may be left out
            while words and words[0] in getattr(command, "commands", {}):
                command = command.commands[words.pop(0)]
            assert not hasattr(command, "commands"), f"{page.name}: {line}"
            # Parses what stands there, as the shell would hand it over, and runs nothing.
            command.make_context("watchkeeper", words, resilient_parsing=False)
            typed += 1
    assert typed > 40


def test_every_configuration_of_the_pages_is_one(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("https://hooks.example.org/0123456789abcdef0123456789abcdef")
    checked = 0
    for page in PAGES:
        for number, written in enumerate(_blocks(page, "yaml")):
            if "…" in written or not set(yaml.safe_load(written)) <= Settings.model_fields.keys():
                continue  # not whole; a test of rules; a criterion
            path = tmp_path / f"{page.stem}-{number}.yaml"
            path.write_text(re.sub(r"/run/secrets/[\w.-]+", "secret", written))
            found = [str(each) for each in draft(path, {}).problems if not each.message.startswith("is missing")]
            assert found == [], f"{page.name}: {written}"  # what is missing is not: some show a part of a section
            checked += 1
    assert checked > 15


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in PAGES:
        for target, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]*))?\)", page.read_text()):
            there = page.parent / target if target else page
            assert there.exists(), f"{page.name}: {target}"
            assert not anchor or anchor in _anchors(there), f"{page.name}: {target}#{anchor}"


def _blocks(page: Path, language: str = r"\w*") -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)


def _anchors(page: Path) -> set[str]:
    """The anchors of the headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_only_the_daemon_reads_the_clock() -> None:
    clock = re.compile(r"datetime\.now\(|datetime\.utcnow\(|time\.time\(|[^.]\bsleep\(")
    for package in ("config", "detectors", "alerts", "monitor"):
        for path in (ROOT / package).rglob("*.py"):
            if path.name != "daemon.py":
                assert not clock.search(path.read_text()), path


def test_no_file_is_longer_than_a_screenful_of_ideas() -> None:
    for package in ("config", "detectors", "alerts", "monitor"):
        for path in (ROOT / package).rglob("*.py"):
            if "migrations" not in path.parts:
                assert len(path.read_text().splitlines()) <= 300, path
