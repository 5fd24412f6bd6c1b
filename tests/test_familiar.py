"""Words and templates that a baseline knows: what is masked, how sure the shares are, and that merging is exact."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_kit import baseline

from detectors.baseline import Baseline
from detectors.change import unfamiliar
from detectors.familiar import CELLS, KEYS, Counts, Familiar, Unfamiliar, form_of, usual, values, words_of
from detectors.measurement import Reason

QUESTIONS = [f"Where is my parcel {number} please?" for number in range(200)]
KNOWN = Familiar.of(QUESTIONS)
TEXTS = st.lists(st.text(max_size=40) | st.sampled_from(["where is it 5", "where is it 77", "a b c"]), max_size=12)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Order 17 has not come", "order 4,211 has not come"),
        ("write to a.b+c@example.com now", "write to me@mail.example.org now"),
        ("open https://example.com/a?b=1 for me", "open http://example.org for me"),
        ('translate "good morning" into French', 'translate "never mind" into French'),
        ("please greet Anna Maria from us", "please greet Bob from us"),
        ("the id is a1b2-c3", "the id is 99z"),
        ("spaces   and\nlines", "spaces and lines"),
    ],
)
def test_texts_that_differ_in_what_changes_have_one_form(one: str, other: str) -> None:
    assert form_of(one) == form_of(other)


@pytest.mark.parametrize(("one", "other"), [("where is it", "where was it"), ("Summarise: a", "Translate: a")])
def test_texts_of_other_words_have_another_form(one: str, other: str) -> None:
    assert form_of(one) != form_of(other)


def test_a_template_is_told_by_its_beginning() -> None:
    wrapper = "You are given a text. " * 6
    assert form_of(wrapper + "one thing") == form_of(wrapper + "quite another matter")


def test_words_are_letters_only_and_those_without_spaces_are_single_characters() -> None:
    assert words_of("Refund 12 refund a1b2 x 返金して") == {"refund", "返", "金", "し", "て"}


def test_new_words_and_templates_are_counted_beside_the_usual_ones() -> None:
    asked = QUESTIONS[:40] + [f"[CLIENT v2] task={n} recall battery" for n in range(10)] + ["a question of its own"]
    found = KNOWN.beside(asked)
    assert (found.texts, found.known, found.new) == (51, 40, 10)
    measured = values(found)
    known, new, words = (measured[key] for key in KEYS)
    assert known.value == pytest.approx(40 / 51)
    assert new.value == pytest.approx(10 / 51)
    assert words.value is not None
    assert words.value == found.unknown / found.words > 0.1
    assert all(each.lower < each.value < each.upper for each in measured.values())  # type: ignore[operator]


def test_words_of_one_text_are_not_as_sure_as_words_of_many() -> None:
    spread = KNOWN.beside([*QUESTIONS[:30], *(f"where is my voucher{'abcdefghij'[n]}" for n in range(10))])
    together = KNOWN.beside([*QUESTIONS[:39], "alpha beta gamma delta epsilon zeta eta theta iota kappa"])
    assert spread.unknown == together.unknown
    assert together.vocabulary[1] < spread.vocabulary[1] / 2


def test_the_usual_shares_are_those_of_later_texts_by_window() -> None:
    learnt = KNOWN.with_later([QUESTIONS[:20], [*QUESTIONS[:17], "alpha", "alpha", "alpha"]])
    known, new, _ = usual(learnt)
    assert known == (37, 40)
    assert new == (3, 40)
    changed = {each.name: each for each in unfamiliar(KNOWN.beside(["new words here"] * 50), learnt)}
    assert changed["out_of_vocabulary"].strength > 0
    assert changed["known_template"].now == 0


@given(TEXTS, TEXTS)
def test_merging_is_exact(one: list[str], other: list[str]) -> None:
    parts = KNOWN.beside(one).merged(KNOWN.beside(other))
    assert parts == KNOWN.beside([*one, *other])
    assert parts == KNOWN.beside(other).merged(KNOWN.beside(one))


def test_counts_merge_exactly_and_are_never_too_few() -> None:
    items = [int(each) for each in np.random.default_rng(1).integers(0, 1 << 60, 3_000)]
    whole, merged = Counts.of([*items, *items[:10]]), Counts.of(items).merged(Counts.of(items[:10]))
    assert np.array_equal(whole.cells, merged.cells)
    assert (whole(items[:10]) >= 2).all()
    assert (whole(items) >= 1).all()
    unknown = [int(each) for each in np.random.default_rng(2).integers(0, 1 << 60, 3_000)]
    assert np.count_nonzero(whole(unknown)) < 5
    assert len(whole.cells) == CELLS


def test_hostile_text_is_read_like_any_other() -> None:
    texts = ["", " \n", "\ud800", '"' * 5_000, "@" * 5_000, "a" * 5_000, "A a " * 2_000, "9" * 5_000, "<script>" * 900]
    found = KNOWN.beside(texts)
    assert found.texts == 7
    assert found.known == 0


def test_a_baseline_keeps_them_and_one_without_them_says_so() -> None:
    learnt = baseline()
    again = Baseline.from_bytes(learnt.to_bytes())
    assert again.version == learnt.version
    assert again.familiar is not None
    assert again.familiar.later == learnt.familiar.later  # type: ignore[union-attr]
    assert again.familiar.beside(QUESTIONS) == learnt.familiar.beside(QUESTIONS)  # type: ignore[union-attr]
    assert not again.familiar.words.cells.flags.writeable
    assert {each.reason for each in values(None).values()} == {Reason.ERROR}
    assert {each.reason for each in values(Unfamiliar()).values()} == {Reason.NO_VALUES}


def test_a_baseline_of_an_earlier_version_is_read_as_it_was() -> None:
    learnt = baseline()
    old = Baseline(**{name: getattr(learnt, name) for name in Baseline.__dataclass_fields__ if name not in _NEWER})
    again = Baseline.from_bytes(old.to_bytes())
    assert (again.familiar, again.version) == (None, old.version)
    assert old.version != learnt.version


_NEWER = ("familiar", "version")
