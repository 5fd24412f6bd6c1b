"""Learning: a baseline is fitted when it is time, and what the service learnt of its own accord is accepted."""

import logging
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from detectors.measurement import Window
from detectors.sampling import Sample
from monitor.learning import plan
from monitor.reading.desk import TextState
from monitor.reading.place import Place
from monitor.reading.sitting import Sitting, seconds
from monitor.store import texts
from monitor.store.measurements import segment_text
from monitor.store.tables import BaselineRow
from monitor.store.texts import CANDIDATE

if TYPE_CHECKING:
    from detectors.baseline import Baseline

log = logging.getLogger("watchkeeper")

# A reservoir is the first three quarters of what is learnt from; the rest calibrates it.
SHARE = 0.75


def learn(sitting: Sitting, place: Place, span: Window) -> BaselineRow:
    """Fits a baseline on a stretch of the log: a candidate, not stored yet.

    Raises:
        detectors.fitting.TooFewError: there are too few texts in it.
    """
    from detectors.baseline import Settings
    from detectors.fitting import FitSample, fit

    settings = sitting.desk.settings
    sample = sitting.draw(place, span, round(settings.reservoir / SHARE))
    counts = sitting.hours(place, span)
    vectors = sitting.embed(sample.texts, f"learning the {place}")
    fitted = fit(
        FitSample(sample.texts, vectors, seconds(sample), sample.ids, counts),
        Settings(place.stream, sitting.desk.embedder.identity, sitting.redactor.version, scorer=settings.ood),
    )
    return BaselineRow(
        source=place.source,
        segment=segment_text(place.segment),
        stream=place.stream,
        version=fitted.version,
        state=CANDIDATE,
        fitted_at=sitting.now,
        fitted_from=span.start,
        fitted_until=span.end,
        length_s=int(fitted.length_s),
        read_until=span.end,
        facts=_facts(fitted, sample),
        body=fitted.to_bytes(),
    )


def learn_due(sitting: Sitting, place: Place, there: Window) -> None:
    """Learns when it is time; notes how the stream is doing.

    Args:
        there: the log as far as it is watched and complete.
    """
    from detectors.fitting import TooFewError

    used = [row for row in sitting.in_use(place) if not row.pinned]
    refusals = [sitting.refusal(sitting.desk.opened(row)) for row in used]
    fitting = [row for row, refusal in zip(used, refusals, strict=True) if not refusal]
    wanted = timedelta(days=sitting.desk.settings.baseline_days)
    known = Window(fitting[-1].fitted_from, fitting[-1].fitted_until) if fitting else None
    due = plan(there.start, there.end, wanted, known)
    problem = "" if fitting else "; ".join(dict.fromkeys(filter(None, refusals)))
    if due.fit is not None and sitting.desk.may_try(place, there.end):
        try:
            keep(sitting, learn(sitting, place, due.fit), accepted=True)
        except TooFewError as error:
            sitting.desk.tried(place, there.end)
            problem = str(error)
        else:
            log.info("learnt what is normal for the %s", place)
            due, problem = plan(there.start, there.end, wanted, due.fit), ""
    sitting.desk.states[place] = TextState(due.phase, due.have, wanted, problem)


def keep(sitting: Sitting, row: BaselineRow, *, accepted: bool) -> None:
    """Stores a baseline, and measures against it from now on when it is accepted."""
    with sitting.house.database.transaction() as session:
        texts.add_baseline(session, row)
        if accepted:
            texts.accept(session, session.get_one(BaselineRow, (row.source, row.segment, row.stream, row.version)))


def _facts(baseline: "Baseline", sample: Sample) -> dict[str, Any]:
    """What a person should know of it without opening it."""
    from detectors.effects import outlier_days

    return {
        "texts": baseline.texts,
        "population": sample.population,
        "reservoir": len(baseline.reservoir),
        "windows": len(baseline.history.n),
        "topics": [
            {"name": topic.name, "share": topic.share, "exemplars": list(topic.exemplars)} for topic in baseline.topics
        ],
        "outlier_days": [asdict(day) | {"day": day.day.isoformat()} for day in outlier_days(baseline)],
    }
