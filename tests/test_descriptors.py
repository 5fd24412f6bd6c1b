"""Descriptors of texts, their summaries, and what is said to have changed."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from detectors.descriptors import (
    DESCRIPTORS,
    DESCRIPTORS_VERSION,
    FLAGS,
    NUMBERS,
    READ,
    Change,
    Summary,
    change,
    describe,
    merged,
    newcombe,
    retries,
    summarise,
    tokens,
    values,
)
from detectors.measurement import Key, Reason

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


def traffic(n: int, seed: int, at_least: int = 3) -> list[str]:
    rng = np.random.default_rng(seed)
    words = PROSE.lower().replace("\n", " ").split()
    return [" ".join(rng.choice(words, at_least + rng.poisson(12))) for _ in range(n)]


def by_name(found: list[Change]) -> dict[str, Change]:
    return {each.name: each for each in found}


def test_what_embeddings_do_not_see_is_named_first() -> None:
    before = summarise(traffic(1_000, 0))
    shouting = change(summarise([text.upper() for text in traffic(200, 1)]), before)
    assert shouting[0].name == "upper_case"
    wrapped = change(summarise([json.dumps({"q": text}) for text in traffic(200, 1)]), before)
    assert "json" in {each.name for each in wrapped[:2]}
    longer = change(summarise(traffic(200, 1, at_least=300)), before)
    assert longer[0].name in ("characters", "tokens")
    assert longer[0].before < longer[0].now
    assert longer[0].lower > 0


def test_equal_traffic_shows_little_and_rarely() -> None:
    before = summarise(traffic(2_000, 0))
    found = [each for seed in range(1, 31) for each in change(summarise(traffic(150, seed)), before)]
    sure = [each for each in found if each.strength > 0]
    assert len(sure) / len(found) < 0.05
    assert all(each.strength < 0.2 for each in sure)


def test_a_language_that_arrives_is_a_change_of_its_share() -> None:
    german = [f"Wie setze ich mein Passwort für das Konto Nummer {number} zurück?" for number in range(50)]
    english = [f"How do I reset my password for the account number {number}?" for number in range(100)]
    found = by_name(change(summarise(german + english), summarise(english * 3)))
    assert found["de"].kind == "language"
    assert (found["de"].before, found["de"].now) == (0, pytest.approx(1 / 3))
    assert 0.2 < found["de"].lower < found["de"].difference < found["de"].upper < 0.45


def test_a_large_baseline_does_not_look_fuller_of_duplicates() -> None:
    rng = np.random.default_rng(0)
    pool = traffic(2_000, 0)
    draw = rng.choice(pool, 5_200).tolist()
    now, before = summarise(draw[:200]), summarise(draw[200:])
    assert before.repeats.duplicates(5_000) > 0.5
    assert by_name(change(now, before))["duplicate"].strength == 0
    storm = by_name(change(summarise(draw[:100] + [PROSE] * 100), before))["duplicate"]
    assert storm.now > 0.45
    assert storm.strength > 0.5


def test_an_unknown_side_has_no_difference() -> None:
    found = change(summarise([None]), summarise(traffic(20, 0)))
    assert all(each.difference is None and each.strength == 0 for each in found)
    assert by_name(found)["characters"].before is not None
    single = by_name(change(summarise([PROSE]), summarise(traffic(20, 0))))
    assert (single["characters"].difference is None, single["characters"].lower) == (False, None)


def test_the_difference_of_numbers_has_welchs_interval() -> None:
    rng = np.random.default_rng(3)
    for n in (5, 12, 150):
        a, b = rng.lognormal(4.0, 0.8, n).round(), rng.lognormal(3.6, 0.6, n * 3).round()
        found = by_name(change(summarise(["x" * int(k) for k in a]), summarise(["x" * int(k) for k in b])))[
            "characters"
        ]
        x, y = np.log1p(a), np.log1p(b)
        expected = stats.ttest_ind(x, y, equal_var=False).confidence_interval()
        scale = y.std(ddof=1)
        assert found.difference == pytest.approx((x.mean() - y.mean()) / scale, abs=0.03)
        assert (found.lower, found.upper) == pytest.approx((expected.low / scale, expected.high / scale), abs=0.03)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((56, 70, 48, 80), (0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.1705, 0.8090)),
        ((10, 10, 0, 20), (0.6791, 1.0)),
        ((0, 10, 0, 20), (-0.1611, 0.2775)),
    ],
)
def test_newcombe_gives_the_published_intervals(
    counts: tuple[int, int, int, int], expected: tuple[float, float]
) -> None:
    """R. G. Newcombe, Statistics in Medicine 17 (1998), 873, table II, method 10."""
    assert newcombe(*counts) == pytest.approx(expected, abs=5e-5)


@given(
    st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.integers(0, 40), st.floats(1, 3)
)
def test_newcombe_holds_the_difference_and_turns_with_its_sides(pair: tuple[int, int], k: int, z: float) -> None:
    lower, upper = newcombe(*pair, k, 40, z)
    assert -1 - 1e-12 <= lower <= pair[0] / pair[1] - k / 40 + 1e-12
    assert pair[0] / pair[1] - k / 40 - 1e-12 <= upper <= 1 + 1e-12
    assert newcombe(k, 40, *pair, z) == pytest.approx((-upper, -lower))


def test_a_share_of_nothing_has_no_difference() -> None:
    assert all(map(math.isnan, newcombe(0, 0, 1, 2)))


def test_a_retry_is_the_same_text_of_the_same_sender_soon_after() -> None:
    calls = [
        ("Help me", "ann", None, 0.0, 0),
        ("help  me ", "ann", None, 120.0, 1),  # but for case and white space
        ("help me", "ann", None, 241.0, 0),  # 121 s after the last one
        ("help me", "bob", None, 242.0, 0),
        ("help me", None, "s1", 243.0, 0),
        ("help me", "eve", "s1", 244.0, 1),  # the same session
        ("other", "eve", "s1", 245.0, 0),
        ("help me", None, None, 246.0, math.nan),
        ("help me", "", "", 246.0, math.nan),
        (None, "ann", None, 247.0, math.nan),
        (" ", "ann", None, 248.0, math.nan),
        ("help me", "ann", None, math.nan, math.nan),
        ("other", "ann", "eve", 250.0, 0),  # a session named like a user is none
    ]
    texts, users, sessions, ats, expected = map(list, zip(*calls, strict=True))
    assert retries(texts, users, sessions, np.array(ats)) == pytest.approx(expected, nan_ok=True)
    turned = retries(texts[::-1], users[::-1], sessions[::-1], np.array(ats[::-1]))
    assert turned[::-1] == pytest.approx(expected, nan_ok=True)
    share = values(summarise(texts, np.array(expected)))[Key.of("descriptor_ratio", descriptor="retry")]
    assert (share.value, share.n) == (0.25, 8)
