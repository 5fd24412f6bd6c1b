"""A message as an event of PagerDuty's Events API v2, within its limits (developer.pagerduty.com, Events API v2)."""

import hashlib
import json
import math
from typing import Any, Final

from alerts import wording
from alerts.notifier import AlertView, Link, Message

LONGEST_SUMMARY: Final = 1024
LONGEST_DEDUP_KEY: Final = 255
# PagerDuty says 512 KB and not which kilobytes; the routing key and the action come on top.
MOST_BYTES: Final = 500_000
# Not documented; what a person reads in a column.
LONGEST_FIELD: Final = 255
LONGEST_HREF: Final = 2_000
MOST_LINKS: Final = 10
MOST_ALERTS: Final = 50
FEW_ALERTS: Final = 5
LEFT_OUT: Final = "The details are left out: with them the event is over PagerDuty's limit of 512 KB."

Json = dict[str, Any]


def dedup_key(key: str) -> str:
    """The key of the incident: the message's, or its hash where PagerDuty would not take it."""
    if key and key == wording.line(key, LONGEST_DEDUP_KEY):
        return key
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def event(message: Message) -> Json:
    """All of a trigger event but its action, routing key and dedup_key. What is over the limit is left out bit by bit:
    the texts of calls, then all alerts but a few, then all details."""
    links = wording.safe_links(message, LONGEST_HREF)[:MOST_LINKS]
    whole: Json = {
        "payload": _payload(message) | {"custom_details": _details(message, MOST_ALERTS)},
        "links": _links(links),
        "client": "Watchkeeper",
    }
    if image := wording.safe_image(message, LONGEST_HREF):
        href = {"href": links[0].href} if links else {}
        whole["images"] = [{"src": image, "alt": "The course of the measure"} | href]
    if links:
        whole["client_url"] = links[0].href
    for shorter in (
        lambda: _details(message.without_texts(), MOST_ALERTS),
        lambda: _details(message.without_texts(), FEW_ALERTS),
        lambda: {"note": LEFT_OUT, "alerts_in_all": len(message.alerts)},
    ):
        if len(json.dumps(whole, ensure_ascii=False).encode()) <= MOST_BYTES:
            break
        whole["payload"]["custom_details"] = shorter()
    return whole


def change(message: Message) -> Json:
    """All of a change event but its routing key: something happened, and nobody is called."""
    alert = next(iter(message.alerts), None)
    labels = {} if alert is None else {_field(name): _field(value) for name, value in alert.labels.items()}
    said = "" if alert is None else wording.line(alert.summary, wording.LONGEST_FACT)
    return {
        "payload": {
            "summary": wording.line(message.title, LONGEST_SUMMARY) or "A change without a name",
            "source": labels.get("source") or "watchkeeper",
            "timestamp": message.at.isoformat(),
            "custom_details": {name: text for name, text in ({"detail": said} | labels).items() if text},
        },
        "links": _links(wording.safe_links(message, LONGEST_HREF)[:MOST_LINKS]),
    }


def _links(links: tuple[Link, ...]) -> list[Json]:
    return [{"href": link.href, "text": _field(link.text) or link.href} for link in links]


def _payload(message: Message) -> Json:
    sources = dict.fromkeys(_field(alert.labels.get("source", "")) for alert in message.alerts)
    parts = {
        "component": _common(message, "service"),
        "group": _common(message, "environment"),
        "class": _common(message, "measure") or _common(message, "rule"),
    }
    return {
        "summary": _summary(message),
        "source": _field(", ".join(filter(None, sources))) or "watchkeeper",
        "severity": message.severity,
        "timestamp": message.at.isoformat(),
    } | {name: text for name, text in parts.items() if text}


def _summary(message: Message) -> str:
    """The title, and if there is one alert what it says: it is all that a phone shows at night."""
    said = [message.title, *(alert.summary for alert in message.alerts if len(message.alerts) == 1)]
    lines = (wording.line(each, LONGEST_SUMMARY) for each in said)
    text = ": ".join(dict.fromkeys(filter(None, lines))) or "An alert without a title"
    return wording.cut("".join(f"[{mark}] " for mark in wording.marks(message)) + text, LONGEST_SUMMARY)


def _details(message: Message, most: int) -> Json:
    details: Json = {"alerts": [_alert(alert) for alert in message.alerts[:most]]}
    if len(message.alerts) > most:
        details["left_out"] = f"and {len(message.alerts) - most} more"
    if marks := wording.marks(message):
        details["note"] = ". ".join(marks)
    return details


def _alert(alert: AlertView) -> Json:
    rows: Json = {
        "summary": wording.line(alert.summary, wording.LONGEST_FACT),
        "state": wording.STATES[alert.state],
        "labels": {_field(name): _field(value) for name, value in alert.labels.items()},
        "since": alert.since.isoformat(),
        "ended": alert.ended.isoformat() if alert.ended else None,
        "value": _finite(alert.value),
        "unit": _field(alert.unit),
        "interval": None if alert.lower is None else [_finite(alert.lower), _finite(alert.upper)],
        "n": alert.n,
        "condition": wording.line(alert.condition, wording.LONGEST_FACT),
        "reason": wording.line(alert.reason, wording.LONGEST_FACT),
        "exemplar_calls": [_field(id_) for id_ in alert.exemplars],
    }
    extras: Json = {
        "owner": _field(alert.owner),
        "taken_on_by": _field(alert.acknowledged_by),
        "report": _field(alert.report),
        "to_silence": _field(alert.silence),
        "description": wording.line(alert.description, wording.LONGEST_FACT),
        "compared_with": wording.line(alert.baseline, wording.LONGEST_FACT),
        "events_before": [wording.line(each, wording.LONGEST_FACT) for each in alert.events],
        "texts": dict(wording.quotes(alert)),
    }
    return rows | {name: value for name, value in extras.items() if value}


def _common(message: Message, label: str) -> str:
    """The label's value if all alerts share it."""
    values = {alert.labels.get(label, "") for alert in message.alerts}
    return _field(values.pop()) if len(values) == 1 else ""


def _field(text: str) -> str:
    return wording.line(text, LONGEST_FIELD)


def _finite(value: float | None) -> float | None:
    """JSON has no infinity and no NaN."""
    return value if value is not None and math.isfinite(value) else None
