"""A message as plain text for services of any kind: nothing in it calls people or is a command, and links come before
what may be cut off."""

from collections.abc import Iterator
from typing import Final

from alerts import wording
from alerts.notifier import AlertView, Message

LONGEST_TITLE: Final = 200
LONGEST_HREF: Final = 500
MOST_LINKS: Final = 6
MOST_UNITS: Final = 8_000
MOST_ALERTS: Final = 20
MOST_CALLS: Final = 5

# A space that nobody sees, in names such as @everyone and commands such as <!channel>, makes them mere words.
_APART: Final = "\u200b"


def title(message: Message) -> str:
    """The title with its marks, on one line."""
    marked = "".join(f"[{mark}] " for mark in wording.marks(message))
    said = wording.line(message.title, LONGEST_TITLE) or "An alert without a title"
    return wording.cut(harmless(marked + said), LONGEST_TITLE)


def body(message: Message, limit: int) -> str:
    """The alerts that fit into `limit` units, and the links, which always fit or are left out whole.

    Args:
        message: what to say.
        limit: what the service takes, in UTF-16 units.
    """
    room = min(limit, MOST_UNITS)
    links = _fitting(_links(message), room // 2)
    room -= wording.units(links) + (2 if links else 0)
    parts: list[str] = []
    for number, alert in enumerate(message.alerts[:MOST_ALERTS]):
        text = "\n".join(_lines(alert))
        more = len(message.alerts) - number - 1
        rest = f"and {more} more" if more else ""
        taken = sum(wording.units(part) + 2 for part in parts)
        if parts and taken + wording.units(text) + wording.units(rest) + 2 > room:
            break
        parts.append(wording.cut(text, max(room - taken - wording.units(rest) - 2, 1)))
    left_out = len(message.alerts) - len(parts)
    parts += [f"and {left_out} more"] if left_out else []
    return wording.cut("\n\n".join(filter(None, [*parts, links])) or title(message), limit)


def harmless(text: str) -> str:
    """The text without names and commands that a service would act on."""
    for sign in ("@", "<!", "<#"):
        text = text.replace(sign, sign[0] + _APART + sign[1:])
    return text


def _lines(alert: AlertView) -> Iterator[str]:
    if summary := wording.line(alert.summary, wording.LONGEST_FACT):
        yield harmless(summary)
    yield from (harmless(f"{name}: {text}") for name, text in wording.facts(alert))
    if alert.exemplars:
        ids = (wording.line(id_, wording.LONGEST_WORD) for id_ in alert.exemplars[:MOST_CALLS])
        yield harmless(f"Calls: {', '.join(ids)}")
    yield from (harmless(f"{name}: {text}") for name, text in wording.quotes(alert))


def _links(message: Message) -> Iterator[str]:
    for link in wording.safe_links(message, LONGEST_HREF)[:MOST_LINKS]:
        yield f"{harmless(link.text)}: {link.href}" if link.text else link.href


def _fitting(lines: Iterator[str], room: int) -> str:
    kept: list[str] = []
    for line in lines:
        if sum(wording.units(each) + 1 for each in kept) + wording.units(line) > room:
            break
        kept.append(line)
    return "\n".join(kept)
