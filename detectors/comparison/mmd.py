"""Maximum mean discrepancy: how far apart two sets of texts are, all dimensions together."""

import numpy as np

from detectors.comparison.finding import Finding, exchanged
from detectors.comparison.stretch import (
    Blocks,
    Marks,
    Stretch,
    median_distance,
    p_value,
    squared_distances,
)
from detectors.neighbours import Indices, Numbers, Rows

TITLE = "MMD², all dimensions together"
_ROWS = 512  # of the kernel matrix that are held at once


def mmd(before: Stretch, now: Stretch, blocks: Blocks) -> Finding:
    """The unbiased squared MMD, its Gaussian kernel as wide as the median distance, and a test that exchanges blocks.

    Source: Gretton et al., "A kernel two-sample test", JMLR 13 (2012), equation 3. The kernel is summed over each pair
    of blocks once, so an exchange costs k² operations for k blocks, whatever the number of texts.
    """
    vectors = np.concatenate([before.vectors, now.vectors])
    sigma = median_distance(vectors)
    sums, sizes = block_sums(vectors, blocks.of, sigma), np.bincount(blocks.of).astype(np.float64)
    value = float(squared(sums, sizes, blocks.second[np.newaxis])[0])
    other = squared(sums, sizes, blocks.exchanges(np.random.RandomState(0)))
    least = blocks.least_p()
    return Finding(
        "mmd",
        TITLE,
        value,
        p_value(value, other),
        float(np.quantile(other, 0.95)) if len(other) else None,
        exchanged(blocks, least),
        details={**blocks.facts(len(other), least), "bandwidth": sigma},
    )


def block_sums(x: Rows, of: Indices, sigma: float) -> Numbers:
    """(k, k) sums of exp(-‖x - y‖² / 2σ²) over the pairs of texts of two blocks, without those of a text and itself.

    Args:
        x: (n, d).
        of: (n,) the block of each, 0 … k - 1, none of them empty.
        sigma: σ.
    """
    order = np.argsort(of, kind="stable")
    rows, of = np.asarray(x, np.float64)[order], of[order]
    starts = np.searchsorted(of, np.arange(of[-1] + 1))
    sums = np.zeros((len(starts), len(starts)))
    for first in range(0, len(rows), _ROWS):
        part = slice(first, first + _ROWS)
        kernel = np.exp(-squared_distances(rows[part], rows) / (2 * sigma**2))
        own = np.arange(len(kernel))
        kernel[own, first + own] = 0.0
        np.add.at(sums, of[part], np.add.reduceat(kernel, starts, axis=1))
    return (sums + sums.T) / 2


def squared(sums: Numbers, sizes: Numbers, second: Marks) -> Numbers:
    """(b,) unbiased squared MMDs, which may be below 0.

    Args:
        sums: (k, k) of `block_sums`.
        sizes: (k,) texts of each block.
        second: (b, k) the blocks that are called the second stretch.
    """
    chosen = second.astype(np.float64)
    m = chosen @ sizes
    n = sizes.sum() - m
    within = np.einsum("bk,bk->b", chosen @ sums, chosen)
    across = chosen @ sums.sum(axis=1) - within
    rest = sums.sum() - 2 * across - within
    pairs_n, pairs_m = np.maximum(n * (n - 1), 1), np.maximum(m * (m - 1), 1)
    return np.asarray(rest / pairs_n + within / pairs_m - 2 * across / (n * m))
