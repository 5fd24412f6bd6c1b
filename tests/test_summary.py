"""Summaries of the texts of a window: they merge, come back, and have values."""

import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.change import change
from detectors.descriptors import DESCRIPTORS_VERSION
from detectors.measurement import Key, Reason
from detectors.summary import Summary, merged, summarise, values

PROSE = "Please tell me how I can return the shoes that I bought last week.\nThey are too small for me."
HOSTILE = [
    None, "", " \n\t ", "\x00", "\ud800\udfff\ud800", "<script>alert(1)</script>", "a" * 1_000_000, " " * 1_000_000,
    "[" * 1_000_000, "{" * 16_000 + "}" * 300, "(" * 9_000 + "\n" * 9_000, "**" * 500_000, "[a](" * 200_000, "\n" * 1_000_000 + "x",
    ("select " * 30 + "\n") * 5_000, (" " * 60 + "=\n") * 20_000, ("\t" * 50 + "if (" * 60 + "\n") * 3_000, "-" * 1_000_000,
    "| " * 500_000, "as an ai " * 100_000, "1" * 16_000, "[" + "1" * 16_000 + "]", "😀" * 300_000, "é" * 300_000, "İ" * 1_000, "```" * 100_000,
]  # fmt: skip
TEXTS = st.lists(
    st.one_of(st.none(), st.sampled_from(["", "Hello", "hello ", PROSE, '{"a": 1}']), st.text()), max_size=12
)


def test_hostile_texts_do_not_raise() -> None:
    """Nor hang: with a pattern that backtracks this would not end."""
    summary = summarise(HOSTILE)
    assert summary.texts == len(HOSTILE)
    assert Summary.from_json(json.loads(json.dumps(summary.to_json()))) == summary
    change(summary, summarise([PROSE] * 5))


@given(TEXTS, TEXTS, TEXTS)
@settings(deadline=None, max_examples=50)
def test_summaries_merge_to_that_of_the_whole_in_any_order(
    a: list[str | None], b: list[str | None], c: list[str | None]
) -> None:
    x, y, z = summarise(a), summarise(b), summarise(c)
    assert x.merged(y).merged(z) == merged([z, x, y]) == x.merged(y.merged(z)) == summarise(a + b + c)


@given(TEXTS)
@settings(deadline=None, max_examples=50)
def test_a_summary_survives_json(texts: list[str | None]) -> None:
    summary = summarise(texts)
    assert Summary.from_json(json.loads(json.dumps(summary.to_json()))) == summary


def test_summaries_of_other_versions_are_refused() -> None:
    old = replace(summarise([PROSE]), version="0")
    for act in (lambda: old.merged(Summary()), lambda: change(Summary(), old)):
        with pytest.raises(ValueError, match="cannot be compared"):
            act()
    assert Summary().version == DESCRIPTORS_VERSION


def test_values_carry_number_interval_and_count() -> None:
    found = values(summarise([PROSE, PROSE.upper(), "Wie setze ich mein Passwort zurück?", "", None]))
    mean = found[Key.of("descriptor_mean", descriptor="characters")]
    assert mean.value == pytest.approx((2 * len(PROSE) + 35) / 4)
    assert (mean.n, mean.lower is not None and mean.lower >= 0) == (4, True)
    empty = found[Key.of("descriptor_ratio", descriptor="empty")]
    assert (empty.value, empty.n) == (0.25, 4)
    duplicate = found[Key.of("descriptor_ratio", descriptor="duplicate")]
    assert duplicate.value == pytest.approx(1 / 3)  # capitals make no new text; empty ones are not counted
    german = found[Key.of("language_ratio", language="de")]
    assert german.value == pytest.approx(1 / 3)
    assert german.lower < german.value < german.upper


def test_values_of_nothing_say_why() -> None:
    assert {value.reason for value in values(summarise([])).values()} == {Reason.NO_CALLS}
    assert {value.reason for value in values(summarise([None])).values()} == {Reason.NO_VALUES}
    one = values(summarise([PROSE]))
    assert one[Key.of("descriptor_mean", descriptor="lines")].value == 2
    assert one[Key.of("descriptor_mean", descriptor="lines")].lower is None
    assert one[Key.of("descriptor_ratio", descriptor="retry")].reason == Reason.NO_VALUES
