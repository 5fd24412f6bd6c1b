"""What an e-mail says and how it is put together: no text can begin a header, end a tag or break the thread."""

import re
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from html.parser import HTMLParser

import pytest
from hostile_messages import HOSTILE, messages
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from samples_notifiers import NOON, a_group, a_message, an_alert, resolved

from alerts.email_message import LONGEST_SUBJECT, MOST_ALERTS, email, is_message_id, message_id, subject
from alerts.notifier import Link, Message

SENDER = "watchkeeper@example.org"
TO = ["oncall@example.org", "team@example.org"]
HEADERS = [
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Auto-Submitted",
    "X-Auto-Response-Suppress",
    "MIME-Version",
    "Content-Type",
]
TAGS = {"html", "body", "h2", "h3", "p", "strong", "table", "tr", "th", "td", "a", "img"}


class Tags(HTMLParser):
    """The tags of a page and where its links lead."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.hrefs: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.hrefs += [value or "" for name, value in attrs if name == "href"]


def arrived(message: Message, thread: str | None = None) -> tuple[bytes, EmailMessage]:
    """The bytes on the wire, and what a reader makes of them."""
    raw = email(message, SENDER, TO, thread).as_bytes()
    parsed = message_from_bytes(raw, policy=default)
    assert isinstance(parsed, EmailMessage)
    return raw, parsed


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    text: str = part.get_content()
    return text


def test_it_says_the_state_in_the_subject_and_everything_in_the_text() -> None:
    _, mail = arrived(a_message(links=(Link("Runbook", "https://wiki.example.org/errors"),)))
    assert mail["Subject"] == (
        "Firing: errors on support / chat / gpt-4o-mini: error_ratio is 0.12 (above 0.05 over 5m for 2m)"
    )
    assert (mail["From"], mail["To"]) == ("Watchkeeper <watchkeeper@example.org>", ", ".join(TO))
    assert body(mail, "plain").splitlines() == [
        "Firing: errors on support / chat / gpt-4o-mini",
        "",
        "error_ratio is 0.12 (above 0.05 over 5m for 2m)",
        "  State: firing",
        "  Where: source=support, service=chat, model=gpt-4o-mini",
        "  Since: 2026-03-01 11:53:00 UTC",
        "  Value: 0.12 (interval 0.0871 to 0.1634), n = 1340",
        "  Condition: above 0.05 over 5m for 2m",
        "  Calls: call-0001, call-0002, call-0003",
        "",
        "Runbook: https://wiki.example.org/errors",
    ]
    assert Tags(body(mail, "html")).hrefs == ["https://wiki.example.org/errors"]
    assert mail["Auto-Submitted"] == "auto-generated"


def test_a_resolution_says_so_in_the_subject() -> None:
    assert subject(resolved(a_message())).startswith("Resolved: errors on support")


def test_the_date_is_that_of_the_sending() -> None:
    _, mail = arrived(replace(a_message(), sent_at=NOON + timedelta(hours=3)))
    assert mail["Date"].datetime == NOON + timedelta(hours=3)


def test_many_alerts_are_counted_and_not_all_shown() -> None:
    _, mail = arrived(a_group(MOST_ALERTS + 7))
    assert "and 7 more" in body(mail, "plain")
    assert body(mail, "html").count("<h3>") == MOST_ALERTS


def test_an_answer_names_the_mail_that_it_answers() -> None:
    opened = message_id(a_message(), SENDER)
    _, mail = arrived(resolved(a_message()), opened)
    assert (mail["In-Reply-To"], mail["References"]) == (opened, opened)
    _, first = arrived(a_message())
    assert (first["Message-ID"], first["In-Reply-To"], first["References"]) == (opened, None, None)


def test_an_attempt_that_is_made_again_has_the_same_id_and_everything_else_another() -> None:
    one = a_message()
    again = replace(one.marked_repeated(), sent_at=NOON + timedelta(hours=1))
    others = [replace(one, key="another"), replace(one, action="update"), replace(one, at=NOON + timedelta(hours=1))]
    ids = [message_id(each, SENDER) for each in (one, again, *others)]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 4
    assert all(map(is_message_id, ids))
    assert one.key not in ids[0]


@given(st.text() | st.sampled_from(["<watchkeeper-0@x>\r\nBcc: a@b", "<a@b>", ""]))
def test_what_is_no_id_of_ours_is_none(text: str) -> None:
    assert not is_message_id(text)


INJECTIONS = (
    "x\r\nBcc: evil@example.org",
    "x\nBcc: evil@example.org\n\nbody",
    "x\rBcc: evil@example.org",
    "=?utf-8?q?x=0d=0aBcc:_evil@example.org?=",
    "=?utf-8?b?eA0KQmNjOiBldmlsQGV4YW1wbGUub3Jn?=",
    "x\u2028Bcc: evil@example.org\x85Bcc: evil@example.org\x0bBcc: evil@example.org",
)


@pytest.mark.parametrize("text", [*INJECTIONS, *HOSTILE], ids=range(len(INJECTIONS) + len(HOSTILE)))
def test_no_text_can_begin_a_header(text: str) -> None:
    alert = an_alert(labels={"rule": text, text: text}, summary=text, condition=text, exemplars=(text,))
    raw, mail = arrived(a_message(key=text, title=text, alerts=(alert,), links=(Link(text, text),)))
    assert mail.keys() == HEADERS
    assert not re.search(rb"^bcc", raw.partition(b"\r\n\r\n")[0], re.IGNORECASE | re.MULTILINE)
    assert "\n" not in mail["Subject"]


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(message=messages())
def test_any_message_is_a_mail_that_every_server_takes(message: Message) -> None:
    raw, mail = arrived(message)
    assert mail.keys() == HEADERS
    raw.decode("ascii")
    lines = raw.split(b"\r\n")
    assert max(map(len, lines)) <= 998  # RFC 5322
    assert not any(b"\r" in line or b"\n" in line for line in lines)
    assert len(subject(message)) <= 2 * LONGEST_SUBJECT
    page = Tags(body(mail, "html"))
    assert page.tags <= TAGS
    assert page.attributes <= {"align", "valign", "href", "src", "alt"}
    assert all(href.startswith(("http://", "https://")) for href in page.hrefs)
