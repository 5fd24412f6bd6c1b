"""Retry storms of a baseline: how many calls are usually retries, and how much that differs from window to window."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

Counted = tuple[int, int]  # retries, and the calls of which it is known whether they are


@dataclass(frozen=True, slots=True, eq=False)
class Storms:
    """The retries of the W windows of a baseline in which there is a call of which it is known whether it is one.

    Attributes:
        again: (W,) retries.
        calls: (W,) calls of which it is known.
    """

    again: NDArray[np.int64]
    calls: NDArray[np.int64]

    @classmethod
    def of(cls, windows: Mapping[datetime, Counted]) -> "Storms":
        """By the start of each window; see `detectors.retries.retried_each`."""
        rows = [windows[start] for start in sorted(windows)]
        return cls(*np.array(rows, np.int64).reshape(len(rows), 2).T.copy())

    @property
    def whole(self) -> Counted:
        """Of all windows together."""
        return int(self.again.sum()), int(self.calls.sum())

    @property
    def clump(self) -> float:
        """How many calls count as one, 1 or more: retries come in storms, so that the shares of windows differ by more
        than chance would have them, and a share of n calls is only known as well as one of n / clump.

        The variance of the share of all windows as one of clusters, over that of as many independent calls (the design
        effect of Kish, "Survey Sampling", 1965, §5.4 and §6.3).
        """
        again, calls = self.whole
        windows = len(self.calls)
        if windows < 2 or not 0 < again < calls:
            return 1.0
        share = again / calls
        rest = self.again - share * self.calls
        clustered = windows / (windows - 1) * float(rest @ rest) / calls**2
        return max(1.0, clustered / (share * (1 - share) / calls))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its arrays by name."""
        return {"again": self.again, "calls": self.calls}
