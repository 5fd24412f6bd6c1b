"""The embedder reads one spelling of what means the same, and every text to its end."""

import re
from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from detectors.normalise import MOST_CHUNKS, chunks, chunks_by_characters, normalise

ANY_TEXT = st.text(st.characters(codec=None), max_size=300)


def words(text: str) -> list[tuple[int, int]]:
    """A tokenizer whose tokens are words and signs."""
    return [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]


def syllables(text: str) -> list[tuple[int, int]]:
    """A tokenizer that cuts words every three letters."""
    return [match.span() for match in re.finditer(r"\w{1,3}|[^\w\s]", text)]


def letters_twice(text: str) -> list[tuple[int, int]]:
    """A tokenizer that makes two tokens of each character, as those of bytes do."""
    return [(at, at + 1) for at, each in enumerate(text) if not each.isspace() for _ in range(2)]


@given(ANY_TEXT)
@example("a\x00 \x00b")
@example(" \u200b ")
def test_normalising_again_changes_nothing_and_the_result_is_valid_unicode(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    once.encode()


def test_white_space_is_one_space_or_one_line_break() -> None:
    assert normalise("\t a  b\u00a0\u00a0c \r\n\r\n  d\n") == "a b c\nd"
    assert normalise(" \n\t ") == ""


def test_unseen_characters_are_taken_out() -> None:
    assert normalise("\ufeffpass\u200bword\x00s\u00ad\x1b[31m") == "passwords[31m"


def test_lone_surrogates_are_replaced_and_pairs_become_their_character() -> None:
    assert normalise("a\ud800b") == "a\ufffdb"
    assert normalise("a\udc00\udc00b\ud83d") == "a\ufffd\ufffdb\ufffd"
    assert normalise("\ud83d\ude00!") == "😀!"


def test_words_case_and_markup_stay() -> None:
    assert normalise("<b>Straße</b> & e\u0301 — “OK”") == "<b>Straße</b> & e\u0301 — “OK”"


def test_hostile_megabytes_are_read_in_one_pass() -> None:
    assert normalise(" " * 1_000_000 + "x") == "x"
    assert normalise("a" + "\u0301\u0327" * 500_000).count("\u0301") == 500_000
    assert normalise("\n \t" * 300_000) == ""


def test_a_text_that_fits_is_one_chunk_and_so_is_an_empty_one() -> None:
    assert chunks("one two three", words, limit=16) == ["one two three"]
    assert chunks("", words, limit=16) == [""]
    assert chunks_by_characters("", 100) == [""]
    assert chunks_by_characters("x" * 100, 100) == ["x" * 100]


def test_a_long_text_is_cut_between_words_and_nothing_is_lost() -> None:
    text = " ".join(f"word{number}, " for number in range(300))
    for made in (chunks(text, syllables, limit=64), chunks_by_characters(text, 200)):
        assert 1 < len(made) <= MOST_CHUNKS
        assert " ".join(made).split() == text.split()


def test_chunks_are_nearly_equally_long() -> None:
    lengths = [len(words(chunk)) for chunk in chunks("word " * 257, words, limit=254)]
    assert len(lengths) == 2
    assert max(lengths) - min(lengths) <= 1


@given(
    st.text(st.sampled_from("ab c,\n語é😀"), max_size=2000).map(normalise),
    st.sampled_from([words, syllables, letters_twice]),
    st.integers(16, 80),
)
def test_no_chunk_is_longer_than_the_limit_and_together_they_are_the_text(text, tokenizer, limit) -> None:
    made = chunks(text, tokenizer, limit, most=10_000)
    assert max(len(tokenizer(chunk)) for chunk in made) <= limit
    assert re.sub(r"\s", "", "".join(made)) == re.sub(r"\s", "", text)


@given(st.text(max_size=3000).map(normalise), st.integers(100, 400))
def test_no_chunk_is_longer_than_the_limit_in_characters(text: str, limit: int) -> None:
    made = chunks_by_characters(text, limit, most=10_000)
    assert max(map(len, made)) <= limit
    assert re.sub(r"\s", "", "".join(made)) == re.sub(r"\s", "", text)


def test_of_a_very_long_text_chunks_are_spread_from_its_start_to_its_end() -> None:
    text = " ".join(str(number) for number in range(200_000))
    for made in (chunks(text, words, limit=100), chunks_by_characters(text, 500)):
        assert len(made) == MOST_CHUNKS
        assert made[0].startswith("0 1 2")
        assert made[-1].endswith(" 199999")
        middles = [int(chunk.split()[len(chunk.split()) // 2]) for chunk in made]
        assert middles == sorted(middles)
        assert max(after - before for before, after in pairwise(middles)) < 20_000


def test_one_chunk_at_most_is_the_start() -> None:
    text = "word " * 5000
    assert len(chunks(text, words, limit=100, most=1)) == 1
    assert len(chunks_by_characters(text, 100, most=1)) == 1


def test_a_megabyte_without_a_gap_is_cut_all_the_same() -> None:
    assert len(chunks("a" * 1_000_000, syllables, limit=100)) == MOST_CHUNKS
    assert len(chunks("漢" * 3_000, letters_twice, limit=100, most=1000)) > 60
    assert {len(chunk) for chunk in chunks_by_characters("a" * 1_000_000, 1500)} == {1500}
