"""A period's verdicts and labels by stratum and verdict, weighted to the traffic that they were drawn from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectors.judge.judged import NONE, VERDICTS, Judged
from detectors.judge.mover import cell_rates
from detectors.measurement import Floats


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A period by stratum and verdict (S, V).

    Attributes:
        shares: of the traffic.
        worth: evenly drawn labels that the labels are worth.
        rates: of failures.
        verdict_variance: of Σ share · rate because the shares come from a sample of verdicts.
        residuals: (n,) each judged call's part in the error of the estimate.
    """

    shares: Floats
    worth: Floats
    rates: Floats
    verdict_variance: float
    residuals: Floats


def tabulate(now: Judged, traffic: Sequence[float] | None) -> Table:
    """The table of a period with at least one label. Raises ValueError when `traffic` lacks a stratum."""
    rows, weights, label_weights = now.labelled, now.weights, now.label_weights
    strata = max(int(now.strata.max()) + 1, 0 if traffic is None else len(traffic))
    cells, size = now.strata * VERDICTS + now.verdicts, strata * VERDICTS
    shape = (strata, VERDICTS)
    by_stratum = np.bincount(now.strata, weights, strata)
    held = by_stratum if traffic is None else _held(traffic, strata)
    # A stratum of which nothing was judged has calls without a verdict only, and so an interval from 0 to 1.
    within = np.bincount(cells, weights, size).reshape(shape) / np.where(by_stratum > 0, by_stratum, 1)[:, np.newaxis]
    within[by_stratum == 0, NONE] = 1.0
    shares = within * (held / held.sum())[:, np.newaxis]

    sums, squares, failures = (
        np.bincount(cells[rows], each, size).reshape(shape)
        for each in (label_weights, label_weights**2, label_weights * now.labels[rows])
    )
    worth = sums**2 / np.where(squares > 0, squares, 1)
    rates = cell_rates(worth, worth * failures / np.where(sums > 0, sums, 1))

    rate = rates.ravel()[cells]
    if traffic is None:
        verdict_part = weights * (rate - np.average(rate, weights=weights)) / weights.sum()
    else:
        usual = (within * rates).sum(axis=1)[now.strata]
        verdict_part = (
            (held / held.sum() / np.where(by_stratum > 0, by_stratum, 1))[now.strata] * weights * (rate - usual)
        )
    residuals = verdict_part.copy()
    own = cells[rows]
    residuals[rows] += (
        (shares / np.where(sums > 0, sums, 1)).ravel()[own] * label_weights * (now.labels[rows] - rate[rows])
    )
    return Table(shares, worth, rates, float(verdict_part @ verdict_part), residuals)


def _held(traffic: Sequence[float], strata: int) -> Floats:
    if len(traffic) < strata:
        raise ValueError(f"traffic: {len(traffic)} strata, but verdicts speak of {strata}")
    return np.asarray(traffic, np.float64)
