"""Loads the configuration: a YAML file, overruled by the environment; every problem at once, each with its place."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from config import environment, messages, references
from config.places import Places
from config.problems import ConfigProblems, Finding, Problem
from config.secrets import Secrets
from config.settings import MISFIT, Settings
from config.shape import Shape, is_section, section_of, shape_of, step
from config.yaml_lines import Document, parse

__all__ = ["ConfigProblems", "Draft", "Loaded", "draft", "load"]

_SHAPE = shape_of(Settings)


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings as the user wrote them, and where relative paths in them start.

    Attributes:
        settings: what was written, with defaults; paths are not resolved.
        path: the file; None when only the environment was read.
        folder: the file's folder, or the working directory.
    """

    settings: Settings
    path: Path | None
    folder: Path

    def resolve(self, path: str) -> Path:
        """A path or glob of the settings as an absolute one: relative ones start at the configuration file."""
        return self.folder / os.path.expanduser(path)


@dataclass(frozen=True, slots=True)
class Draft:
    """A configuration that may still be wrong, for those who check more than the settings models do.

    Attributes:
        tree: what the file and the environment say together; secrets are wrapped.
        places: where each key was written.
        problems: what is wrong.
        loaded: the settings; None when there are problems.
    """

    tree: Mapping[str, Any]
    places: Places
    problems: tuple[Problem, ...]
    loaded: Loaded | None


def load(path: Path | None, environ: Mapping[str, str]) -> Loaded:
    """Loads the settings.

    Args:
        path: the YAML file; None reads the environment only.
        environ: the environment; variables that start with `WATCHKEEPER__` overrule the file.

    Raises:
        ConfigProblems: the configuration cannot be used; it holds every problem.
    """
    read = draft(path, environ)
    if read.loaded is None:
        raise ConfigProblems(read.problems)
    return read.loaded


def draft(path: Path | None, environ: Mapping[str, str]) -> Draft:
    """Reads the configuration as far as it can be read. What cannot is in the draft's problems; nothing is raised."""
    document = parse("") if path is None else _read(path)
    variables = environment.read(environ, _SHAPE, document.values)
    places = Places(None if path is None else str(path), document.lines, variables.variables)
    if not document.readable:
        return Draft({}, places, tuple(places.problems(document.findings)), None)
    folder = Path.cwd() if path is None else path.absolute().parent
    tree, secret_findings = _merged(document, variables.values, folder)
    settings, found = _validated(tree)
    problems = places.sorted([*places.problems([*document.findings, *secret_findings, *found]), *variables.problems])
    loaded = None if problems or settings is None else Loaded(settings, path, folder)
    return Draft(tree, places, tuple(problems), loaded)


def _read(path: Path) -> Document:
    try:
        return parse(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        problem = "does not exist", "`watchkeeper init` writes one to start from"
    except OSError as error:
        problem = f"cannot be read: {error.strerror}", "check the path and its rights"
    except UnicodeDecodeError as error:
        problem = f"is not UTF-8 text (byte {error.start})", "save it as UTF-8"
    return Document(findings=[Finding((), *problem)], readable=False)


def _merged(document: Document, variables: Mapping[str, Any], folder: Path) -> tuple[dict[str, Any], list[Finding]]:
    """The tree of both layers with its secrets in place, and what is wrong with the secrets."""
    layers = (variables, document.values)
    from_environment = Secrets(folder, layers, twice=True)
    above = from_environment.settle(variables, _SHAPE)
    from_file = Secrets(folder, layers, document.texts, above)
    below = from_file.settle(_without_empty_sections(document.values, _SHAPE), _SHAPE)
    return _overruled(above, below), from_environment.findings + from_file.findings


def _overruled(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """The layers as one tree, key by key; the first layer that has a key wins."""

    class Layers(BaseSettings):
        tree: Any

        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_: PydanticBaseSettingsSource, **__: PydanticBaseSettingsSource
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return tuple(_Layer(settings_cls, layer) for layer in layers)

    return dict(Layers().tree)


class _Layer(PydanticBaseSettingsSource):
    """One layer, as pydantic-settings takes it."""

    def __init__(self, settings_cls: type[BaseSettings], tree: Mapping[str, Any]) -> None:
        super().__init__(settings_cls)
        self._tree = tree

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return self._tree, field_name, False

    def __call__(self) -> dict[str, Any]:
        return {"tree": dict(self._tree)}


def _without_empty_sections(value: Any, shape: Shape | None) -> Any:
    """A section whose keys are all commented out is the same as no section; an empty entry by name is a mistake."""
    if not isinstance(value, Mapping):
        return value
    kept = {key: _without_empty_sections(each, step(shape, key, value)) for key, each in value.items()}
    section = section_of(shape, value)
    if section is None:
        return kept
    return {key: each for key, each in kept.items() if each is not None or not is_section(section.child(key))}


def _validated(tree: Mapping[str, Any]) -> tuple[Settings | None, list[Finding]]:
    found = list(references.findings(tree))
    try:
        return Settings.model_validate(tree, by_alias=True, by_name=False), found
    except ValidationError as error:
        if error.errors(include_url=False, include_input=False)[0]["type"] != MISFIT:
            found += messages.findings(error, _SHAPE, tree)
    return None, found
