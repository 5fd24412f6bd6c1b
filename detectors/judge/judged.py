"""Judged calls of one period by column, with what people said of some of them."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from detectors.measurement import Floats
from detectors.neighbours import Indices

PASS, FAIL, NONE = 0, 1, 2  # verdicts; NONE is a reply without one: unparseable, or the judge abstained
VERDICTS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """The calls that a judge was asked about and answered; each array (n,).

    A judge that could not be reached has said nothing about a call, and the call is not among them. A reply without a
    verdict is: calls that confuse a judge are not like the others.

    Attributes:
        verdicts: PASS, FAIL or NONE.
        labels: 1 where a person says failure, 0 where a person says none, NaN where nobody was asked.
        pi: with which probability each call was judged.
        label_pi: with which probability a judged call was given to a person; read where there is a label.
        strata: numbers from 0 on: groups of calls with different chances to be judged, such as by risk.
        clusters: numbers of the conversations; None when each call is its own.
    """

    verdicts: Indices
    labels: Floats
    pi: Floats
    label_pi: Floats
    strata: Indices
    clusters: Indices | None = None

    @classmethod
    def of(
        cls,
        verdicts: ArrayLike,
        labels: ArrayLike | None = None,
        *,
        probabilities: tuple[ArrayLike, ArrayLike] = (1.0, 1.0),
        strata: ArrayLike = 0,
        clusters: ArrayLike | None = None,
    ) -> "Judged":
        """From plain sequences; what is not given is equal for all calls. Raises ValueError that names the column.

        Args:
            verdicts, labels, strata, clusters: as the attributes.
            probabilities: `pi` and `label_pi`.
        """
        said = np.asarray(verdicts, np.intp)
        n = len(said)
        judged = cls(
            said,
            np.full(n, np.nan) if labels is None else _column("labels", labels, n),
            _column("pi", probabilities[0], n),
            _column("label_pi", probabilities[1], n),
            _column("strata", strata, n).astype(np.intp),
        )
        judged._check()
        if clusters is None:
            return judged
        _, numbers = np.unique(np.asarray(clusters), return_inverse=True)
        if len(numbers) != n:
            raise ValueError(f"clusters: {len(numbers)} values for {n} verdicts")
        return replace(judged, clusters=numbers.astype(np.intp))

    def _check(self) -> None:
        if not np.isin(self.verdicts, (PASS, FAIL, NONE)).all():
            raise ValueError(f"verdicts: each must be {PASS} (pass), {FAIL} (fail) or {NONE} (none)")
        if not np.isin(self.labels[self.labelled], (0.0, 1.0)).all():
            raise ValueError("labels: each must be 1 (failure), 0 (no failure) or NaN (not labelled)")
        for name, column in (("pi", self.pi), ("label_pi", self.label_pi[self.labelled])):
            if not ((column > 0) & (column <= 1)).all():
                raise ValueError(f"{name}: a probability must be above 0 and at most 1")
        if (self.strata < 0).any():
            raise ValueError("strata: numbers must begin at 0")

    @property
    def labelled(self) -> Indices:
        """Which calls have a label."""
        return np.flatnonzero(~np.isnan(self.labels))

    @property
    def weights(self) -> Floats:
        """(n,): how many calls of the traffic each judged call stands for."""
        return np.asarray(1 / self.pi)

    @property
    def label_weights(self) -> Floats:
        """(labelled,): how many calls of the traffic each labelled call stands for."""
        return np.asarray(1 / (self.pi * self.label_pi)[self.labelled])


def _column(name: str, values: ArrayLike, n: int) -> Floats:
    given = np.asarray(values, np.float64)
    if given.ndim == 0:
        return np.full(n, float(given))
    if given.shape != (n,):
        raise ValueError(f"{name}: {given.size} values for {n} verdicts")
    return given
