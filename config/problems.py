"""What is wrong with a configuration: every problem names the place, the key, what is wrong and what would be right."""

from collections.abc import Iterable
from dataclasses import dataclass

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right. No field ever holds a secret.

    Attributes:
        file: the file as the user named it, or the environment variable that says it.
        line: 1-based line of the file; None where there is none.
        key: dotted key such as `rules.errors.above`; empty when the whole file is meant.
        message: what is wrong.
        hint: what would be right.
    """

    file: str
    line: int | None
    key: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        said = f"{self.message}; {self.hint}" if self.hint else self.message
        return _printable(": ".join(part for part in (place, self.key, said) if part))


class ConfigProblems(Exception):  # noqa: N818 - it is all of them, not one error
    """The configuration cannot be used; `problems` holds all that is wrong with it, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem that knows its key, but not yet where the key was written; `line` where the key's own would mislead."""

    path: Path
    message: str
    hint: str = ""
    line: int | None = None


def dotted(path: Path) -> str:
    """`("sources", "app", "paths", 0)` as `sources.app.paths[0]`."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def _printable(text: str) -> str:
    """Control characters and half surrogates must not reach a terminal or break the output's encoding."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)
