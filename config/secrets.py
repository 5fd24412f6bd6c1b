"""Secrets of the configuration: written in place, or in a file of their own (`routing_key_file`)."""

import os
import pathlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import SecretStr

from config.environment import variable_name
from config.problems import Finding, Path
from config.shape import FILE_SUFFIX, Items, Shape, Value, secret_twin, section_of, step, value_at

_MAX_BYTES = 65_536  # a larger file is not a secret but a mistake
_PLACEHOLDER = re.compile(r"\$\{[^}]*\}|^\$\w+$")


@dataclass(frozen=True, slots=True)
class Secrets:
    """Puts the secrets of one layer (the file, or the environment) in their places.

    From then on they are `SecretStr`, so that nothing that shows the tree shows them.

    Attributes:
        folder: where relative paths of secret files start.
        layers: all layers as written, the strongest first: together they say which `kind` a section is.
        texts: scalars as they are written: a key of digits is not a number.
        above: the settled layer that overrules this one: files of secrets that it sets are not read.
        twice: whether a secret may also be in a file, which is then not read: in the environment, where one variable
            overrules the other; in one YAML file it is a mistake.
        findings: what is wrong, added to.
    """

    folder: pathlib.Path
    layers: tuple[Mapping[str, Any], ...]
    texts: Mapping[Path, str] = field(default_factory=dict)
    above: Mapping[str, Any] = field(default_factory=dict)
    twice: bool = False
    findings: list[Finding] = field(default_factory=list)

    def settle(self, value: Any, shape: Shape | None, path: Path = ()) -> Any:
        """The written value with its secrets wrapped, and without the keys that name their files."""
        if isinstance(shape, Value) and shape.secret:
            return self._wrapped(value, path)
        if isinstance(value, list):
            item = shape.item if isinstance(shape, Items) else None
            return [self.settle(each, item, (*path, number)) for number, each in enumerate(value)]
        if not isinstance(value, Mapping):
            return value
        chosen = (section_of(shape, value_at(layer, path)) for layer in self.layers)
        section = next((each for each in chosen if each), None)
        settled = {}
        for key, each in value.items():
            name = secret_twin(section, key) if section else None
            if name is None:
                settled[key] = self.settle(each, step(section or shape, key, value), (*path, key))
            elif name in value and self.twice:
                continue
            elif name in value:
                hint = f"keep one of {name} and {key}"
                self.findings.append(Finding((*path, key), f"{name} is written here too", hint))
            elif value_at(self.above, (*path, name)) is None:
                settled[name] = self._from_file(each, step(section, name, value), (*path, key))
        return settled

    def _wrapped(self, value: Any, path: Path) -> Any:
        text = self.texts.get(path, value)
        if value is None or not isinstance(text, str):
            return value
        if not text:
            self.findings.append(Finding(path, "is empty", "write the secret, or take the key out"))
        if _PLACEHOLDER.search(text):
            self.findings.append(Finding(path, "looks like ${…}, but variables are not filled in here", _instead(path)))
        return SecretStr(text)

    def _from_file(self, file: Any, shape: Shape | None, path: Path) -> SecretStr | list[SecretStr]:
        """What the file holds; for a list one secret a line. Empty when it cannot be read, which is then a finding."""
        text = self._read(file, path)
        if isinstance(shape, Items):
            return [SecretStr(line) for line in text.splitlines() if line]
        return SecretStr(text.rstrip("\r\n"))

    def _read(self, file: Any, path: Path) -> str:
        if not isinstance(file, str) or not file or "\0" in file:
            self.findings.append(
                Finding(path, "is not the path of a file", "write the path of the file with the secret")
            )
            return ""
        try:
            with (self.folder / os.path.expanduser(file)).open("rb") as opened:
                read = opened.read(_MAX_BYTES + 1)
            text = read.decode()
        except OSError as error:
            what = f"the file cannot be read: {error.strerror}"
            self.findings.append(Finding(path, what, "check the path and its rights"))
            return ""
        except UnicodeError:
            self.findings.append(Finding(path, "the file is not UTF-8 text", "write the secret as plain text"))
            return ""
        if len(read) > _MAX_BYTES or not text.strip():
            what = "is empty" if not text.strip() else f"is longer than {_MAX_BYTES} bytes"
            self.findings.append(Finding(path, f"the file {what}", "write only the secret into it"))
        return text


def _instead(path: Path) -> str:
    named = tuple(key for key in path if isinstance(key, str))
    return f"set {variable_name(named)}, or {named[-1]}{FILE_SUFFIX} to the path of a file that holds the value"
