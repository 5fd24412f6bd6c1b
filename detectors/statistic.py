"""How an expression over calls becomes numbers of windows: one aggregation in the engine, then arithmetic on its rows.

Sums of floats depend on the order in which an engine adds them up; here they are sums of integers, so that a replay,
another engine or another layout of the same log gives the same number to the last bit.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import numpy as np

from detectors.catalogue import PERCENTILES
from detectors.intervals import normal, wilson
from detectors.measurement import Floats

if TYPE_CHECKING:
    import ibis.expr.types as ir

How = Literal["count", "total", "ratio", "mean", "distribution"]
Numbers = tuple[Floats, Floats | None, Floats | None, Floats]  # value, lower, upper, n

_FIXED = 1e12  # steps of a unit in which floats are added up; the largest value (1e6) still fits 64 bits
_DEVIATION_DIGITS = 6  # an interval needs no more, and further digits depend on the order of rows


def aggregates(how: How, prefix: str, value: "ir.Value") -> dict[str, "ir.Scalar"]:
    """The columns that the engine computes for a statistic, named `prefix` and a suffix.

    Args:
        how: a `count`, `total` (sum), `ratio`, `mean`, or `distribution` (percentiles and mean).
        prefix: of the columns.
        value: boolean for a count and a ratio, else a number; NULL where a call says nothing.
    """
    if how in ("count", "ratio"):
        return {f"{prefix}_n": value.count(), f"{prefix}_k": value.sum().cast("float64")}
    found = {f"{prefix}_n": value.count(), f"{prefix}_sum": _exact_sum(value)}
    if how in ("mean", "distribution"):
        found[f"{prefix}_std"] = value.cast("float64").std(how="sample")
    if how == "distribution":
        found |= {f"{prefix}_p{percent}": value.quantile(int(percent) / 100) for percent in PERCENTILES}
    return found


def _exact_sum(value: "ir.NumericColumn") -> "ir.FloatingScalar":
    if value.type().is_integer():
        return value.sum().cast("float64")
    return (value * _FIXED + 0.5).floor().cast("int64").sum().cast("float64") / _FIXED


def numbers(how: How, columns: Mapping[str, Floats], statistic: str = "mean") -> Numbers:
    """Value, interval and n of a statistic.

    Args:
        how: as in `aggregates`.
        columns: what `aggregates` named, by suffix, over the rows of a batch: n is 0 and the rest NaN in an empty one.
        statistic: of a distribution, a percentile or the mean.
    """
    n = columns["n"]
    if how == "count":
        return np.nan_to_num(columns["k"]), None, None, n
    if how == "total":
        return columns["sum"], None, None, n
    if how == "ratio":
        k = np.nan_to_num(columns["k"])
        with np.errstate(invalid="ignore"):
            return (k / n, *wilson(k, n), n)
    if statistic != "mean":
        return columns[f"p{statistic}"], None, None, n
    with np.errstate(invalid="ignore"):
        mean = columns["sum"] / n
    return (mean, *normal(mean, _rounded(columns["std"]), n), n)


def _rounded(values: Floats) -> Floats:
    """The values with `_DEVIATION_DIGITS` significant digits."""
    with np.errstate(divide="ignore", invalid="ignore"):
        scale = 10.0 ** (np.floor(np.log10(values)) - _DEVIATION_DIGITS + 1)
        return np.where(values > 0, np.round(values / scale) * scale, values)
