"""How often the drift detector of a stream may be wrong, and how often it would have been in its own past."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from config.settings import Settings
from monitor.formats import count
from monitor.judging.streams import judge_streams
from monitor.store import baselines
from monitor.store.baselines import StoredBaseline
from monitor.store.database import Session

if TYPE_CHECKING:
    from detectors.drift.budget import Share, Spender

DAY = timedelta(days=1)

Hindsight = Sequence[tuple[float, int]]  # days to a false alarm, and how many alarms there would have been


def share(session: Session, settings: Settings, stored: StoredBaseline) -> "Share":
    """What the detector against a baseline may spend of the budget of all; of one that is not in use, if it were."""
    from detectors.drift.budget import split
    from detectors.drift.slow import rate

    place = (stored.source, stored.segment, stored.stream, stored.role)
    others = baselines.in_use(session)
    used = [each for each in others if (each.source, each.segment, each.stream, each.role) != place]
    # The tests of the judge spend of the same budget.
    judged = judge_streams(settings.judge, len(settings.sources))
    rates = [rate((each.fitted_until - each.fitted_from) // DAY) for each in (stored, *used)]
    streams: list[Spender] = [stored.stream, *(each.stream for each in used), *judged]
    return split(settings.drift.false_alarms / DAY, streams, [*rates, *(0.0 for _ in judged)])[0]


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
    learnt, days = (stored.fitted_until - stored.fitted_from) / DAY, share(session, settings, stored).days
    budget = f"its share of the budget is one false alarm in {count(round(days))} days"
    if not hindsight:
        return f"how often it would have alarmed in its own past cannot be told: that takes three weeks; {budget}"
    times = next((alarms for each, alarms in reversed(hindsight) if each <= days), hindsight[0][1])
    said = f"on its last {count(round(learnt))} days this setting would have alarmed {times} time{'s' * (times != 1)}"
    set_for = kept(days, stored, hindsight)
    raised = f", so the threshold is set for one in {count(round(set_for))} days" if set_for > days else ""
    return f"{said}, each week read by a fit on the others; {budget}{raised}"
