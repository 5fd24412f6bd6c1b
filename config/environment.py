"""The environment as a layer of settings: `WATCHKEEPER__SERVER__PORT=9000` is `server.port: 9000`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from config.problems import Path, Problem, dotted
from config.shape import Choice, Items, Names, Section, Shape, Value, step, value_at
from config.words import nearest
from config.yaml_lines import parse

PREFIX = "WATCHKEEPER__"
_SEPARATOR = "__"
_LIKELY_PREFIX = "WATCHKEEPER_"


@dataclass(slots=True)
class Environment:
    """What the environment sets.

    Attributes:
        values: as nested sections, like those of the file.
        variables: the name of the variable that wrote each key.
        problems: variables that mean nothing, or nothing that can be read.
    """

    values: dict[str, Any] = field(default_factory=dict)
    variables: dict[Path, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def variable_name(path: Path) -> str:
    """The variable that sets a key: `("server", "port")` is `WATCHKEEPER__SERVER__PORT`."""
    return PREFIX + _SEPARATOR.join(str(key).replace("-", "_").upper() for key in path)


def read(environ: Mapping[str, str], shape: Shape, file: Mapping[str, Any]) -> Environment:
    """Reads the variables that start with `WATCHKEEPER__`, in any case.

    Names of sources, rules and receivers are found in `file` even where they have dashes, which a variable cannot have.
    An empty variable counts as unset, because that is what a composed deployment makes of a variable nobody gave.
    Lists and sections are written as in YAML or JSON, on one line.
    """
    found = Environment()
    names = [name for name, value in environ.items() if value and name.upper().startswith(_LIKELY_PREFIX)]
    # Outer sections first, and within them `kind`, which says what else may be set.
    for name in sorted(names, key=lambda each: (each.count(_SEPARATOR), not each.upper().endswith("__KIND"), each)):
        _Variable(name, environ[name], found, file).place(shape)
    return found


@dataclass(slots=True)
class _Variable:
    """One variable on its way to its key."""

    name: str
    text: str
    found: Environment
    file: Mapping[str, Any]

    def place(self, shape: Shape) -> None:
        upper = self.name.upper()
        if not upper.startswith(PREFIX):
            # WATCHKEEPER_CONFIG is somebody else's; two underscores further on show what was meant.
            if _SEPARATOR in upper:
                self._refuse((), "is not read", f"did you mean {PREFIX + upper.removeprefix(_LIKELY_PREFIX)}?")
            return
        path: Path = ()
        at: Shape | None = shape
        for part in self.name[len(PREFIX) :].lower().split(_SEPARATOR):
            here = self._chosen(at, path, part) if isinstance(at, Choice) else at
            if isinstance(at, Choice) and here is None:
                self._refuse(path, *self._without_kind(at, path, part))
                return
            key = self._key(part, here, path)
            if key is None:
                self._refuse((*path, part), *self._unknown(part, here, path))
                return
            at, path = step(here, key, None), (*path, key)
        self._set(path, at)

    def _chosen(self, choice: Choice, path: Path, part: str) -> Section | None:
        """The model that `kind` chooses, by the variables or by the file; any of them has `kind` itself."""
        if part == choice.by:
            return next(iter(choice.options.values()))
        written = (value_at(self.found.values, path), value_at(self.file, path))
        return next((chosen for value in written if (chosen := choice.chosen(value))), None)

    def _without_kind(self, choice: Choice, path: Path, part: str) -> tuple[str, str]:
        names = value_at(self.file, path[:-1])
        meant = nearest(str(path[-1]), list(names) if isinstance(names, Mapping) else [])
        if meant is not None and meant != path[-1]:
            return "has no known kind", f"did you mean {variable_name((*path[:-1], meant, part))}?"
        return "has no known kind", f"set {variable_name((*path, choice.by))} to one of {', '.join(choice.options)}"

    def _key(self, part: str, shape: Shape | None, path: Path) -> str | None:
        if isinstance(shape, Section):
            return part if part in shape.keys else None
        if not isinstance(shape, Names) or not part:
            return None
        written = (value_at(self.file, path), value_at(self.found.values, path))
        names = [name for value in written if isinstance(value, Mapping) for name in value]
        same = [name for name in names if name.lower().replace("-", "_") == part]
        return part if part in same or not same else same[0]

    def _unknown(self, part: str, shape: Shape | None, path: Path) -> tuple[str, str]:
        if isinstance(shape, Section):
            meant = nearest(part, shape.keys)
            if meant is not None:
                return "unknown key", f"did you mean {variable_name((*path, meant))}?"
            return "unknown key", f"choose from {', '.join(variable_name((*path, key)) for key in shape.keys)}"
        if isinstance(shape, Items):
            return "a list is set as a whole", f'write {variable_name(path)}=["a", "b"]'
        if isinstance(shape, Names):
            return "a name is missing between the underscores", f"write {variable_name(path)}__NAME"
        return "the key has no keys of its own", f"set {variable_name(path)}"

    def _set(self, path: Path, shape: Shape | None) -> None:
        if path in self.found.variables:
            self._refuse(path, f"is set by {self.found.variables[path]} too", "keep one of the two")
            return
        value, refused = self._value(path, shape)
        if refused:
            return
        self.found.variables[path] = self.name
        section = self.found.values
        for key in path[:-1]:
            if not isinstance(section.get(str(key)), dict):
                section[str(key)] = {}
            section = section[str(key)]
        section[str(path[-1])] = value

    def _value(self, path: Path, shape: Shape | None) -> tuple[Any, bool]:
        """The value of the variable, and whether it could not be read."""
        if isinstance(shape, Value) or shape is None or not self.text.lstrip().startswith(("[", "{")):
            return self.text, False
        document = parse(f"value: {self.text}")
        for finding in document.findings:
            self._refuse((*path, *finding.path[1:]), finding.message, 'write it as in ["a", "b"] or {"key": "value"}')
        return document.values.get("value"), bool(document.findings)

    def _refuse(self, path: Path, message: str, hint: str) -> None:
        self.found.problems.append(Problem(self.name, None, dotted(path), message, hint))
