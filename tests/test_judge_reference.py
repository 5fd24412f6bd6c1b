"""Answers held against what is known, without a judge."""

import json
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.embedder import Embedded
from detectors.judge import reference
from detectors.judge.reference import (
    CHECKS,
    STRING_KINDS,
    Check,
    exact,
    follows_schema,
    json_alike,
    json_equal,
    meaning_alike,
    pattern,
    string_alike,
    valid_json,
)

YES, NO = Check(1.0), Check(0.0)


def test_equal_is_up_to_case_spaces_and_punctuation_unless_it_is_strict() -> None:
    assert exact(" Paris.\n", "paris") == YES
    assert exact("Paris, France", "Paris") == NO
    assert exact("Paris.", "paris", strict=True) == NO
    assert exact("Paris", "Paris", strict=True) == YES


def test_patterns_are_searched_or_match_all() -> None:
    assert pattern("order 4711 is on its way", r"\b\d{4}\b") == YES
    assert pattern("order 4711", r"\d{4}", whole=True) == NO
    assert pattern("4711", r"\d{4}", whole=True) == YES
    with pytest.raises(ValueError, match="is not a regular expression"):
        pattern("x", "(")


def test_a_pattern_that_does_not_come_to_an_end_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "PATTERN_SECONDS", 0.01)
    assert pattern("a" * 5_000 + "!", r"(a|a?)+$").score is None
    assert pattern("a" * 5_000 + "!", r"(a|a?)+$").problem == "the pattern takes too long on this text"


@pytest.mark.parametrize("text", ['{"a": [1, 2.5, null]}', "3", '"x"', "[]", ' {"a": 1}\n', "true"])
def test_json_is_json(text: str) -> None:
    assert valid_json(text) == YES


@pytest.mark.parametrize(
    "text",
    ["", "{", "{'a': 1}", "NaN", '{"a": 1} indeed', '```json\n{"a": 1}\n```', "[" * 100_000, '"\ud800"', "01", "[1,]"],
)
def test_what_a_parser_would_refuse_is_no_json(text: str) -> None:
    assert valid_json(text) == NO


def test_a_code_fence_is_allowed_when_it_is_said() -> None:
    assert valid_json('```json\n{"a": 1}\n```', fenced=True) == YES
    assert valid_json("```\n[1]\n```\n", fenced=True) == YES
    assert valid_json('Here: ```json\n{"a": 1}\n```', fenced=True) == NO


def test_json_is_compared_as_values() -> None:
    assert json_equal('{"b": 2, "a": 1}', '{"a":1,"b":2}') == YES
    assert json_equal('{"a": "1"}', '{"a": 1}') == NO
    assert json_equal("nonsense", '{"a": 1}') == NO
    assert json_equal("1", "nonsense").problem == "the reference is no JSON"
    assert json_alike('{"b": 2, "a": 1}', '{"a":1,"b":2}').score == 1
    assert 0 < (json_alike('{"a": 1, "b": 3}', '{"a": 1, "b": 2}').score or 0) < 1
    assert json_alike("nonsense", "{}") == NO


@pytest.mark.parametrize(
    ("kind", "score"),
    [
        ("levenshtein", 1 - 2 / 6),
        ("damerau_levenshtein", 1 - 1 / 6),
        ("jaro", (6 / 6 + 6 / 6 + 5 / 6) / 3),
        ("jaro_winkler", 17 / 18 + 3 * 0.1 * (1 - 17 / 18)),
        ("indel", 1 - 2 / 12),
    ],
)
def test_distances_are_those_of_the_textbooks(kind: Any, score: float) -> None:
    assert string_alike("martha", "marhta", kind).score == pytest.approx(score)


@given(st.sampled_from(STRING_KINDS), st.text(max_size=20), st.text(max_size=20))
def test_likeness_lies_between_none_and_all_and_a_text_is_like_itself(kind: Any, one: str, two: str) -> None:
    assert 0 <= (string_alike(one, two, kind).score or 0) <= 1
    assert string_alike(one, one, kind).score == 1


def test_only_the_start_of_a_long_text_is_compared_and_it_is_said() -> None:
    found = string_alike("a" * 1_000_000, "a" * 1_000_001, "levenshtein")
    assert (found.score, found.cut) == (1.0, True)


@pytest.mark.parametrize("name", CHECKS)
def test_no_check_raises_for_a_hostile_text(name: str) -> None:
    for text in ("", "\ud800", "{" * 1_000, "\x00" * 10, "🏳️‍🌈" * 500):
        found = CHECKS[name](text, "a reference")
        assert found.score is None or 0 <= found.score <= 1


class Letters:
    """An embedder that counts a and b."""

    identity = "letters"
    dimensions = 2

    def embed(self, texts: Sequence[str], cache: object = None, progress: object = None) -> Embedded:
        counts = np.array([[text.count("a"), text.count("b")] for text in texts], np.float32)
        unit = counts / np.linalg.norm(counts, axis=1, keepdims=True)
        return Embedded(unit, unit, np.arange(len(texts)))


def test_meaning_is_the_cosine_of_the_embeddings() -> None:
    found = meaning_alike([("ab", "ba"), ("a", "b"), ("a", "ab")], Letters())
    assert [each.score for each in found] == pytest.approx([1, 0, 2**-0.5], abs=1e-6)
    assert meaning_alike([], Letters()) == []


SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}


def test_without_the_package_a_schema_is_not_checked_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    assert follows_schema('{"age": 3}', SCHEMA) == Check(None, "the package jsonschema is not installed")


def test_json_follows_its_schema_or_not() -> None:
    pytest.importorskip("jsonschema", reason="jsonschema is not installed")
    assert follows_schema('{"age": 3}', SCHEMA) == YES
    assert follows_schema('{"age": "3"}', SCHEMA) == NO
    assert follows_schema("nonsense", SCHEMA) == NO
    assert follows_schema(json.dumps({"a": 1}), {"$ref": "http://127.0.0.1:1/x"}).score is None
    with pytest.raises(ValueError, match="is no JSON Schema"):
        follows_schema("{}", {"type": "objekt"})
