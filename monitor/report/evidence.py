"""What the drift detector of a stream says, gathered for a report from what was measured and remembered."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from detectors.measurement import Key
from monitor.drifting import CHANNELS_SAID, DESCRIPTORS, DEVIATIONS, MEASURE, POINTS, Alarm, ended, going_on
from monitor.reading.alarming import ALL, EFFECTS
from monitor.reading.drift import kept, share
from monitor.report.drift_values import ChannelReading, Drift, Hindsight, Moment, RaisedAlarm, SegmentPart
from monitor.report.question import Task
from monitor.report.values import Exemplar
from monitor.store import drift, texts
from monitor.store.drift import DriftFacts
from monitor.store.texts import TextMeasured

COURSE = timedelta(days=14)  # of the evidence, to the end of the stretch; longer where the stretch is
SHOWN = 12  # alarms
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
        known: texts of calls by their id, as far as they were read.
    """
    stored, window = task.baseline, task.window
    since = min(window.start, max(window.end - COURSE, stored.fitted_until))
    with task.sitting.house.database.reading() as session:
        measured = texts.against(session, stored.key, since, window.end)
        row = drift.state(session, stored)
        days = share(session, task.sitting, stored).days
        said = None if row is None else DriftFacts(stored.key, row.until, row.facts)
    course = list(_course(measured, stored.stream))
    read = [each for each in course if each.evidence is not None]
    alarms = [] if said is None else [*ended(said, stored), *going_on(said, stored)]
    seen = [_raised(each, known or {}) for each in alarms]
    shown = [each for each in seen if each.raised <= window.end and (each.ended or window.end) >= since]
    untested = {name for each in shown if each.ended is None for name in each.channels}
    problem = NOT_TESTED if hindsight is None else "" if read else NOT_READ
    return Drift(
        days=days,
        since=since,
        until=read[-1].at if read else window.end,
        evidence=tuple(course),
        channels=tuple(_channels(measured, stored.stream, untested)),
        alarms=tuple(shown[-SHOWN:]),
        learnt_days=(stored.fitted_until - stored.fitted_from) / DAY,
        hindsight=tuple(Hindsight(*each) for each in hindsight or ()),
        problem=problem,
        set_for=kept(days, stored, tuple(hindsight or ())),
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


def _raised(alarm: Alarm, known: Mapping[str, Exemplar]) -> RaisedAlarm:
    facts = alarm.facts
    return RaisedAlarm(
        channel=facts["lead"],
        channels=tuple(facts["channels"]),
        raised=_moment(facts["at"]),
        ended=_moment(facts["ended"]) if "ended" in facts else None,
        evidence=float(facts["evidence"]),
        said=alarm.summary(),
        calls=alarm.whole and facts["kind"] != "days",
        segments=tuple(SegmentPart(**_part(each)) for each in facts.get("segments", ())),
        exemplars=tuple(known.get(each, Exemplar(each, None)) for each in alarm.exemplars),
    )


def _part(each: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each[name] for name in ("column", "value", "share", "part")}


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
