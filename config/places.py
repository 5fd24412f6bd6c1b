"""Where each key of the configuration was written: a line of the file, or an environment variable."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from config.problems import Finding, Path, Problem, dotted


@dataclass(frozen=True, slots=True)
class Places:
    """The file and the variables that a configuration was read from.

    Attributes:
        file: as the user named it; None when there is none.
        lines: 1-based line of each key and item of the file.
        variables: the environment variable that wrote each key.
    """

    file: str | None = None
    lines: dict[Path, int] = field(default_factory=dict)
    variables: dict[Path, str] = field(default_factory=dict)

    def of(self, path: Path) -> tuple[str, int | None]:
        """The place of a key, or of the nearest section around it that was written."""
        for length in range(len(path), 0, -1):
            around = path[:length]
            if around in self.variables:
                return self.variables[around], None
            if around in self.lines:
                return self.file or "", self.lines[around]
            below = [name for key, name in self.variables.items() if key[:length] == around]
            if below:
                return min(below), None
        return self.file or "environment", None

    def problem(self, finding: Finding) -> Problem:
        """The finding with its place."""
        file, line = self.of(finding.path) if finding.line is None else (self.file or "", finding.line)
        return Problem(file, line, dotted(finding.path), finding.message, finding.hint)

    def problems(self, findings: Iterable[Finding]) -> list[Problem]:
        """The findings with their places, in order."""
        return self.sorted(self.problem(finding) for finding in findings)

    def sorted(self, problems: Iterable[Problem]) -> list[Problem]:
        """Each problem once: those of the file by line, then those of the environment."""
        return sorted(set(problems), key=self._order)

    def _order(self, problem: Problem) -> tuple[bool, int, str, str, str]:
        return problem.file != self.file, problem.line or 0, problem.file, problem.key, problem.message
