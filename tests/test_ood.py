"""Scores of strangeness, their p-values and the share of small ones."""

from dataclasses import dataclass
from itertools import permutations
from random import Random
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.measurement import Reason
from detectors.ood import (
    BETA,
    LEVEL,
    WIDTH,
    K,
    Kind,
    LocallyCentred,
    Scorer,
    centred_distance,
    fit,
    load,
    p_values,
    ratio,
    score_texts,
)

Matrix = NDArray[np.float32]
KINDS: tuple[Kind, ...] = get_args(Kind)
D = 8

finite = st.floats(-1e6, 1e6)


@dataclass
class Texts:
    """What `score_texts` reads of an `Embedded`."""

    mean: Matrix
    chunk: Matrix
    owner: NDArray[np.intp]


def unit(rows: NDArray[np.floating]) -> Matrix:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norms == 0, 1, norms), np.float32)


def cloud(n: int, seed: int, centre: int = 0, spread: float = 0.2) -> Matrix:
    """Rows around one axis."""
    rows = np.random.default_rng(seed).normal(scale=spread, size=(n, D))
    rows[:, centre] += 1
    return unit(rows)


@st.composite
def reservoirs(draw: st.DrawFn) -> Matrix:
    """Few rows and few directions: duplicates, constants, zeros."""
    n = draw(st.integers(1, 12))
    numbers = draw(st.lists(st.integers(-1, 1), min_size=n * 4, max_size=n * 4))
    return unit(np.array(numbers, np.float64).reshape(n, 4))


def slow_score(x: Matrix, reference: Matrix, k: int, beta: float, width: int) -> float:
    """The definition, one row at a time."""
    rows = reference.astype(np.float16).astype(np.float64)

    def distances_to(row: NDArray[np.floating], others: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1 - others @ row

    own = [np.sort(distances_to(row, np.delete(rows, i, axis=0)))[:k].mean() for i, row in enumerate(rows)]
    distances = distances_to(x.astype(np.float64), rows)
    candidates = np.argsort(distances, kind="stable")[: k * width]
    return float(np.mean(sorted(distances[j] - beta * own[j] for j in candidates)[:k]))


@pytest.mark.parametrize(("k", "beta", "width"), [(K, BETA, WIDTH), (5, 0.0, 1), (3, 1.0, 2)])
def test_the_score_is_its_definition(k: int, beta: float, width: int) -> None:
    reference, x = np.concatenate([cloud(40, 1), cloud(25, 2, centre=3)]), cloud(6, 3, centre=1, spread=0.5)
    scorer = LocallyCentred.fit(reference.astype(np.float16), k, beta, width)
    expected = [slow_score(row, reference, k, beta, width) for row in x]
    np.testing.assert_allclose(scorer.scores(x), expected, atol=1e-6)


def test_without_beta_it_is_the_mean_distance_to_the_nearest() -> None:
    similarities, own = np.array([[0.9, 0.7, 0.2]]), np.array([[0.5, 0.1, 0.9]])
    assert centred_distance(similarities, own, 2, 0) == pytest.approx([0.2])


def test_what_is_thinly_sown_but_normal_is_less_strange_than_what_is_far_from_a_dense_topic() -> None:
    reference = np.concatenate([cloud(60, 1, centre=0, spread=0.02), cloud(60, 2, centre=1, spread=0.3)])
    normal, strange = cloud(50, 3, centre=1, spread=0.3), cloud(50, 4, centre=0, spread=0.12)
    centred = fit("knn", reference)
    plain = LocallyCentred.fit(reference.astype(np.float16), beta=0, width=1)

    def right(scorer: Scorer) -> float:
        return float(np.mean(scorer.scores(strange)[:, None] > scorer.scores(normal)))

    assert right(centred) > right(plain) + 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_every_scorer_tells_another_direction_from_its_own(kind: Kind) -> None:
    scorer = fit(kind, cloud(120, 1))
    assert scorer.name == kind
    assert np.median(scorer.scores(cloud(50, 2, centre=5))) > np.quantile(scorer.scores(cloud(50, 3)), 0.9)


@pytest.mark.parametrize("kind", KINDS)
def test_a_scorer_survives_being_stored_exactly(kind: Kind) -> None:
    scorer, x = fit(kind, cloud(30, 1), seed=7), cloud(20, 2, spread=0.6)
    again = load(kind, scorer.arrays())
    np.testing.assert_array_equal(scorer.scores(x), again.scores(x))
    assert {key: array.tobytes() for key, array in scorer.arrays().items()} == {
        key: array.tobytes() for key, array in again.arrays().items()
    }


@given(reservoirs(), reservoirs())
def test_the_default_survives_being_stored_exactly_whatever_the_reservoir(reference: Matrix, x: Matrix) -> None:
    scorer = fit("knn", reference)
    np.testing.assert_array_equal(scorer.scores(x), load("knn", scorer.arrays()).scores(x))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("reference", [cloud(1, 1), np.repeat(cloud(1, 1), 9, axis=0), cloud(3, 1), np.zeros((4, D))])
def test_one_row_a_constant_three_rows_and_zeros_give_numbers(kind: Kind, reference: Matrix) -> None:
    scorer = fit(kind, np.asarray(reference, np.float32))
    x = np.concatenate([reference, cloud(3, 2, centre=4), np.zeros((1, D))])
    assert np.isfinite(scorer.scores(np.asarray(x, np.float32))).all()
    assert scorer.scores(np.zeros((0, D), np.float32)).shape == (0,)


@settings(deadline=None)
@given(reservoirs(), reservoirs())
def test_duplicates_give_no_nan(reference: Matrix, x: Matrix) -> None:
    for kind in ("knn", "mahalanobis"):
        assert np.isfinite(fit(kind, np.concatenate([reference, reference])).scores(x)).all()


@given(reservoirs(), reservoirs())
def test_the_score_of_a_text_does_not_depend_on_what_is_scored_with_it(reference: Matrix, x: Matrix) -> None:
    scorer = fit("knn", reference)
    together = scorer.scores(x)
    assert [float(scorer.scores(row[None])[0]) for row in x] == together.tolist()


def test_nothing_is_normal_without_a_row() -> None:
    with pytest.raises(ValueError, match="no row"):
        fit("knn", np.zeros((0, D), np.float32))


def test_a_text_is_as_strange_as_its_strangest_chunk() -> None:
    scorer = fit("knn", cloud(60, 1))
    usual, odd = cloud(1, 2), cloud(1, 3, centre=6)
    mean = unit(usual + odd)
    texts = Texts(np.concatenate([usual, mean]), np.concatenate([usual, usual, odd]), np.array([0, 1, 1]))
    found = score_texts(scorer, texts)  # type: ignore[arg-type]
    assert found.tolist() == [scorer.scores(usual)[0], scorer.scores(odd)[0]]


def test_a_text_whose_mean_is_strangest_has_the_score_of_its_mean() -> None:
    reference = np.concatenate([cloud(60, 1, centre=0, spread=0.05), cloud(60, 2, centre=1, spread=0.05)])
    scorer, chunks = fit("knn", reference), np.concatenate([cloud(1, 3, 0, 0.05), cloud(1, 4, 1, 0.05)])
    mean = unit(chunks.mean(axis=0, keepdims=True))
    assert score_texts(scorer, Texts(mean, chunks, np.array([0, 0])))[0] == scorer.scores(mean)[0]  # type: ignore[arg-type]


@given(st.lists(finite, max_size=30), st.lists(finite, max_size=30))
def test_p_values_lie_above_0_and_fall_as_scores_rise(scores: list[float], calibration: list[float]) -> None:
    p = p_values(np.array(sorted(scores)), np.array(calibration))
    assert ((p > 0) & (p <= 1)).all()
    assert (np.diff(p) <= 0).all()


@given(st.lists(st.integers(0, 5), min_size=1, max_size=20), st.integers(-1, 6))
def test_a_p_value_counts_the_calibration_scores_that_are_at_least_as_high(calibration: list[int], score: int) -> None:
    expected = (1 + sum(each >= score for each in calibration)) / (len(calibration) + 1)
    assert p_values(np.array([float(score)]), np.array(calibration, np.float64))[0] == expected


@given(st.lists(finite, min_size=1, max_size=20), st.lists(finite, max_size=20), st.randoms(use_true_random=False))
def test_order_changes_no_p_value(scores: list[float], calibration: list[float], random: Random) -> None:
    shuffled = list(calibration)
    random.shuffle(shuffled)
    order = list(range(len(scores)))
    random.shuffle(order)
    p = p_values(np.array(scores), np.array(calibration))
    assert p_values(np.array(scores)[order], np.array(shuffled)).tolist() == p[order].tolist()


@given(st.lists(finite, min_size=1, max_size=25, unique=True))
def test_exchangeable_scores_have_uniform_p_values(scores: list[float]) -> None:
    """Each of k + 1 different numbers is as likely as the others to be the one that is tested: each rank comes once."""
    ps = [p_values(np.array([score]), np.array(scores[:i] + scores[i + 1 :]))[0] for i, score in enumerate(scores)]
    assert sorted(ps) == [rank / len(scores) for rank in range(1, len(scores) + 1)]


@given(st.lists(st.integers(0, 2), min_size=1, max_size=5), st.sampled_from([0.1, 0.25, 0.5, 0.75]))
def test_ties_make_p_values_larger_never_smaller(scores: list[int], level: float) -> None:
    orders = [np.array(order, np.float64) for order in permutations(scores)]
    small = [p_values(order[:1], order[1:])[0] <= level for order in orders]
    assert np.mean(small) <= level


def test_without_calibration_nothing_is_strange() -> None:
    assert p_values(np.array([5.0]), np.zeros(0)).tolist() == [1.0]


def test_too_little_calibration_cannot_reach_the_level() -> None:
    assert LEVEL == 0.05
    for k, reaches in ((18, False), (19, True)):
        assert (p_values(np.array([1.0]), np.zeros(k)) <= LEVEL).all() == reaches


def test_the_ratio_has_its_interval_and_its_n() -> None:
    value = ratio(np.repeat([0.01, 0.05, 0.5], [10, 5, 133]))
    assert value.value == pytest.approx(15 / 148)
    assert value.lower == pytest.approx(0.0624, abs=5e-5)
    assert value.upper == pytest.approx(0.1605, abs=5e-5)
    assert value.n == 148


def test_no_p_values_have_no_ratio() -> None:
    value = ratio(np.zeros(0))
    assert (value.value, value.n, value.reason) == (None, 0, Reason.NO_VALUES)
