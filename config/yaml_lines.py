"""Reads YAML so that every key and item knows its line."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from config.problems import Finding, Path

_MAX_NODES = 100_000  # far more than a configuration needs, far less than aliases of aliases can make
_MAX_INTEGER_DIGITS = 300
_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}" for kind in ("map", "seq", "str", "null", "bool", "int", "float", "merge")
)


class _Loader(yaml.SafeLoader):
    """YAML 1.2's words, as editors read them: `no` and `on` are text, `1:30` is not ninety, a date is text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own attribute


for _tag, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", list("-+.0123456789")),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", list("-+.")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first)


@dataclass(slots=True)
class Document:
    """What a YAML file says and where.

    Attributes:
        values: the top-level mapping; empty when the file is.
        lines: 1-based line of each key and item.
        texts: each scalar as it is written, before `0123` or `1e5` became a number.
        findings: what is wrong with the file as YAML; keys that could not be used are left out of `values`.
        readable: false when the reading had to end: `values` is then empty and means nothing.
    """

    values: dict[str, Any] = field(default_factory=dict)
    lines: dict[Path, int] = field(default_factory=dict)
    texts: dict[Path, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    readable: bool = True


def parse(text: str) -> Document:
    """Reads one YAML document. Never raises: what is wrong is in `findings`."""
    document = Document()
    try:
        root = yaml.compose(text, Loader=_Loader)
        value = _Reader(document).read(root, ()) if root is not None else {}
    except yaml.MarkedYAMLError as error:
        return _syntax(error)
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError, _TooLargeError) as error:
        return _unreadable(*_obstacle(error, text))
    if value is not None and not isinstance(value, dict):
        return _unreadable("must be a section of keys", "start with `sources:`")
    document.values = value or {}
    return document


def _unreadable(message: str, hint: str, line: int = 1) -> Document:
    return Document(findings=[Finding((), message, hint, line)], readable=False)


def _syntax(error: yaml.MarkedYAMLError) -> Document:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    what = " ".join(part for part in (error.context, error.problem) if part)
    if "'\\t'" in what:
        return _unreadable("is not YAML: a tab", "indent with spaces", line)
    if "expected a single document" in what:
        return _unreadable("holds a second document", "take out the line `---`", line)
    if "found undefined alias" in what or "while scanning an alias" in what:
        hint = "quote a text that starts with *"
        return _unreadable("is not YAML: an alias (*name) that no anchor (&name) defines", hint, line)
    return _unreadable(f"is not YAML: {what}", "check quotes, colons and the indentation around this line", line)


def _obstacle(error: Exception, text: str) -> tuple[str, str, int]:
    if isinstance(error, yaml.reader.ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return "is not YAML: a control character or half of a surrogate pair", "take it out", line
    if isinstance(error, RecursionError):
        return "is nested too deeply", "keep to the levels that the settings have", 1
    if isinstance(error, _TooLargeError):
        return "is too large once its aliases are followed", "use fewer aliases", 1
    # PyYAML lets what chr() and int() say of impossible escapes and directives through.
    return "is not YAML: an escape of a character that does not exist", "use single quotes", 1


class _TooLargeError(Exception):
    """The aliases of the file multiply."""


class _Reader:
    """Turns nodes into values and writes down their lines."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._open: list[int] = []  # the nodes around the one that is read: an alias to one of them has no end
        self._nodes = 0

    def read(self, node: yaml.Node, path: Path) -> Any:
        self._nodes += 1
        if self._nodes > _MAX_NODES:
            raise _TooLargeError
        self._document.lines.setdefault(path, _line(node))
        if id(node) in self._open:
            self._document.findings.append(Finding(path, "refers to itself", "take the alias out"))
            return None
        if node.tag not in _TAGS:
            self._refuse(path, node, f"has the tag {node.tag}", "write the plain value")
        self._open.append(id(node))
        try:
            return self._value(node, path)
        finally:
            self._open.pop()

    def _value(self, node: yaml.Node, path: Path) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.read(item, (*path, number)) for number, item in enumerate(node.value)]
        self._document.texts.setdefault(path, node.value)
        return _scalar(node.tag.rpartition(":")[2], node.value)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        own: dict[str, Any] = {}
        for key, value in node.value:
            if not _merges(key) and (name := self._key(key, path, own)) is not None:
                self._document.lines.setdefault((*path, name), _line(key))
                own[name] = self.read(value, (*path, name))
        # After the keys of its own, so that these keep their lines.
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if _merges(key):
                for part in self._merged(value, path):
                    merged = part | merged
        return merged | own

    def _key(self, node: yaml.Node, path: Path, seen: dict[str, Any]) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self._refuse(path, node, "has a key that is a list or a section", "keys are words")
            return None
        name: str = node.value
        if node.tag != "tag:yaml.org,2002:str":
            self._refuse((*path, name), node, "is not text as a key", "write the key in quotes")
            return None
        if not name.isascii() and any("\ud800" <= char <= "\udfff" for char in name):
            self._refuse((*path, name), node, "holds half of a surrogate pair", "write the key in plain letters")
            return None
        if name in seen:
            first = self._document.lines[(*path, name)]
            self._refuse((*path, name), node, f"is written twice, first in line {first}", "keep one of the two")
            return None
        return name

    def _merged(self, node: yaml.Node, path: Path) -> Iterator[dict[str, Any]]:
        """The mappings that `<<:` brings in; the first of them wins, and a key of the mapping itself wins over all."""
        for each in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(each, yaml.MappingNode):
                self._refuse((*path, "<<"), each, "merges what is not a section", "write <<: *name")
            elif (value := self.read(each, path)) is not None:
                yield value

    def _refuse(self, path: Path, node: yaml.Node, message: str, hint: str) -> None:
        self._document.findings.append(Finding(path, message, hint, _line(node)))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _merges(key: yaml.Node) -> bool:
    return bool(key.tag == "tag:yaml.org,2002:merge")


def _scalar(kind: str, text: str) -> Any:
    """The value of a plain word; what a tag claims in vain stays text."""
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    try:
        if kind == "int" and len(text) <= _MAX_INTEGER_DIGITS:
            return int(text)
        if kind == "float":
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        return text
    return text
