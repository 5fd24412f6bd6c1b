"""What rules have read over the past, kept so that other levels can be tried on it: of traffic while it is replayed, of
texts once they are read again, and of a judge as its verdicts lie in the store."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import groupby

from alerts.levels import COMPARED, compared, twin
from alerts.rules import Alert, AlertId, Transition
from alerts.watch import Readings, observe, split_labels, watch
from config.alerts import Rule
from detectors.measurement import Batch, Key, Measured, Segment, Value, Window
from monitor.house import House, Watched, is_about_judge, is_about_texts, is_about_traffic
from monitor.judging.deciding import JudgedPast, batches_of
from monitor.past import Remembered, StoredPast
from monitor.store import judging
from monitor.textlines import text_lines
from monitor.textwatch import Look
from monitor.textwatch import observe as observe_text

Course = list[Readings]  # of one rule: all that it has read, in the order of each source
Read = tuple[AlertId, datetime, Value]


def searched(rule: Rule) -> Rule:
    """The rule that is stepped over what was recorded of a rule."""
    return rule if _is_plain(rule) else twin(rule)


@dataclass(slots=True)
class Recorder:
    """The past of one source that also records what some rules read when it is told of it. See `monitor.past`.

    Attributes:
        inner: the past.
        rules: by name.
        courses: where what each has read is added.
    """

    inner: Remembered
    rules: Mapping[str, Rule]
    courses: Mapping[str, Course]

    @classmethod
    def beside(cls, house: House, watched: Watched, courses: Mapping[str, Course]) -> "Recorder":
        """The recorder of a source whose rules have a course."""
        mine = {name: rule for name, rule in house.rules_of(watched.name).items() if name in courses}
        known = house.pasts.get(watched.name)
        return cls(known or StoredPast.of(house.database, watched.name, mine.values()), mine, courses)

    def values(self, segment: Segment, windows: Sequence[Window], key: Key) -> Sequence[Value | None]:
        """See `alerts.watch.Past`."""
        return self.inner.values(segment, windows, key)

    def learn(self, readings: Readings) -> None:
        """Records what was just decided on, before the past forgets what it was decided by."""
        for name, rule in self.rules.items():
            kept = recorded(name, rule, readings)
            self.courses[name].extend([] if kept is None else [kept])
        self.inner.learn(readings)


def recorded(name: str, rule: Rule, readings: Readings) -> Readings | None:
    """What a rule reads of some readings, and nothing else: weeks of everything would fill memory. None where what it
    watches cannot be measured."""
    batch = readings.batch(rule)
    if batch is None or rule.kind == "event":
        return None
    if _is_plain(rule):
        series = {key: batch.series[key] for key in batch.series if reads(rule, key)}
        place = tuple(rule.by), rule.over or readings.slot
        mine = Batch(batch.source, batch.rows, series)
        return replace(readings, batches={place: mine}, past=None, restless={})
    ends = sorted({window.end for _, window in batch.rows})
    found = (
        (each, end, compared(rule, read))
        for end in ends
        if readings.due(rule, end)
        for each, read in observe(name, rule, readings, end)
    )
    return _course(readings.source, readings.slot, found)


def of_texts(house: House, watched: Watched, since: datetime) -> Iterator[tuple[str, Readings]]:
    """What each rule about texts reads of the windows that are in the store, line by line.

    The windows of two lines have nothing to do with each other: each has a source of its own here.
    """
    with house.database.reading() as session:
        lines = text_lines(house, watched, session)
    for line in lines:
        looks = [Look(watched.name, line, each) for each in line.windows(since)]
        for name, rule in house.rules_of(watched.name, is_about_texts).items():
            read = ((look.end, observe_text(name, rule, look)) for look in looks)
            found = [(each, end, compared(rule, value)) for end, pairs in read for each, value in pairs]
            if found:
                yield name, _course(f"{watched.name} {line.name}", line.length, found)


@dataclass(slots=True)
class Judged:
    """What rules about a judge make of the verdicts that are in the store: no judge is asked anew."""

    transitions: list[tuple[AlertId, Transition]] = field(default_factory=list)
    courses: list[tuple[str, Readings]] = field(default_factory=list)


def of_judge(house: House, watched: Watched, span: tuple[datetime, datetime]) -> Judged:
    """Steps the rules about a judge of a source over the judged windows of a span, as the service steps them."""
    found, rules, live = Judged(), house.rules_of(watched.name, is_about_judge), house.desk.lender
    if not rules or live is None:
        return found
    with live.reading() as session:
        rows = judging.measured(session, watched.name, *span)
    alerts: dict[AlertId, Alert] = {}
    past = JudgedPast(live, watched.name)
    for end, group in groupby(rows, key=lambda each: each.window.end):
        measured = list(group)
        length = min(each.window.length for each in measured)
        readings = Readings(watched.name, length, batches_of(measured), history=length, past=past)
        for name, rule in rules.items():
            if not readings.due(rule, end):
                continue
            for each in watch(name, rule, readings, alerts, end):
                alerts[each.id] = each.step.alert
                found.transitions += [(each.id, each.step.transition)] if each.step.transition else []
            kept = recorded(name, rule, readings)
            found.courses += [] if kept is None else [(name, kept)]
    return found


def _course(source: str, slot: timedelta, read: Iterable[Read]) -> Readings:
    """Values as the twin of a rule reads them: each in a base window."""
    rows: dict[tuple[Segment, datetime], dict[Key, Value]] = {}
    for alert, end, value in read:
        rows.setdefault((alert.segment, end), {})[Key(COMPARED, alert.labels)] = value
    measured = [Measured(source, segment, Window(end - slot, end), mine) for (segment, end), mine in rows.items()]
    return Readings(source, slot, batches_of(measured))


def _is_plain(rule: Rule) -> bool:
    """Whether what a rule reads is compared as it was measured, a column at a time."""
    return rule.kind == "threshold" and is_about_traffic(rule)


def reads(rule: Rule, key: Key) -> bool:
    """Whether a rule watches a measurement."""
    _, wanted = split_labels(rule)
    return key.name == rule.measure and wanted.items() <= dict(key.labels).items()
