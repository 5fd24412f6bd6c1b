"""Topics: they are found, named by what many texts share, and no text can break or own a name."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from text_kit import NORMAL, WORDS, centres, texts_of, unit, vectors_of

from detectors import topics

HOSTILE = [
    "",
    " ",
    "\x00",
    "\ud800",
    "<script>alert(1)</script>",
    "a" * 1_000_000,
    "12345 67890",
    "\u202eevil",
    "🙂" * 300,
]


def planted(n: int = 600, seed: int = 1) -> tuple[np.ndarray, np.ndarray, list[str]]:
    random = np.random.RandomState(seed)
    truth = random.choice(len(WORDS), n, p=NORMAL)
    return truth, vectors_of(truth, random, noise=0.4), texts_of(truth, random)


def test_every_planted_topic_is_found_and_named_by_its_words() -> None:
    truth, vectors, texts = planted()
    _, labels, found = topics.fit(vectors, texts, seed=0)
    for topic in found:
        mine = truth[labels == topic.id]
        assert np.mean(mine == np.bincount(mine).argmax()) > 0.95
        assert topic.terms[0] in WORDS[np.bincount(mine).argmax()]
    assert {np.bincount(truth[labels == topic.id]).argmax() for topic in found} == set(range(len(WORDS) - 1))


def test_shares_sum_to_one_and_the_largest_topic_is_the_first() -> None:
    _, vectors, texts = planted()
    centroids, labels, found = topics.fit(vectors, texts, seed=0)
    shares = [topic.share for topic in found]
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)
    assert shares == pytest.approx(np.bincount(labels) / len(labels))
    assert np.linalg.norm(centroids, axis=1) == pytest.approx(np.ones(len(found)))
    assert (topics.assign(centroids, vectors) == labels).all()


def test_equal_samples_give_equal_topics() -> None:
    _, vectors, texts = planted()
    first, second = topics.fit(vectors, texts, seed=3), topics.fit(vectors, texts, seed=3)
    assert first[0].tobytes() == second[0].tobytes()
    assert first[2] == second[2]


def test_there_are_never_more_topics_than_wanted() -> None:
    _, vectors, texts = planted()
    assert len(topics.fit(vectors, texts, seed=0, limit=4)[2]) == 4


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_few_texts_have_a_topic(n: int) -> None:
    _, labels, found = topics.fit(centres()[:n], ["one", "two", "three"][:n], seed=0)
    assert len(labels) == n
    assert [topic.name for topic in found] == [f"topic {topic.id}" for topic in found]


def test_nothing_has_no_topic() -> None:
    centroids, labels, found = topics.fit(np.zeros((0, 8), np.float32), [], seed=0)
    assert (len(centroids), len(labels), found) == (0, 0, [])
    assert topics.assign(centroids, unit(np.ones((2, 8)))).tolist() == [-1, -1]


def test_a_repeated_text_is_one_topic_with_one_exemplar() -> None:
    vectors = np.repeat(centres()[:1], 500, axis=0)
    _, _, found = topics.fit(vectors, ["where is my parcel"] * 500, seed=0)
    assert [(topic.share, topic.exemplars) for topic in found] == [(1.0, ("where is my parcel",))]


def test_a_word_of_one_or_two_persons_never_names_a_topic() -> None:
    _, vectors, texts = planted()
    texts[5] += " Rumpelstiltskin" * 500
    texts[6] += " rumpelstiltskin"
    for topic in topics.fit(vectors, texts, seed=0)[2]:
        assert "rumpelstiltskin" not in topic.terms


@given(st.lists(st.one_of(st.text(), st.sampled_from(HOSTILE)), min_size=1, max_size=40), st.integers(0, 3))
def test_no_text_breaks_a_topic_and_names_are_words(texts: list[str], repeats: int) -> None:
    texts = texts * (repeats + 1)
    vectors = unit(np.random.RandomState(len(texts)).standard_normal((len(texts), 8)))
    _, _, found = topics.fit(vectors, texts, seed=0)
    assert sum(topic.share for topic in found) == pytest.approx(1)
    assert len({topic.name for topic in found}) == len(found)
    for topic in found:
        assert all(re.fullmatch(r"\w{2,30}", term) and not term.isdigit() for term in topic.terms)
        assert re.fullmatch(r"[\w, ]+", topic.name)
        for exemplar in topic.exemplars:
            assert len(exemplar) <= topics.EXEMPLAR_LENGTH
            assert "\x00" not in exemplar
            exemplar.encode()


def test_terms_of_hostile_texts_have_no_markup() -> None:
    texts = [f"<b onclick=evil()>{text}</b> \u202e {number}" for number, text in enumerate(["refund"] * 9)]
    (terms,) = topics.terms_of(texts, np.zeros(9, np.intp), 1)
    assert {"refund", "onclick", "evil"} == set(terms)


def test_equal_terms_give_different_names() -> None:
    assert topics.names_of([("a", "b"), ("a", "b"), (), ()]) == ["a, b", "a, b 1", "topic 2", "topic 3"]
