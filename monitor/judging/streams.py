"""The tests of the judge as detectors that share the budget of false alarms with those of drift."""

from datetime import timedelta

from config.judge import Judge
from detectors.drift.budget import Stream
from monitor.house import House
from monitor.store import baselines
from monitor.store.database import Session


def judge_streams(settings: Judge | None, sources: int) -> list[Stream]:
    """One of each source and criterion; none without a judge."""
    return [] if settings is None else ["judge"] * (len(settings.criteria) * sources)


def days_of_a_test(session: Session, house: House) -> float:
    """Mean time between two false alarms of one test of the judge, in days: its part of the budget of all."""
    from detectors.drift.budget import split

    used: list[Stream] = [each.stream for each in baselines.in_use(session)]
    streams = [*used, *judge_streams(house.settings.judge, len(house.sources))]
    budget = house.settings.drift.false_alarms / timedelta(days=1)
    return split(budget, streams, [0.0] * len(streams))[-1].days
