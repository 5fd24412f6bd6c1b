"""The judged calls that people can be asked about."""

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Final

from monitor.labels.sample import JudgedCall
from monitor.store import judging
from monitor.store.database import Session

LONGEST_WINDOW: Final = timedelta(days=1)


def judged_calls(session: Session, source: str, criterion: str, since: datetime, until: datetime) -> list[JudgedCall]:
    """The calls completed in `[since, until)` about which a judge answered; passed when every judge passed them."""
    rows = judging.verdicts(session, source, (since - LONGEST_WINDOW, until), criterion)
    said: dict[tuple[datetime, str], list[bool | None]] = defaultdict(list)
    for row in rows:
        if row.state == judging.ANSWERED and since <= row.at < until:
            said[row.at, row.call_id].append(row.passed)
    return [JudgedCall(call, at, _together(votes)) for (at, call), votes in sorted(said.items())]


def _together(said: list[bool | None]) -> bool | None:
    votes = [each for each in said if each is not None]
    return all(votes) if votes else None
