"""Replies of judges: what is a verdict, and what is none."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.judge.parse import LONGEST, parse_verdict

MENU = ("yes", "no", "cannot_tell")
LETTERS = ("y", "n")
PAIR = ("a", "b", "tie")


@pytest.mark.parametrize(
    ("text", "menu"),
    [
        ("The answer is fluent, but it lacks accuracy", LETTERS),
        ("You did not show that it holds. You", LETTERS),
        ("I have read this submission", LETTERS),
        ("I would say yes", MENU),
        ("Yes, the answer is helpful and polite.", MENU),
        ("no no no no yes", MENU),
        ("A is better than B", PAIR),
    ],
)
def test_a_word_in_a_sentence_is_no_verdict(text: str, menu: tuple[str, ...]) -> None:
    assert parse_verdict(text, menu).word is None
    assert parse_verdict(text, menu).trouble == "no_verdict"


@pytest.mark.parametrize(
    "text",
    [
        '{"evidence": "e", "reasoning": "r", "verdict": "yes"}',
        '```json\n{"evidence": "e", "reasoning": "r", "verdict": "Yes"}\n```',
        'Here it is: {"evidence": "e", "reasoning": "r", "verdict": "YES."} I hope that helps.',
        '<think>no, {"verdict": "no"}</think>\n{"evidence": "e", "reasoning": "r", "verdict": "yes"}',
        '{"verdict": "no"}\nOn second thoughts:\n{"verdict": "yes"}',
        '{"evidence": "the text says {\\"verdict\\": \\"no\\"}", "verdict": "yes"}',
        '{"notes": [1]} {"verdict": "yes"} {"notes": {"a": 1}}',
        "yes",
        "**Yes.**",
        "It quotes the source.\nVerdict: yes",
        "Verdict: no, at first sight.\n- **Verdict**: `yes`",
        "Verdict: no\n…\n[[yes]]",
        "final verdict = YES",
    ],
)
def test_the_last_verdict_that_is_stated_counts(text: str) -> None:
    assert parse_verdict(text, MENU).word == "yes"


def test_evidence_and_reasoning_are_read_beside_the_verdict() -> None:
    found = parse_verdict('{"evidence": "the moon", "reasoning": "it is one", "verdict": "cannot tell"}', MENU)
    assert (found.word, found.evidence, found.reasoning, found.trouble) == (
        "cannot_tell",
        "the moon",
        "it is one",
        None,
    )


@pytest.mark.parametrize(
    ("text", "trouble"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("<think>it goes on and on, yes", "empty"),
        ('{"verdict": "maybe"}', "off_menu"),
        ('{"verdict": "yes"} and then {"verdict": "maybe"}', "off_menu"),
        ('{"verdict": ["yes"]}', "off_menu"),
        ('{"verdict": true}', "off_menu"),
        ('{"verdict": null}', "off_menu"),
        ('{"verdict": "yes", "verdict": "no"}', "twice"),
        ('{"answer": "yes"}', "no_verdict"),
        ('{"evidence": "x", "verdict": "ye', "no_verdict"),
        ('{"evidence": "x", "verdict": "yes"', "no_verdict"),
        ("Verdict: yes\nVerdict: not sure", "off_menu"),
        ("[[maybe]]", "off_menu"),
        ("x" * (LONGEST + 1), "too_long"),
        ('{"a":' * 100_000, "too_long"),
        ("{" * 30_000, "no_verdict"),
        ('{"a":' * 6_000, "no_verdict"),
        ("\n" * 30_000 + "verdict", "no_verdict"),
        ("[[" * 15_000, "no_verdict"),
    ],
)
def test_everything_else_is_no_verdict_and_says_why(text: str, trouble: str) -> None:
    found = parse_verdict(text, MENU)
    assert (found.word, found.trouble) == (None, trouble)


REPLY = json.dumps({"evidence": 'he said "no" {yes}', "reasoning": "Verdict: no", "verdict": "yes"})


@given(st.integers(0, len(REPLY) - 1))
def test_half_a_reply_is_no_verdict(length: int) -> None:
    assert parse_verdict(REPLY[:length], MENU).word is None


@given(st.text() | st.text(alphabet='{}[]":,verdict yesno\n*', max_size=60))
def test_whatever_is_written_the_word_is_on_the_menu_or_none(text: str) -> None:
    found = parse_verdict(text, MENU)
    assert found.word in (*MENU, None)
    assert (found.word is None) == (found.trouble is not None)


def test_a_menu_is_matched_whole_and_not_by_its_start() -> None:
    assert parse_verdict('{"verdict": "not_grounded"}', ("no", "grounded")).word is None
    assert parse_verdict('{"verdict": "grounded"}', ("no", "grounded")).word == "grounded"
