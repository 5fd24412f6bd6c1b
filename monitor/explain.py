"""Why a message was sent or was not, in sentences: the history of an alert, told in order."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from alerts.rules import ACTIVE, State
from alerts.steps import PASSED, Outcome
from alerts.verdicts import HELD
from alerts.view import labels_of
from config.settings import Settings
from config.types import format_duration
from monitor import formats
from monitor.alertbook import Book, Entry, rule_in
from monitor.health import CHANNEL_FAILING
from monitor.store.alert_tables import NoteRow, NotificationRow
from monitor.store.history import ACKNOWLEDGE
from monitor.store.tables import OutboxRow, TransitionRow

_BECAME = {
    Outcome.RESOLVED: "told that it is over",
    Outcome.REPEATED: "told again",
    Outcome.ACKNOWLEDGED: "told who has it",
    Outcome.WAITING: "not told yet",
    Outcome.NEVER_TOLD: "not told that it is over",
    Outcome.UNCHANGED: "nothing new to tell",
}
_STATES = {"inactive": "over", "no_data": "without data", "error": "broken"}


class Sentence(NamedTuple):
    """One thing that happened, and the steps that led to it."""

    at: datetime | None
    text: str
    steps: tuple[str, ...] = ()


def explain(book: Book, settings: Settings, *, whole: bool = False) -> list[Sentence]:
    """The story of an alert since it last began, or of all that is kept of it."""
    since = None if whole else _begun(book)
    told = [
        *(_change(row) for row in book.transitions),
        *(sentence for row in book.notifications for sentence in _notification(book, row)),
        *(_note(row) for row in book.notes),
    ]
    kept = [each for each in told if since is None or (each.at is not None and each.at >= since)]
    return [Sentence(None, _headline(book.entry)), *sorted(kept, key=_moment), *_nobody(book, settings)]


def _begun(book: Book) -> datetime | None:
    """When the alert last left inactive, as the wall clock had it."""
    begun = [row.decided_at for row in book.transitions if row.from_state == State.INACTIVE]
    return begun[-1] if begun else None


def _moment(sentence: Sentence) -> float:
    return 0.0 if sentence.at is None else sentence.at.timestamp()


def _headline(entry: Entry) -> str:
    place = ", ".join(f"{name}={value}" for name, value in labels_of(entry.alert).items() if name != "rule")
    stands = _STATES.get(entry.state.value, entry.state.value)
    since = "" if entry.since is None else f" since {formats.clock(entry.since)} UTC"
    condition = f" It fires {entry.condition}." if entry.condition else " Its rule is no longer configured."
    read = _surely(entry)
    return f"{entry.alert.rule} on {place} is {stands}{since}.{condition}{f' It read {read}.' if read else ''}"


def _surely(read: Entry | TransitionRow) -> str:
    """What a rule read: how large, how sure, and against what; nothing where it read no value."""
    if read.value is None:
        return ""
    said = formats.number(read.value)
    if read.lower is not None and read.upper is not None:
        said += f", surely {formats.number(read.lower)} to {formats.number(read.upper)}"
    said += "" if read.n is None else f", of {formats.count(read.n)} calls"
    return f"{said}: {read.compared}" if read.compared else said


def _change(row: TransitionRow) -> Sentence:
    read, why = _surely(row), f" ({row.reason})" if row.reason else ""
    # What still holds when it has caught up is told then, and has sentences of its own.
    held = " Nobody was told of it then: the service was catching up." if row.held else ""
    before, after = (_STATES.get(state, state) for state in (row.from_state, row.to_state))
    window = f"the window that ended {formats.clock(row.at)} UTC{f', at {read}' if read else ''}"
    text = f"From {before} to {after} with {window}{why}.{held}"
    return Sentence(row.decided_at, text)


def _notification(book: Book, row: NotificationRow) -> Iterator[Sentence]:
    became = _BECAME.get(Outcome(row.outcome), "not told" if row.outcome in HELD else "told")
    steps = tuple(f"{step}: {text}" for step, _, text in row.steps)
    stops = [text for _, outcome, text in row.steps if outcome != PASSED]
    why = f": {stops[-1]}" if stops else ""
    yield Sentence(row.at, f"{row.receiver}: {became}{why}.", steps)
    sent = book.deliveries.get(row.outbox or 0)
    if row.outbox is not None:
        yield Sentence(row.at if sent is None else sent.finished_at or row.at, _delivered(row.receiver, sent))


def _delivered(receiver: str, row: OutboxRow | None) -> str:
    if row is None:
        return f"What became of the message to {receiver} is no longer kept."
    tries = "at the first try" if row.attempts == 1 else f"after {row.attempts} tries"
    message = f"The message to {receiver} ({row.action})"
    if row.state == "sent":
        return f"{message} was delivered {tries}."
    problem = f": {row.failure}, {row.detail}" if row.failure else f": {row.detail}" if row.detail else ""
    if row.state == "failed":
        return f"{message} was given up {tries}{problem}."
    if row.state == "superseded":
        return f"{message} was not sent{problem}."
    due = f"; the next try is at {formats.clock(row.due_at)} UTC" if row.attempts else ""
    return f"{message} waits to be sent{due}{problem}."


def _note(row: NoteRow) -> Sentence:
    what = "has taken it on" if row.kind == ACKNOWLEDGE else "notes"
    return Sentence(row.at, f"{row.author} {what}{f': {row.text}' if row.text else ''}.")


def _nobody(book: Book, settings: Settings) -> Iterator[Sentence]:
    """Why nobody is told at all, where nothing else says it."""
    entry = book.entry
    if entry.state is State.PENDING:
        rule = rule_in(settings, entry.alert)
        wait = f" for {format_duration(rule.for_)}" if rule is not None else ""
        yield Sentence(None, f"Nobody is told yet: its condition must hold{wait} before it fires.")
    if entry.state not in ACTIVE or book.notifications:
        return
    rule = rule_in(settings, entry.alert)
    names = list(settings.receivers) if rule is None or rule.receiver is None else rule.receiver
    failing = dict(entry.alert.labels).get("receiver") if entry.alert.rule == CHANNEL_FAILING else None
    if rule is not None and not [name for name in names if name != failing]:
        yield Sentence(None, "Nobody is told: no receiver is configured for it, or only the one that fails.")
