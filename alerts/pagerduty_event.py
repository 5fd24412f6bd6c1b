"""A message as an event of PagerDuty's Events API v2, within its limits (developer.pagerduty.com, Events API v2)."""

import hashlib
import json
import math
from typing import Any, Final

from alerts import wording
from alerts.notifier import AlertView, Message

LONGEST_SUMMARY: Final = 1024
LONGEST_DEDUP_KEY: Final = 255
# PagerDuty says 512 KB and not which kilobytes; the routing key and the action come on top.
MOST_BYTES: Final = 500_000
# Not documented; what a person reads in a column.
LONGEST_FIELD: Final = 255
LONGEST_HREF: Final = 2_000
MOST_LINKS: Final = 10
MOST_ALERTS: Final = 50

Json = dict[str, Any]


def dedup_key(key: str) -> str:
    """The key of the incident: the message's, or its hash where PagerDuty would not take it."""
    if key and key == wording.line(key, LONGEST_DEDUP_KEY):
        return key
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def event(message: Message) -> Json:
    """All of a trigger event but its action, routing key and dedup_key."""
    links = wording.safe_links(message, LONGEST_HREF)[:MOST_LINKS]
    whole: Json = {
        "payload": _payload(message) | {"custom_details": _details(message)},
        "links": [{"href": link.href, "text": _field(link.text) or link.href} for link in links],
        "client": "Watchkeeper",
    }
    if links:
        whole["client_url"] = links[0].href
    if len(json.dumps(whole, ensure_ascii=False).encode()) > MOST_BYTES:
        whole["payload"]["custom_details"] = {
            "note": "The details are left out: with them the event is over PagerDuty's limit of 512 KB.",
            "alerts_in_all": len(message.alerts),
        }
    return whole


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


def _details(message: Message) -> Json:
    details: Json = {"alerts": [_alert(alert) for alert in message.alerts[:MOST_ALERTS]]}
    if len(message.alerts) > MOST_ALERTS:
        details["left_out"] = f"and {len(message.alerts) - MOST_ALERTS} more"
    if marks := wording.marks(message):
        details["note"] = ". ".join(marks)
    return details


def _alert(alert: AlertView) -> Json:
    return {
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
    } | ({"events_before": [wording.line(each, wording.LONGEST_FACT) for each in alert.events]} if alert.events else {})


def _common(message: Message, label: str) -> str:
    """The label's value if all alerts share it."""
    values = {alert.labels.get(label, "") for alert in message.alerts}
    return _field(values.pop()) if len(values) == 1 else ""


def _field(text: str) -> str:
    return wording.line(text, LONGEST_FIELD)


def _finite(value: float | None) -> float | None:
    """JSON has no infinity and no NaN."""
    return value if value is not None and math.isfinite(value) else None
