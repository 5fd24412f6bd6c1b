"""An event as a condition: another model answered, a deployment was marked."""

from collections.abc import Sequence

from alerts.conditions.moment import Happening, Moment, Reading, Verdict
from config.alerts import Rule
from config.types import format_duration
from detectors.measurement import OTHER, Value

SHOWN = 3


def read(rule: Rule, moment: Moment) -> Reading:
    """How many events there were; the condition holds as long as the last one is recent."""
    assert rule.event is not None
    since = moment.end - rule.event.lasts
    found = [
        each
        for each in moment.happened
        if each.name == rule.event.name and since <= each.at < moment.end and concerns(each, moment)
    ]
    said = "; ".join(_words(each) for each in _newest(found)[:SHOWN])
    return Reading(Value(float(len(found)), n=len(found)), Verdict(bool(found), bool(found)), said)


def concerns(event: Happening, moment: Moment) -> bool:
    """Whether an event is about a segment of a source, as far as it says."""
    service = moment.segment.as_dict().get("service")
    return event.source in ("", moment.source) and (not event.service or service in (None, OTHER, event.service))


def words(rule: Rule) -> str:
    """The condition for people."""
    assert rule.event is not None
    return f"{rule.event.name} within the last {format_duration(rule.event.lasts)}"


def _newest(events: Sequence[Happening]) -> list[Happening]:
    return sorted(events, key=lambda each: each.at, reverse=True)


def _words(event: Happening) -> str:
    said = event.detail or event.name
    return f"{said}, {event.at:%Y-%m-%d %H:%M} UTC"
