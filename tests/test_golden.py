"""The test over a golden set: calm when nothing has changed, whatever the prompts are; certain when something has."""

from collections.abc import Iterator
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.golden import (
    KINDS,
    LEAST_PROMPTS,
    Change,
    Compared,
    compare_answers,
    embedding_distances,
    string_distances,
)
from detectors.measurement import Key, Reason

WORDS = [
    "we",
    "will",
    "send",
    "your",
    "money",
    "back",
    "within",
    "seven",
    "days",
    "if",
    "the",
    "order",
    "was",
    "late",
    "or",
    "broken",
    "please",
    "write",
    "to",
    "us",
]


def vectors_of(dice: np.random.Generator, means: np.ndarray, count: int, shift: float = 0.0) -> np.ndarray:
    """Unit vectors around a mean; `shift` moves the mean of the last half of them."""
    moved = np.zeros((count, means.size))
    moved[:, 0] = shift
    rows = means + 0.6 * dice.normal(size=(count, means.size)) + moved
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def said(dice: np.random.Generator, vocabulary: list[str], count: int) -> list[str]:
    return [" ".join(dice.choice(vocabulary, 12)) for _ in range(count)]


def a_set(
    dice: np.random.Generator, prompts: int, sizes: tuple[int, int], shift: float = 0.0, words: int = len(WORDS)
) -> Iterator[Compared]:
    """Prompts whose answers differ from each other by much, and from old to new by `shift` or by fewer `words`."""
    for number in range(prompts):
        means = 3 * dice.normal(size=16)
        old, new = sizes
        vectors = np.concatenate([vectors_of(dice, means, old), vectors_of(dice, means, new, shift)])
        texts = said(dice, WORDS, old) + said(dice, WORDS[:words], new)
        yield Compared(
            f"p{number}", {"embedding": embedding_distances(vectors), "string": string_distances(texts)}, old
        )


def p_of(found: Change) -> float:
    assert found.p_value.value is not None
    return found.p_value.value


@pytest.mark.parametrize("sizes", [(2, 2), (1, 2), (3, 1), (5, 2)])
def test_exchangeable_answers_have_p_values_that_are_about_uniform(sizes: tuple[int, int]) -> None:
    dice = np.random.default_rng(5)
    found = [p_of(compare_answers(list(a_set(dice, 8, sizes)))) for _ in range(200)]
    for level in (0.05, 0.1, 0.3, 0.7):
        share = np.mean([p <= level for p in found])
        assert share <= level + 3.5 * np.sqrt(level * (1 - level) / 200)
    assert 0.35 < np.mean(found) < 0.7


def test_answers_at_random_are_no_change_although_they_are_far_apart() -> None:
    dice = np.random.default_rng(6)
    effects = [compare_answers(list(a_set(dice, 10, (2, 2)))).effects["string"] for _ in range(60)]
    assert abs(np.mean([each.value for each in effects])) < 0.01


@pytest.mark.parametrize(("shift", "words", "lead"), [(2.5, len(WORDS), "embedding"), (0.0, 5, "string")])
def test_another_model_is_seen_by_either_distance(shift: float, words: int, lead: str) -> None:
    dice = np.random.default_rng(7)
    for _ in range(10):
        found = compare_answers(list(a_set(dice, 30, (2, 2), shift, words)))
        assert p_of(found) <= 0.01
        assert found.lead == lead
        assert found.is_certain
        value, lower, upper = (getattr(found.effects[lead], each) for each in ("value", "lower", "upper"))
        assert 0 < lower < value < upper


def test_the_prompts_that_moved_are_named_first() -> None:
    dice = np.random.default_rng(8)
    same, moved = list(a_set(dice, 20, (2, 2))), list(a_set(dice, 4, (2, 2), shift=20))
    renamed = [Compared(f"moved{number}", each.distances, each.frozen) for number, each in enumerate(moved)]
    assert set(compare_answers([*same, *renamed]).moved[:4]) == {"moved0", "moved1", "moved2", "moved3"}


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(LEAST_PROMPTS, 9), st.integers(1, 4), st.integers(2, 4))
def test_the_numbers_are_the_same_again_and_in_any_order_of_the_answers(
    seed: int, prompts: int, old: int, new: int
) -> None:
    dice = np.random.default_rng(seed)
    whole = list(a_set(dice, prompts, (old, new)))
    found = compare_answers(whole)
    assert compare_answers(whole) == found
    shuffled = []
    for each in whole:
        order = np.concatenate([dice.permutation(old), old + dice.permutation(new)])
        matrices = {kind: each.distances[kind][np.ix_(order, order)] for kind in KINDS}
        shuffled.append(Compared(each.prompt, matrices, old))
    again = compare_answers(shuffled)
    for kind in KINDS:
        assert again.effects[kind].value == pytest.approx(found.effects[kind].value)
    assert p_of(again) == pytest.approx(p_of(found), abs=0.05)
    assert 0 < p_of(found) <= 1


def test_the_distance_is_what_it_says() -> None:
    (prompt,) = a_set(np.random.default_rng(9), 1, (3, 2))
    matrix = prompt.distances["string"]
    between = np.mean([matrix[i, j] for i in range(3) for j in range(3, 5)])
    within = np.mean([np.mean([matrix[i, j] for i, j in combinations(side, 2)]) for side in (range(3), range(3, 5))])
    found = compare_answers([Compared(f"p{number}", prompt.distances, 3) for number in range(LEAST_PROMPTS)])
    assert found.effects["string"].value == pytest.approx(between - within)


def test_answers_that_never_change_are_no_change() -> None:
    still = {kind: np.zeros((4, 4)) for kind in KINDS}
    found = compare_answers([Compared(f"p{number}", still, 2) for number in range(10)])
    assert p_of(found) == 1
    assert not found.is_certain


def test_one_prompt_of_many_that_moves_is_no_proof() -> None:
    still, moved = np.zeros((4, 4)), np.zeros((4, 4))
    moved[:2, 2:] = moved[2:, :2] = 1
    whole = [Compared(f"p{n}", dict.fromkeys(KINDS, moved if n == 0 else still), 2) for n in range(40)]
    assert p_of(compare_answers(whole)) > 0.2


@pytest.mark.parametrize("frozen", [0, 1, 2, 4])
def test_too_few_prompts_or_answers_are_no_number(frozen: int) -> None:
    few = [Compared("p", dict.fromkeys(KINDS, np.zeros((4, 4))), 2)] * (LEAST_PROMPTS - 1)
    pairs = [Compared("q", dict.fromkeys(KINDS, np.zeros((2, 2))), min(frozen, 2))] * 10
    found = compare_answers(few + pairs)
    assert (found.p_value.value, found.p_value.reason, found.p_value.n) == (None, Reason.TOO_FEW, LEAST_PROMPTS - 1)
    assert not found.is_certain
    assert set(found.values()) == {
        Key.of("golden_p_value"),
        *(Key.of("golden_distance", kind=kind) for kind in KINDS),
    }


def test_strings_are_compared_letter_by_letter() -> None:
    matrix = string_distances(["kitten", "sitting", "kitten", ""])
    assert matrix[0, 1] == pytest.approx(3 / 7)
    assert matrix[0, 2] == 0
    assert matrix[0, 3] == 1
    assert (matrix == matrix.T).all()
