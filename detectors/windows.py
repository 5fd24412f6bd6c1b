"""Windows of one length and a constant step, and the rows of a table that fall into them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import ibis

from detectors.derived import MICROSECOND, microseconds
from detectors.measurement import Window

if TYPE_CHECKING:
    import ibis.expr.types as ir


@dataclass(frozen=True, slots=True)
class Shape:
    """Windows without their place in time: how many, how long, how far apart. The first one starts at zero."""

    count: int
    length_us: int
    step_us: int

    @property
    def span(self) -> timedelta:
        """From the start of the first to the end of the last window."""
        return ((self.count - 1) * self.step_us + self.length_us) * MICROSECOND

    def assign(self, table: "ir.Table", at: str) -> "ir.Table":
        """The rows with the index of their window in the column `window`, once for each window that holds them.

        Args:
            table: rows between the start of the first and the end of the last window.
            at: the column with microseconds since the start of the first.
        """
        since = table[at]
        if self.step_us >= self.length_us:
            table = table.mutate(window=(since // self.step_us).cast("int64"))
            # With a step longer than the windows there are gaps between them.
            return table if self.step_us == self.length_us else table.filter(since % self.step_us < self.length_us)
        steps_back = ibis.array(range(self.length_us // self.step_us)).unnest().cast("int64")
        table = table.mutate(_step=since // self.step_us, _steps_back=steps_back)
        table = table.mutate(window=(table._step - table._steps_back).cast("int64")).drop("_step", "_steps_back")
        return table.filter(table.window >= 0, table.window < self.count)


@dataclass(frozen=True, slots=True)
class Windows:
    """A checked batch of windows.

    Raises:
        ValueError: the batch is empty, lengths or steps differ, or a shorter step does not divide the length.
    """

    all: tuple[Window, ...]

    @classmethod
    def of(cls, windows: Sequence[Window]) -> "Windows":
        """Checks the windows."""
        return cls(tuple(windows))

    def __post_init__(self) -> None:
        if not self.all:
            raise ValueError("a batch needs at least one window")
        if len({window.length for window in self.all}) > 1:
            raise ValueError("the windows of a batch must have one length")
        steps = {later.start - earlier.start for earlier, later in zip(self.all, self.all[1:], strict=False)}
        if len(steps) > 1 or any(step.total_seconds() <= 0 for step in steps):
            raise ValueError("the windows of a batch must be in order, with a constant step")
        if self.step_us < self.length_us and self.length_us % self.step_us:
            raise ValueError("the step of overlapping windows must divide their length")

    def __len__(self) -> int:
        return len(self.all)

    @property
    def start(self) -> datetime:
        """Start of the first window."""
        return self.all[0].start

    @property
    def end(self) -> datetime:
        """End of the last window."""
        return self.all[-1].end

    @property
    def length_s(self) -> float:
        """The common length in seconds."""
        return self.all[0].length_s

    @property
    def length_us(self) -> int:
        """The common length in microseconds."""
        return self.all[0].length // MICROSECOND

    @property
    def shape(self) -> "Shape":
        """What is left of the batch when it is not said when it is."""
        return Shape(len(self), self.length_us, self.step_us)

    @property
    def step_us(self) -> int:
        """From one start to the next in microseconds; the length when there is one window."""
        return (self.all[1].start - self.start) // MICROSECOND if len(self.all) > 1 else self.length_us

    def first_after(self, time: datetime) -> int:
        """Index of the first window that ends after a time; `len(self)` when none does."""
        passed = microseconds(time) - microseconds(self.all[0].end)
        return min(max(passed // self.step_us + 1, 0), len(self))
