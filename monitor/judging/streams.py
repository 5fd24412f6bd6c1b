"""The tests of the judge as detectors that share the budget of false alarms with those of drift."""

from datetime import timedelta

from config.judge import Judge
from detectors.drift.budget import Spender
from monitor.house import House
from monitor.store import baselines
from monitor.store.database import Session

DAY = timedelta(days=1)


def judge_streams(settings: Judge | None, sources: int) -> list[Spender]:
    """One of each source and criterion; none without a judge."""
    return [] if settings is None else ["judge"] * (len(settings.criteria) * sources)


def days_of_a_test(session: Session, house: House) -> float:
    """Mean time between two false alarms of one test of the judge, in days: its part of the budget of all."""
    from detectors.drift.budget import split
    from detectors.drift.slow import rate

    used, judged = baselines.in_use(session), judge_streams(house.settings.judge, len(house.sources))
    rates = [rate((each.fitted_until - each.fitted_from) // DAY) for each in used]
    streams: list[Spender] = [*(each.stream for each in used), *judged]
    return split(house.settings.drift.false_alarms / DAY, streams, [*rates, *(0.0 for _ in judged)])[-1].days
