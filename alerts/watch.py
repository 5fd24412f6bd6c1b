"""Rules meet measurements: every rule reads every segment of its grouping once, when a window closes."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from alerts.admission import admitted
from alerts.conditions import due_every, read
from alerts.conditions.moment import BROKEN, EPOCH, Happening, Moment, Reading
from alerts.rules import Alert, AlertId, Step, close, is_memory, step
from config.alerts import Rule
from config.calls import GROUPING_COLUMNS
from detectors.measurement import OTHER, Batch, Key, Reason, Segment, Series, Value, Window

Grouping = tuple[str, ...]
Restless = Mapping[datetime, frozenset[Segment]]  # segments by the end of a window

RETIRED = "the rule no longer watches this segment or these labels"


class Past(Protocol):
    """What was measured before: the windows that are kept."""

    def values(self, segment: Segment, windows: Sequence[Window], key: Key) -> Sequence[Value | None]:
        """The value of a key in each window of a segment; None where it was not measured, or is not kept."""
        ...


@dataclass(frozen=True, slots=True)
class Readings:
    """What was measured of one source, by grouping and length of window.

    Attributes:
        source: by name.
        slot: length of a base window.
        batches: what has just been measured.
        history: length of the windows that are kept long.
        steps: how often a window of a length closes.
        past: what was measured before; without it conditions know only the batches.
        happened: events.
        restless: what `restless_windows` says of some rules, by name; calm segments of these rules are passed over.
    """

    source: str
    slot: timedelta
    batches: Mapping[tuple[Grouping, timedelta], Batch]
    history: timedelta = timedelta(hours=1)
    steps: Mapping[timedelta, timedelta] = field(default_factory=dict)
    past: Past | None = None
    happened: Sequence[Happening] = ()
    restless: Mapping[str, "Restless | None"] = field(default_factory=dict)

    def values(self, segment: Segment, windows: Sequence[Window], key: Key) -> list[Value | None]:
        """The value of a key in each window of a segment, from the batches or from the past."""
        found: list[Value | None] = [None] * len(windows)
        missing = []
        for number, window in enumerate(windows):
            batch = self.batches.get((segment.columns, window.length))
            if batch is not None and batch.has(segment, window):
                found[number] = batch.value(segment, window, key)
            else:
                missing.append(number)
        if missing and self.past is not None:
            older = self.past.values(segment, [windows[number] for number in missing], key)
            for number, value in zip(missing, older, strict=True):
                found[number] = value
        return found

    def due(self, rule: Rule, end: datetime) -> bool:
        """Whether a rule reads anything at a slot end."""
        return not (end - EPOCH) % due_every(rule, self.slot, self.steps)

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
    """One alert after a window; `left_out`: it would fire, but as many as may already do."""

    id: AlertId
    rule: Rule
    step: Step
    left_out: bool = False


def watch(
    name: str, rule: Rule, readings: Readings, alerts: Mapping[AlertId, Alert], slot_end: datetime
) -> Iterator[Watched]:
    """Steps every alert of a rule over the window that ends at `slot_end`.

    A segment that once had an alert and has no measurement now is stepped without a value, so that it cannot stay open
    unseen; an alert that the rule, as it is now, cannot have is closed.
    """
    mine = [
        each
        for each, alert in alerts.items()
        if each.rule == name and each.source == readings.source and is_memory(alert)
    ]
    restless, stirs = readings.restless.get(name), None
    if restless is not None:
        stirs = restless.get(slot_end, frozenset()) | {each.segment for each in mine}
    observed: dict[AlertId, Reading | Value | None] = dict(observe(name, rule, readings, slot_end, stirs))
    retired = []
    for known in sorted(mine):
        if known not in observed:
            if covers(rule, known) and (known.segment.labels or not rule.by):
                observed[known] = None
            else:
                retired.append(known)
    steps = {each: step(rule, alerts.get(each, Alert()), value, slot_end) for each, value in observed.items()}
    for alert_id, (after, left_out) in admitted(rule, steps, alerts).items():
        yield Watched(alert_id, rule, after, left_out)
    for alert_id in retired:
        yield Watched(alert_id, rule, close(alerts[alert_id], slot_end, RETIRED))


def restless_windows(rule: Rule, readings: Readings) -> Restless | None:
    """The windows in which an inactive alert of the rule would change; None when every window must be read.

    A catch-up reads weeks of calm windows, and of hundreds of segments few are past their level: they are told apart
    here, a column at a time, and not one by one. Only for thresholds: other conditions read more than one window.
    """
    if rule.kind != "threshold":
        return None
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
    found = defaultdict[datetime, set[Segment]](set)
    for row in np.flatnonzero(restless).tolist():
        segment, window = batch.rows[row]
        found[window.end].add(segment)
    return {end: frozenset(segments) for end, segments in found.items()}


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


def observe(
    name: str, rule: Rule, readings: Readings, slot_end: datetime, stirs: Collection[Segment] | None = None
) -> Iterator[tuple[AlertId, Reading | Value | None]]:
    """What a rule reads at a slot end, alert by alert; with `stirs` only of these segments."""
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
        passed_over = stirs is not None and segment not in stirs
        if not passed_over and wanted_segment.items() <= segment.as_dict().items():
            for key in keys or [Key.of(rule.measure, **wanted_labels)]:
                moment = _moment(readings, segment, key, slot_end)
                yield AlertId(name, readings.source, segment, key.labels), read(rule, moment)


def _keys(rule: Rule, batch: Batch) -> list[Key]:
    """The measurements that a rule reads: those that have its labels, whatever others they have."""
    _, wanted = split_labels(rule)
    return [key for key in batch.series if key.name == rule.measure and wanted.items() <= dict(key.labels).items()]


def _moment(readings: Readings, segment: Segment, key: Key, end: datetime) -> Moment:
    def ask(windows: Sequence[Window]) -> Sequence[Value | None]:
        return readings.values(segment, windows, key)

    return Moment(
        source=readings.source,
        segment=segment,
        key=key,
        end=end,
        slot=readings.slot,
        history=readings.history,
        ask=ask,
        steps=readings.steps,
        happened=readings.happened,
    )
