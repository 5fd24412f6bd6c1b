"""What the drift detector of a stream says, gathered for a report from what was measured and remembered."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from detectors.measurement import Key
from monitor.clean import clean_text
from monitor.drifting import CHANNELS_SAID, DESCRIPTORS, DEVIATIONS, MEASURE, POINTS, Alarm, ended, going_on
from monitor.false_alarms import kept, share
from monitor.quoting import read_texts
from monitor.reading.alarming import ALL, EFFECTS
from monitor.report.drift_values import ChannelReading, Drift, Happened, Hindsight, Moment, RaisedAlarm, SegmentPart
from monitor.report.plain import beginning
from monitor.report.question import Task
from monitor.report.values import Exemplar
from monitor.store import drift, events, texts
from monitor.store.baselines import StoredBaseline
from monitor.store.drift import DriftFacts
from monitor.store.events import Event
from monitor.store.texts import TextMeasured

COURSE = timedelta(days=14)  # of the evidence, to the end of the stretch; longer where the stretch is
SHOWN = 12  # alarms
MOST_EVENTS = 50  # on the chart, the newest
DAY = timedelta(days=1)
NOT_TESTED = "The baseline has too few windows for the detector: it needs 28 of 50 texts or more."
NOT_READ = "No window in this time was read by the detector."


def drift_of(
    task: Task, hindsight: Sequence[tuple[float, int]] | None, known: Mapping[str, Exemplar] | None = None
) -> Drift:
    """What the detector against a baseline says until the end of a stretch.

    Args:
        task: the stretch, the stream and its baseline.
        hindsight: of the baseline; None where it has no detector.
        known: texts of calls by their id, as far as they were read; those of other calls are read now.
    """
    stored, window = task.baseline, task.window
    since = min(window.start, max(window.end - COURSE, stored.fitted_until))
    with task.sitting.house.database.reading() as session:
        measured = texts.against(session, stored.key, since, window.end)
        happened = events.between(session, since, window.end, MOST_EVENTS)
        row = drift.state(session, stored)
        days = share(session, task.sitting.house.settings, stored).days
        said = None if row is None else DriftFacts(stored.key, row.until, row.facts)
    course = list(_course(measured, stored.stream))
    read = [each for each in course if each.evidence is not None]
    alarms = [] if said is None else [*ended(said, stored), *going_on(said, stored)]
    shown = [each for each in alarms if _raised_at(each) <= window.end and (_ended_at(each) or window.end) >= since]
    untested = {name for each in shown if _ended_at(each) is None for name in each.facts["channels"]}
    problem = NOT_TESTED if hindsight is None else "" if read else NOT_READ
    return Drift(
        days=days,
        since=since,
        until=read[-1].at if read else window.end,
        evidence=tuple(course),
        channels=tuple(_channels(measured, stored.stream, untested)),
        alarms=tuple(_raised(each, _exemplars(task, each, known or {})) for each in shown[-SHOWN:]),
        learnt_days=(stored.fitted_until - stored.fitted_from) / DAY,
        hindsight=tuple(Hindsight(*each) for each in hindsight or ()),
        problem=problem,
        set_for=kept(days, stored, tuple(hindsight or ())),
        happened=tuple(_happened(happened, stored)),
    )


def _happened(found: Sequence[Event], stored: StoredBaseline) -> Iterator[Happened]:
    """The events that are about a baseline's source and service, oldest first."""
    service = stored.segment.as_dict().get("service")
    for each in reversed(found):
        if each.source in ("", stored.source) and (service is None or each.service in ("", service)):
            yield Happened(
                each.at, clean_text(each.name, 80), clean_text(each.detail, 200), clean_text(each.service, 80)
            )


def _course(measured: Sequence[TextMeasured], stream: str) -> Iterator[Moment]:
    key = Key.of(MEASURE, channel=ALL, stream=stream)
    for each in measured:
        if key in each.values:
            yield Moment(each.window.end, each.values[key].value)


def _channels(measured: Sequence[TextMeasured], stream: str, untested: Collection[str]) -> Iterator[ChannelReading]:
    """After the newest window that the detector read, the channel with most evidence first."""
    newest = next((each for each in reversed(measured) if each.findings.get(EFFECTS)), None)
    if newest is None:
        return
    found = []
    for channel, effect in newest.findings[EFFECTS].items():
        value = newest.values.get(Key.of(MEASURE, channel=channel, stream=stream))
        is_counting = effect["value"] != 0 or effect["lower"] > -1
        found.append(
            ChannelReading(
                channel=channel,
                sees=CHANNELS_SAID[channel],
                evidence=None if value is None else value.value,
                value=effect["value"] if is_counting else None,
                lower=effect["lower"] if is_counting else None,
                minimum=effect["minimum"],
                unit=_unit(channel),
                about=effect["about"] or "",
                alarmed=channel in untested,
            )
        )
    yield from sorted(found, key=lambda each: -(each.evidence or 0.0))


def _unit(channel: str) -> str:
    if channel in POINTS:
        return "points"
    return "deviations" if channel in DEVIATIONS else "times" if channel == DESCRIPTORS else "distance"


def _exemplars(task: Task, alarm: Alarm, known: Mapping[str, Exemplar]) -> tuple[Exemplar, ...]:
    """The calls that show an alarm; of a call that the log no longer has without its text."""
    missing = [each for each in alarm.exemplars if each not in known]
    read = {**known, **_read(task, _raised_at(alarm), missing)} if missing else known
    return tuple(read.get(each, Exemplar(clean_text(each, 200), None)) for each in alarm.exemplars)


def _read(task: Task, raised: datetime, calls: Sequence[str]) -> dict[str, Exemplar]:
    """Calls of the window that raised an alarm, which can lie before the stretch of the report, by one query."""
    watched = task.sitting.watched
    started = raised - timedelta(seconds=task.baseline.length_s) - watched.settings.max_duration, raised
    with watched.using:
        found = read_texts(watched, calls, started)
    of_response = task.place.stream == "response"
    return {
        each.call: Exemplar(clean_text(each.call, 200), beginning(each.response if of_response else each.prompt))
        for each in found
    }


def _raised(alarm: Alarm, exemplars: tuple[Exemplar, ...]) -> RaisedAlarm:
    facts = alarm.facts
    return RaisedAlarm(
        channel=facts["lead"],
        channels=tuple(facts["channels"]),
        raised=_raised_at(alarm),
        ended=_ended_at(alarm),
        evidence=float(facts["evidence"]),
        said=alarm.summary(),
        calls=alarm.whole and facts["kind"] != "days",
        segments=tuple(SegmentPart(**_part(each)) for each in facts.get("segments", ())),
        exemplars=exemplars,
    )


def _part(each: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each[name] for name in ("column", "value", "share", "part")}


def _raised_at(alarm: Alarm) -> datetime:
    return _moment(alarm.facts["at"])


def _ended_at(alarm: Alarm) -> datetime | None:
    return _moment(alarm.facts["ended"]) if "ended" in alarm.facts else None


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
