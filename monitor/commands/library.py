"""`watchkeeper rules library`: the ready rules, as files to copy from."""

from pathlib import Path

import config
from monitor.commands.common import CommandError, explain

FOLDER = Path(config.__file__).parent / "library"
# In the order in which a service needs them.
GROUPS = ("availability", "latency", "cost", "traffic", "quality", "drift", "judge", "feedback")


def show(group: str) -> int:
    """Prints one group of rules, or all as one file."""
    try:
        print(library(group), end="")
    except CommandError as error:
        return explain(error)
    return 0


def library(group: str = "") -> str:
    """The rules of a group with their comments, or of all groups under one `rules:`.

    Raises:
        CommandError: there is no such group.
    """
    if group:
        if group not in GROUPS:
            raise CommandError(f"no group is called {group!r}: choose from {', '.join(GROUPS)}")
        return (FOLDER / f"{group}.yaml").read_text(encoding="utf-8")
    parts = [(FOLDER / f"{each}.yaml").read_text(encoding="utf-8").split("\nrules:\n", 1) for each in GROUPS]
    return "rules:\n" + "\n".join(f"{_indented(head)}\n\n{rules}" for head, rules in parts)


def _indented(head: str) -> str:
    return "\n".join(f"  {line}" for line in head.splitlines())
