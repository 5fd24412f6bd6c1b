"""A message as Slack shows it: Block Kit and the fallback text, within Slack's limits and with room to spare."""

import json
from typing import Any, Final

from alerts import wording
from alerts.chart import caption
from alerts.notifier import AlertView, Link, Message
from alerts.wording import units

# Slack's own limits: 50 blocks, header 150, section 3,000 characters, 10 elements in a context, and a total near
# 13,200 that is not documented (slackapi/bolt-js#2509). They count characters after escaping.
MOST_BLOCKS: Final = 45
LONGEST_HEADER: Final = 145
MOST_UNITS: Final = 11_000
MOST_LINKS: Final = 6
LONGEST_HREF: Final = 800
LONGEST_IMAGE_HREF: Final = 2_000  # Slack takes 3,000
LONGEST_ALT: Final = 1_000  # of an upload; a block takes 2,000
MOST_EXEMPLARS: Final = 5
# An alert's section has one summary and thirteen facts: under 2,900 characters.
LONGEST_SUMMARY: Final = 300
LONGEST_FACT: Final = 180
LONGEST_EXTRA: Final = 280  # what is left out where it does not fit

# In the header rather than as an attachment's colour: it survives chat.update, and phones show it in the notification.
_SIGNS: Final = {"critical": "🔴", "error": "🟠", "warning": "🟡", "info": "🔵"}
_RESOLVED: Final = "✅"
_ACKNOWLEDGED: Final = "👀"

_ENTITIES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

Block = dict[str, Any]


def escaped(text: str, limit: int) -> str:
    """The text as one line in which Slack sees no markup of links, mentions or commands, cut to `limit` units."""
    pieces = [_ENTITIES.get(character, character) for character in wording.line(text, limit)]
    whole = "".join(pieces)
    if units(whole) <= limit:
        return whole
    kept, room = [], limit - 1
    for piece in pieces:
        room -= units(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept).rstrip() + "…"


def headline(message: Message) -> str:
    """The title with a sign, and the severity or the resolution in words; escaped."""
    title = escaped(message.title, LONGEST_HEADER - 20)
    if message.action == "resolve":
        return f"{_RESOLVED} {title if title.lower().startswith('resolved') else f'Resolved: {title}'}"
    if message.action == "acknowledge":
        return f"{_ACKNOWLEDGED} {title if title.lower().startswith('acknowledged') else f'Acknowledged: {title}'}"
    return f"{_SIGNS[message.severity]} {title} ({message.severity})"


def fallback(message: Message) -> str:
    """The text of notifications and of screen readers, which do not show blocks; escaped."""
    parts = [*wording.marks(message), headline(message)]
    if message.alerts:
        first = message.alerts[0]
        where, amount = escaped(wording.where(first.labels), LONGEST_FACT), escaped(wording.amount(first), LONGEST_FACT)
        parts += [part for part in (where, f"value {amount}", _more(len(message.alerts) - 1)) if part]
    return ". ".join(parts)


def farewell(message: Message) -> str:
    """The reply in the thread of a message that was changed: an edit notifies nobody, this does. Escaped."""
    reasons = dict.fromkeys(alert.reason for alert in message.alerts if alert.reason)
    parts = [
        *wording.marks(message),
        headline(message),
        *(escaped(reason, LONGEST_FACT) for reason in list(reasons)[:2]),
    ]
    return ". ".join(parts)


def blocks(message: Message, picture: Block | None = None) -> list[Block]:
    """The whole message: header, marks, the alerts that fit, the count of the others, links.

    Args:
        message: what to say.
        picture: a block that shows the chart, before the links.
    """
    head = [_header(message), *(_section(f"*{mark}*") for mark in wording.marks(message))]
    tail = [*([picture] if picture else []), *_links(wording.safe_links(message, LONGEST_HREF)[:MOST_LINKS])]
    listed: list[Block] = []
    shown = 0
    for alert in message.alerts:
        block = _alert(alert, message.title)
        if not _fit([*head, *listed, *block, *tail]):
            break
        listed += block
        extra = _extra(alert)
        listed += extra if _fit([*head, *listed, *extra, *tail]) else []
        shown += 1
    rest = len(message.alerts) - shown
    return [*head, *listed, *([_context([_more(rest)])] if rest else []), *tail]


def image_by_url(message: Message) -> Block | None:
    """The block that shows the chart by its address, if there is one that the web reaches by https."""
    href = wording.safe_image(message, LONGEST_IMAGE_HREF)
    drawn = next((alert for alert in message.alerts if alert.series), None)
    if not href or drawn is None:
        return None
    return {"type": "image", "image_url": href, "alt_text": wording.cut(caption(drawn), LONGEST_ALT)}


def _fit(candidate: list[Block]) -> bool:
    return len(candidate) < MOST_BLOCKS and units(json.dumps(candidate, ensure_ascii=False)) <= MOST_UNITS


def _header(message: Message) -> Block:
    return {"type": "header", "text": {"type": "plain_text", "text": headline(message), "emoji": True}}


def _alert(alert: AlertView, title: str) -> list[Block]:
    facts = [(name, text) for name, text in wording.facts(alert) if name != wording.ABOUT]
    lines = [f"*{name}:* {escaped(text, LONGEST_FACT)}" for name, text in facts]
    summary = escaped(alert.summary, LONGEST_SUMMARY)
    if summary and summary != escaped(title, LONGEST_SUMMARY):
        lines.insert(0, summary)
    block = [_section("\n".join(lines))]
    if alert.exemplars:
        ids = [f"`{escaped(id_.replace('`', ' '), 80) or '?'}`" for id_ in alert.exemplars[:MOST_EXEMPLARS]]
        more = _more(len(alert.exemplars) - len(ids))
        block.append(_context([f"Calls: {' '.join(ids)} {more}".rstrip()]))
    return block


def _extra(alert: AlertView) -> list[Block]:
    rows = [*((name, text) for name, text in wording.facts(alert) if name == wording.ABOUT), *wording.quotes(alert)]
    lines = [f"*{escaped(name, 120)}:* {escaped(text, LONGEST_EXTRA)}" for name, text in rows]
    return [_section("\n".join(lines))] if lines else []


def _links(links: tuple[Link, ...]) -> list[Block]:
    hrefs = [(link.href.replace("&", "&amp;"), escaped(link.text, 80) or "link") for link in links]
    texts = [f"<{href}|{text}>" for href, text in hrefs if len(href) <= LONGEST_HREF]
    return [_context(texts)] if texts else []


def _section(text: str) -> Block:
    return {"type": "section", "text": _markup(text)}


def _context(texts: list[str]) -> Block:
    return {"type": "context", "elements": [_markup(text) for text in texts]}


def _markup(text: str) -> Block:
    # verbatim: what looks like a URL, a channel or a name in somebody's text stays text
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _more(count: int) -> str:
    return f"and {count} more" if count > 0 else ""
