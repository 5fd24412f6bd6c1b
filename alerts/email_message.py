"""A message as an e-mail: plain text, and HTML with the chart beside it, in one thread from the first to the last."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import UTC
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, formataddr
from html import escape
from typing import Final

from alerts import wording
from alerts.chart import chart
from alerts.notifier import AlertView, Message

LONGEST_SUBJECT: Final = 200
LONGEST_HREF: Final = 2_000
MOST_ALERTS: Final = 50
MOST_CALLS: Final = 20

# The picture's id inside its mail (RFC 2392).
CHART: Final = "chart@watchkeeper"

_MESSAGE_ID = re.compile(r"<watchkeeper-[0-9a-f]{32}@[A-Za-z0-9.-]{1,253}>")


def message_id(message: Message, sender: str) -> str:
    """The id of the mail that a message becomes: an attempt that is made again has the same, so that a mail server or
    a reader that has it already shows it once. It tells nothing of the key."""
    said = f"{message.key}\n{message.action}\n{message.at.isoformat()}"
    digest = hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
    return f"<watchkeeper-{digest[:32]}@{sender.rpartition('@')[2]}>"


def is_message_id(text: str) -> bool:
    """Whether a text is one of our ids: what stands in the store goes into a header."""
    return _MESSAGE_ID.fullmatch(text) is not None


def email(message: Message, sender: str, to: Sequence[str], thread: str | None) -> EmailMessage:
    """The mail. All of it is ASCII on the wire, no line is too long, and no text can begin a header.

    Args:
        message: what to say.
        sender: the address that it comes from.
        to: the addresses that it goes to.
        thread: the id of the mail that opened the thread; None if this one does.
    """
    mail = EmailMessage(policy=SMTP)
    mail["From"] = formataddr(("Watchkeeper", sender))
    mail["To"] = ", ".join(to)
    mail["Subject"] = subject(message)
    mail["Date"] = format_datetime(message.sent.astimezone(UTC))
    mail["Message-ID"] = message_id(message, sender)
    if thread is not None:
        mail["In-Reply-To"] = thread
        mail["References"] = thread
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice answers it
    mail["X-Auto-Response-Suppress"] = "All"
    drawn = chart(message)
    mail.set_content("\n".join(_text(message)) + "\n", cte="quoted-printable")
    image = None if drawn is None else f'<p><img src="cid:{CHART}" alt="{escape(drawn[1])}"></p>'
    mail.add_alternative("\n".join(_html(message, image)) + "\n", subtype="html", cte="quoted-printable")
    if drawn is not None:
        page = mail.get_payload()[1]  # type: ignore[index]  # the alternative that was just added
        page.add_related(  # type: ignore[union-attr]
            drawn[0], "image", "png", cid=f"<{CHART}>", filename="chart.png", disposition="inline"
        )
    return mail


def subject(message: Message) -> str:
    """Marks, title, which begins with the state, and what a single alert says."""
    said = [message.title, *(alert.summary for alert in message.alerts if len(message.alerts) == 1)]
    lines = (wording.line(each, LONGEST_SUBJECT) for each in said)
    text = ": ".join(dict.fromkeys(filter(None, lines))) or "An alert without a title"
    marked = "".join(f"[{mark}] " for mark in wording.marks(message)) + text
    # An encoded word (RFC 2047) in it would be decoded on the way, line breaks in it and all.
    return wording.cut(marked, LONGEST_SUBJECT).replace("=?", "= ?")


def _rows(alert: AlertView) -> Iterator[tuple[str, str]]:
    yield from wording.facts(alert)
    if alert.exemplars:
        ids = (wording.line(id_, wording.LONGEST_WORD) for id_ in alert.exemplars[:MOST_CALLS])
        yield "Calls", ", ".join(ids)
    yield from wording.quotes(alert)


def _more(message: Message) -> str:
    left_out = len(message.alerts) - MOST_ALERTS
    return f"and {left_out} more" if left_out > 0 else ""


def _text(message: Message) -> Iterator[str]:
    yield wording.line(message.title, wording.LONGEST_FACT)
    yield from wording.marks(message)
    for alert in message.alerts[:MOST_ALERTS]:
        yield ""
        yield wording.line(alert.summary, wording.LONGEST_FACT)
        yield from (f"  {name}: {text}" for name, text in _rows(alert))
    if more := _more(message):
        yield from ("", more)
    yield ""
    yield from (f"{link.text}: {link.href}" for link in wording.safe_links(message, LONGEST_HREF))


def _html(message: Message, image: str | None) -> Iterator[str]:
    yield "<!DOCTYPE html><html><body>"
    yield f"<h2>{escape(wording.line(message.title, wording.LONGEST_FACT))}</h2>"
    yield from (f"<p><strong>{escape(mark)}</strong></p>" for mark in wording.marks(message))
    for alert in message.alerts[:MOST_ALERTS]:
        yield f"<h3>{escape(wording.line(alert.summary, wording.LONGEST_FACT))}</h3><table>"
        for name, text in _rows(alert):
            yield f'<tr><th align="left" valign="top">{escape(name)}</th><td>{escape(text)}</td></tr>'
        yield "</table>"
    if more := _more(message):
        yield f"<p>{more}</p>"
    if image is not None:
        yield image
    for link in wording.safe_links(message, LONGEST_HREF):
        yield f'<p><a href="{escape(link.href)}">{escape(link.text or link.href)}</a></p>'
    yield "</body></html>"
