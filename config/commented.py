"""Writes settings models as YAML for people: every key with its description, what is not set commented out."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from textwrap import wrap
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from config.shape import FILE_SUFFIX, Choice, Items, Section, is_secret
from config.types import format_duration
from config.yaml_text import flow

_WIDTH = 100
_INDENT = "  "


@dataclass(frozen=True, slots=True)
class Part:
    """One section of the file.

    Attributes:
        key: under which it stands.
        model: whose keys it has.
        active: keys that are set, first and in this order; without any the whole section is commented out.
        values: for keys whose default or example would not do; a `Part` where a section stands inside, a tuple of them
            where named sections do.
        hidden: keys that cannot stand beside the others; another part shows them.
    """

    key: str
    model: type[BaseModel]
    active: tuple[str, ...] = ()
    values: Mapping[str, "Any | Part"] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()


class Writer:
    """Writes parts. A key that several models share is described where it first stands and left out afterwards."""

    def __init__(self) -> None:
        self._described: set[tuple[type, str]] = set()  # the class that declares a key, and the key

    def part(self, part: Part, depth: int) -> Iterator[str]:
        """The lines of a section."""
        if (part.model, "") not in self._described:
            yield from comment((part.model.__doc__ or "").split("\n\n")[0], depth)
            self._described.add((part.model, ""))
        yield f"{_INDENT * depth}{'' if part.active else '#'}{part.key}:"
        yield from self.keys(part, depth + 1)

    def keys(self, part: Part, depth: int) -> Iterator[str]:
        """The lines of a section's keys, each under its description."""
        fields = Section(part.model).fields
        for key in dict.fromkeys((*part.active, *fields)):
            owner = (_owner(part.model, key), key)
            if key in part.hidden or (owner in self._described and key not in (*part.active, *part.values)):
                continue
            first = owner not in self._described
            self._described.add(owner)
            yield from self._key(part, key, fields[key], depth, first)

    def _key(self, part: Part, key: str, info: FieldInfo, depth: int, first: bool) -> Iterator[str]:
        value = part.values.get(key, info.default)
        if isinstance(value, BaseModel):
            value = Part(key, type(value))
        if isinstance(value, tuple):
            yield from self._named(key, value, depth, comment(info.description or "", depth))
            return
        if isinstance(value, Part):
            yield from self.part(value, depth)
            yield from self._instead(part, key, value.model, depth)
            return
        if first and info.description:
            yield from comment(_described(part.model, key, info), depth)
        if key not in part.values and (info.is_required() or value in (None, [], {})) and info.examples:
            value = info.examples[0]
        yield f"{_INDENT * depth}{'' if key in part.active else '#'}{key}: {_text(value)}"

    def _named(self, key: str, parts: tuple[Part, ...], depth: int, described: list[str]) -> Iterator[str]:
        """A section of named sections."""
        yield from described
        yield f"{_INDENT * depth}#{key}:"
        for part in parts:
            yield from self.part(part, depth + 1)

    def _instead(self, part: Part, key: str, shown: type[BaseModel], depth: int) -> Iterator[str]:
        """The other kinds that may stand in a section's place: all of it comments, since only one can."""
        choice = Section(part.model).child(key)
        if not isinstance(choice, Choice):
            return
        for kind, option in choice.options.items():
            if option.model is shown:
                continue
            yield from comment(f"Instead of that: {(option.model.__doc__ or '').split(chr(10))[0]}", depth)
            yield f"{_INDENT * depth}#   {key}:"
            for name, info in option.fields.items():
                owner = (_owner(option.model, name), name)
                if info.description and owner not in self._described:
                    self._described.add(owner)
                    yield from comment(_described(option.model, name, info), depth + 2)
                value = info.examples[0] if info.examples else kind if name == choice.by else info.default
                yield f"{_INDENT * depth}#     {name}: {_text(value)}"


def comment(text: str, depth: int) -> list[str]:
    """A text as comment lines."""
    lead = f"{_INDENT * depth}# "
    return wrap(" ".join(text.split()), _WIDTH, initial_indent=lead, subsequent_indent=lead, break_on_hyphens=False)


def _described(model: type[BaseModel], key: str, info: FieldInfo) -> str:
    text = (info.description or "").removesuffix(".") + "."
    shape = Section(model).child(key)
    if is_secret(shape):
        holds = "holds one a line" if isinstance(shape, Items) else "holds it"
        text += f" Or {key}{FILE_SUFFIX}: the path of a file that {holds}."
    if not info.is_required() and info.default is None and "unset" not in text:
        text += " Unset by default."
    return text


def _owner(model: type[BaseModel], key: str) -> type:
    """The class that declares a key: the same key of the same class means the same."""
    name = next(name for name, info in model.model_fields.items() if (info.alias or name) == key)
    return next(each for each in reversed(model.__mro__) if name in getattr(each, "model_fields", {}))


def _text(value: Any) -> str:
    return format_duration(value) if isinstance(value, timedelta) else flow(value)
