"""Rules meet measurements: every rule reads every segment of its grouping once, when a window closes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from alerts.rules import Alert, AlertId, Step, close, is_memory, step
from config.alerts import Rule
from config.calls import GROUPING_COLUMNS
from detectors.measurement import OTHER, Batch, Key, Reason, Segment, Series, Value, Window

Grouping = tuple[str, ...]

BROKEN = (Reason.MISSING_COLUMN, Reason.ERROR)  # a rule on such a value can never fire

RETIRED = "the rule no longer watches this segment or these labels"


@dataclass(frozen=True, slots=True)
class Readings:
    """What was measured of one source, by grouping and length of window."""

    source: str
    slot: timedelta
    batches: Mapping[tuple[Grouping, timedelta], Batch]

    def batch(self, rule: Rule) -> Batch | None:
        """The measurements that a rule reads: its grouping in any order of columns."""
        length = rule.over or self.slot
        for (grouping, measured_length), batch in self.batches.items():
            if measured_length == length and set(grouping) == set(rule.by):
                return batch
        return None

    def calls(self) -> float:
        """How many calls all base windows hold together."""
        batch = self.batches.get(((), self.slot))
        return 0.0 if batch is None else batch.calls()

    def other_calls(self) -> dict[Grouping, float]:
        """How many calls of the base windows belong to no admitted segment, by grouping."""
        return {
            grouping: batch.calls(Segment(tuple((column, OTHER) for column in grouping)))
            for (grouping, length), batch in self.batches.items()
            if grouping and length == self.slot
        }


class Watched(NamedTuple):
    """One alert after a window."""

    id: AlertId
    rule: Rule
    step: Step


def watch(
    name: str, rule: Rule, readings: Readings, alerts: Mapping[AlertId, Alert], slot_end: datetime
) -> Iterator[Watched]:
    """Steps every alert of a rule over the window that ends at `slot_end`.

    A segment that once had an alert and has no measurement now is stepped without a value, so that it cannot stay open
    unseen; an alert that the rule, as it is now, cannot have is closed.
    """
    observed = dict(_observe(name, rule, readings, slot_end))
    retired = []
    for known in sorted(each for each, alert in alerts.items() if is_memory(alert)):
        if known.rule == name and known.source == readings.source and known not in observed:
            if covers(rule, known) and (known.segment.labels or not rule.by):
                observed[known] = None
            else:
                retired.append(known)
    for alert_id, value in observed.items():
        yield Watched(alert_id, rule, step(rule, alerts.get(alert_id, Alert()), value, slot_end))
    for alert_id in retired:
        yield Watched(alert_id, rule, close(alerts[alert_id], slot_end, RETIRED))


def restless_ends(rule: Rule, readings: Readings) -> frozenset[datetime] | None:
    """The ends of the windows in which an inactive alert of the rule would change; None when every window must be read.

    A catch-up reads weeks of calm windows: they are told apart here, a column at a time, and not one by one.
    """
    batch = readings.batch(rule)
    keys = [] if batch is None else _keys(rule, batch)
    if batch is None or not keys:
        return None
    restless = np.zeros(len(batch.rows), dtype=bool)
    for key in keys:
        series = batch.series[key]
        above, below = rule.above, rule.below
        restless |= series.value > (np.inf if above is None else above)
        restless |= series.value < (-np.inf if below is None else below)
        restless |= _unusable(rule, series)
    return frozenset(batch.rows[row][1].end for row in np.flatnonzero(restless).tolist())


def _unusable(rule: Rule, series: Series) -> NDArray[np.bool_]:
    missing = np.isnan(series.value)
    if rule.no_data == "alert":
        return missing
    if isinstance(series.reason, Reason):
        return missing & (series.reason in BROKEN)
    return missing & np.isin(series.reason, BROKEN)


def covers(rule: Rule, alert: AlertId) -> bool:
    """Whether a rule can have the alert: on a segment of its grouping, or on the whole if that cannot be measured."""
    segment, labels = split_labels(rule)
    right_columns = not alert.segment.labels or set(alert.segment.columns) == set(rule.by)
    right_segment = not alert.segment.labels or segment.items() <= alert.segment.as_dict().items()
    return right_columns and right_segment and labels.items() <= dict(alert.labels).items()


def split_labels(rule: Rule) -> tuple[dict[str, str], dict[str, str]]:
    """The rule's labels apart: those of segment columns, and those of the measurement."""
    segment = {name: value for name, value in rule.labels.items() if name in GROUPING_COLUMNS}
    return segment, {name: value for name, value in rule.labels.items() if name not in segment}


def _observe(name: str, rule: Rule, readings: Readings, slot_end: datetime) -> Iterator[tuple[AlertId, Value | None]]:
    wanted_segment, wanted_labels = split_labels(rule)
    batch = readings.batch(rule)
    if batch is None:
        # The log lacks a column of the grouping: the rule can never fire, and that must be seen.
        alert_id = AlertId(name, readings.source, Segment(), Key.of(rule.measure, **wanted_labels).labels)
        yield alert_id, Value(None, reason=Reason.MISSING_COLUMN)
        return
    window = Window(slot_end - (rule.over or readings.slot), slot_end)
    keys = _keys(rule, batch)
    for segment in batch.segments(window):
        if wanted_segment.items() <= segment.as_dict().items():
            for key in keys or [Key.of(rule.measure, **wanted_labels)]:
                yield AlertId(name, readings.source, segment, key.labels), batch.value(segment, window, key)


def _keys(rule: Rule, batch: Batch) -> list[Key]:
    """The measurements that a rule reads: those that have its labels, whatever others they have."""
    _, wanted = split_labels(rule)
    return [key for key in batch.series if key.name == rule.measure and wanted.items() <= dict(key.labels).items()]
