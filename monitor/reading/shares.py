"""Which segments of the calls a change comes from: what each value of the log's columns has of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from detectors.neighbours import Numbers
from monitor.clean import clean_text

KEPT = 8  # of an alarm
LEAST_SHARE = 0.01  # of the texts
NO_VALUE = "(none)"


def shares_of(
    columns: Mapping[str, Sequence[str | None]], rows: NDArray[np.intp], parts: Numbers | None
) -> list[dict[str, Any]]:
    """The values that have more or less of a change than they have of the texts, those that differ most first.

    Args:
        columns: of all texts of a window.
        rows: (n,) which of them were compared.
        parts: (n,) what each of these has of the change, together 1; None where there is nothing to share out.

    Returns:
        `column`, `value`, `share` (of the texts) and `part` (of the change) of each, at most eight; none of a column
        with one value.
    """
    if parts is None:
        return []
    found: list[dict[str, Any]] = []
    for column, values in columns.items():
        mine = np.array([NO_VALUE if values[row] is None else str(values[row]) for row in rows], object)
        different = sorted(set(mine.tolist()))
        if len(different) < 2:
            continue
        for value in different:
            there = np.asarray(mine == value, np.bool_)
            share = float(there.mean())
            if share >= LEAST_SHARE:
                part = float(parts[there].sum())
                found.append({"column": column, "value": clean_text(value, 80), "share": share, "part": part})
    found.sort(key=lambda each: (-abs(each["part"] - each["share"]), each["column"], each["value"]))
    return found[:KEPT]
