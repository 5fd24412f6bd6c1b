"""Records that could not be used, of all streams of a source: how many by reason, and where the newest are."""

from collections import Counter

from sqlalchemy import func
from sqlmodel import col, select

from monitor.store.database import Session
from monitor.store.tables import QuarantineRow

IN_PLACE = "-in-place"  # ends the streams whose files are not landed


def counts(session: Session, source: str) -> dict[str, int]:
    """How many records are kept aside, by reason."""
    landed = col(QuarantineRow.stream).not_like(f"%{IN_PLACE}")
    query = select(QuarantineRow.reason, func.count()).where(landed, QuarantineRow.source == source)
    found = Counter(dict(session.exec(query.group_by(col(QuarantineRow.reason))).all()))
    mine = select(QuarantineRow).where(~landed, QuarantineRow.source == source).order_by(col(QuarantineRow.id))
    # Of a file that is read in place a row says how many, and the newest row of it holds.
    for (_, reason), number in {(row.place, row.reason): row.position for row in session.exec(mine)}.items():
        found[reason] += number
    return dict(found)


def newest(session: Session, source: str, most: int) -> list[tuple[str, str]]:
    """Where the newest are, newest first, in words: `/logs/a.jsonl, byte 120`, and the reason."""
    query = select(QuarantineRow).where(QuarantineRow.source == source).order_by(col(QuarantineRow.id).desc())
    return [(_place(row), row.reason) for row in session.exec(query.limit(most))]


def _place(row: QuarantineRow) -> str:
    if row.stream.endswith(IN_PLACE):
        return f"{row.place}, {row.position:,} row{'' if row.position == 1 else 's'}"
    return f"{row.place}, byte {row.position}"
