"""How often the drift detector of a stream and a test of the judge may be wrong, and how often a drift detector would
have been in its own past."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from config.settings import Settings
from monitor.formats import count
from monitor.store import baselines
from monitor.store.baselines import StoredBaseline
from monitor.store.database import Session

if TYPE_CHECKING:
    from detectors.drift.budget import Share, Spender

DAY = timedelta(days=1)

Hindsight = Sequence[tuple[float, int]]  # days to a false alarm, and how many alarms there would have been


def share(session: Session, settings: Settings, stored: StoredBaseline) -> "Share":
    """What the detector against a baseline may spend of the budget of all; of one that is not in use, if it were."""
    place = (stored.source, stored.segment, stored.stream, stored.role)
    others = baselines.in_use(session)
    used = [each for each in others if (each.source, each.segment, each.stream, each.role) != place]
    return _shares(settings, [stored, *used])[0]


def days_of_a_test(session: Session, settings: Settings) -> float:
    """Mean time between two false alarms of one test of the judge, in days: its part of the budget of all.

    There is a test of each criterion and source, and at least one.
    """
    return _shares(settings, baselines.in_use(session))[-1].days


def _shares(settings: Settings, used: Sequence[StoredBaseline]) -> "list[Share]":
    """The share of the detector against each baseline, and then of each test of the judge: both have one budget."""
    from detectors.drift.budget import split
    from detectors.drift.slow import rate

    tests = 0 if settings.judge is None else len(settings.judge.criteria) * len(settings.sources)
    streams: list[Spender] = [each.stream for each in used]
    streams += ["judge"] * tests
    rates = [rate((each.fitted_until - each.fitted_from) // DAY) for each in used] + [0.0] * tests
    return split(settings.drift.false_alarms / DAY, streams, rates)


def kept(days: float, stored: StoredBaseline, hindsight: Hindsight) -> float:
    """Days to a false alarm that the threshold is set for: a baseline keeps what is promised in its own past."""
    from detectors.drift.weeks import kept_days

    return kept_days(days, tuple(hindsight), (stored.fitted_until - stored.fitted_from) / DAY)


def in_its_past(session: Session, settings: Settings, stored: StoredBaseline, hindsight: Hindsight) -> str:
    """How often the detector would have alarmed in the days that it was learnt from, as the settings are.

    Args:
        session: of the store.
        settings: with the budget.
        stored: the baseline.
        hindsight: of it, each week read by a fit on the others; empty where nobody can tell.
    """
    from detectors.drift.weeks import alarms_at

    learnt, days = (stored.fitted_until - stored.fitted_from) / DAY, share(session, settings, stored).days
    budget = f"its share of the budget is one false alarm in {count(round(days))} days"
    if not hindsight:
        return f"how often it would have alarmed in its own past cannot be told: that takes three weeks; {budget}"
    times = alarms_at(days, tuple(hindsight))
    said = f"on its last {count(round(learnt))} days this setting would have alarmed {times} time{'s' * (times != 1)}"
    set_for = kept(days, stored, hindsight)
    raised = f", so the threshold is set for one in {count(round(set_for))} days" if set_for > days else ""
    return f"{said}, each week read by a fit on the others; {budget}{raised}"
