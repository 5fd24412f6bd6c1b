"""The map: baseline and window in the two dimensions in which the baseline's texts differ most."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from detectors import ood
from detectors.effects import Placed
from monitor.clean import clean_text
from monitor.report.values import Map, Mark, Point

if TYPE_CHECKING:
    from detectors.baseline import Baseline
    from detectors.explain import Explanation

WIDTH, HEIGHT = 720, 480  # pixels
MARGIN = 22.0
BASELINE_ROWS = 1_000
MOST_NEW, MOST_TOPICS = 5, 8
APART = 30.0  # pixels between two signs

Rows = NDArray[np.float64]
Vectors = Mapping[str, NDArray[np.floating]]


class Axes:
    """The first principal components of a baseline's reservoir."""

    def __init__(self, reservoir: NDArray[np.floating], count: int) -> None:
        """Fits; equal reservoirs give equal axes, on one machine.

        Args:
            reservoir: (m, d), m ≥ 1.
            count: of components; fewer where there are fewer dimensions.
        """
        rows = np.asarray(reservoir, np.float64)
        self.centre = rows.mean(axis=0)
        variances, vectors = np.linalg.eigh((rows - self.centre).T @ (rows - self.centre) / len(rows))
        order = np.argsort(-variances, kind="stable")[:count]
        axes = vectors[:, order]
        # The sign of an eigenvector is arbitrary: its largest component is made positive.
        signs = np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
        self.axes = axes * np.where(signs == 0, 1.0, signs)
        self.explained = float(variances[order].sum() / max(float(variances.sum()), 1e-300))

    def __call__(self, x: NDArray[np.floating]) -> Rows:
        """(n, count) of (n, d)."""
        return np.asarray((np.asarray(x, np.float64) - self.centre) @ self.axes)


def draw(baseline: "Baseline", placed: Placed, found: "Explanation", vectors: Vectors) -> Map:
    """The map of a window.

    Args:
        baseline: whose reservoir spans the map.
        placed: the texts of the window.
        found: which topics to name, beside the largest.
        vectors: (d,) of each call of the window, by id.
    """
    axes = Axes(baseline.reservoir, 2)
    before, now = _flat(axes(baseline.reservoir[:BASELINE_ROWS])), _flat(axes(placed.vectors.mean))
    place = _frame(np.concatenate([before, now]))
    marks = []
    for sign, new in zip("ABCDE", found.new[:MOST_NEW], strict=False):
        middle = np.stack([vectors[each] for each in new.exemplars]).mean(axis=0, keepdims=True)
        marks.append(_mark(sign, place(_flat(axes(middle)))[0], new.name, new=True))
    changed = [
        each.topic for each in sorted((*found.grown, *found.shrunk), key=lambda each: -abs(each.now - each.before))
    ]
    shown = list(dict.fromkeys(topic.id for topic in (*changed, *baseline.topics)))[:MOST_TOPICS]
    centres = place(_flat(axes(baseline.centroids)))
    for number, topic in enumerate(shown, start=1):
        marks.append(_mark(str(number), centres[topic], baseline.topics[topic].name, new=False))
    strange = placed.p <= ood.LEVEL
    return Map(
        before=_points(place(before)),
        now=_points(place(now[~strange])),
        strange=_points(place(now[strange])),
        marks=tuple(_apart(marks)),
        explained=axes.explained,
    )


def _flat(points: Rows) -> Rows:
    """Two dimensions, also of embeddings that have one."""
    return points if points.shape[1] == 2 else np.column_stack([points, np.zeros(len(points))])


class _frame:  # noqa: N801 - it reads as the function that it is
    """Fits points into the picture; what lies further out than nearly all is drawn at the edge."""

    def __init__(self, points: Rows) -> None:
        self.low, self.high = np.quantile(points, [0.002, 0.998], axis=0)

    def __call__(self, points: Rows) -> Rows:
        size = np.array([WIDTH, HEIGHT]) - 2 * MARGIN
        scaled = (points - self.low) / np.maximum(self.high - self.low, 1e-12)
        return np.asarray(np.clip(scaled, -0.02, 1.02) * size + MARGIN)


def _points(places: Rows) -> tuple[Point, ...]:
    return tuple((round(float(x), 1), round(float(y), 1)) for x, y in places)


def _mark(sign: str, at: NDArray[np.float64], name: str, *, new: bool) -> Mark:
    return Mark(sign, float(at[0]), float(at[1]), clean_text(name, 80), new)


def _apart(marks: Sequence[Mark]) -> list[Mark]:
    """The marks, moved so that none hides another: each to the nearest free place on growing rings around its own."""
    rings = [(radius, angle) for radius in range(0, 400, 6) for angle in range(0, 360, 30 if radius else 360)]
    placed: list[Mark] = []
    for mark in marks:
        for radius, angle in rings:
            x = float(np.clip(mark.x + radius * np.cos(np.radians(angle)), MARGIN, WIDTH - MARGIN))
            y = float(np.clip(mark.y + radius * np.sin(np.radians(angle)), MARGIN, HEIGHT - MARGIN))
            if all((x - other.x) ** 2 + (y - other.y) ** 2 >= APART**2 for other in placed):
                placed.append(Mark(mark.sign, round(x, 1), round(y, 1), mark.name, mark.new))
                break
        else:
            placed.append(mark)
    return placed


def path(points: Sequence[Point]) -> str:
    """Dots for a stroke with round ends, as the data of one SVG path."""
    return "".join(f"M{x:g} {y:g}h0" for x, y in points)


def triangles(points: Sequence[Point]) -> str:
    """Triangles, as the data of one SVG path."""
    return "".join(f"M{x:g} {y - 5:g}l5 8.5h-10z" for x, y in points)
