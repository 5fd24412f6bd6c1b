"""Neighbours against a plain search, and what must hold however the work is cut."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from detectors.neighbours import mean_distance, nearest

Matrix = NDArray[np.float32]


def unit(rows: NDArray[np.floating]) -> Matrix:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(norms == 0, 1, norms), np.float32)


@st.composite
def matrices(draw: st.DrawFn, largest: int = 12, width: int = 5) -> Matrix:
    """Unit rows; few directions, so that there are duplicates and ties."""
    n = draw(st.integers(0, largest))
    numbers = draw(st.lists(st.integers(-2, 2), min_size=n * width, max_size=n * width))
    return unit(np.array(numbers, np.float64).reshape(n, width))


def random_rows(n: int, d: int, seed: int) -> Matrix:
    return unit(np.random.default_rng(seed).normal(size=(n, d)))


def test_neighbours_are_those_of_a_plain_search() -> None:
    x, reference = random_rows(40, 16, 1), random_rows(200, 16, 2)
    indices, similarities = nearest(x, reference, 7)
    cosines = x.astype(np.float64) @ reference.astype(np.float64).T
    expected = np.argsort(-cosines, axis=1)[:, :7]
    np.testing.assert_array_equal(indices, expected)
    np.testing.assert_allclose(similarities, np.take_along_axis(cosines, expected, axis=1), atol=1e-6)


@given(matrices(), matrices(), st.integers(1, 15), st.integers(1, 600))
def test_blocks_change_nothing(x: Matrix, reference: Matrix, k: int, block_bytes: int) -> None:
    whole, cut = nearest(x, reference, k), nearest(x, reference, k, block_bytes=block_bytes)
    np.testing.assert_array_equal(whole[0], cut[0])
    np.testing.assert_array_equal(whole[1], cut[1])


def test_blocks_change_nothing_of_wide_rows_to_the_last_bit() -> None:
    x = random_rows(150, 384, 1)
    reference = np.concatenate([random_rows(300, 384, 2), x[:50], x[:50]])
    whole = nearest(x, reference, 10)
    for rows in (1, 3, 64):
        cut = nearest(x, reference, 10, block_bytes=rows * 8 * len(reference))
        np.testing.assert_array_equal(whole[0], cut[0])
        np.testing.assert_array_equal(whole[1], cut[1])


def test_the_order_of_coordinates_changes_no_bit() -> None:
    x, reference, order = random_rows(20, 384, 3), random_rows(100, 384, 4), np.random.default_rng(5).permutation(384)
    plain, shuffled = nearest(x, reference, 5), nearest(x[:, order], reference[:, order], 5)
    np.testing.assert_array_equal(plain[1], shuffled[1])


@given(matrices(), st.integers(1, 15))
def test_the_most_similar_come_first_and_ties_by_index(rows: Matrix, k: int) -> None:
    indices, similarities = nearest(rows, rows, k)
    assert indices.shape == similarities.shape == (len(rows), min(k, len(rows)))
    for found, values in zip(indices, similarities, strict=True):
        ranked = list(zip(-values, found, strict=True))
        assert ranked == sorted(ranked)
        assert len(set(found)) == len(found)


def test_of_equal_rows_the_first_are_taken() -> None:
    rows = np.repeat(random_rows(1, 384, 6), 30, axis=0)
    assert nearest(rows[:2], rows, 4)[0].tolist() == [[0, 1, 2, 3], [0, 1, 2, 3]]
    assert nearest(rows, rows, 3, skip_self=True)[0][:4].tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2]]


@given(matrices(), st.integers(1, 15), st.integers(1, 600))
def test_no_row_is_its_own_neighbour(rows: Matrix, k: int, block_bytes: int) -> None:
    indices, similarities = nearest(rows, rows, k, skip_self=True, block_bytes=block_bytes)
    assert indices.shape[1] == max(0, min(k, len(rows) - 1))
    assert not (indices == np.arange(len(rows))[:, None]).any()
    assert np.isfinite(similarities).all()


def test_a_reference_without_rows_has_no_neighbours() -> None:
    indices, similarities = nearest(random_rows(3, 4, 1), np.zeros((0, 4), np.float32), 5)
    assert indices.shape == similarities.shape == (3, 0)
    assert mean_distance(similarities).tolist() == [0, 0, 0]


def test_nothing_asked_is_nothing_found() -> None:
    assert nearest(np.zeros((0, 4), np.float32), random_rows(3, 4, 1), 2)[0].shape == (0, 2)
