"""The golden set as alerts: its model answers otherwise, or it cannot be asked."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from math import nextafter
from typing import Any

from alerts.rules import AlertId
from config.alerts import OwnRule, Rule
from config.golden import Golden
from config.settings import Settings
from detectors.measurement import Key, Segment, Value
from monitor.golden.facts import values_of
from monitor.health import GOLDEN_CHANGED, GOLDEN_FAILING, OWN_SOURCE
from monitor.store import golden
from monitor.store.database import Session

HIGHEST_LEVEL = 0.05  # whatever the budget says: a rare run with a loose level would tell nothing


def level(settings: Golden) -> float:
    """The p-value at which a run is an alarm, so that the budget of false alarms holds."""
    return min(settings.every / settings.false_alarms, HIGHEST_LEVEL)


def golden_rule(settings: Settings, alert: AlertId, said: str) -> Rule | None:
    """The rule behind an alert of the golden set; None when there is none."""
    if settings.golden is None or alert not in (changed_id(settings.golden), failing_id()):
        return None
    is_change = alert.rule == GOLDEN_CHANGED
    condition: dict[str, Any] = (
        {"measure": "golden_p_value", "below": nextafter(level(settings.golden), 1.0)}
        if is_change
        else {"measure": "golden_failing_seconds", "above": settings.health.failing_for.total_seconds()}
    )
    return OwnRule(
        **condition,
        severity=settings.golden.severity if is_change else settings.health.severity,
        receiver=settings.golden.receiver if is_change else settings.health.receiver,
        summary=said or ("The golden set is answered otherwise." if is_change else "The golden set cannot be asked."),
        no_data="keep",
        no_data_cap=timedelta(days=365),
    )


def changed_id(settings: Golden) -> AlertId:
    """The alert that the model answers otherwise."""
    return AlertId(GOLDEN_CHANGED, OWN_SOURCE, Segment(), (("asked_model", settings.endpoint.model),))


def failing_id() -> AlertId:
    """The alert that the golden set cannot be asked."""
    return AlertId(GOLDEN_FAILING, OWN_SOURCE, Segment(), ())


def observe(settings: Settings, session: Session, now: datetime) -> Iterator[tuple[AlertId, Value, str]]:
    """What the two rules read at `now`, with the words for people."""
    if settings.golden is None:
        return
    running, done = golden.newest(session), golden.newest_done(session)
    since = None if running is None else running.failing_since
    seconds = 0.0 if since is None else (now - since).total_seconds()
    problem = "" if running is None or since is None else f"The golden set cannot be asked: {running.problem}."
    yield failing_id(), Value(seconds), problem
    if done is not None and done.facts is not None:
        yield changed_id(settings.golden), p_value(done.facts), summary(done.facts)


def p_value(facts: Mapping[str, Any]) -> Value:
    """The p-value as the rule reads it: 1 where the effect may be nothing, or where a person has accepted it."""
    found = values_of(facts)[Key.of("golden_p_value")]
    return Value(1.0, n=found.n) if facts["accepted"] or not facts["certain"] or found.value is None else found


def summary(facts: Mapping[str, Any]) -> str:
    """How far the answers are from the frozen ones, how sure that is, and to which prompts."""
    values, lead = values_of(facts), facts["lead"]
    effect, p = values[Key.of("golden_distance", kind=lead)], values[Key.of("golden_p_value")]
    if effect.value is None or p.value is None:
        return f"Too few prompts can be compared: {facts['compared']}."
    size = f"{lead} distance {effect.value:+.3f} ({effect.lower:.3f} to {effect.upper:.3f})"
    where = f"; most: {', '.join(facts['moved'])}" if facts["moved"] else ""
    return (
        f"The same prompts are answered otherwise than before: {size}, p = {p.value:.2g} over {p.n} prompts{where}. "
        "If that is meant to be so: watchkeeper golden accept."
    )
