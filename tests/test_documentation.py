"""The documentation says what the code does: generated tables, commands, promises about start-up."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from monitor.documentation import filled, tables

ROOT = Path(__file__).parent.parent
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


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys; from monitor.cli import app; from typer.testing import CliRunner; "
        "result = CliRunner().invoke(app, ['--help']); "
        f"print(result.exit_code, [name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "0 []"


def test_the_readme_names_only_commands_that_exist() -> None:
    from typer.main import get_command

    from monitor.cli import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    named = set(re.findall(r"\bwatchkeeper ([a-z-]+)", (ROOT / "README.md").read_text()))
    assert named
    assert named <= set(commands)


def test_every_link_between_pages_leads_somewhere() -> None:
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)[^):]*\)", page.read_text()):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


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
