"""`init`, `check` and `schema`: the configuration, before anything runs."""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from config.load import draft
from config.schema import json_schema
from config.settings import Settings
from config.template import template
from monitor.commands.checks import all_problems, warnings
from monitor.commands.common import USAGE, console, errors


def init(path: Path, *, force: bool = False) -> int:
    """Writes a commented configuration; exit status 2 when a file is there and `force` is not given."""
    try:
        with path.open("w" if force else "x", encoding="utf-8") as file:
            file.write(template())
    except FileExistsError:
        say(f"{path} is there already: --force overwrites it", "red", errors)
        return USAGE
    except OSError as error:
        say(f"{path} cannot be written: {error.strerror}", "red", errors)
        return USAGE
    say(f"wrote {path}; set the paths under `sources`, then run: watchkeeper check --config {path}")
    return 0


def check(path: Path, environ: Mapping[str, str] = os.environ) -> int:
    """Prints every problem of the configuration, and what it would watch when there is none; exit status 2 or 0."""
    read = draft(path, environ)
    problems = all_problems(read)
    for problem in problems:
        say(str(problem), "red")
    for warning in warnings(read):
        say(f"warning: {warning}", "yellow")
    if problems or read.loaded is None:
        say(f"{_count(len(problems), 'problem')} in {path}")
        return USAGE
    say(f"configuration is valid: {summary(read.loaded.settings)}", "green")
    return 0


def schema() -> int:
    """Prints the JSON Schema of the configuration file."""
    # Not through rich, which would colour it.
    print(json.dumps(json_schema(), indent=2, ensure_ascii=False))
    return 0


def summary(settings: Settings) -> str:
    """What a configuration holds, in words."""
    parts = (("source", settings.sources), ("rule", settings.rules), ("receiver", settings.receivers))
    return ", ".join(_count(len(named), word) for word, named in parts)


def say(text: str, style: str = "", where: Console = console) -> None:
    """Prints a line as it is: nothing in it is markup, and `:100:` is no picture but line 100."""
    where.print(text, style=style, markup=False, highlight=False, emoji=False)


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
