"""Whether a judge flags more than it used to: its test, stepped once a window, within the budget of false alarms."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from config.judge import Judge as Settings
from detectors.judge.verdict import Problem
from detectors.measurement import Window
from monitor.false_alarms import days_of_a_test
from monitor.house import House
from monitor.judging.asking import all_answered
from monitor.judging.crew import speaker
from monitor.judging.measuring import counts, of_series, series_of, short
from monitor.store import judging
from monitor.store.database import Session
from monitor.store.judge_tables import JudgeSeriesRow, JudgeWindowRow, VerdictRow

if TYPE_CHECKING:
    from detectors.judge.rise import Usual

DAY: Final = timedelta(days=1)
LEAST_DAYS: Final = 7  # of a baseline; see `detectors.judge.rise`
LEAST_TOLERATED: Final = 0.001  # the test needs some room above a share of nothing
SHOWN: Final = 5  # calls of an alarm
Facts = dict[str, Any]


def advance(session: Session, house: House, drawn: JudgeWindowRow, rows: Sequence[VerdictRow]) -> None:
    """Steps the test of every criterion over a window, in the transaction that closes it."""
    source = drawn.source
    settings = house.settings.judge
    assert settings is not None
    budget = days_of_a_test(session, house.settings)
    rows_of = judging.series(session, source, for_update=True)
    known = {row.criterion: row for row in rows_of if row.voice == speaker(settings)}
    for criterion in settings.criteria:
        mine = [row for row in rows if (row.criterion, row.voice) == (criterion, speaker(settings))]
        after = _stepped(known.get(criterion), settings, drawn, mine, budget)
        if after is not None:
            after.source, after.criterion, after.voice = source, criterion, speaker(settings)
            judging.save(session, [after])


def _stepped(
    before: JudgeSeriesRow | None, settings: Settings, drawn: JudgeWindowRow, rows: Sequence[VerdictRow], budget: float
) -> JudgeSeriesRow | None:
    """The test after a window; None where the window says nothing or was read already."""
    window = Window(drawn.start, drawn.end)
    if before is not None and window.start < before.until:
        return None
    current = series_of(rows)
    x = _share(of_series(rows, current), drawn.facts["population"])
    if x is None or not current[1]:
        return None
    facts, alarm = (begun_anew(), None) if before is None or before.series != short(current) else _copied(before)
    usual = _usual(facts)
    limit = None if usual is None else usual.upper + max(settings.tolerance, LEAST_TOLERATED)
    since = facts["until"] or window.start.timestamp()
    days = max((window.end.timestamp() - since) / DAY.total_seconds(), 0.0)
    facts |= {"until": window.end.timestamp(), "limit": limit, "days_known": len(facts["days"])}
    if usual is None or limit is None:
        _learn(facts, window, x)
    elif alarm is None:
        alarm = _bet(facts, settings, (x[0], days, usual, budget))
        if alarm is not None:
            failing = sorted((row for row in rows if row.passed is False), key=lambda row: (not row.quoted, row.rank))
            alarm |= {"at": window.end.timestamp(), "exemplars": [row.call_id for row in failing[:SHOWN]]}
    else:
        alarm = _goes_on(facts, alarm, window, (x[0], limit))
    return JudgeSeriesRow(
        source="", criterion="", voice="", series=short(current), until=window.end, facts=facts, alarm=alarm
    )


def begun_anew(accepted: datetime | None = None) -> Facts:
    """What a test that has seen nothing remembers; `accepted` is when a person took what there is for normal."""
    begun: Facts = {"days": [], "today": [], "usual": None, "sums": None, "until": None, "evidence": 0.0}
    return begun | ({"accepted": accepted.timestamp()} if accepted is not None else {})


def _copied(before: JudgeSeriesRow) -> tuple[Facts, Facts | None]:
    return dict(before.facts), None if before.alarm is None else dict(before.alarm)


def _share(rows: Sequence[VerdictRow], population: int) -> tuple[float, float, float] | None:
    """X of a window, its variance, and the calls that it speaks of; None when what was drawn was not all answered."""
    from detectors.judge.rise import window_share

    judged = [row for row in rows if counts(row)]
    if not judged or not all_answered(rows):
        return None
    pi = np.array([row.pi for row in judged])
    flags = np.array([float(row.passed is False) for row in judged])
    # Where some calls lack a text, how many have it is known by the same weights only.
    lacking = any(row.state in (Problem.MISSING_TEXT, Problem.SAYS_NOTHING) for row in rows)
    calls = float(np.sum(1 / pi)) if lacking else float(population)
    return (*window_share(flags, pi, max(round(calls), 1)), calls)


def _learn(facts: Facts, window: Window, x: tuple[float, float, float]) -> None:
    """Adds a window to the day that it ended in; a day that is over becomes one of the baseline's."""
    day = (window.end - timedelta(microseconds=1)).astimezone(UTC).date().isoformat()
    today = [each for each in facts["today"] if each[0] == day]
    done = [each for each in facts["today"] if each[0] != day]
    if done:
        weights = np.array([each[3] for each in done])
        shares, variances = (np.array([each[column] for each in done]) for column in (1, 2))
        mean = float(np.average(shares, weights=weights))
        facts["days"] = [*facts["days"], [mean, float(np.sum(variances * weights**2) / weights.sum() ** 2)]]
    facts["today"] = [*today, [day, *x]]


def _usual(facts: Facts) -> "Usual | None":
    """What is usual, found once there are days enough, and then kept."""
    from detectors.judge.rise import Usual, usual
    from detectors.judge.unknown import Unknown

    if facts["usual"] is None and facts["days"]:
        shares, variances = (np.array([each[column] for each in facts["days"]]) for column in (0, 1))
        found = usual(shares, variances)
        facts["usual"] = None if isinstance(found, Unknown) else [found.rate, found.between, found.upper]
    return None if facts["usual"] is None else Usual(*facts["usual"])


def _bet(facts: Facts, settings: Settings, seen: "tuple[float, float, Usual, float]") -> Facts | None:
    """Steps the test; the alarm if it is raised. Then the bets begin anew, for the time after the alarm."""
    from detectors.judge.rise import Rise

    share, days, usual, budget = seen
    rise = Rise() if facts["sums"] is None else Rise(np.array(facts["sums"], np.float64))
    rise = rise.step(share, usual, days, max(settings.tolerance, LEAST_TOLERATED))
    facts["sums"], facts["evidence"] = rise.sums.tolist(), rise.evidence(budget)
    if facts["evidence"] < 1:
        return None
    facts["sums"] = None
    return {"evidence": facts["evidence"], "share": share, "usual": usual.rate, "calm": []}


def _goes_on(facts: Facts, alarm: Facts, window: Window, seen: tuple[float, float]) -> Facts | None:
    """The alarm, until a whole day's windows together flag no more than is nobody's business."""
    share, limit = seen
    at = window.end.timestamp()
    recent = [[when, each] for when, each in [*alarm["calm"], [at, share]] if when > at - DAY.total_seconds()]
    facts["evidence"] = alarm["evidence"]
    is_day = at - alarm["at"] >= DAY.total_seconds()
    if is_day and float(np.mean([each for _, each in recent])) <= limit:
        facts["evidence"] = 0.0
        return None
    return alarm | {"calm": recent}


def said(row: JudgeSeriesRow, alarm: Mapping[str, Any]) -> str:
    """An alarm in words."""
    since = datetime.fromtimestamp(alarm["at"], UTC)
    return (
        f"The judge flags more answers than it used to: {row.criterion} {alarm['usual']:.1%} → {alarm['share']:.1%} in"
        f" the window that ended {since:%Y-%m-%d %H:%M} UTC (said by {row.voice}, not corrected)"
    )
