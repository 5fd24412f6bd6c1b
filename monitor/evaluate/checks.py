"""Checks of answers without a judge, as they are named on the command line: `exact`, `regex:…`, `levenshtein>=0.9`."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from detectors.embedder import Embedder
from detectors.judge import reference
from detectors.judge.prompt import Item
from detectors.judge.reference import CHECKS, STRING_KINDS, Check
from monitor.clean import clean_text
from monitor.evaluate.values import EvaluationError, Measure, Outcome

ALONE: Final = ("json", "fenced_json")  # need no reference
EMBEDDING: Final = "embedding"
_PREFIXES: Final = ("regex", "schema", "fenced_schema")
_GRADED: Final = ("json_alike", *STRING_KINDS, EMBEDDING)
_SPEC: Final = re.compile(r"(?P<name>\w+)(?:>=(?P<least>\d+(?:\.\d+)?))?")

One = Callable[[Item], Check]


@dataclass(frozen=True, slots=True)
class Checked:
    """A check that was asked for.

    Attributes:
        measure: what it is called.
        one: checks one answer; None for the check that needs all of them at once (embeddings).
        least: score from which an answer passes; None where nothing passes or fails.
    """

    measure: Measure
    one: One | None
    least: float | None


def read_check(spec: str) -> Checked:
    """The check that a text asks for.

    Raises:
        EvaluationError: there is no such check, or it cannot be made.
    """
    measure = Measure(clean_text(spec, 120), "check", f"check {spec}")
    prefix, _, rest = spec.partition(":")
    if prefix in _PREFIXES:
        return Checked(measure, _with(prefix, rest), 1.0)
    if prefix in ALONE:
        valid = partial(reference.valid_json, fenced=prefix == "fenced_json")
        return Checked(measure, lambda item: valid(item.response or ""), 1.0)
    found = _SPEC.fullmatch(spec)
    name = found["name"] if found is not None else ""
    if found is None or name not in (*CHECKS, "exact_strict", EMBEDDING):
        known = ", ".join([*_PREFIXES_SHOWN, *ALONE, "exact_strict", *CHECKS, EMBEDDING])
        raise EvaluationError(
            f"--check {clean_text(spec, 100)!r} is not known; there are {known}, graded ones with >=0.9"
        )
    least = found["least"]
    if least is not None and (name not in _GRADED or float(least) > 1):
        raise EvaluationError(f"--check {spec}: a limit from 0 to 1 is for {', '.join(_GRADED)}")
    limit = float(least) if least is not None else None if name in _GRADED else 1.0
    return Checked(measure, None if name == EMBEDDING else partial(_beside, _compare(name)), limit)


def check_all(checked: Checked, items: Sequence[Item], embedder: Callable[[], Embedder]) -> list[Outcome]:
    """What a check says of every answer.

    Args:
        checked: the check.
        items: the answers with what they are held against.
        embedder: gives the model, where the check needs one.

    Raises:
        EmbeddingError: the answers could not be embedded.
    """
    if checked.one is not None:
        one = checked.one
        return [_outcome(checked, item, _lacks(item) or one(item)) for item in items]
    there = [item for item in items if _lacks(item) is None and item.reference is not None]
    pairs = [(item.response or "", item.reference or "") for item in there]
    alike = reference.meaning_alike(pairs, embedder()) if pairs else []
    found = {item.id: check for item, check in zip(there, alike, strict=True)}
    missing = Check(None, "it has no reference")
    return [_outcome(checked, item, _lacks(item) or found.get(item.id, missing)) for item in items]


_PREFIXES_SHOWN: Final = ("regex:PATTERN", "schema:FILE", "fenced_schema:FILE")


def _with(prefix: str, rest: str) -> One:
    """A check with something of its own: a pattern, or the file of a schema; both are tried at once."""
    if prefix == "regex":
        one = partial(_pattern, rest)
    else:
        schema = _schema(Path(rest))
        one = partial(_follows, schema, prefix == "fenced_schema")
    try:
        one(Item("", response=""))
    except ValueError as error:
        raise EvaluationError(f"--check {prefix}:{clean_text(rest, 100)}: {clean_text(str(error), 300)}") from None
    return one


def _pattern(expression: str, item: Item) -> Check:
    return reference.pattern(item.response or "", expression)


def _follows(schema: dict[str, object], fenced: bool, item: Item) -> Check:
    return reference.follows_schema(item.response or "", schema, fenced=fenced)


def _schema(path: Path) -> dict[str, object]:
    try:
        read = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise EvaluationError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise EvaluationError(f"{path}: is no JSON") from error
    if not isinstance(read, dict):
        raise EvaluationError(f"{path}: a JSON Schema is an object")
    return read


def _compare(name: str) -> Callable[[str, str], Check]:
    return partial(reference.exact, strict=True) if name == "exact_strict" else CHECKS[name]


def _beside(compare: Callable[[str, str], Check], item: Item) -> Check:
    if item.reference is None:
        return Check(None, "it has no reference")
    return compare(item.response or "", item.reference)


def _lacks(item: Item) -> Check | None:
    return Check(None, "it has no response") if item.response is None else None


def _outcome(checked: Checked, item: Item, found: Check) -> Outcome:
    score, least = found.score, checked.least
    passed = None if score is None or least is None else score >= least
    said = "" if score is None else f"{score:.3g}"
    return Outcome(item.id, passed, score, said, found.problem, asked=score is not None)
