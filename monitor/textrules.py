"""The user's rules about texts: each reads every text window once, in order, when it was measured.

They are stepped over lines of windows (`textwatch.Line`). Each line has a mark in the store that moves in the
transaction of what was decided: a restart reads on where it was, and a window that is measured again is not read again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from alerts.admission import admitted
from alerts.grouping import identity
from alerts.rules import ACTIVE, AlertId, State, Step, close, is_memory
from alerts.view import labels_of
from alerts.watch import RETIRED
from alerts.watch import Watched as RuleStep
from config.alerts import Rule
from detectors.measurement import Key
from monitor.decide import STALE, begin, count_unseen
from monitor.decision import Decision
from monitor.house import House, Watched, is_about_texts
from monitor.store import cursors, states
from monitor.store.database import Session
from monitor.telling import When, tell
from monitor.textlines import text_lines
from monitor.textwatch import Line, Look, belongs, steps_of

REACH = timedelta(days=28)  # what closed longer before the newest window is not read any more

Lines = Callable[[House, Watched, Session], Sequence[Line]]


@dataclass(frozen=True, slots=True)
class Following:
    """What the rules of a source have to read.

    Attributes:
        rules: the user's rules about texts, by name.
        due: the lines that have news, with the time from on which they are read.
        gone: alerts that no line speaks of any more.
    """

    house: House
    watched: Watched
    rules: Mapping[str, Rule]
    due: Sequence[tuple[Line, datetime]]
    gone: frozenset[AlertId]


def decide_texts(
    house: House, watched: Watched, now: datetime, since: datetime | None = None, lines: Lines = text_lines
) -> None:
    """Steps the rules about the texts of a source over what was measured since the last look, in one transaction.

    A line whose newest window is not the present waits until it is: what its windows say may be over by then. When it
    has caught up all of them are read together, and people are told of the newest alone.

    Args:
        house: the service.
        watched: the source.
        now: the time.
        since: where a line is begun that the rules never read; unset is `REACH` before its newest window.
        lines: what is measured of the source.
    """
    with house.database.reading() as session:
        following = _look(house, watched, now, (since, lines), session)
    if not following.due and not following.gone:
        return
    with house.deciding:
        decision = begin(house, now)
        spoken = _step_all(following, decision)
        for each in sorted(following.gone & decision.alerts.keys()):
            decision.apply(each, close(decision.alerts[each], now, RETIRED), None)
        if not house.replay:
            # Only the newest windows are the present: nobody is told of what began before them and is over.
            decision.hold_what_is_over(STALE)
            _tell(house, decision, When(now, now), spoken | following.gone)
        with house.database.transaction() as session:
            decision.save(session, now)
            cursors.move(session, watched.name, {line.name: line.until for line, _ in following.due})


def _look(
    house: House, watched: Watched, now: datetime, asked: tuple[datetime | None, Lines], session: Session
) -> Following:
    since, lines = asked
    rules = house.rules_of(watched.name, is_about_texts)
    row = states.all_progress(session).get(watched.name)
    if row is None or row.complete_until is None:
        return Following(house, watched, rules, (), frozenset())
    found, read = lines(house, watched, session), cursors.read_until(session, watched.name)
    due = []
    for line in found:
        after = max(read.get(line.name) or since or line.until - REACH, line.until - REACH)
        # No window has closed that was not measured, and the next one is not overdue.
        has_caught_up = row.complete_until < line.until + line.length
        is_present = line.until >= watched.fresh_since(now) - line.length
        if line.until > after and (house.replay or (has_caught_up and is_present)):
            due.append((line, after))
    gone = frozenset(
        each
        for each, alert in states.alerts(session, watched.name).items()
        if each.rule in rules and is_memory(alert) and not any(belongs(each, rules[each.rule], line) for line in found)
    )
    return Following(house, watched, rules, due, gone)


def _step_all(following: Following, decision: Decision) -> set[AlertId]:
    """Reads every window that is due, oldest first; returns the alerts that were stepped."""
    house, source = following.house, following.watched.name
    looks = [Look(source, line, each) for line, after in following.due for each in line.windows(after)]
    looks.sort(key=lambda each: (each.end, each.line.name))
    stepped: set[AlertId] = set()
    for end, group in groupby(looks, key=lambda each: each.end):
        closed = list(group)
        for name, rule in following.rules.items():
            stepped |= _step(house, decision, (name, rule), closed)
        if house.replay:  # no clock ticks in between: its groups are looked at after every window
            _tell(house, decision, When(end, end), stepped)
    return stepped


def _step(house: House, decision: Decision, named: tuple[str, Rule], looks: Sequence[Look]) -> set[AlertId]:
    """One rule over the windows that ended at one time; those that fire elsewhere count for how many may."""
    name, rule = named
    steps: dict[AlertId, tuple[Step, Look]] = {
        each: (after, look) for look in looks for each, after in steps_of(name, rule, look, decision.alerts).items()
    }
    if not steps:
        return set()
    known = (each for each in decision.alerts if each.rule == name and each.source == looks[0].source)
    others = {each: Step(decision.alerts[each], None) for each in known if decision.alerts[each].state in ACTIVE}
    after_all = admitted(rule, others | {each: after for each, (after, _) in steps.items()}, decision.alerts)
    for each, (_, look) in steps.items():
        after, left_out = after_all[each]
        held = None if house.replay or look.end == look.line.until else STALE
        decision.apply(each, after, held, _behind(rule, each, after, look))
        count_unseen(house, RuleStep(each, rule, after, left_out))
    return set(steps)


def _behind(rule: Rule, alert: AlertId, after: Step, look: Look) -> tuple[str, ...]:
    """Ids of the calls behind an alert that starts to fire."""
    if after.transition is None or after.transition.after is not State.FIRING:
        return ()
    return look.measured.exemplars(Key(rule.measure, alert.labels))


def _tell(house: House, decision: Decision, when: When, spoken: set[AlertId]) -> None:
    """Tells people of the alerts that were stepped; what is said of others stays as it was."""
    mine = {identity(labels_of(each)) for each in spoken}
    tell(house, decision, when, lambda labels: identity(labels) in mine)
