"""Decisions: every rule reads every window once, in slot order; what people should know becomes messages.

Nothing here writes. A `Decision` is what one stretch of slots (or one look at the service's own health) changes, and is
saved in one transaction with the measurements that it was made from.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from alerts.annotations import failures
from alerts.grouping import Way, identity
from alerts.rules import ACTIVE, Alert, State, close, step
from alerts.view import labels_of
from alerts.watch import Readings, restless_windows, watch
from alerts.watch import Watched as RuleStep
from detectors.exemplars import Search, exemplars
from detectors.measurement import Key, Value, Window
from monitor import canary
from monitor.decision import Decision, Surroundings
from monitor.drifting import DRIFT, alarms
from monitor.golden import alarm as golden
from monitor.health import observe
from monitor.hindsight import length_behind, remember, with_past
from monitor.house import House, Watched
from monitor.judged import JUDGED_WORSE
from monitor.judging import alarm as judge_alarm
from monitor.store import baselines, drift, events, groups, history, outbox, silences, states
from monitor.store.database import Session
from monitor.telling import When, is_built_in, tell

log = logging.getLogger("watchkeeper")

STALE = "stale"
EVENTS = 200  # the newest, among which those are that an alert may name
GONE = "its rule, segment, source or receiver is no longer configured"


def begin(house: House, now: datetime) -> Decision:
    """A decision that starts from what the store remembers."""
    intervals = (Way.of(each, house.settings.routing).interval for each in house.settings.receivers.values())
    told_since = datetime.min.replace(tzinfo=now.tzinfo) if house.replay else now - max(intervals, default=timedelta(0))
    with house.database.reading() as session:
        around = Surroundings(
            happened=events.newest(session, EVENTS),
            silences=silences.at(session, now),
            acknowledged=history.acknowledged(session),
            behind=frozenset() if house.replay else frozenset(_catching_up(house, session, now)),
        )
        return Decision(
            alerts=states.alerts(session), groups=groups.all_that_matter(session, told_since), around=around
        )


def _catching_up(house: House, session: Session, now: datetime) -> Iterator[str]:
    """The sources whose newest decided slot is not of the present."""
    for name, row in states.all_progress(session).items():
        watched = house.sources.get(name)
        if watched is not None and row.slot_end is not None and row.slot_end < watched.fresh_since(now):
            yield name


def decide_slots(
    house: House, watched: Watched, readings: Readings, ends: Iterable[datetime], now: datetime
) -> Decision:
    """Steps the rules of a source over slots, oldest first; tells people of the last one, if it is fresh."""
    decision = begin(house, now)
    # What is told of this source below is told of slots that are fresh.
    decision.around = replace(decision.around, behind=decision.around.behind - {watched.name})
    rules = house.rules_of(watched.name)
    readings = with_past(house, watched, readings)
    restless = {name: restless_windows(rule, readings) for name, rule in rules.items()}
    readings = replace(readings, restless=restless)
    fresh_since = datetime.min.replace(tzinfo=now.tzinfo) if house.replay else watched.fresh_since(now)
    slots = list(ends)
    for end in slots:
        fresh = end >= fresh_since
        for name, rule in rules.items():
            moments = restless[name]
            stirs = moments is None or end in moments or decision.remembers(name, watched.name)
            if stirs and readings.due(rule, end):
                for each in watch(name, rule, readings, decision.alerts, end):
                    ids = _behind(watched, each, readings, end) if fresh else ()
                    decision.apply(each.id, each.step, None if fresh else STALE, ids)
                    count_unseen(house, each)
        if house.replay:  # no clock ticks in between: its groups are looked at in every slot
            _tell(house, watched, decision, When(end, end))
    if slots and not house.replay and slots[-1] >= fresh_since:
        # Only the last slot is the present: nobody is told of what began before it and is over.
        decision.hold_what_is_over(STALE)
        _tell(house, watched, decision, When(slots[-1], now))
    remember(house, readings)
    return decision


def _tell(house: House, watched: Watched, decision: Decision, when: When) -> None:
    """Tells people of the user's rules on a source."""
    tell(house, decision, when, lambda labels: labels["source"] == watched.name and not is_built_in(labels))


def decide_health(house: House, now: datetime) -> Decision:
    """Steps the built-in rules at `now`, and closes alerts of what has gone."""
    decision = begin(house, now)
    gone = {alert_id for alert_id in decision.alerts if house.rule_of(alert_id) is None}
    for alert_id in sorted(gone):
        decision.apply(alert_id, close(decision.alerts[alert_id], now, GONE), None)
    with house.database.reading() as session:
        progress, channels = states.all_progress(session), outbox.channels(session)
        asked = list(golden.observe(house.settings, session, now))
        tested = dict(canary.observe(session, now))
        judged = dict(judge_alarm.observe(house, session, now))
        drifting = alarms(drift.all_facts(session), baselines.in_use(session), progress)
    unread = {name: failure.since for name, failure in house.desk.failures.items()}
    house.alarms.update((each.id, each) for each in drifting)
    observed = dict(observe(house.settings, progress, channels, unread, now))
    house.judged.update(judged)
    for each in house.judged.keys() - judged.keys():
        del house.judged[each]
    # Of what is not said any more there is nothing: a drift that ended, a test of the judge that began anew.
    over = (DRIFT, canary.CANARY, JUDGED_WORSE)
    known = (each for each in decision.alerts if each.rule in over and each not in gone)
    observed |= dict.fromkeys(known, Value(0.0)) | tested
    observed |= {alert_id: each.value for alert_id, each in judged.items()}
    observed |= {each.id: each.value for each in drifting}
    observed |= {alert_id: value for alert_id, value, _ in asked}
    house.said.update((alert_id.rule, words) for alert_id, _, words in asked)
    for alert_id, value in observed.items():
        rule = house.rule_of(alert_id)
        alert = decision.alerts.get(alert_id, Alert())
        if rule is not None and (alert.read_until is None or alert.read_until < now):
            alarm = house.judged.get(alert_id) or house.alarms.get(alert_id)
            ids = () if alarm is None else alarm.exemplars
            decision.apply(alert_id, step(rule, alert, value, now), None, ids)
    orphans = {identity(labels_of(alert_id)) for alert_id in gone}

    def speaks(labels: Mapping[str, str]) -> bool:
        is_known = labels["rule"] in house.settings.rules and labels["source"] in house.sources
        return is_built_in(labels) or not is_known or identity(labels) in orphans

    tell(house, decision, When(now, now), speaks)
    return decision


def _behind(watched: Watched, each: RuleStep, readings: Readings, end: datetime) -> tuple[str, ...]:
    """Ids of the calls behind an alert that starts to fire."""
    transition = each.step.transition
    if transition is None or transition.after is not State.FIRING:
        return ()
    window = Window(end - length_behind(each.rule, readings.slot), end)
    batch = readings.batch(each.rule)
    closed = Window(end - (each.rule.over or readings.slot), end)
    admitted = frozenset() if batch is None else frozenset(batch.segments(closed))
    search = Search(max_duration=watched.settings.max_duration, admitted=admitted)
    return exemplars(watched.source, Key(each.rule.measure, each.id.labels), each.id.segment, window, search)


def count_unseen(house: House, each: RuleStep) -> None:
    """Counts what people cannot see in an alert: that it was left out, or that words of its rule are missing."""
    if each.left_out:
        house.counters.add("alerts_left_out", source=each.id.source, rule=each.id.rule)
    transition = each.step.transition
    if transition is not None and transition.after in ACTIVE:
        for key, why in failures(each.rule, labels_of(each.id), each.step.alert).items():
            house.counters.add("template_errors", rule=each.id.rule, key=key)
            log.warning("rule %s: the template of its %s fails: %s", each.id.rule, key, why)
