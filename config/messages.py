"""Says what pydantic found in the words of the file: the key, what is wrong, and what would be right."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from config.problems import Finding, Path
from config.shape import FILE_SUFFIX, Choice, Names, Section, Shape, at, is_secret, section_of, step, value_at
from config.words import nearest, shown
from config.yaml_text import flow

Context = Mapping[str, Any]  # what pydantic knows about an error beside its type: limits, expected words, the exception
Say = Callable[["_Place", Context], Finding]


def findings(error: ValidationError, shape: Shape, tree: Mapping[str, Any]) -> Iterator[Finding]:
    """Every problem that pydantic has found in a tree of settings. The values themselves are never quoted."""
    errors = error.errors(include_url=False, include_context=True, include_input=False)
    places = [_place(_written_path(each["loc"], shape, tree), shape, tree) for each in errors]
    # A key that is missing because it is misspelt is one problem.
    misspelt = {
        (*place.path[:-1], nearest(place.key, place.section.keys))
        for each, place in zip(errors, places, strict=True)
        if each["type"] == "extra_forbidden" and place.section
    }
    for each, place in zip(errors, places, strict=True):
        if each["type"] != "missing" or place.path not in misspelt:
            say = _SAY.get(each["type"])
            yield say(place, each.get("ctx", {})) if say else place.finding(each["msg"])


def _written_path(loc: Path, shape: Shape | None, tree: Any) -> Path:
    """The location without what pydantic adds to it: the tag of a chosen model, and the mark of a wrong key."""
    path: list[str | int] = []
    for key in loc[:-1] if loc[-1:] == ("[key]",) else loc:
        if isinstance(shape, Choice):
            chosen = shape.chosen(tree)
            if chosen is not None:
                shape = chosen
                continue
        path.append(key)
        shape, tree = step(shape, key, tree), value_at(tree, (key,))
    return tuple(path)


@dataclass(frozen=True, slots=True)
class _Place:
    """A key that is wrong: what is written there, what may be, and the same of the section around it."""

    path: Path
    value: Any
    shape: Shape | None
    around: Shape | None
    siblings: Any

    @property
    def key(self) -> str:
        return str(self.path[-1]) if self.path else ""

    @property
    def section(self) -> Section | None:
        return section_of(self.around, self.siblings)

    def finding(self, message: str, hint: str = "") -> Finding:
        return Finding(self.path, message, hint)


def _place(path: Path, shape: Shape, tree: Mapping[str, Any]) -> _Place:
    around = at(shape, path[:-1], tree)
    return _Place(path, value_at(tree, path), at(shape, path, tree), around, value_at(tree, path[:-1]))


def _unknown_key(place: _Place, context: Context) -> Finding:
    keys = place.section.keys if place.section else []
    meant = nearest(place.key, keys)
    options = place.around.options.items() if isinstance(place.around, Choice) else ()
    elsewhere = [kind for kind, option in options if place.key in option.keys]
    if elsewhere:
        return place.finding("unknown key", f"it belongs to kind {' and '.join(elsewhere)}")
    return place.finding("unknown key", f"did you mean {meant!r}?" if meant else f"the keys here are {', '.join(keys)}")


def _missing(place: _Place, context: Context) -> Finding:
    field = place.section.fields[place.key] if place.section else None
    if is_secret(place.shape):
        hint = f"add {place.key}, or {place.key}{FILE_SUFFIX} with the path of a file that holds it"
    elif field is not None and field.examples:
        hint = f"add for example `{place.key}: {flow(field.examples[0])}`"
    else:
        hint = "add it"
    return place.finding("is missing", hint)


def _kind(place: _Place, context: Context) -> Finding:
    choice = place.shape
    if not isinstance(choice, Choice):
        return place.finding("has no kind")
    kind = place.value.get(choice.by) if isinstance(place.value, Mapping) else None
    if kind is None:
        return place.finding(f"has no {choice.by}", f"add {_ways(choice)}")
    kinds = ", ".join(choice.options)
    meant = nearest(str(kind), choice.options)
    hint = f"did you mean {meant!r}? The kinds are {kinds}" if meant else f"the kinds are {kinds}"
    return Finding((*place.path, choice.by), f"unknown kind {shown(kind)}", hint)


def _wrong_type(expected: str) -> Say:
    def say(place: _Place, context: Context) -> Finding:
        if place.value is None:
            return place.finding(f"is empty, but must be {expected}", "write a value, or take the key out")
        found = next((word for type_, word in _FOUND if isinstance(place.value, type_)), "text")
        if expected == "a whole number" and found == "a number":
            return place.finding("must be a whole number, not a fraction")
        return place.finding(f"must be {expected}, not {found}", _instead(place, expected, found))

    return say


def _instead(place: _Place, expected: str, found: str) -> str:
    if expected == "text" and found in ("a number", "true or false"):
        return "put it in quotes"
    if expected == "a list":
        return "write [a, b], or each item on a line of its own after '- '"
    if isinstance(place.shape, Choice):
        return f"write the keys indented under it, first {_ways(place.shape)}"
    if isinstance(place.shape, Section):
        return f"write the keys indented under it: {', '.join(place.shape.keys)}"
    return "write each name with its value on a line of its own, indented" if isinstance(place.shape, Names) else ""


def _ways(choice: Choice) -> str:
    return " or ".join(f"`{choice.by}: {kind}`" for kind in choice.options)


def _literal(place: _Place, context: Context) -> Finding:
    words = re.findall(r"'([^']*)'", str(context.get("expected", "")))
    meant = nearest(str(place.value), words)
    return place.finding(f"must be one of {', '.join(words)}", f"did you mean {meant!r}?" if meant else "")


def _own_words(place: _Place, context: Context) -> Finding:
    """What a validator of the models says: the message, and after a colon what would be right."""
    message, _, hint = str(context["error"]).partition(": ")
    return place.finding(message, hint)


def _name(place: _Place, context: Context) -> Finding:
    plain = "-".join(re.findall(r"[a-z0-9]+", place.key.lower()))[:63].strip("-")
    rule = "lower-case letters and digits with single - or _ between them, 63 at most"
    return place.finding(
        "is not a name", f"use {rule}" + (f", such as {plain!r}" if plain not in ("", place.key[:63]) else "")
    )


def _limit(text: str) -> Say:
    return lambda place, context: place.finding(text.format_map(context))


def _too_long(place: _Place, context: Context) -> Finding:
    if isinstance(place.around, Names):
        return _name(place, context)
    return place.finding(f"must be {context['max_length']} character{'s' if context['max_length'] > 1 else ''} long")


_FOUND: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "true or false"),
    ((int, float), "a number"),
    (list, "a list"),
    (dict, "a section of keys"),
)

_SAY: dict[str, Say] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "union_tag_invalid": _kind,
    "union_tag_not_found": _kind,
    "literal_error": _literal,
    "value_error": _own_words,
    "string_pattern_mismatch": _name,
    "string_too_long": _too_long,
    "string_too_short": _limit("must not be empty"),
    "too_short": _limit("must not be empty"),
    "greater_than": _limit("must be greater than {gt:g}"),
    "less_than": _limit("must be less than {lt:g}"),
    "greater_than_equal": _limit("must be at least {ge}"),
    "less_than_equal": _limit("must be at most {le}"),
    "finite_number": _limit("must be a finite number"),
    "string_unicode": _limit("must be text without halves of surrogate pairs"),
    "string_type": _wrong_type("text"),
    **dict.fromkeys(("int_type", "int_parsing", "int_parsing_size", "int_from_float"), _wrong_type("a whole number")),
    **dict.fromkeys(("float_type", "float_parsing"), _wrong_type("a number")),
    **dict.fromkeys(("bool_type", "bool_parsing"), _wrong_type("true or false")),
    "list_type": _wrong_type("a list"),
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), _wrong_type("a section of keys")),
}
