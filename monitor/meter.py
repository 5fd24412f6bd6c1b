"""What is measured of one source: which groupings, which windows, by which aggregates."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import reduce

from alerts.conditions import lengths
from alerts.watch import Grouping, Readings
from config.alerts import Rule
from config.settings import Settings
from config.sources import AnySource
from detectors.feedback import Feedback
from detectors.measurement import Batch, Segment
from detectors.protocols import Aggregate, Calls
from detectors.segments import admit, measurable, seen
from detectors.traces import Traces
from detectors.traffic import Traffic
from monitor.slots import Plan

Admitted = Mapping[Grouping, Mapping[Segment, datetime]]


@dataclass(frozen=True, slots=True)
class Meter:
    """Measures stretches of one source's log. `trailing` says which rules read which trailing windows."""

    plan: Plan
    source: AnySource
    trailing: Mapping[tuple[Grouping, timedelta], frozenset[str]]

    @classmethod
    def of(cls, settings: Settings, source: AnySource, rules: Iterable[Rule]) -> "Meter":
        """What the settings ask for."""
        trailing: dict[tuple[Grouping, timedelta], set[str]] = {}
        for rule in rules:
            for length in lengths(rule, settings.window):
                grouping = _configured(source, rule.by)
                trailing.setdefault((grouping, length), set()).add(rule.measure)
        plan = Plan.of(settings.window, settings.history, (length for _, length in trailing))
        return cls(plan, source, {key: frozenset(measures) for key, measures in trailing.items()})

    def groupings(self, log: Calls) -> list[Grouping]:
        """The groupings whose columns the log has."""
        return [tuple(each) for each in self.source.groupings if measurable(each, log.columns)]

    def admit(self, log: Calls, first: datetime, last: datetime, admitted: Admitted) -> Admitted:
        """The admitted segments of every grouping after the slots that end in `[first, last]`."""
        windows = self.plan.windows(self.plan.slot, first, last)
        after: dict[Grouping, Mapping[Segment, datetime]] = {}
        for grouping in self.groupings(log):
            known = admitted.get(grouping, {})
            if not grouping:
                after[grouping] = dict(known) or {Segment(): windows[0].start}
                continue
            counts = seen(log, windows, grouping, self.source.max_duration)
            after[grouping] = admit(known, windows, counts, self.source.max_segments)
        return after

    def read(self, log: Calls, first: datetime, last: datetime, admitted: Admitted) -> Readings:
        """Measures every window that closes at a slot end in `[first, last]`."""
        batches = {}
        for grouping in self.groupings(log):
            segments = admitted.get(grouping, {})
            for length in self.plan.steps:
                windows = self.plan.windows(length, first, last)
                aggregates = self._aggregates(log, grouping, length)
                parts = [each.measure(log, windows, grouping, segments) for each in (aggregates if windows else ())]
                if length == self.plan.history and (whole := self.plan.history_windows(first, last)):
                    # What a rule reads of more windows stands over what is measured of these; the rest is only theirs.
                    rest = [each.measure(log, whole, grouping, segments) for each in self._all(log)]
                    parts = [*map(_only_there, rest), *parts]
                if parts:
                    batches[grouping, length] = reduce(Batch.joined, parts)
        return Readings(log.name, self.plan.slot, batches, self.plan.history, self.plan.steps)

    def _aggregates(self, log: Calls, grouping: Grouping, length: timedelta) -> Sequence[Aggregate]:
        """Everything for base and history windows; for trailing ones only what a rule reads."""
        if length == self.plan.slot or self.plan.steps[length] == length:
            return self._all(log)
        wanted = self.trailing.get((grouping, length), frozenset())
        return [each for each in self._all(log, wanted) if wanted & each.measures]

    def _all(self, log: Calls, wanted: frozenset[str] | None = None) -> list[Aggregate]:
        traffic = Traffic(self.source.max_duration)
        traces = Traces(self.source.max_duration, self.source.trace_gap)
        aggregates: list[Aggregate] = [
            each if wanted is None else replace(each, measures=each.measures & wanted) for each in (traffic, traces)
        ]
        feedback = self.source.feedback
        if feedback is not None and log.feedback_columns:
            aggregates.append(Feedback(feedback.lookback, feedback.positive_above, feedback.max_keys))
        return aggregates


def _only_there(batch: Batch) -> Batch:
    """The batch, saying nothing of rows that it is joined to."""
    series = {key: replace(each, sparse=True) for key, each in batch.series.items()}
    return Batch(batch.source, batch.rows, series)


def _configured(source: AnySource, by: Sequence[str]) -> Grouping:
    """The grouping of the source that has the rule's columns, in the source's order."""
    return next((tuple(each) for each in source.groupings if set(each) == set(by)), tuple(by))
