"""The judge in the store: what was drawn and said, what it measures, what it cost, how the judges are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlmodel import Session, col, delete, func, select, update

from config.server import Retention
from detectors.measurement import Key, Measured, Reason, Value, Window
from monitor.store.judge_tables import (
    JudgeCanaryRow,
    JudgeMeasurementRow,
    JudgePairRow,
    JudgeSeriesRow,
    JudgeSpendRow,
    JudgeStateRow,
    JudgeWindowRow,
    VerdictRow,
)
from monitor.store.measurements import body_of, segment_of, segment_text
from monitor.store.tables import CacheRow
from monitor.store.upsert import upsert

OPEN, DONE = "open", "done"
WAITING, ANSWERED = "waiting", "answered"
CACHE_PREFIX: Final = "judge:"  # of the keys of replies; see `detectors.judge.prompt.Task.key`


@dataclass(frozen=True, slots=True)
class Spent:
    """US dollars until a moment, with what is only reserved: of its day and of its month (UTC)."""

    day: float
    month: float


def last_window(session: Session, source: str) -> JudgeWindowRow | None:
    """The newest window that calls were drawn from."""
    query = select(JudgeWindowRow).where(JudgeWindowRow.source == source)
    return session.exec(query.order_by(col(JudgeWindowRow.end).desc()).limit(1)).first()


def window_until(session: Session, source: str, end: datetime) -> JudgeWindowRow | None:
    """The window that ends at a time."""
    query = select(JudgeWindowRow).where(JudgeWindowRow.source == source, JudgeWindowRow.end == end)
    return session.exec(query.limit(1)).first()


def windows(session: Session, source: str, since: datetime, until: datetime) -> list[JudgeWindowRow]:
    """The windows that lie in `[since, until)`, in order."""
    query = select(JudgeWindowRow).where(
        JudgeWindowRow.source == source, col(JudgeWindowRow.start) >= since, col(JudgeWindowRow.end) <= until
    )
    return list(session.exec(query.order_by(col(JudgeWindowRow.start))))


def open_windows(session: Session, source: str | None = None) -> list[JudgeWindowRow]:
    """The windows whose questions are still asked, the newest first."""
    query = select(JudgeWindowRow).where(JudgeWindowRow.state == OPEN)
    if source is not None:
        query = query.where(JudgeWindowRow.source == source)
    return list(session.exec(query.order_by(col(JudgeWindowRow.end).desc())))


def close(session: Session, window: JudgeWindowRow) -> None:
    """Nothing more is asked of a window."""
    mine = (col(JudgeWindowRow.source) == window.source, col(JudgeWindowRow.start) == window.start)
    session.exec(update(JudgeWindowRow).where(*mine).values(state=DONE))


def drawn(session: Session, source: str, start: datetime) -> list[VerdictRow]:
    """The rows of a window, in the order in which their questions are asked."""
    query = select(VerdictRow).where(VerdictRow.source == source, VerdictRow.start == start)
    return list(session.exec(query.order_by(col(VerdictRow.rank), col(VerdictRow.call_id))))


def verdicts(
    session: Session, source: str, span: tuple[datetime, datetime], criterion: str | None = None
) -> list[VerdictRow]:
    """The rows of the windows that began in `[since, until)`, in the order of their windows and questions."""
    since, until = span
    query = select(VerdictRow).where(
        VerdictRow.source == source, col(VerdictRow.start) >= since, col(VerdictRow.start) < until
    )
    if criterion is not None:
        query = query.where(VerdictRow.criterion == criterion)
    return list(session.exec(query.order_by(col(VerdictRow.start), col(VerdictRow.rank), col(VerdictRow.call_id))))


def of_calls(session: Session, source: str, calls: Sequence[str], criterion: str) -> list[VerdictRow]:
    """What was said of some calls by a criterion, in the order of their windows."""
    found: list[VerdictRow] = []
    for first in range(0, len(calls), _AT_ONCE):
        query = select(VerdictRow).where(
            VerdictRow.source == source,
            VerdictRow.criterion == criterion,
            col(VerdictRow.call_id).in_(calls[first : first + _AT_ONCE]),
        )
        found += session.exec(query)
    return sorted(found, key=lambda row: (row.start, row.rank, row.call_id))


def failing(
    session: Session, source: str | None, criterion: str | None, voice: str | None, most: int
) -> list[VerdictRow]:
    """The newest verdicts that say failure."""
    query = select(VerdictRow).where(col(VerdictRow.passed).is_(False))
    for column, wanted in ((VerdictRow.source, source), (VerdictRow.criterion, criterion), (VerdictRow.voice, voice)):
        if wanted is not None:
            query = query.where(column == wanted)
    order = (col(VerdictRow.at).desc(), col(VerdictRow.call_id), col(VerdictRow.criterion), col(VerdictRow.voice))
    return list(session.exec(query.order_by(*order).limit(most)))


def save(session: Session, rows: Iterable[JudgeWindowRow | VerdictRow | JudgePairRow | JudgeSeriesRow]) -> None:
    """Keeps rows, in the place of those with their keys."""
    for row in rows:
        session.merge(row)


def spent(session: Session, now: datetime) -> Spent:
    """What the day and the month have cost until now."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return Spent(_since(session, midnight), _since(session, month_start(now)))


def waiting(session: Session) -> int:
    """How many drawn questions wait in windows that are open."""
    query = (
        select(func.count())
        .select_from(VerdictRow)
        .join(
            JudgeWindowRow,
            (col(JudgeWindowRow.source) == VerdictRow.source) & (col(JudgeWindowRow.start) == VerdictRow.start),
        )
    )
    return int(session.exec(query.where(JudgeWindowRow.state == OPEN, VerdictRow.state == WAITING)).one())


def usual_usd(session: Session) -> float | None:
    """What one drawn call has cost lately, by all judges and criteria; None before any was paid for."""
    last = select(VerdictRow.source, VerdictRow.start).where(col(VerdictRow.usd) > 0)
    row = session.exec(last.order_by(col(VerdictRow.start).desc()).limit(1)).first()
    if row is None:
        return None
    mine = (VerdictRow.source == row[0], VerdictRow.start == row[1])
    total = select(func.sum(VerdictRow.usd), func.count(func.distinct(VerdictRow.call_id)))
    usd, calls = session.exec(total.where(*mine, col(VerdictRow.state) != WAITING)).one()
    return float(usd) / calls if calls else None


def hold(session: Session, now: datetime) -> None:
    """Keeps others, in other processes too, from spending until the end of the transaction.

    Two that read one budget at the same time could both take the last of it. Writing a row locks it; the first hour of
    the month is everybody's.
    """
    upsert(session, JudgeSpendRow, [{"hour": month_start(now), "usd": 0.0}], ("hour",))


def spend(session: Session, hour: datetime, usd: float) -> None:
    """Adds to what an hour has cost; never below nothing."""
    row = session.get(JudgeSpendRow, hour) or JudgeSpendRow(hour=hour, usd=0.0)
    row.usd = max(row.usd + usd, 0.0)
    session.add(row)


def measure(session: Session, rows: Iterable[Measured]) -> None:
    """Keeps what was measured; the same window measured again replaces it."""
    for each in rows:
        session.merge(
            JudgeMeasurementRow(
                source=each.source,
                segment=segment_text(each.segment),
                length_s=int(each.window.length_s),
                start=each.window.start,
                end=each.window.end,
                body=body_of(each),
            )
        )


def measured(session: Session, source: str, since: datetime, until: datetime) -> list[Measured]:
    """What was measured of windows that ended in `(since, until]`, in order."""
    query = select(JudgeMeasurementRow).where(
        JudgeMeasurementRow.source == source,
        col(JudgeMeasurementRow.end) > since,
        col(JudgeMeasurementRow.end) <= until,
    )
    order = (col(JudgeMeasurementRow.end), col(JudgeMeasurementRow.length_s), col(JudgeMeasurementRow.segment))
    return [_measured(row) for row in session.exec(query.order_by(*order))]


def newest(session: Session, source: str, since: datetime) -> list[Measured]:
    """What was measured of the newest window of each length that ended after `since`."""
    found = measured(session, source, since, datetime.max.replace(tzinfo=UTC))
    last: dict[float, datetime] = {}
    for each in found:
        last[each.window.length_s] = max(each.window.end, last.get(each.window.length_s, each.window.end))
    return [each for each in found if each.window.end == last[each.window.length_s]]


def states(session: Session) -> dict[str, JudgeStateRow]:
    """How each judge is doing, by name."""
    return {row.judge: row for row in session.exec(select(JudgeStateRow))}


def note_state(session: Session, judge: str, now: datetime, problem: str, *, answered: bool) -> None:
    """Notes how a judge did; the time at which its failing began is kept."""
    row = session.get(JudgeStateRow, judge) or JudgeStateRow(judge=judge)
    row.tried_at, row.problem = now, problem
    row.failing_since = None if not problem else row.failing_since or now
    row.answered_at = now if answered else row.answered_at
    session.add(row)


def keep_canaries(session: Session, row: JudgeCanaryRow) -> None:
    """Keeps how a judge did on what is known."""
    session.add(row)


def canaries(session: Session) -> dict[tuple[str, str], JudgeCanaryRow]:
    """The newest result of each judge and criterion."""
    last = select(func.max(JudgeCanaryRow.id)).group_by(col(JudgeCanaryRow.voice), col(JudgeCanaryRow.criterion))
    rows = session.exec(select(JudgeCanaryRow).where(col(JudgeCanaryRow.id).in_(last)))
    return {(row.voice, row.criterion): row for row in rows}


def series(session: Session, source: str | None = None, *, for_update: bool = False) -> list[JudgeSeriesRow]:
    """The tests for a rise, of one source or of all; `for_update` keeps others from changing them until the end."""
    query = select(JudgeSeriesRow)
    if source is not None:
        query = query.where(JudgeSeriesRow.source == source)
    if for_update:
        query = query.with_for_update()
    order = (col(JudgeSeriesRow.source), col(JudgeSeriesRow.criterion), col(JudgeSeriesRow.voice))
    return list(session.exec(query.order_by(*order)))


def pairs(session: Session, source: str, name: str, since: datetime) -> list[JudgePairRow]:
    """The pairs of a comparison whose later call ended after `since`."""
    query = select(JudgePairRow).where(
        JudgePairRow.source == source, JudgePairRow.name == name, col(JudgePairRow.at) >= since
    )
    return list(session.exec(query.order_by(col(JudgePairRow.at), col(JudgePairRow.pair), col(JudgePairRow.voice))))


def expire(session: Session, now: datetime, retention: Retention, keep_texts: timedelta | None) -> None:
    """Forgets what is past its retention, and before that the words of the judge, which quote texts of users.

    Args:
        keep_texts: how long these are kept; None when there is no judge any more: none of them.
    """
    for when in (JudgeWindowRow.end, VerdictRow.at, JudgeMeasurementRow.end, JudgePairRow.at, JudgeCanaryRow.at):
        session.exec(delete(when.class_).where(col(when) < now - retention.long))  # type: ignore[attr-defined]
    session.exec(delete(JudgeSpendRow).where(col(JudgeSpendRow.hour) < now - retention.transitions))
    oldest = now - (keep_texts or timedelta(0))
    wordy = (col(VerdictRow.evidence) != "") | (col(VerdictRow.reasoning) != "")
    session.exec(update(VerdictRow).where(col(VerdictRow.judged_at) < oldest, wordy).values(evidence="", reasoning=""))
    session.exec(delete(CacheRow).where(col(CacheRow.key).startswith(CACHE_PREFIX), col(CacheRow.used_at) < oldest))


_AT_ONCE = 500


def month_start(now: datetime) -> datetime:
    """The beginning of a month (UTC)."""
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def _since(session: Session, moment: datetime) -> float:
    total = select(func.sum(JudgeSpendRow.usd)).where(col(JudgeSpendRow.hour) >= moment)
    return float(session.exec(total).one() or 0)


def _measured(row: JudgeMeasurementRow) -> Measured:
    values = dict(_values(row.body))
    return Measured(row.source, segment_of(row.segment), Window(row.start, row.end), values)


def _values(body: Sequence[Sequence[Any]]) -> Iterator[tuple[Key, Value]]:
    for name, labels, value, lower, upper, n, reason in body:
        own: Mapping[str, str] = labels
        yield Key.of(name, **own), Value(value, lower, upper, n, None if reason is None else Reason(reason))
