"""What people say of calls, in the store: labels, and the draws that make them a sample of the judged calls."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from sqlmodel import Session, col, delete, select

from monitor.store.label_tables import LabelDrawRow, LabelRow
from monitor.store.tables import CursorRow

Kind = Literal["page", "import", "feedback"]

# Drawn labels count alone once there are so many; it is what makes an interval of them useful.
ENOUGH_DRAWN: Final = 50
PLACES: Final = "labels"  # the stream of cursors of what labels were brought from


@dataclass(frozen=True, slots=True)
class Label:
    """What people say of one call by one criterion.

    Attributes:
        call_id: the call.
        at: when it was completed: the label speaks of the traffic of that time, whenever it was given.
        criterion: by name.
        passed: whether it passes.
        probability: with which it was chosen among the judged calls; 1 for all of them when nobody drew them.
        kind: how the last of its votes came in: page, import or feedback.
    """

    call_id: str
    at: datetime
    criterion: str
    passed: bool
    probability: float
    kind: str


@dataclass(frozen=True, slots=True)
class Vote:
    """What one person says of one call by one criterion.

    Attributes:
        at: when the call was completed.
        passed: None when the person cannot tell.
        score: from 0 to 1, where one was given.
        given_at: when it was said.
    """

    call_id: str
    criterion: str
    who: str
    at: datetime
    passed: bool | None
    kind: Kind
    given_at: datetime
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Draw:
    """A judged call that people are to label; `place` is its turn, the lowest first."""

    call_id: str
    criterion: str
    at: datetime
    probability: float
    place: float


def labels_of(session: Session, source: str, criterion: str, since: datetime, until: datetime) -> Sequence[Label]:
    """The labels of the calls that were completed in `[since, until)`, by time.

    The majority of the people who could tell decides; a draw is no label. Labels of drawn calls are a sample whose
    probabilities are known, others are what somebody happened to choose; the two are never mixed. Drawn ones are
    given alone once there are `ENOUGH_DRAWN` of them, or no others; until then the others are, as an even sample.
    """
    decided = _decided(_rows(session, source, criterion, since, until))
    chances = _probabilities(session, source, criterion, since, until)
    sampled = [row for row in decided if row.call_id in chances]
    others = [row for row in decided if row.call_id not in chances]
    if sampled and (len(sampled) >= ENOUGH_DRAWN or not others):
        return [_label(row, chances[row.call_id]) for row in sampled]
    return [_label(row, 1.0) for row in others]


def votes(
    session: Session, source: str | None = None, criterion: str | None = None, since: datetime | None = None
) -> list[Vote]:
    """Everything that people said, of calls completed since a moment, oldest call first."""
    query = select(LabelRow)
    if source is not None:
        query = query.where(col(LabelRow.source) == source)
    if criterion is not None:
        query = query.where(col(LabelRow.criterion) == criterion)
    if since is not None:
        query = query.where(col(LabelRow.at) >= since)
    query = query.order_by(col(LabelRow.at), col(LabelRow.call_id), col(LabelRow.criterion), col(LabelRow.who))
    return [_vote(row) for row in session.exec(query)]


def keep(session: Session, source: str, given: Iterable[Vote]) -> int:
    """Keeps what people said; who says something again, and not before what is kept, has changed their mind.

    Returns:
        how many say something new.
    """
    changed = 0
    for vote in given:
        row = session.get(LabelRow, (source, vote.criterion, vote.call_id, vote.who))
        if row is not None and (vote.given_at < row.given_at or _said(row) == (vote.passed, vote.score)):
            continue
        changed += 1
        row = row or LabelRow(
            source=source,
            criterion=vote.criterion,
            call_id=vote.call_id,
            who=vote.who,
            at=vote.at,
            kind=vote.kind,
            given_at=vote.given_at,
        )
        row.passed, row.score, row.kind, row.given_at = vote.passed, vote.score, vote.kind, vote.given_at
        session.add(row)
    return changed


def draw(session: Session, source: str, chosen: Iterable[Draw], now: datetime) -> int:
    """Keeps which calls people are to label; how many were not drawn before.

    Every draw takes a call when the same number, that of its hash, lies below a probability. So a call that two draws
    had to choose from is in either of them with the larger of the two.
    """
    new = 0
    for each in chosen:
        row = session.get(LabelDrawRow, (source, each.criterion, each.call_id))
        if row is None:
            new += 1
            row = LabelDrawRow(
                source=source,
                criterion=each.criterion,
                call_id=each.call_id,
                at=each.at,
                probability=each.probability,
                place=each.place,
                drawn_at=now,
            )
        elif each.probability > row.probability:
            row.probability, row.place = each.probability, each.place
        session.add(row)
    return new


def waiting(session: Session, source: str, who: str | None = None) -> list[Draw]:
    """The drawn calls that nobody, or this person not, has spoken of yet, in the order of their turn."""
    said = select(LabelRow.call_id).where(
        col(LabelRow.source) == col(LabelDrawRow.source),
        col(LabelRow.criterion) == col(LabelDrawRow.criterion),
        col(LabelRow.call_id) == col(LabelDrawRow.call_id),
    )
    if who is not None:
        said = said.where(col(LabelRow.who) == who)
    query = select(LabelDrawRow).where(col(LabelDrawRow.source) == source, ~said.exists())
    query = query.order_by(col(LabelDrawRow.place), col(LabelDrawRow.call_id), col(LabelDrawRow.criterion))
    return [_draw(row) for row in session.exec(query)]


def drawn(session: Session, source: str, call_id: str) -> list[Draw]:
    """The draws of one call, by criterion."""
    query = select(LabelDrawRow).where(col(LabelDrawRow.source) == source, col(LabelDrawRow.call_id) == call_id)
    return [_draw(row) for row in session.exec(query.order_by(col(LabelDrawRow.criterion)))]


def seen(session: Session, source: str) -> dict[str, Any]:
    """How far labels have been brought in, by the name of the place that they come from."""
    query = select(CursorRow).where(CursorRow.source == source, CursorRow.stream == PLACES)
    return {row.name: row.body for row in session.exec(query)}


def note_seen(session: Session, source: str, place: str, body: Any) -> None:
    """Remembers how far a place has been read."""
    session.merge(CursorRow(source=source, stream=PLACES, name=place, body=body))


def expire(session: Session, before: datetime) -> None:
    """Forgets labels and draws of calls that were completed before a moment."""
    session.exec(delete(LabelRow).where(col(LabelRow.at) < before))
    session.exec(delete(LabelDrawRow).where(col(LabelDrawRow.at) < before))


def _rows(session: Session, source: str, criterion: str, since: datetime, until: datetime) -> list[LabelRow]:
    query = select(LabelRow).where(col(LabelRow.source) == source, col(LabelRow.criterion) == criterion)
    query = query.where(col(LabelRow.at) >= since, col(LabelRow.at) < until, col(LabelRow.passed).is_not(None))
    return list(session.exec(query.order_by(col(LabelRow.at), col(LabelRow.call_id), col(LabelRow.given_at))))


def _probabilities(session: Session, source: str, criterion: str, since: datetime, until: datetime) -> dict[str, float]:
    query = select(LabelDrawRow).where(col(LabelDrawRow.source) == source, col(LabelDrawRow.criterion) == criterion)
    query = query.where(col(LabelDrawRow.at) >= since, col(LabelDrawRow.at) < until)
    return {row.call_id: row.probability for row in session.exec(query)}


def _decided(rows: Sequence[LabelRow]) -> list[LabelRow]:
    """One row for each call: the last of the votes that say what most of them say."""
    calls: dict[str, list[LabelRow]] = defaultdict(list)
    for row in rows:
        calls[row.call_id].append(row)
    decided = []
    for said in calls.values():
        passing = sum(bool(row.passed) for row in said)
        if 2 * passing != len(said):
            decided.append([row for row in said if row.passed == (2 * passing > len(said))][-1])
    return decided


def _draw(row: LabelDrawRow) -> Draw:
    return Draw(row.call_id, row.criterion, row.at, row.probability, row.place)


def _said(row: LabelRow) -> tuple[bool | None, float | None]:
    return row.passed, row.score


def _label(row: LabelRow, probability: float) -> Label:
    return Label(row.call_id, row.at, row.criterion, bool(row.passed), probability, row.kind)


def _vote(row: LabelRow) -> Vote:
    kind: Kind = "page" if row.kind == "page" else "feedback" if row.kind == "feedback" else "import"
    return Vote(row.call_id, row.criterion, row.who, row.at, row.passed, kind, row.given_at, row.score)
