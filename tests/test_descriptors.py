"""Descriptors of single texts."""

import math

import pytest

from detectors.descriptors import DESCRIPTORS, FLAGS, NUMBERS, READ, describe, tokens
from detectors.measurement import Key
from detectors.summary import summarise, values

PROSE = "Please tell me how I can return the shoes that I bought last week.\nThey are too small for me."


def flag(name: str, text: str) -> float:
    return float(describe([text])[name][0])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("code", "```\nls\n```"),
        ("code", "def area(r):\n    return 3.14 * r * r"),
        ("code", "import os\nfrom pathlib import Path"),
        ("code", "names = ['a', 'b']\nframe = pd.read_csv(path)"),
        ("code", "const a = 1;\nfunction f(x) {\n  return x;\n}"),
        ("code", "SELECT id FROM users\nfor (int i = 0; i < 3; i++) {"),
        ("code", "<div>\n<p>hi</p>\n</div>"),
        ("json", '{"question": "why?"}'),
        ("json", " [1, 2, 3]\n"),
        ("json", 'Here it is:\n```json\n{"a": 1}\n```'),
        ("json", '{"a": "' + "x" * READ + '"}'),
        ("markdown", "# Title\ntext"),
        ("markdown", "This is **important**."),
        ("markdown", "See [the page](https://example.com)."),
        ("markdown", "- one\n- two"),
        ("markdown", "| a | b |\n|---|---|\n| 1 | 2 |"),
        ("url", "look at HTTPS://example.com/x"),
        ("url", "look at www.example.com"),
        ("refusal", "I’m sorry, but I can’t help with that."),
        ("refusal", "As an AI language model, I have no opinion."),
    ],
)
def test_a_flag_sees_what_it_is_for(name: str, text: str) -> None:
    assert flag(name, text) == 1


@pytest.mark.parametrize("name", ["code", "json", "markdown", "url", "refusal", "empty"])
@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        "Sorry to hear that! [name], your order (no. 5) is on its way; we will write again - soon.",
        "select a plan for me\nimport duties are too high\nclass action\nreturn these shoes",
        "{not json}",
        "x = 10\nd = sqrt(x)\nTip = 0.14 x $47.50",
        "5 * 3 * 2 = 30 ** what",
    ],
)
def test_a_flag_leaves_ordinary_text_alone(name: str, text: str) -> None:
    assert flag(name, text) == 0


def test_numbers_of_a_text_are_counted() -> None:
    found = describe(["Hi, ABC!\n\nünd 你好\n"])
    assert {name: found[name][0] for name in ("characters", "lines")} == {"characters": 17, "lines": 3}
    assert found["tokens"][0] == 7  # Hi , ABC ! ünd 你 好
    assert found["upper_case"][0] == pytest.approx(4 / 8)
    assert found["non_ascii"][0] == pytest.approx(3 / 16)


def test_tokens_of_a_long_text_are_scaled_up() -> None:
    sentence = "one two three, four "
    assert tokens(sentence) == 5
    assert tokens(sentence * 50_000) == pytest.approx(250_000, rel=0.01)
    assert tokens("a" * 1_000_000) == 125_000


def test_a_missing_text_is_unknown_and_an_empty_one_is_only_empty() -> None:
    found = describe([None, " "])
    assert all(math.isnan(column[0]) for column in found.values())
    known = {name: column[1] for name, column in found.items() if not math.isnan(column[1])}
    assert known == {"characters": 1, "tokens": 0, "lines": 0, "empty": 1}


def test_the_table_names_what_is_made_once_and_with_a_meaning() -> None:
    names = [each.name for each in DESCRIPTORS]
    assert len(set(names)) == len(names)
    assert all(each.meaning.endswith(".") for each in DESCRIPTORS)
    assert set(describe([])) == {each.name for each in DESCRIPTORS if each.of == "text"}
    assert {key.labels[0][1] for key in values(summarise([]))} == set(names) == {*NUMBERS, *FLAGS, "duplicate"}


def test_retries_are_those_that_were_counted_in_the_engine() -> None:
    key = Key.of("descriptor_ratio", descriptor="retry")
    share = values(summarise(["help me", "help me"], (2, 8)))[key]
    assert (share.value, share.n) == (0.25, 8)
    assert values(summarise(["help me", "help me"]))[key].value is None
