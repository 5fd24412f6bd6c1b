"""A new normal: because a person says so, the test for a rise learns anew what is usual, from now on."""

from collections.abc import Sequence
from datetime import datetime

from config.judge import Judge as Settings
from monitor.judging.crew import speaker
from monitor.judging.lasting import month_of
from monitor.judging.rising import begun_anew
from monitor.store import judging
from monitor.store.database import Session
from monitor.store.judge_tables import JudgeSeriesRow


class NothingToAcceptError(Exception):
    """There is no such test; the message says which there are."""


def accept(session: Session, settings: Settings, of: tuple[str, str], now: datetime) -> list[JudgeSeriesRow]:
    """Starts the tests of a criterion anew; their alarms end, and nothing from before counts any more.

    Args:
        session: a transaction.
        settings: of the judge.
        of: the criterion and the source; an empty source is all of them.
        now: wall clock, kept as the time of the decision.

    Returns:
        The tests as they are now.

    Raises:
        NothingToAcceptError: no window of that criterion and source has been judged.
    """
    criterion, source = of
    mine = [row for row in judging.series(session, for_update=True) if row.voice == speaker(settings)]
    chosen = [row for row in mine if row.criterion == criterion and source in ("", row.source)]
    if not chosen:
        raise NothingToAcceptError(_none(mine, settings, criterion, source))
    for row in chosen:
        # What the month has shown so far is no matter of what is usual.
        row.facts, row.alarm = {**begun_anew(now), **month_of(row.facts)}, None
        session.add(row)
    return chosen


def _none(known: Sequence[JudgeSeriesRow], settings: Settings, criterion: str, source: str) -> str:
    if criterion not in settings.criteria:
        return f"{criterion!r} is not judged: judge.criteria holds {', '.join(settings.criteria)}"
    where = sorted({row.source for row in known if row.criterion == criterion})
    of = f"{criterion} of {source}" if source else criterion
    rest = f"there are verdicts of {', '.join(where)}" if where else "the first comes when a window was judged whole"
    return f"no test watches {of} yet: {rest}"
