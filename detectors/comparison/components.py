"""Each principal component for itself."""

from typing import TYPE_CHECKING

import numpy as np

from detectors.comparison.finding import Finding
from detectors.comparison.stretch import LEVEL, Stretch, principal

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPONENTS = 20
TITLE = "Kolmogorov-Smirnov, largest"
MEANING = (
    "Each text is taken for independent of the others: where calls come in sessions or differ from day to day, p < 0.05"
    " is a false alarm more often than once in twenty, and the more texts the more often. Holm's correction covers the"
    " number of components."
)


def components(before: Stretch, now: Stretch) -> Finding:
    """The largest of the Kolmogorov-Smirnov distances of the first 20 principal components of both stretches together.

    The p-value is the smallest of the components', corrected for their number.
    """
    from scipy.stats import ks_2samp  # type: ignore[import-untyped]

    x = principal(np.concatenate([before.vectors, now.vectors]), COMPONENTS)
    first, second = x[: len(before.ids)], x[len(before.ids) :]
    tests = [ks_2samp(*each, method="asymp") for each in zip(first.T, second.T, strict=True)]
    distances = [float(each.statistic) for each in tests]
    corrected = holm([float(each.pvalue) for each in tests])
    return Finding(
        "ks",
        TITLE,
        max(distances, default=0.0),
        min(corrected, default=1.0),
        None,
        MEANING,
        details={
            "components": len(tests),
            "significant": int(sum(each < LEVEL for each in corrected)),
            "distances": distances,
            "p_values": list(corrected),
        },
    )


def holm(p: "Sequence[float]") -> list[float]:
    """P-values corrected so that the chance of any false alarm among them is what each says.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Statistics 6 (1979).
    """
    order = np.argsort(p, kind="stable")
    corrected, running = [1.0] * len(p), 0.0
    for rank, each in enumerate(order):
        running = max(running, min(1.0, (len(p) - rank) * p[int(each)]))
        corrected[int(each)] = running
    return corrected
