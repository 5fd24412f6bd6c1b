"""From the few rows that an engine returns to the full grid of segments and windows, filled where nothing happened."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from detectors.measurement import OTHER, Floats, Segment, Window
from detectors.segments import combination_of, other
from detectors.windows import Windows

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Grid:
    """The rows of a batch and where each row of the engine's answer belongs.

    Attributes:
        rows: segment by segment, windows in order.
        positions: for each row of the answer its place in `rows`.
    """

    rows: list[tuple[Segment, Window]]
    positions: NDArray[np.intp]

    def column(self, answer: "pd.DataFrame", name: str, empty: float = np.nan) -> Floats:
        """A column of the answer over all rows; `empty` where the answer has no row or no value."""
        values = np.full(len(self.rows), empty)
        found = answer[name].to_numpy(dtype=np.float64, na_value=np.nan)
        values[self.positions] = np.where(np.isnan(found), empty, found)
        return values


def first_windows(batch: Windows, columns: Sequence[str], segments: Mapping[Segment, datetime]) -> dict[Segment, int]:
    """The segments that have rows in the batch, each with the first window that ends after it was admitted.

    The whole of a source is never admitted: it has every row.
    """
    if not columns:
        return {Segment(): 0}
    first = {segment: batch.first_after(since) for segment, since in segments.items()}
    return {segment: window for segment, window in first.items() if window < len(batch)}


def grid_of(batch: Windows, columns: Sequence[str], first: Mapping[Segment, int], answer: "pd.DataFrame") -> Grid:
    """Lays out the rows for an answer with the columns `window` and (for a grouping that is not empty) `segment`.

    Every segment in `first` has a row for each window from its first on; segments that were not admitted together have
    one in each window in which they had calls.
    """
    found_in = answer["window"].to_numpy(dtype=np.intp)
    segments = list(first)
    number = {combination_of(segment): index for index, segment in enumerate(segments)}
    rest = other(columns)
    if columns:
        number[OTHER] = segments.index(rest) if rest in first else len(segments)
        found = np.array([number[name] for name in answer["segment"]], dtype=np.intp)
    else:
        found = np.zeros(len(answer), dtype=np.intp)
    exists = np.arange(len(batch)) >= np.array([*first.values(), len(batch)])[:, np.newaxis]
    exists[found, found_in] = True
    place = np.cumsum(exists).reshape(exists.shape) - 1
    rows = [((*segments, rest)[index], batch.all[window]) for index, window in np.argwhere(exists)]
    return Grid(rows, place[found, found_in])
