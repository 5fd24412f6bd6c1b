"""An alert in Prometheus' words: labels that name it, annotations that describe it, a fingerprint.

Text of calls only where the alert holds it: it was asked for then.
"""

import hashlib
import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from alerts import wording
from alerts.notifier import AlertView, Link, Message

LONGEST_NAME: Final = 128
LONGEST_HREF: Final = 2_000
LONGEST_DESCRIPTION: Final = 8_000
MOST_CALLS: Final = 20

RUNBOOK: Final = "Runbook"  # the link that has a place of its own in Prometheus' words

# What Go's parser of URLs takes: Alertmanager refuses an alert with another.
_HREF = re.compile(
    r"https?://([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?([/?#]([^%\[\]]|%[0-9A-Fa-f]{2})*)?", re.DOTALL
)
_FNV_OFFSET: Final = 14695981039346656037
_FNV_PRIME: Final = 1099511628211


def labels(alert: AlertView, message: Message) -> dict[str, str]:
    """The labels that make the alert this one and no other; `rule` is called `alertname`, as everybody expects.

    A test and a replay have a label of their own: they must not be taken for, or close, what is real.
    """
    names = label_names(alert.labels)
    named = {names[name]: label_value(value) for name, value in alert.labels.items() if value}
    marked = {"watchkeeper_replay": message.replay, "watchkeeper_test": message.test}
    named |= {name: "true" for name, is_marked in marked.items() if is_marked}
    return {"alertname": "watchkeeper"} | named


def label_names(names: Iterable[str]) -> dict[str, str]:
    """For each name the one that Prometheus' rules allow; two names stay two."""
    allowed: dict[str, str] = {}
    # Names that are good as they are keep theirs, whatever else there is.
    for name in sorted(names, key=lambda each: (_allowed(each) != each, each)):
        wanted, number = _allowed(name), 2
        found = wanted
        while found in allowed.values():
            found, number = f"{wanted}_{number}", number + 1
        allowed[name] = found
    return allowed


def _allowed(name: str) -> str:
    if name == "rule":
        return "alertname"
    if name == "alertname":
        return "alertname_of_source"
    cleaned = re.sub(r"[^A-Za-z0-9_]", "_", name[:LONGEST_NAME])
    if not cleaned.strip("_"):
        return "label"
    # Two underscores in front are Prometheus' own.
    return re.sub(r"^__+", "_", f"_{cleaned}" if cleaned[0].isdigit() else cleaned)


def label_value(value: str) -> str:
    """The value as a short line. One that had to be changed has a hash: two alerts must not become one."""
    cleaned = wording.line(value, wording.LONGEST_WORD)
    if cleaned == value:
        return value
    return f"{cleaned}~{hashlib.sha256(value.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def annotations(alert: AlertView, message: Message) -> dict[str, str]:
    """What a person reads, and the numbers for programs; without what is not known."""
    description = "\n".join(f"{name}: {text}" for name, text in wording.facts(alert))
    rows = {
        "title": wording.line(message.title, wording.LONGEST_FACT),
        "summary": wording.line(alert.summary, wording.LONGEST_FACT),
        "description": wording.cut(description, LONGEST_DESCRIPTION),
        "value": _number(alert.value),
        "lower": _number(alert.lower),
        "upper": _number(alert.upper),
        "n": "" if alert.n is None else str(alert.n),
        "unit": wording.line(alert.unit, wording.LONGEST_WORD),
        "exemplar_calls": ", ".join(wording.line(id_, wording.LONGEST_WORD) for id_ in alert.exemplars[:MOST_CALLS]),
        "owner": wording.line(alert.owner, wording.LONGEST_WORD),
        "compared_with": wording.line(alert.baseline, wording.LONGEST_FACT),
        "exemplar_texts": "\n".join(f"{name}: {text}" for name, text in wording.quotes(alert)),
        "runbook_url": next((link.href for link in _links(message) if link.text == RUNBOOK), ""),
        "note": ". ".join((*wording.marks(message), *_taken_on(message))),
    }
    return {name: text for name, text in rows.items() if text}


def generator_url(message: Message) -> str:
    """Where the alert comes from: the first link that is no runbook; empty without one."""
    return next((link.href for link in _links(message) if link.text != RUNBOOK), "")


def rfc3339(at: datetime) -> str:
    """A time as both APIs write it, in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def fingerprint(named: Mapping[str, str]) -> str:
    """Prometheus' hash of a set of labels (common/model.LabelsToSignature: FNV-1a over sorted names and values)."""
    number = _FNV_OFFSET
    for name in sorted(named):
        for byte in b"%b\xff%b\xff" % (name.encode(), named[name].encode()):
            number = (number ^ byte) * _FNV_PRIME & 0xFFFFFFFFFFFFFFFF
    return f"{number:016x}"


def _taken_on(message: Message) -> tuple[str, ...]:
    return ("Acknowledged",) if message.action == "acknowledge" else ()


def _links(message: Message) -> list[Link]:
    return [link for link in wording.safe_links(message, LONGEST_HREF) if _HREF.fullmatch(link.href)]


def _number(value: float | None) -> str:
    return "" if value is None or not math.isfinite(value) else repr(value)
