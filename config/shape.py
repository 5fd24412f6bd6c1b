"""The tree of what may be set, read from the settings models: which keys a place has, and which of them are secrets."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from config.problems import Path

FILE_SUFFIX = "_file"  # `routing_key_file` beside `routing_key`: the file that holds the secret


@dataclass(frozen=True, slots=True)
class Value:
    """A single value."""

    secret: bool = False
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    item: "Shape"
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Names:
    """A section whose keys the user chooses."""

    value: "Shape"
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A section with the keys of a model."""

    model: type[BaseModel]
    nullable: bool = False

    @property
    def fields(self) -> dict[str, FieldInfo]:
        """The model's fields under the keys that the file uses."""
        return {field.alias or name: field for name, field in self.model.model_fields.items()}

    @property
    def keys(self) -> list[str]:
        """All keys that may be written here, the file twins of secrets included."""
        return [key for name in self.fields for key in _with_twin(name, self.child(name))]

    def child(self, key: object) -> "Shape | None":
        """What stands under a key; None when there is no such key."""
        field = self.fields.get(key) if isinstance(key, str) else None
        if field is None:
            return None
        return shape_of(field.annotation, field.discriminator if isinstance(field.discriminator, str) else None)


@dataclass(frozen=True, slots=True)
class Choice:
    """A section that is one of several models; the value of the key `by` says which."""

    by: str
    options: Mapping[str, Section]
    nullable: bool = False

    def chosen(self, value: object) -> Section | None:
        """The model that a written section has chosen; None when it names none of them."""
        kind = value.get(self.by) if isinstance(value, Mapping) else None
        return self.options.get(kind) if isinstance(kind, str) else None


Shape = Value | Items | Names | Section | Choice


def secret_twin(section: Section, key: object) -> str | None:
    """The secret that `key` names the file of: `routing_key` for `routing_key_file`."""
    if not isinstance(key, str) or not key.endswith(FILE_SUFFIX) or key in section.fields:
        return None
    name = key.removesuffix(FILE_SUFFIX)
    return name if is_secret(section.child(name)) else None


def is_section(shape: Shape | None) -> bool:
    """Whether keys may stand here."""
    return isinstance(shape, Section | Names | Choice)


def section_of(shape: Shape | None, value: object) -> Section | None:
    """The model whose keys may stand in a written section; None when any name may, or none."""
    chosen = shape.chosen(value) if isinstance(shape, Choice) else shape
    return chosen if isinstance(chosen, Section) else None


def is_secret(shape: Shape | None) -> bool:
    """Whether a place holds a secret, or a list of them."""
    return (isinstance(shape, Value) and shape.secret) or (isinstance(shape, Items) and is_secret(shape.item))


def step(shape: Shape | None, key: str | int, value: object) -> Shape | None:
    """What stands under one key or index of `value`, which has that shape; None when nothing may stand there."""
    section = section_of(shape, value)
    if section is not None:
        return section.child(key)
    if isinstance(shape, Names):
        return shape.value
    return shape.item if isinstance(shape, Items) else None


def at(shape: Shape | None, path: Path, tree: Any) -> Shape | None:
    """What may stand at a path of a written tree."""
    for key in path:
        shape = step(shape, key, tree)
        tree = value_at(tree, (key,))
    return shape


def value_at(tree: Any, path: Path) -> Any:
    """What is written at a path; None when nothing is."""
    for key in path:
        if isinstance(tree, Mapping):
            tree = tree.get(key)
        elif isinstance(tree, list) and isinstance(key, int) and key < len(tree):
            tree = tree[key]
        else:
            return None
    return tree


def shape_of(annotation: Any, discriminator: str | None = None) -> Shape:
    """The shape of an annotation of the settings models, or of a model itself."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        told = (each.discriminator for each in arguments[1:] if isinstance(each, FieldInfo))
        return shape_of(arguments[0], next((each for each in told if isinstance(each, str)), discriminator))
    if origin in (Union, UnionType):
        return _union([each for each in arguments if each is not NoneType], NoneType in arguments, discriminator)
    if origin is dict:
        return Names(shape_of(arguments[1]))
    if origin is list:
        return Items(shape_of(arguments[0]))
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return Section(annotation) if is_model else Value(secret=annotation is SecretStr)


def _union(members: list[Any], nullable: bool, discriminator: str | None) -> Shape:
    if discriminator is not None:
        return Choice(discriminator, _options(members, discriminator), nullable)
    return replace(shape_of(members[0]), nullable=nullable) if len(members) == 1 else Value(nullable=nullable)


def _options(models: list[type[BaseModel]], discriminator: str) -> dict[str, Section]:
    return {tag: Section(model) for model in models for tag in _tags(model.model_fields[discriminator].annotation)}


def _tags(annotation: Any) -> tuple[str, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _with_twin(name: str, shape: Shape | None) -> list[str]:
    return [name, name + FILE_SUFFIX] if is_secret(shape) else [name]
