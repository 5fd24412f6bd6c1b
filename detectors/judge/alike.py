"""Prompts that ask nearly the same, for logs in which none comes twice: matched by their embeddings, one to one."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Alike(NamedTuple):
    """The first's row, the second's row, and the cosine of the two."""

    first: int
    second: int
    cosine: float


def alike(first: NDArray[np.floating], second: NDArray[np.floating], least: float) -> list[Alike]:
    """Matches rows of two sides, the most alike first; each row is matched once, or not at all.

    Not the matching with the largest sum: that would part two that are nearly equal so that two others find somebody.

    Args:
        first: (n, d), unit norm.
        second: (m, d), unit norm.
        least: cosine that a match must have.

    Returns:
        At most min(n, m), by descending cosine.
    """
    if not len(first) or not len(second):
        return []
    cosines = np.asarray(first, np.float64) @ np.asarray(second, np.float64).T
    rows, columns = np.nonzero(cosines >= least)
    order = np.argsort(-cosines[rows, columns], kind="stable")
    taken_rows, taken_columns = np.zeros(len(first), bool), np.zeros(len(second), bool)
    found: list[Alike] = []
    for row, column in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if not taken_rows[row] and not taken_columns[column]:
            taken_rows[row] = taken_columns[column] = True
            found.append(Alike(row, column, float(cosines[row, column])))
    return found
