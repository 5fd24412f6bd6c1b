"""What explains a drift alarm, whole: topics, descriptors and segments, each with how sure it is.

A summary has room for the first of each. This is what stands below it in a message, and what the API answers.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from alerts.rules import AlertId
from monitor.clean import clean_text
from monitor.formats import count, number
from monitor.store import baselines, drift
from monitor.store.database import Session
from monitor.store.measurements import segment_text

SHOWN = 3  # segments in a sentence
_LONGEST = 80  # of a name
_TOPIC_NUMBERS = (
    *("before", "now", "lower", "upper", "ratio", "ratio_lower", "ratio_upper"),
    *("per_hour_before", "per_hour", "p", "exemplars"),
)
_NEW_NUMBERS = ("n", "share", "expected", "strange", "per_hour_before", "per_hour", "exemplars")


def details(facts: Mapping[str, Any]) -> str:
    """Sentences about what changed; empty where nothing is known of it, as after an alarm has ended."""
    found = facts["findings"]
    said = [*_topics(found), *_descriptors(found), *_responses(found), *_segments(facts.get("segments", ()))]
    return " ".join(said)


def as_json(facts: Mapping[str, Any]) -> dict[str, Any]:
    """The public shape of an alarm; see docs/drift.md."""
    found, ended = facts["findings"], facts.get("ended")
    return {
        "kind": facts["kind"],
        "channel": facts["lead"],
        "channels": list(facts["channels"]),
        "raised": _moment(facts["at"]),
        "ended": None if ended is None else _moment(ended),
        "evidence": facts["evidence"],
        "effects": {name: dict(each) for name, each in facts["effects"].items()},
        "exemplars": list(facts.get("exemplars", ())),
        "new": [_named(each) | {name: each.get(name) for name in _NEW_NUMBERS} for each in found.get("new", ())],
        **{
            way: [
                _named(each["topic"]) | {name: each.get(name) for name in _TOPIC_NUMBERS} for each in found.get(way, ())
            ]
            for way in ("grown", "shrunk")
        },
        "descriptors": [dict(each) for each in found.get("descriptors", ())],
        "responses": found.get("responses"),
        "segments": [dict(each) for each in facts.get("segments", ())],
    }


def of_alert(session: Session, alert: AlertId) -> dict[str, Any] | None:
    """The newest alarm behind an alert of the rule `drift`; None where nobody remembers one."""
    labels = dict(alert.labels)
    roles = {each.key: each.role for each in baselines.known(session, alert.source)}
    found: list[Mapping[str, Any]] = []
    for each in drift.all_facts(session):
        source, segment, stream, _ = each.key
        place = (source, segment, stream, roles.get(each.key))
        if place == (alert.source, segment_text(alert.segment), labels.get("stream"), labels.get("baseline")):
            alarms = [*each.facts.get("ended", ()), *each.facts["open"]]
            found += [alarm for alarm in alarms if alarm["lead"] == labels.get("channel")]
    newest = max(found, key=lambda alarm: alarm["at"], default=None)
    return None if newest is None else as_json(newest)


def _topics(found: Mapping[str, Any]) -> Iterator[str]:
    for topic in found.get("new", ()):
        terms = ", ".join(clean_text(each, _LONGEST) for each in topic.get("terms", ()))
        yield (
            f"New topic: {clean_text(topic['name'], _LONGEST)}, {topic['share']:.1%} of the texts"
            f"{_usually(topic)}{hourly(topic)}{f'; its words: {terms}' if terms else ''}."
        )
    for way in ("grown", "shrunk"):
        for each in found.get(way, ()):
            yield (
                f"{way.capitalize()}: {clean_text(each['topic']['name'], _LONGEST)},"
                f" {each['before']:.1%} → {each['now']:.1%}{_times(each)}{hourly(each)}."
            )
    if found.get("grown") or found.get("shrunk"):
        yield "Of the topics that grew or shrank one in ten is expected to be chance."


def _usually(topic: Mapping[str, Any]) -> str:
    return (
        f" ({topic['n']} of them where {count(round(topic['expected'], 1))} are usual)" if "expected" in topic else ""
    )


def _times(each: Mapping[str, Any]) -> str:
    if each.get("ratio") is None:
        return ""
    upper = "∞" if each["ratio_upper"] is None else f"{each['ratio_upper']:.2g}"
    return f", {each['ratio']:.2g} times as often ({each['ratio_lower']:.2g} to {upper})"


def hourly(topic: Mapping[str, Any]) -> str:
    """Shares push each other: counts an hour do not."""
    if "per_hour" not in topic:
        return ""
    return f", {count(topic['per_hour_before'])} → {count(topic['per_hour'])} calls an hour"


def _descriptors(found: Mapping[str, Any]) -> Iterator[str]:
    said = [_descriptor(each) for each in found.get("descriptors", ()) if None not in (each["before"], each["now"])]
    if said:
        yield f"Their form: {'; '.join(said)}."


def _descriptor(change: Mapping[str, Any]) -> str:
    name, is_share = clean_text(str(change["name"]), _LONGEST), change["kind"] != "number"
    before, now = (f"{change[side]:.1%}" if is_share else number(change[side]) for side in ("before", "now"))
    if None in (change["difference"], change["lower"], change["upper"]):
        return f"{name} {before} → {now}"
    times, unit = (100, " points") if is_share else (1, " standard deviations")
    moved, lower, upper = (f"{times * change[name]:+.2g}" for name in ("difference", "lower", "upper"))
    return f"{name} {before} → {now} ({moved}{unit}, {lower} to {upper})"


def _responses(found: Mapping[str, Any]) -> Iterator[str]:
    if (responses := found.get("responses")) is not None:
        share, side = responses["share"], responses["side"]
        yield f"{share:.1%} of the responses are {side} than 99% of the baseline's, 1% usually."


def _segments(segments: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    said = [
        f"{each['column'].replace('_', ' ')} {each['value']} {each['part']:.0%} ({each['share']:.0%} of the texts)"
        for each in segments[:SHOWN]
    ]
    if said:
        yield f"Its parts: {'; '.join(said)}."


def _named(topic: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": clean_text(topic["name"], _LONGEST),
        "terms": [clean_text(each, _LONGEST) for each in topic.get("terms", ())],
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
