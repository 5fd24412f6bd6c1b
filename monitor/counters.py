"""What the service counts about itself: a closed list, so that every name exists, is documented and starts at 0."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from threading import Lock
from typing import NamedTuple

from alerts.notifier import Failure
from alerts.steps import Outcome

DELIVERED = "delivered"


class Spec(NamedTuple):
    """One counter or timer: its name without prefix and suffix, its labels, and what it means."""

    name: str
    labels: tuple[str, ...]
    meaning: str


COUNTERS: tuple[Spec, ...] = (
    Spec("rows", ("source",), "Calls that were read and were new."),
    Spec("quarantined", ("source", "reason"), "Records that could not be used and were kept aside."),
    Spec("late_changed", ("source",), "Measured windows whose numbers changed because calls came late."),
    Spec("unreadable_values", ("source", "column"), "Values that do not fit their column and were read as missing."),
    Spec("other_calls", ("source", "grouping"), "Calls measured as __other__: their segment was not admitted."),
    Spec(
        "other_identities",
        ("source", "column"),
        "Calls whose model or fingerprint is not kept: the column has too many different ones.",
    ),
    Spec(
        "alerts_left_out",
        ("source", "rule"),
        "Windows in which an alert was due to fire and did not: as many of its rule fired as may.",
    ),
    Spec("template_errors", ("rule", "key"), "Alerts that fired without a text of their rule: its template failed."),
    Spec("golden_calls", ("result",), "Requests to the endpoint of the golden set, by what came of them."),
    Spec("deliveries", ("channel", "outcome"), "Attempts to deliver a message, by what came of it."),
    Spec("notifications", ("outcome",), "Alerts on their way to a receiver: told, or not told and why."),
    Spec("heartbeats", ("state",), "Heartbeats that were sent, not taken, or withheld because something is wrong."),
)
TIMERS: tuple[Spec, ...] = (
    Spec("texts_seconds", ("source",), "Time of one look at the texts of a source: sample, embed, learn, measure."),
    Spec("cycle_seconds", ("source",), "Time that one cycle of a source took: read, measure, decide, commit."),
)
BUCKETS: tuple[float, ...] = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)

# The values of labels that are known beforehand; those of `source`, `channel` and `grouping` are the user's.
CLOSED_VALUES: Mapping[str, tuple[str, ...]] = {
    "outcome": (DELIVERED, *Failure),
    "result": ("answered", "failed"),
    "state": ("sent", "failed", "withheld"),
}

LabelValues = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Timed:
    """Durations of one label set: how many fell into each bucket (the last one has no bound), and their sum."""

    buckets: tuple[int, ...] = (0,) * (len(BUCKETS) + 1)
    sum: float = 0.0

    def plus(self, seconds: float) -> "Timed":
        """With one more duration."""
        buckets = list(self.buckets)
        buckets[bisect_left(BUCKETS, seconds)] += 1
        return Timed(tuple(buckets), self.sum + seconds)


@dataclass(frozen=True, slots=True)
class Counted:
    """The counts at one moment: by name, then by label values in the order of the spec."""

    counts: Mapping[str, Mapping[LabelValues, float]] = field(default_factory=dict)
    times: Mapping[str, Mapping[LabelValues, Timed]] = field(default_factory=dict)


class Counters:
    """Counts since the process started; every method may be called from any thread."""

    def __init__(self, known: Mapping[str, Sequence[str]] | None = None) -> None:
        """Starts at 0.

        Args:
            known: values of the labels `source`, `channel`, …: a counter whose labels are all known exists at 0 for
                each combination, so that its first increase is seen as one.
        """
        values = {**CLOSED_VALUES, **(known or {})}
        self._lock = Lock()
        self._counts = {spec.name: dict.fromkeys(_known(spec, values), 0.0) for spec in COUNTERS}
        self._times = {spec.name: dict.fromkeys(_known(spec, values), Timed()) for spec in TIMERS}

    def add(self, name: str, *, amount: float = 1, **labels: str) -> None:
        """Counts; an amount of 0 makes the label set exist.

        Raises:
            ValueError: no such counter, other labels than its own, or a negative amount.
        """
        if amount < 0:
            raise ValueError(f"a counter only grows: {name} by {amount}")
        values = _values(COUNTERS, name, labels)
        with self._lock:
            self._counts[name][values] = self._counts[name].get(values, 0) + amount

    def observe(self, name: str, seconds: float, **labels: str) -> None:
        """Notes a duration.

        Raises:
            ValueError: no such timer, or other labels than its own.
        """
        values = _values(TIMERS, name, labels)
        with self._lock:
            self._times[name][values] = self._times[name].get(values, Timed()).plus(seconds)

    def counted(self) -> Counted:
        """A copy of everything counted until now."""
        with self._lock:
            return Counted(
                {name: dict(counts) for name, counts in self._counts.items()},
                {name: dict(times) for name, times in self._times.items()},
            )


def _known(spec: Spec, values: Mapping[str, Sequence[str]]) -> list[LabelValues]:
    if spec.name == "notifications":
        return [(each,) for each in Outcome if each is not Outcome.NOTHING]
    return list(product(*(values.get(label, ()) for label in spec.labels)))


def _values(specs: tuple[Spec, ...], name: str, labels: Mapping[str, str]) -> LabelValues:
    spec = next((each for each in specs if each.name == name), None)
    if spec is None:
        raise ValueError(f"nothing counts {name!r}: choose from {', '.join(each.name for each in specs)}")
    if labels.keys() != set(spec.labels):
        raise ValueError(f"{name} has the labels {', '.join(spec.labels)}, not {', '.join(labels) or 'none'}")
    return tuple(str(labels[label]) for label in spec.labels)
