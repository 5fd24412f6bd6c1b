"""How a rule reads one text window: pure, as `alerts.watch` is for the windows of traffic.

Windows of traffic close at the same slot ends for all segments. Text windows do not: each stream of each segment, and
each baseline, has a line of windows of its own, as long as its baseline says. So an alert belongs to one line, and is
stepped when a window of that line was measured.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from alerts.conditions import read
from alerts.conditions.moment import Moment, Reading
from alerts.rules import Alert, AlertId, Step, is_memory, step
from alerts.watch import covers, split_labels
from config.alerts import Rule
from detectors.measurement import Key, Reason, Segment, Value, Window

Given = Mapping[AlertId, Reading | Value | None]


@dataclass(frozen=True, slots=True)
class MeasuredWindow:
    """One window of a line.

    Attributes:
        window: its span of event time.
        values: what was measured; a value that is missing has a reason.
        exemplars: ids of the calls that show a measurement best, the most telling first.
    """

    window: Window
    values: Mapping[Key, Value]
    exemplars: Callable[[Key], tuple[str, ...]]


class Line(Protocol):
    """Windows that follow each other, of one segment, measured once each and in order."""

    @property
    def name(self) -> str:
        """Which line of its source it is: the same after a restart."""
        ...

    @property
    def segment(self) -> Segment:
        """Whose windows."""
        ...

    @property
    def labels(self) -> Mapping[str, str]:
        """What tells its measurements from those of other lines of the segment: stream, baseline."""
        ...

    @property
    def length(self) -> timedelta:
        """Of its windows."""
        ...

    @property
    def until(self) -> datetime:
        """End of the newest window that was measured; all before it were, too."""
        ...

    def names(self, measure: str) -> frozenset[str] | None:
        """The labels that a measurement has; None where this line does not have the measurement."""
        ...

    def windows(self, after: datetime) -> Sequence[MeasuredWindow]:
        """What was measured from a time on, oldest first, each window once."""
        ...

    def past(self, windows: Sequence[Window], key: Key) -> Sequence[Value | None]:
        """Earlier values of a measurement; None where a window was not measured, or is not kept."""
        ...


@dataclass(frozen=True, slots=True)
class Look:
    """A window of a line, as the rules of a source look at it."""

    source: str
    line: Line
    measured: MeasuredWindow

    @property
    def end(self) -> datetime:
        """When the window ended: what the rules step on."""
        return self.measured.window.end


def steps_of(name: str, rule: Rule, look: Look, alerts: Mapping[AlertId, Alert]) -> dict[AlertId, Step]:
    """Steps every alert of a rule that a window has something to say of.

    One that was stepped over a later window, or over this one, is left alone: two lines can have windows in common
    when a baseline was replaced.
    """
    stepped = {}
    observed = dict(observe(name, rule, look))
    for known in _remembered(name, rule, look, alerts):
        observed.setdefault(known, _absent(rule, look))
    for alert_id, reading in observed.items():
        alert = alerts.get(alert_id, Alert())
        if alert.read_until is None or alert.read_until < look.end:
            stepped[alert_id] = step(_about(rule, look, alert_id), alert, reading, look.end)
    return stepped


def belongs(alert: AlertId, rule: Rule, line: Line) -> bool:
    """Whether an alert of a rule is about the measurements of a line."""
    own = _own(rule, line)
    if own is None or alert.segment != line.segment or not covers(rule, alert):
        return False
    return own.items() <= dict(alert.labels).items()


def _own(rule: Rule, line: Line) -> dict[str, str] | None:
    """The line's labels, as far as the rule's measurement has them; None where the rule does not read the line."""
    names, (_, wanted) = line.names(rule.measure), split_labels(rule)
    if names is None:
        return None
    own = {name: value for name, value in line.labels.items() if name in names}
    return own if all(wanted.get(name, value) == value for name, value in own.items()) else None


def observe(name: str, rule: Rule, look: Look) -> Iterator[tuple[AlertId, Reading | Value | None]]:
    """What a rule reads of a window, alert by alert; nothing where the window is none of its own."""
    line, own = look.line, _own(rule, look.line)
    if own is None:
        return
    wanted_segment, wanted = split_labels(rule)
    whole = dict(own) | wanted
    if rule.by and not line.segment.labels:
        # The log lacks a column of the grouping, so its texts are read as a whole: the rule can never fire.
        yield _id(name, look, Key.of(rule.measure, **whole)), Value(None, reason=Reason.MISSING_COLUMN)
        return
    if set(line.segment.columns) != set(rule.by) or not wanted_segment.items() <= line.segment.as_dict().items():
        return
    keys = [each for each in look.measured.values if each.name == rule.measure and wanted.items() <= set(each.labels)]
    if not keys and whole.keys() == line.names(rule.measure):
        keys = [Key.of(rule.measure, **whole)]
    for key in keys:
        yield _id(name, look, key), _read(rule, look, key)


def _read(rule: Rule, look: Look, key: Key) -> Reading | Value | None:
    if rule.over not in (None, look.line.length):
        return Value(None, reason=Reason.ERROR)  # the baseline in use was learnt for windows of another length
    if key not in look.measured.values:
        return _absent(rule, look)
    window, length = look.measured.window, look.line.length

    def ask(windows: Sequence[Window]) -> list[Value | None]:
        older = iter(look.line.past([each for each in windows if each != window], key))
        return [look.measured.values[key] if each == window else next(older) for each in windows]

    # Windows of a line are disjoint and aligned, so that they are its history, too.
    return read(rule, Moment(look.source, look.line.segment, key, look.end, length, length, ask))


def _absent(rule: Rule, look: Look) -> Value | None:
    """Why a measurement is not in a window, where one of the same name says so of itself."""
    values = look.measured.values.items()
    return next((each for key, each in values if key.name == rule.measure and each.value is None), None)


def _remembered(name: str, rule: Rule, look: Look, alerts: Mapping[AlertId, Alert]) -> list[AlertId]:
    """The alerts of the line that must be stepped even where the window does not have their measurement."""
    mine = (each for each, alert in alerts.items() if each.rule == name and is_memory(alert))
    return sorted(each for each in mine if each.source == look.source and belongs(each, rule, look.line))


def _about(rule: Rule, look: Look, alert: AlertId) -> Rule:
    """The rule as it is for one alert. A topic or a language that the rule does not name may come and go with the
    texts: that it is not there is no missing data."""
    _, wanted = split_labels(rule)
    is_named = dict(alert.labels).keys() <= wanted.keys() | look.line.labels.keys()
    is_there = Key(rule.measure, alert.labels) in look.measured.values
    return rule if is_named or is_there or rule.no_data != "alert" else rule.model_copy(update={"no_data": "keep"})


def _id(name: str, look: Look, key: Key) -> AlertId:
    return AlertId(name, look.source, look.line.segment, key.labels)
