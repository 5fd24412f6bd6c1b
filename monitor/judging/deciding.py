"""The user's rules about the judge: read once, when a judged window is complete."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from alerts.rules import State
from alerts.watch import Readings, watch
from alerts.watch import Watched as RuleStep
from detectors.measurement import Batch, Key, Measured, Reason, Segment, Series, Value, Window
from monitor.decide import STALE, begin
from monitor.decision import Decision
from monitor.house import House, Watched, is_about_judge
from monitor.store import judging
from monitor.store.database import Database
from monitor.store.judge_tables import VerdictRow
from monitor.store.measurements import segment_text
from monitor.telling import When, is_built_in, tell

MOST_CALLS = 5  # behind an alert
GRACE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class JudgedPast:
    """`alerts.watch.Past` over what the judge said of earlier windows."""

    database: Database
    source: str

    def values(self, segment: Segment, windows: Sequence[Window], key: Key) -> list[Value | None]:
        """See `alerts.watch.Past`."""
        wanted = dict.fromkeys(windows)
        if not wanted:
            return []
        since, until = min(each.start for each in wanted), max(each.end for each in wanted)
        with self.database.reading() as session:
            rows = judging.measured(session, self.source, since, until)
        found = {each.window: each.values.get(key) for each in rows if each.segment == segment}
        return [found.get(window) for window in windows]


def decide(
    house: House,
    watched: Watched,
    window: Window,
    known: tuple[Sequence[Measured], Sequence[VerdictRow]],
    now: datetime,
) -> Decision | None:
    """Steps the rules about the judge over a window that is complete; None where there are none.

    Args:
        house: the service; `house.deciding` is held.
        watched: the source.
        window: that was judged.
        known: what was measured of windows that end with it, and its verdicts.
        now: wall clock.
    """
    rules, (rows, verdicts) = house.rules_of(watched.name, is_about_judge), known
    if not rules:
        return None
    decision = begin(house, now)
    past = JudgedPast(house.database, watched.name)
    readings = Readings(watched.name, window.length, batches_of(rows), history=window.length, past=past)
    fresh = window.end >= watched.fresh_since(now) - 2 * window.length - GRACE
    for name, rule in rules.items():
        if readings.due(rule, window.end):
            for each in watch(name, rule, readings, decision.alerts, window.end):
                ids = _behind(each, verdicts)
                decision.apply(each.id, each.step, None if fresh else STALE, ids)
    if fresh:
        tell(house, decision, When(window.end, now), lambda labels: _is_mine(labels, watched.name, set(rules)))
    return decision


def _is_mine(labels: Mapping[str, str], source: str, rules: set[str]) -> bool:
    return labels["source"] == source and labels["rule"] in rules and not is_built_in(labels)


def batches_of(rows: Sequence[Measured]) -> dict[tuple[tuple[str, ...], timedelta], Batch]:
    """What was measured as rules read it: by grouping and length of window."""
    groups: dict[tuple[tuple[str, ...], timedelta], list[Measured]] = {}
    for row in rows:
        groups.setdefault((row.segment.columns, row.window.length), []).append(row)
    return {key: _batch(mine) for key, mine in groups.items()}


def _batch(rows: Sequence[Measured]) -> Batch:
    keys = dict.fromkeys(key for row in rows for key in row.values)
    return Batch(
        rows[0].source,
        [(row.segment, row.window) for row in rows],
        {key: _series([row.values.get(key) for row in rows]) for key in keys},
    )


def _series(values: Sequence[Value | None]) -> Series:
    """A key over the rows; a row that does not have it says nothing, not even why."""

    def column(name: str) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
        found = [None if each is None else getattr(each, name) for each in values]
        return np.array([np.nan if each is None else each for each in found], np.float64)

    n = column("n")
    n[[each is not None and each.n is None for each in values]] = 0
    reasons = np.array([Reason.NO_VALUES if each is None else each.reason for each in values], object)
    return Series(column("value"), column("lower"), column("upper"), n, reasons, sparse=True)


def _behind(each: RuleStep, verdicts: Sequence[VerdictRow]) -> tuple[str, ...]:
    """Ids of calls that failed, for an alert that starts to fire; those first whose quote the judge did not make up."""
    transition = each.step.transition
    if transition is None or transition.after is not State.FIRING:
        return ()
    labels, segment = dict(each.id.labels), each.id.segment
    mine = [
        row
        for row in verdicts
        if row.passed is False
        and row.criterion == labels.get("criterion", row.criterion)
        and row.voice == labels.get("judge", row.voice)
        and (not segment.labels or row.segment == segment_text(segment))
    ]
    mine.sort(key=lambda row: (not row.quoted, row.rank, row.call_id))
    return tuple(dict.fromkeys(row.call_id for row in mine))[:MOST_CALLS]
