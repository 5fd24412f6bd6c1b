"""The golden set in the store: runs, answers with what they cost, and which answers are frozen."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session, col, delete, func, select, update

from monitor.store.golden_tables import GoldenAnswerRow, GoldenRunRow

DONE = "done"

Facts = Mapping[str, Any]  # what a finished run found; see `monitor.golden.compare`
Slot = tuple[str, int]  # hash of a prompt, number of the answer


def newest(session: Session) -> GoldenRunRow | None:
    """The run that was started last; None before the first."""
    return session.exec(select(GoldenRunRow).order_by(col(GoldenRunRow.id).desc()).limit(1)).first()


def newest_done(session: Session) -> GoldenRunRow | None:
    """The last run that came to its end."""
    query = select(GoldenRunRow).where(col(GoldenRunRow.state) == DONE).order_by(col(GoldenRunRow.id).desc())
    return session.exec(query.limit(1)).first()


def begin(session: Session, now: datetime) -> int:
    """Starts a run; its id."""
    row = GoldenRunRow(state="running", started_at=now, tried_at=now)
    session.add(row)
    session.flush()
    return int(row.id or 0)


def run(session: Session, run_id: int) -> GoldenRunRow:
    """One run."""
    return session.get_one(GoldenRunRow, run_id)


def answers(session: Session, run_id: int) -> dict[Slot, str]:
    """What a run was answered."""
    rows = session.exec(select(GoldenAnswerRow).where(col(GoldenAnswerRow.run) == run_id))
    return {(row.prompt, row.sample): row.text for row in rows if row.text is not None}


def frozen(session: Session, prompts: Sequence[str]) -> dict[str, list[str]]:
    """The answers that stand for each prompt: those that were frozen last; nothing for one that has none."""
    rows = session.exec(
        select(GoldenAnswerRow)
        .where(col(GoldenAnswerRow.frozen_at).is_not(None), col(GoldenAnswerRow.prompt).in_(prompts))
        .order_by(col(GoldenAnswerRow.frozen_at), col(GoldenAnswerRow.run), col(GoldenAnswerRow.sample))
    )
    latest: dict[str, dict[int, list[str]]] = {}
    for row in rows:
        # Later runs come later, so the last key of each prompt is the one that counts.
        runs = latest.setdefault(row.prompt, {})
        texts = runs.pop(row.run, [])
        runs[row.run] = [*texts, row.text or ""]
    return {prompt: list(runs.values())[-1] for prompt, runs in latest.items()}


def freeze(session: Session, run_id: int, prompts: Sequence[str] | None, now: datetime) -> None:
    """Lets the answers of a run stand from now on: to some prompts, or to all (None)."""
    mine = [col(GoldenAnswerRow.run) == run_id, col(GoldenAnswerRow.text).is_not(None)]
    if prompts is not None:
        mine.append(col(GoldenAnswerRow.prompt).in_(prompts))
    session.exec(update(GoldenAnswerRow).where(*mine).values(frozen_at=now))


def spent(session: Session, now: datetime) -> float:
    """US dollars of the day (UTC) until now, with what is only reserved."""
    midnight = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    total = select(func.sum(GoldenAnswerRow.usd)).where(col(GoldenAnswerRow.at) >= midnight)
    return float(session.exec(total).one() or 0)


def cost(session: Session, run_id: int) -> float:
    """US dollars of a run."""
    total = select(func.sum(GoldenAnswerRow.usd)).where(col(GoldenAnswerRow.run) == run_id)
    return float(session.exec(total).one() or 0)


def reserve(session: Session, run_id: int, slot: Slot, usd: float, now: datetime) -> float:
    """Takes what an answer may cost out of the budget before it is asked for; what an earlier try took stays taken.

    Returns:
        what is taken for this answer in all.
    """
    prompt, sample = slot
    row = session.get(GoldenAnswerRow, (run_id, prompt, sample))
    if row is None:
        row = GoldenAnswerRow(run=run_id, prompt=prompt, sample=sample, at=now, usd=0)
    row.usd, row.at = row.usd + usd, now
    session.add(row)
    return row.usd


def settle(session: Session, run_id: int, slot: Slot, change_usd: float, text: str | None) -> None:
    """Puts what an answer did cost in place of what was reserved, and keeps it."""
    row = session.get_one(GoldenAnswerRow, (run_id, *slot))
    row.usd, row.text = max(row.usd + change_usd, 0.0), text
    session.add(row)


def expire(session: Session, now: datetime, keep: timedelta) -> None:
    """Forgets runs and answers that are older than `keep`; what is frozen stays."""
    old = (col(GoldenAnswerRow.at) < now - keep, col(GoldenAnswerRow.frozen_at).is_(None))
    session.exec(delete(GoldenAnswerRow).where(*old))
    session.exec(delete(GoldenRunRow).where(col(GoldenRunRow.started_at) < now - keep))


def change(session: Session, run_id: int, values: Mapping[str, object]) -> None:
    """Changes columns of a run."""
    session.exec(update(GoldenRunRow).where(col(GoldenRunRow.id) == run_id).values(**values))
