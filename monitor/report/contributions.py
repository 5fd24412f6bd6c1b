"""Which segments a change comes from: the calls of each value of the log's columns, and their part of the effects."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from config.calls import GROUPING_COLUMNS
from detectors import ood
from detectors.effects import Placed
from detectors.influence import mix as mix_parts
from detectors.influence import usually_strange
from detectors.intervals import wilson_of
from monitor.clean import clean_text
from monitor.reading.drift import Columns
from monitor.reading.shares import LEAST_SHARE, NO_VALUE
from monitor.report.values import Contribution

if TYPE_CHECKING:
    from detectors.baseline import Baseline

SHOWN = 8  # values of a column


def contributions(
    baseline: "Baseline", placed: Placed, now: Columns, before: Columns | None, changed: frozenset[str]
) -> tuple[tuple[Contribution, ...], tuple[str, ...]]:
    """What each value of the grouping columns contributes; columns with one value before and now only by name.

    Args:
        baseline: what is compared with.
        placed: the texts of the window.
        now: columns of all texts of the window.
        before: columns of a sample of the baseline's texts, None when the log no longer has it.
        changed: which of `novelty` and `mix` there is anything to share out of.
    """
    usual, strange = usually_strange(baseline), placed.p <= ood.LEVEL
    novelty = (strange - usual) / len(strange) / (strange.mean() - usual) if "novelty" in changed else None
    mix = mix_parts(baseline, placed) if "mix" in changed else None
    found: list[Contribution] = []
    same: list[str] = []
    for column in (name for name in GROUPING_COLUMNS if name in now):
        values = _named([now[column][row] for row in placed.rows])
        known = None if before is None else Counter(_named(before[column]))
        if len({*values, *(known or ())}) < 2:
            same.append(column)
            continue
        for value, mask in _values(values, known or Counter()):
            n = int(mask.sum())
            ratio = float(strange[mask].mean()) if n else None
            lower, upper = (None, None) if ratio is None else wilson_of(int(strange[mask].sum()), n)
            found.append(
                Contribution(
                    column=column,
                    value=clean_text(value, 80),
                    before=known[value] / known.total() if known else None,
                    now=n / len(values),
                    n=n,
                    strange=ratio,
                    lower=lower,
                    upper=upper,
                    of_novelty=None if novelty is None else float(novelty[mask].sum()),
                    of_mix=None if mix is None else float(mix[mask].sum()),
                )
            )
    return tuple(found), tuple(same)


def _named(values: Sequence[Any]) -> list[str]:
    return [NO_VALUE if value is None else str(value) for value in values]


def _values(values: Sequence[str], before: Counter[str]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """The values with the most texts on either side, each with its rows of the window."""
    all_ = np.array(values, object)
    counts, total, total_before = Counter(values), len(values), max(before.total(), 1)
    size = {value: max(counts[value] / total, before[value] / total_before) for value in {*counts, *before}}
    for value in sorted(size, key=lambda each: (-size[each], each))[:SHOWN]:
        if size[value] < LEAST_SHARE:
            return
        yield value, np.asarray(all_ == value, np.bool_)
