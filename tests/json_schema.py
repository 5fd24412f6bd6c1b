"""As much of JSON Schema as the schema of the configuration uses: enough to hold examples against it."""

import re
from collections.abc import Iterator
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
# Words that only describe.
_NOTES = {"title", "description", "default", "examples", "format", "writeOnly", "discriminator", "$defs", "$schema"}


def mismatches(value: Any, schema: dict[str, Any], root: dict[str, Any], path: str = "") -> Iterator[str]:
    """Where a value does not follow a schema; a word that is not known here is an error of the test."""
    if schema is True:
        return
    for word, rule in schema.items():
        if word not in _NOTES:
            yield from _RULES[word](value, rule, schema, root, path)


def _ref(value: Any, rule: str, schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[str]:
    yield from mismatches(value, root["$defs"][rule.removeprefix("#/$defs/")], root, path)


def _type(value: Any, rule: str, schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[str]:
    if not isinstance(value, _TYPES[rule]) or (isinstance(value, bool) and rule in ("integer", "number")):
        yield f"{path}: is no {rule}"


def _properties(
    value: Any, rule: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], path: str
) -> Iterator[str]:
    for key in value if isinstance(value, dict) else ():
        if key in rule:
            yield from mismatches(value[key], rule[key], root, f"{path}.{key}")


def _patterns(
    value: Any, rule: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], path: str
) -> Iterator[str]:
    for key in value if isinstance(value, dict) else ():
        for pattern, inner in rule.items():
            if re.search(pattern, key):
                yield from mismatches(value[key], inner, root, f"{path}.{key}")


def _additional(value: Any, rule: Any, schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[str]:
    for key in value if isinstance(value, dict) else ():
        named = key in schema.get("properties", {}) or any(
            re.search(p, key) for p in schema.get("patternProperties", {})
        )
        if not named and rule is False:
            yield f"{path}.{key}: is not allowed"
        elif not named:
            yield from mismatches(value[key], rule, root, f"{path}.{key}")


def _required(value: Any, rule: list[str], schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[str]:
    yield from (f"{path}.{key}: is missing" for key in rule if isinstance(value, dict) and key not in value)


def _items(value: Any, rule: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[str]:
    for number, each in enumerate(value if isinstance(value, list) else ()):
        yield from mismatches(each, rule, root, f"{path}[{number}]")


def _names(value: Any, rule: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[str]:
    for key in value if isinstance(value, dict) else ():
        yield from mismatches(key, rule, root, f"{path}.{key}")


def _any(
    value: Any, rule: list[dict[str, Any]], schema: dict[str, Any], root: dict[str, Any], path: str
) -> Iterator[str]:
    found = [list(mismatches(value, each, root, path)) for each in rule]
    if all(found):
        yield f"{path}: fits nothing of {found}"


def _one(
    value: Any, rule: list[dict[str, Any]], schema: dict[str, Any], root: dict[str, Any], path: str
) -> Iterator[str]:
    found = [list(mismatches(value, each, root, path)) for each in rule]
    if sum(not each for each in found) != 1:
        yield f"{path}: does not fit exactly one of {found}"


def _all(
    value: Any, rule: list[dict[str, Any]], schema: dict[str, Any], root: dict[str, Any], path: str
) -> Iterator[str]:
    for each in rule:
        yield from mismatches(value, each, root, path)


def _check(holds: Any) -> Any:
    def check(value: Any, rule: Any, schema: dict[str, Any], root: dict[str, Any], path: str) -> Iterator[str]:
        if not holds(value, rule):
            yield f"{path}: breaks {rule!r}"

    return check


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_RULES: dict[str, Any] = {
    "$ref": _ref,
    "type": _type,
    "properties": _properties,
    "patternProperties": _patterns,
    "additionalProperties": _additional,
    "required": _required,
    "items": _items,
    "propertyNames": _names,
    "anyOf": _any,
    "oneOf": _one,
    "allOf": _all,
    "const": _check(lambda value, rule: value == rule),
    "enum": _check(lambda value, rule: value in rule),
    "pattern": _check(lambda value, rule: not isinstance(value, str) or re.search(rule, value)),
    "minimum": _check(lambda value, rule: not _is_number(value) or value >= rule),
    "maximum": _check(lambda value, rule: not _is_number(value) or value <= rule),
    "exclusiveMinimum": _check(lambda value, rule: not _is_number(value) or value > rule),
    "exclusiveMaximum": _check(lambda value, rule: not _is_number(value) or value < rule),
    "minLength": _check(lambda value, rule: not isinstance(value, str) or len(value) >= rule),
    "maxLength": _check(lambda value, rule: not isinstance(value, str) or len(value) <= rule),
    "maxItems": _check(lambda value, rule: not isinstance(value, list) or len(value) <= rule),
    "minProperties": _check(lambda value, rule: not isinstance(value, dict) or len(value) >= rule),
    "minItems": _check(lambda value, rule: not isinstance(value, list) or len(value) >= rule),
}
