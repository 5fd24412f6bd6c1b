"""Nearest neighbours by cosine: exact, in bounded memory, and the same however the work is cut into blocks."""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.floating]
Indices = NDArray[np.intp]
Numbers = NDArray[np.float64]

BLOCK_BYTES = 32 * 2**20
_GRID = 2.0**26


def nearest(
    x: Rows, reference: Rows, k: int, *, skip_self: bool = False, block_bytes: int = BLOCK_BYTES
) -> tuple[Indices, Numbers]:
    """The k rows of the reference that are most similar to each row, the most similar first, ties by index.

    Coordinates are rounded to multiples of 2⁻²⁶ (finer than float32 resolves a number above 0.13). Products of such
    numbers, and sums of them below 2, are exact in float64, so the result depends neither on the blocks nor on the
    order in which the processor adds up: equal rows have equal similarities, to the last bit.

    Memory: 8·m·d bytes for the reference, 8·n·d for x, and about three times `block_bytes`, but at least 24·m.

    Args:
        x: (n, d), of norm 0 or 1.
        reference: (m, d), of norm 0 or 1.
        k: how many; cut to what the reference has.
        skip_self: x is the reference itself, and no row is its own neighbour.
        block_bytes: of one block of similarities.

    Returns:
        Indices (n, k) and similarities (n, k); k is 0 where there is no neighbour at all.
    """
    rows, columns = _on_grid(x), _on_grid(reference).T
    m = columns.shape[1]
    k = max(0, min(k, m - 1 if skip_self else m))
    indices, similarities = np.empty((len(rows), k), np.intp), np.empty((len(rows), k))
    step = max(1, block_bytes // (8 * max(m, 1)))
    for start in range(0, len(rows) if k else 0, step):
        block = rows[start : start + step] @ columns
        if skip_self:
            own = np.arange(len(block))
            block[own, start + own] = -np.inf
        part = slice(start, start + len(block))
        indices[part] = _largest(block, k)
        similarities[part] = np.take_along_axis(block, indices[part], axis=1)
    return indices, similarities


def mean_distance(similarities: Numbers) -> Numbers:
    """One minus the mean similarity of each row's neighbours, (n,); 0 for rows without any."""
    if not similarities.shape[1]:
        return np.zeros(len(similarities))
    return np.asarray(1 - similarities.mean(axis=1))


def _on_grid(x: Rows) -> Numbers:
    return np.rint(np.asarray(x, np.float64) * _GRID) / _GRID


def _largest(block: Numbers, k: int) -> Indices:
    """Column indices of each row's k largest numbers, the largest first, ties by index; 0 < k <= columns."""
    smallest = np.partition(block, block.shape[1] - k, axis=1)[:, block.shape[1] - k, None]
    chosen = block >= smallest
    for row in np.flatnonzero(np.count_nonzero(chosen, axis=1) > k):
        ties = np.flatnonzero(block[row] == smallest[row])
        above = np.count_nonzero(block[row] > smallest[row])
        chosen[row, ties[k - above :]] = False
    found = np.flatnonzero(chosen).reshape(len(block), k) % block.shape[1]
    order = np.argsort(-np.take_along_axis(block, found, axis=1), axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1)
