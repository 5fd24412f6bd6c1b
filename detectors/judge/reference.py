"""Answers held against what is known, without a judge: equal, alike letter by letter or in meaning, of the right form.

Every check gives a score from 0 to 1, where 1 is best, or says why it has none. Nothing is raised for a text.
"""

import re
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, Final, Literal, get_args

import numpy as np
import orjson
import regex  # type: ignore[import-untyped]
from rapidfuzz.distance import DamerauLevenshtein, Indel, Jaro, JaroWinkler, Levenshtein

from detectors.embedder import Embedder
from detectors.normalise import normalise
from detectors.protocols import Cache

StringKind = Literal["levenshtein", "damerau_levenshtein", "jaro", "jaro_winkler", "indel"]
STRING_KINDS: tuple[StringKind, ...] = get_args(StringKind)

LONGEST: Final = 20_000  # characters that are compared letter by letter
LONGEST_DAMERAU: Final = 4_000  # its time grows with the product of the lengths
PATTERN_SECONDS: Final = 1.0  # of matching one text; some patterns never come to an end
_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)
_FENCE: Final = re.compile(r"\s*```(?:json)?[ \t]*\n(.*?)\n?[ \t]*```\s*", re.DOTALL | re.IGNORECASE)

_DISTANCES: Final[dict[StringKind, Callable[[str, str], float]]] = {
    "levenshtein": Levenshtein.normalized_distance,
    "damerau_levenshtein": DamerauLevenshtein.normalized_distance,
    "jaro": Jaro.normalized_distance,
    "jaro_winkler": JaroWinkler.normalized_distance,
    "indel": Indel.normalized_distance,
}


@dataclass(frozen=True, slots=True)
class Check:
    """What a check says of an answer.

    Attributes:
        score: 1 is best; None when the check could not be made, and `problem` says why in a few words.
        cut: whether only the start of a long text was compared.
    """

    score: float | None
    problem: str = ""
    cut: bool = False


_YES, _NO = Check(1.0), Check(0.0)


def exact(response: str, reference: str, *, strict: bool = False) -> Check:
    """Whether both are the same; unless `strict` up to spaces, case and ASCII punctuation."""
    if strict:
        return _when(response == reference)
    return _when(_folded(response) == _folded(reference))


def pattern(response: str, expression: str, *, whole: bool = False) -> Check:
    """Whether a regular expression is found in the answer, or matches the whole of it.

    Raises:
        ValueError: it is no regular expression.
    """
    try:
        compiled = regex.compile(expression)
    except (regex.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    search = compiled.fullmatch if whole else compiled.search
    try:
        return _when(search(response, timeout=PATTERN_SECONDS) is not None)
    except TimeoutError:
        return Check(None, "the pattern takes too long on this text")


def valid_json(response: str, *, fenced: bool = False) -> Check:
    """Whether the answer is JSON (RFC 8259) and nothing else; with `fenced` a code fence around it is allowed."""
    return _when(_read(response, fenced) is not _NOTHING)


def json_equal(response: str, reference: str, *, fenced: bool = False) -> Check:
    """Whether both are the same JSON, whatever the order of keys and the spaces."""
    wanted = _read(reference, fenced)
    if wanted is _NOTHING:
        return Check(None, "the reference is no JSON")
    given = _read(response, fenced)
    return _when(given is not _NOTHING and _canonical(given) == _canonical(wanted))


def json_alike(response: str, reference: str, *, fenced: bool = False) -> Check:
    """How alike both are as JSON: 1 minus the edit distance of their canonical spellings over the longer one."""
    wanted = _read(reference, fenced)
    if wanted is _NOTHING:
        return Check(None, "the reference is no JSON")
    given = _read(response, fenced)
    if given is _NOTHING:
        return _NO
    return string_alike(_canonical(given).decode(), _canonical(wanted).decode(), "levenshtein")


def follows_schema(response: str, schema: Mapping[str, Any], *, fenced: bool = False) -> Check:
    """Whether the answer is JSON that follows a JSON Schema (of the draft that the schema names, else the newest).

    Needs the package `jsonschema`; nothing is fetched for references in the schema.

    Raises:
        ValueError: it is no JSON Schema.
    """
    try:
        jsonschema, referencing = import_module("jsonschema"), import_module("referencing")
    except ImportError:
        return Check(None, "the package jsonschema is not installed")
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        raise ValueError(f"is no JSON Schema: {error.message[:200]}") from error
    given = _read(response, fenced)
    if given is _NOTHING:
        return _NO
    try:
        return _when(kind(schema, registry=referencing.Registry()).is_valid(given))
    except (referencing.exceptions.Unresolvable, RecursionError):
        return Check(None, "the schema refers to something that it does not hold, or to itself without end")


def string_alike(response: str, reference: str, kind: StringKind = "jaro_winkler") -> Check:
    """How alike two texts are letter by letter: 1 minus the normalised distance."""
    longest = LONGEST_DAMERAU if kind == "damerau_levenshtein" else LONGEST
    distance = _DISTANCES[kind](response[:longest], reference[:longest])
    return Check(1.0 - distance, cut=max(len(response), len(reference)) > longest)


def meaning_alike(pairs: Sequence[tuple[str, str]], embedder: Embedder, cache: Cache | None = None) -> list[Check]:
    """How alike answers and references are in meaning: the cosine of their embeddings, not below 0.

    Args:
        pairs: answer and reference.
        embedder: what makes the vectors.
        cache: of vectors.

    Raises:
        EmbeddingError: they could not be embedded.
    """
    if not pairs:
        return []
    vectors = np.asarray(embedder.embed([text for pair in pairs for text in pair], cache).mean, np.float64)
    cosines = np.einsum("ij,ij->i", vectors[0::2], vectors[1::2])
    return [Check(float(cosine)) for cosine in np.clip(cosines, 0.0, 1.0)]


# Checks of an answer and its reference that need nothing else, by name.
CHECKS: Final[Mapping[str, Callable[[str, str], Check]]] = {
    "exact": exact,
    "json_equal": json_equal,
    "json_alike": json_alike,
    **{kind: partial(string_alike, kind=kind) for kind in STRING_KINDS},
}

_NOTHING: Final = object()


def _read(text: str, fenced: bool) -> Any:
    """The value, or `_NOTHING` when the text is no JSON."""
    inside = _FENCE.fullmatch(text) if fenced else None
    try:
        return orjson.loads((inside[1] if inside else text).encode("utf-8", "surrogatepass"))
    except orjson.JSONDecodeError:
        return _NOTHING


def _canonical(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)


def _folded(text: str) -> str:
    return " ".join(normalise(text).casefold().translate(_PUNCTUATION).split())


def _when(holds: bool) -> Check:
    return _YES if holds else _NO
