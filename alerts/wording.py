"""How a message reads in plain text. The notifiers share the words and add their own markup and limits."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, urlsplit

from alerts.notifier import AlertView, Link, Message
from alerts.rules import Transition

STATES: Final[dict[str, str]] = {
    "firing": "firing",
    "no_data": "no data",
    "error": "cannot be evaluated",
    "resolved": "resolved",
}

# A unit, a label's name or value, the text of a link; a fact. The channels' own limits come on top.
LONGEST_WORD: Final = 255
LONGEST_FACT: Final = 2_000

# Calls whose text is told, and how much of each: a message is no place to read a conversation.
MOST_QUOTED: Final = 3
LONGEST_QUOTE: Final = 280

ABOUT: Final = "About"  # the fact that may be long

# Labels that are said elsewhere in a message than in "where".
_NOT_PLACES: Final = frozenset({"rule", "severity"})

# What is not percent-encoded in a link: the characters of a URL (RFC 3986) and what is encoded already.
_KEPT_IN_HREF: Final = "%:/?#[]@!$&'()*+,;="

# Control characters (NUL among them) and marks that turn the direction of the text around them.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SURROGATE = re.compile("[\ud800-\udfff]")


def line(text: str, limit: int) -> str:
    """The text as one line of at most `limit` units that every JSON API takes: no control characters, no lone
    surrogates, no line breaks. Text far beyond the limit is not looked at, a megabyte costs as little as a page."""
    seen = _UNPRINTABLE.sub("", text[: 4 * limit].replace("\r", "\n"))
    whole = " ".join(_SURROGATE.sub("\ufffd", seen).split())
    return cut(whole if len(text) <= 4 * limit else f"{whole}…", limit)


def units(text: str) -> int:
    """The length in UTF-16 code units: at least what any channel counts, be it characters or units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut(text: str, limit: int) -> str:
    """The text, or as much of its beginning as fits into `limit` units together with an ellipsis."""
    if units(text) <= limit:
        return text
    encoded = text.encode("utf-16-le", "surrogatepass")[: 2 * (limit - 1)]
    return encoded.decode("utf-16-le", "ignore").rstrip() + "…"


def marks(message: Message) -> tuple[str, ...]:
    """What a reader must know before taking the message for a new alarm of now."""
    return tuple(
        text
        for marked, text in (
            (message.test, "Test"),
            (message.replay, "Replay of the past"),
            (message.repeated, "May be a repetition: it is not known whether an earlier attempt arrived"),
        )
        if marked
    )


def moment(at: datetime) -> str:
    """A time for people, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def number(value: float) -> str:
    """A number for people: four significant digits, large ones in full."""
    if math.isfinite(value) and 10_000 <= abs(value) < 1e15:
        return f"{value:,.0f}"
    return f"{value:.4g}"


def amount(alert: AlertView) -> str:
    """The value with its unit, interval and count; or that there is none, never zero."""
    said = "none" if alert.value is None else f"{number(alert.value)} {line(alert.unit, LONGEST_WORD)}".rstrip()
    return said + _surely(alert.lower, alert.upper, alert.n)


def ending(change: Transition) -> str:
    """Why an alert has ended, with what was read then: the value of the alert itself is that with which it fired."""
    if change.value is None:
        return change.reason
    read = f"{number(change.value)}{_surely(change.lower, change.upper, change.n)}"
    return f"{change.reason or 'back'}, at {read}"


def _surely(lower: float | None, upper: float | None, n: int | None) -> str:
    between = "" if lower is None or upper is None else f" (interval {number(lower)} to {number(upper)})"
    return between if n is None else f"{between}, n = {n}"


def where(labels: Mapping[str, str]) -> str:
    """The source, the segment and the measurement's labels, in the order in which they are given."""
    return ", ".join(
        f"{line(name, LONGEST_WORD)}={line(value, LONGEST_WORD)}"
        for name, value in labels.items()
        if name not in _NOT_PLACES
    )


def facts(alert: AlertView) -> tuple[tuple[str, str], ...]:
    """What, where, since when, how sure: names and texts, without those that are not known."""
    rows = (
        ("State", STATES[alert.state]),
        ("Where", where(alert.labels)),
        ("Since", moment(alert.since)),
        ("Ended", moment(alert.ended) if alert.ended else ""),
        ("Value", amount(alert)),
        ("Compared with", line(alert.baseline, LONGEST_FACT)),
        ("Condition", line(alert.condition, LONGEST_FACT)),
        ("Reason", line(alert.reason, LONGEST_FACT)),
        ("Before it", line("; ".join(alert.events), LONGEST_FACT)),
        ("Owner", line(alert.owner, LONGEST_WORD)),
        ("Taken on by", line(alert.acknowledged_by, LONGEST_WORD)),
        ("Report", line(alert.report, LONGEST_WORD)),
        ("To silence", line(alert.silence, LONGEST_WORD)),
        (ABOUT, line(alert.description, LONGEST_FACT)),
    )
    return tuple((name, text) for name, text in rows if text)


def quotes(alert: AlertView) -> tuple[tuple[str, str], ...]:
    """What calls behind the alert say: names such as `Prompt of call-1`, and the beginning of each text."""
    rows = (
        (f"{what} of {line(each.call, 80) or '?'}", line(text, LONGEST_QUOTE))
        for each in alert.texts[:MOST_QUOTED]
        for what, text in (("Prompt", each.prompt), ("Response", each.response))
    )
    return tuple((name, text) for name, text in rows if text)


def safe_links(message: Message, longest: int) -> tuple[Link, ...]:
    """The links that lead to the web and are not longer than `longest`; nothing in their href can end a link early."""
    links = (Link(line(link.text, LONGEST_WORD), _href(link.href, longest)) for link in message.links)
    return tuple(link for link in links if len(link.href) <= longest and _leads_to_web(link.href))


def safe_image(message: Message, longest: int) -> str:
    """Where the chart is, if that is an address by https that is not longer than `longest`; else nothing."""
    href = _href(message.image, longest)
    return href if len(href) <= longest and href.startswith("https://") and _leads_to_web(href) else ""


def _href(href: str, longest: int) -> str:
    return quote(href.strip()[: longest + 1], _KEPT_IN_HREF, errors="replace")


def _leads_to_web(href: str) -> bool:
    try:
        parts = urlsplit(href)
    except ValueError:  # a bracket that does not close
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
