"""What a message gets when it is sent and not before: the course of the measure for its chart, the baseline of a drift,
links, and texts of calls where they were asked for.

Decisions stay pure, and the store holds no prompt. All of it is an extra: whatever fails, the message goes without.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote

from alerts.notifier import AlertView, CallText, Message
from config.alerts import Rule
from detectors.measurement import Segment, Window
from detectors.sampling import PAIRS
from monitor.drifting import DRIFT
from monitor.drifting import MEASURE as EVIDENCE
from monitor.house import House, Watched, is_about_judge, is_about_texts
from monitor.judged import JUDGED_WORSE
from monitor.quoting import MOST_CALLS, Quoting
from monitor.slots import EPOCH
from monitor.store import baselines, courses
from monitor.store.baselines import StoredBaseline
from monitor.store.courses import MOST, Wanted
from monitor.store.database import Session
from monitor.ways import linked

# Kinds whose messages show a chart, or say where one is.
DRAWN = frozenset({"slack", "email", "pagerduty", "apprise"})
MOST_DRAWN = 3  # alerts of a message that are tried until one has enough points
MOST_QUOTED = 3  # alerts of a message whose calls are quoted

# How much of the past a chart shows before the alert, in windows, and at least.
BEFORE = 60
LEAST_BEFORE = timedelta(hours=1)
DRIFT_REACH = timedelta(days=2)  # the calls of a drift alarm or a rule about texts come from windows of up to a day

CHART_PATH = "/api/v1/charts/{key}.png"

log = logging.getLogger("watchkeeper")


class Illustrator:
    """Adds to messages what only the moment of sending has; used by the thread that delivers."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._quoting = Quoting()

    def __call__(self, message: Message, receiver: str) -> Message:
        """The message as this receiver is to have it."""
        try:
            settings = self._house.settings.receivers[receiver]
            if message.action == "change":
                return message
            message = linked(self._house.settings, message)
            if settings.kind in DRAWN:
                message = drawn(self._house, message, message.at)
            if settings.include_text:
                message = self._quoted(message)
        except Exception:
            log.exception("a message to %s goes without its chart or texts", receiver)
        return message

    def _quoted(self, message: Message) -> Message:
        alerts = [
            replace(alert, texts=self._texts(alert, message.at)) if number < MOST_QUOTED else alert
            for number, alert in enumerate(message.alerts)
        ]
        return replace(message, alerts=tuple(alerts))

    def _texts(self, alert: AlertView, at: datetime) -> tuple[CallText, ...]:
        watched = self._house.sources.get(alert.labels.get("source", ""))
        if watched is None or not alert.exemplars:
            return ()
        rule = self._house.settings.rules.get(alert.labels.get("rule", ""))
        return self._quoting.texts(watched, alert.exemplars[:MOST_CALLS], reach(watched, rule, alert, at))


def reach(watched: Watched, rule: Rule | None, alert: AlertView, at: datetime) -> Window:
    """When the calls behind an alert can have started: before it fired, and not long after."""
    back = DRIFT_REACH if rule is None or is_about_texts(rule) else rule.over or timedelta(hours=1)
    ahead = timedelta(hours=1) if rule is None else rule.for_ + timedelta(hours=1)
    start = alert.since - back - watched.settings.max_duration
    return Window(start, max(min(at, alert.since + ahead), start + timedelta(seconds=1)))


def drawn(house: House, message: Message, until: datetime) -> Message:
    """The message with the course of its first alert that has one, and where a browser finds the chart."""
    alerts = list(message.alerts)
    for number, alert in enumerate(alerts[:MOST_DRAWN]):
        shown = with_course(house, alert, until)
        alerts[number] = shown
        if len(shown.series) > 1:
            return replace(message, alerts=tuple(alerts), image=_image(house, message))
    return replace(message, alerts=tuple(alerts))


def with_course(house: House, alert: AlertView, at: datetime) -> AlertView:
    """The alert with the course of its measure until then, its threshold, and the baseline of a drift."""
    rule = house.settings.rules.get(alert.labels.get("rule", ""))
    watched = house.sources.get(alert.labels.get("source", ""))
    if watched is None:
        return alert
    if rule is None:
        return _of_built_in(house, alert, at)
    if is_about_judge(rule):
        return _of_judge(house, alert, at, rule)
    if is_about_texts(rule):
        return _of_texts(house, alert, at, (rule.measure, {}, _level(rule)))
    return _of_traffic(house, watched, alert, at)


def _level(rule: Rule) -> float | None:
    """The threshold of a rule; the level of the other kinds is none of the measure itself."""
    level = rule.above if rule.above is not None else rule.below
    return level if rule.kind == "threshold" else None


def _of_traffic(house: House, watched: Watched, alert: AlertView, at: datetime) -> AlertView:
    """The alert with the course of a measure of calls, in the windows of its rule, or else in base windows."""
    rule = house.settings.rules[alert.labels["rule"]]
    segment = _segment(watched, rule.by, alert)
    if segment is None or rule.kind == "event":
        return alert
    wanted = Wanted(watched.name, segment, rule.measure, alert.labels)
    slot, until = house.settings.window, alert.ended or at
    for length in dict.fromkeys((rule.over or slot, slot)):
        starts = [*_starts(alert.since, until, length, slot)]
        with house.database.reading() as session:
            course = courses.of_windows(session, wanted, length, starts)
        if len(course) > 1:
            return _shown(alert, course, _level(rule))
    return alert


def _of_built_in(house: House, alert: AlertView, at: datetime) -> AlertView:
    """The alert of a built-in rule: a drift with its evidence, what a judge flags more often with how often."""
    if alert.labels.get("rule") == DRIFT:
        return _of_texts(house, alert, at, (EVIDENCE, {"channel": "all"}, 1.0))
    if alert.labels.get("rule") == JUDGED_WORSE:
        return _of_judge(house, alert, at, None)
    return alert


def _of_judge(house: House, alert: AlertView, at: datetime, rule: Rule | None) -> AlertView:
    """The alert with the course of what a judge says: of its rule, or else of how often it flags, uncorrected."""
    judge = house.settings.judge
    by = [] if judge is None or rule is None or not rule.by else judge.sampling.by
    segment = Segment(tuple((column, alert.labels.get(column, "")) for column in by))
    measure, labels = ("judge_fail_ratio", {"corrected": "no"}) if rule is None else (rule.measure, {})
    wanted = Wanted(alert.labels["source"], segment, measure, {**alert.labels, **labels})
    with house.database.reading() as session:
        course = courses.of_judge(session, wanted, None if rule is None else rule.over, alert.ended or at)
    return _shown(alert, course, None if rule is None else _level(rule))


def _of_texts(
    house: House, alert: AlertView, at: datetime, asked: tuple[str, Mapping[str, str], float | None]
) -> AlertView:
    """The alert with the course of a measure of texts, whose labels may differ from its own, and its threshold."""
    measure, labels, level = asked
    with house.database.reading() as session:
        baseline = baseline_of(session, alert.labels)
        if baseline is None:
            return alert
        wanted = Wanted(baseline.source, baseline.segment, measure, {**alert.labels, **labels})
        course = courses.of_texts(session, wanted, baseline.stream, baseline.version, alert.ended or at)
    said = f"the {baseline.role} baseline {baseline.version[:8]}, learnt from"
    said += f" {baseline.fitted_from:%Y-%m-%d} to {baseline.fitted_until:%Y-%m-%d}"
    if "baseline" in alert.labels:  # a descriptor is compared with none
        alert = replace(alert, baseline=alert.baseline or said)
    return _shown(alert, course, level)


def baseline_of(session: Session, labels: Mapping[str, str]) -> StoredBaseline | None:
    """What a drift or a measure of texts is against: the baseline in use that its labels name, else the rolling one."""
    asked = (labels.get("stream", PAIRS), labels.get("baseline", "rolling"))
    found = [
        each
        for each in baselines.in_use(session, labels["source"])
        if (each.stream, each.role) == asked and each.segment.as_dict().items() <= labels.items()
    ]
    return max(found, key=lambda each: len(each.segment.labels), default=None)


def _shown(alert: AlertView, course: courses.Course, threshold: float | None) -> AlertView:
    return replace(alert, series=tuple((end.timestamp(), value) for end, value in course), threshold=threshold)


def _segment(watched: Watched, by: list[str], alert: AlertView) -> Segment | None:
    """The alert's segment, its columns in the order in which the source's grouping has them."""
    for grouping in watched.settings.groupings:
        if set(grouping) == set(by) and alert.labels.keys() >= set(by):
            return Segment(tuple((column, alert.labels[column]) for column in grouping))
    return None


def _starts(since: datetime, until: datetime, length: timedelta, slot: timedelta) -> Iterator[datetime]:
    """Starts of at most `MOST` windows, evenly apart, the last of which ends at or before `until`."""
    lead = max(BEFORE * slot, 2 * length, LEAST_BEFORE)
    last = EPOCH + (until - EPOCH) // slot * slot
    first = min(since, until) - lead
    step = -(-(last - first) // (MOST * slot)) * slot or slot
    for number in reversed(range(MOST)):
        if (end := last - number * step) >= first:
            yield end - length


def _image(house: House, message: Message) -> str:
    base = (house.settings.server.external_url or "").rstrip("/")
    return base + CHART_PATH.format(key=quote(message.key, safe="")) if base.startswith("https://") else ""
