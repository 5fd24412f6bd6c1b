"""The judged calls that people can be asked about."""

from collections import defaultdict
from datetime import datetime

from sqlmodel import Session, col, select

from monitor.labels.sample import JudgedCall
from monitor.store.judge_tables import VerdictRow

ANSWERED = "answered"


def judged_calls(session: Session, source: str, criterion: str, since: datetime, until: datetime) -> list[JudgedCall]:
    """The calls completed in `[since, until)` about which a judge answered; passed when every judge passed them."""
    query = select(VerdictRow.call_id, VerdictRow.at, VerdictRow.passed).where(
        col(VerdictRow.source) == source,
        col(VerdictRow.criterion) == criterion,
        col(VerdictRow.state) == ANSWERED,
        col(VerdictRow.at) >= since,
        col(VerdictRow.at) < until,
    )
    times: dict[str, datetime] = {}
    said: dict[str, list[bool | None]] = defaultdict(list)
    for call_id, at, passed in session.exec(query.order_by(col(VerdictRow.at), col(VerdictRow.call_id))):
        times[call_id] = at
        said[call_id].append(passed)
    return [JudgedCall(each, at, _together(said[each])) for each, at in times.items()]


def _together(said: list[bool | None]) -> bool | None:
    votes = [each for each in said if each is not None]
    return all(votes) if votes else None
