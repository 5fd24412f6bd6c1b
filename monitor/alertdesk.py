"""What people do with alerts: take them on, note something, ask for silence. Shared by the command line and the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from alerts.silences import Silence, check
from config.matchers import Matcher, parse_matcher
from config.types import parse_duration
from monitor.alertbook import active_labels
from monitor.clean import clean_text
from monitor.store import history, silences
from monitor.store.database import Session
from monitor.store.history import ACKNOWLEDGE, NOTE
from monitor.times import parse_time

LONGEST_NAME = 100
LONGEST_TEXT = 2_000
MOST_MATCHERS = 50


class RefusedError(Exception):
    """What was asked for cannot be; the text says why and what would be right."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A silence that somebody asks for, as it is written.

    Attributes:
        matchers: of the alerts' labels.
        lasts: how long, such as 2h; empty where `until` says when it ends.
        start: when it begins; empty is now.
        until: when it ends.
    """

    matchers: Sequence[str]
    by: str
    reason: str
    lasts: str = ""
    start: str = ""
    until: str = ""


def acknowledge(session: Session, alert: str, by: str, text: str, now: datetime) -> None:
    """Somebody takes an alert on: it is not repeated, and the receivers are told.

    Raises:
        RefusedError: the alert is over, or somebody has taken it on already.
    """
    if active_labels(session, alert) is None:
        raise RefusedError(f"alert {alert} is over, or only pending: there is nothing to take on; a note can be added")
    taken = history.acknowledged(session).get(alert)
    if taken is not None:
        raise RefusedError(f"{taken.by} has taken alert {alert} on already; a note can be added")
    history.say(session, alert, ACKNOWLEDGE, (_name(by), _text(text)), now)


def note(session: Session, alert: str, by: str, text: str, now: datetime) -> None:
    """Somebody notes something of an alert.

    Raises:
        RefusedError: there is no text.
    """
    if not text.strip():
        raise RefusedError("a note needs a text")
    history.say(session, alert, NOTE, (_name(by), _text(text)), now)


def silence(session: Session, wanted: Wanted, now: datetime, alert: str = "") -> Silence:
    """Asks for silence.

    Args:
        alert: the whole id of one alert; it is silenced by all its labels.

    Raises:
        RefusedError: it fits every alert, has no end, no reason or no author, or is over before it begins.
    """
    try:
        matchers = [*map(parse_matcher, wanted.matchers), *(_exactly(session, alert) if alert else ())]
        starts_at = parse_time(wanted.start, now) if wanted.start else now
        if bool(wanted.lasts) == bool(wanted.until):
            raise ValueError("say either how long it lasts, such as 2h, or until when")
        ends_at = starts_at + parse_duration(wanted.lasts) if wanted.lasts else parse_time(wanted.until, now)
        check(matchers)
    except ValueError as error:
        raise RefusedError(str(error)) from None
    except OverflowError:
        raise RefusedError("it would last longer than there are years") from None
    if ends_at <= max(starts_at, now):
        raise RefusedError(f"it would be over before it begins: it ends {ends_at:%Y-%m-%d %H:%M} UTC")
    if len(matchers) > MOST_MATCHERS:
        raise RefusedError(f"a silence has at most {MOST_MATCHERS} matchers")
    if not wanted.reason.strip():
        raise RefusedError("a silence needs a reason: whoever finds it must know whether it is still wanted")
    made = Silence(0, tuple(matchers), starts_at, ends_at, _name(wanted.by), _text(wanted.reason))
    number = silences.add(session, made, now)
    return Silence(number, made.matchers, starts_at, ends_at, made.author, made.reason)


def end_silence(session: Session, number: int, now: datetime) -> None:
    """Ends a silence.

    Raises:
        RefusedError: there is none, or it is over.
    """
    if not silences.end(session, number, now):
        raise RefusedError(f"no silence {number} holds or will: see watchkeeper silence list")


def _exactly(session: Session, alert: str) -> list[Matcher]:
    labels = active_labels(session, alert)
    if labels is None:
        raise ValueError(f"alert {alert} is over, or only pending: name its labels instead")
    return [Matcher(name, "=", value) for name, value in labels.items()]


def _name(by: str) -> str:
    name = clean_text(by.strip(), LONGEST_NAME)
    if not name:
        raise RefusedError("it must be known who asks: say by whom (on the command line with --by NAME)")
    return name


def _text(text: str) -> str:
    return clean_text(text.strip(), LONGEST_TEXT)
