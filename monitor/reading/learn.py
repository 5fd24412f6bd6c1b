"""Learning: a baseline is fitted when it is time, and what the service learnt of its own accord is accepted."""

import logging
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from detectors.measurement import Window
from detectors.sampling import PAIRS, Sample
from detectors.summary import with_sentiment
from monitor.learning import Known, Rules, newest, plan
from monitor.reading.candidate import candidate
from monitor.reading.desk import TextState
from monitor.reading.pairs import learn_pairs
from monitor.reading.place import Place
from monitor.reading.sitting import Sitting, seconds, size_each
from monitor.store import baselines
from monitor.store.baselines import StoredBaseline
from monitor.store.tables import BaselineRow

if TYPE_CHECKING:
    from detectors.baseline import Baseline

BEING_LEARNT = "being learnt at this moment"

log = logging.getLogger("watchkeeper")

DAY = timedelta(days=1)


def learn(sitting: Sitting, place: Place, span: Window) -> BaselineRow:
    """Fits a baseline on a stretch of the log: a candidate, not stored yet.

    Raises:
        detectors.fitting.TooFewError: there are too few texts in it.
        detectors.sealed.TooLargeError: the model's vectors are too long for the scorer, or for what is kept.
    """
    if place.stream == PAIRS:
        return learn_pairs(sitting, place, span)
    from detectors.baseline import Settings
    from detectors.fitting import FitSample, fit
    from detectors.profile import window_length

    settings = sitting.desk.settings
    counts = sitting.hours(place, span)
    length = settings.window or window_length(counts)
    sample = sitting.draw_each(place, span, size_each(settings, span, length or DAY), length or DAY)
    vectors = sitting.embed(sample.texts, f"learning the {place}")
    retries = sitting.retries_each(place, span, length or DAY)
    fitted = fit(
        FitSample(sample.texts, vectors, seconds(sample), sample.ids, counts, retries),
        Settings(
            place.stream,
            sitting.desk.embedder.identity,
            sitting.redactor.version,
            scorer=settings.ood,
            window_length=length,
        ),
    )
    if settings.sentiment:
        fitted = replace(fitted, summary=with_sentiment(fitted.summary, sample.texts))
    return candidate(sitting, place, span, fitted, _facts(fitted, sample))


def learn_due(sitting: Sitting, place: Place, there: Window) -> None:
    """Learns when it is time; notes how the stream is doing.

    Args:
        there: the log as far as it is watched and complete.
    """
    from detectors.fitting import TooFewError
    from detectors.sealed import TooLargeError

    used = sitting.in_use(place)
    # A rolling baseline is to be there; where there is none beside a pinned one, one is learnt as soon as it would be.
    followed = [each for each in used if not each.pinned] or used
    refusals = [sitting.refusal(each) for each in followed]
    fitting = [each for each, refusal in zip(followed, refusals, strict=True) if not refusal]
    before = fitting[-1] if fitting else None
    rules = Rules(timedelta(days=sitting.desk.settings.baseline_days), sitting.desk.settings.refit)
    # What was learnt of another model, years ago perhaps, is learnt again from what is normal now.
    begin = max(there.start, newest(there.end, rules.wanted).start) if used and before is None else there.start
    due = plan(begin, there.end, rules, None if before is None else _known(before))
    problem = "" if fitting else "; ".join(dict.fromkeys(filter(None, refusals)))
    if due.fit is not None and sitting.desk.may_try(place, there.end):
        # Said beforehand: the first time takes minutes, in which nothing else is known of the stream.
        sitting.desk.states[place] = TextState(due.phase, due.have, rules.wanted, problem or BEING_LEARNT)
        try:
            row = learn(sitting, place, due.fit)
        except (TooFewError, TooLargeError) as error:
            sitting.desk.tried(place, there.end)
            problem = str(error)
        else:
            _take(sitting, row, before)
            log.info("learnt what is normal for the %s", place)
            due = plan(begin, there.end, Rules(rules.wanted), Known(due.fit, row.read_until))
            problem = ""
    sitting.desk.states[place] = TextState(due.phase, due.have, rules.wanted, problem)


def _known(stored: StoredBaseline) -> Known:
    return Known(Window(stored.fitted_from, stored.fitted_until), stored.read_until, stored.automatic)


def _take(sitting: Sitting, row: BaselineRow, before: StoredBaseline | None) -> None:
    """Takes a baseline into use in place of the one before, where that had come to.

    The window that was measured last is measured again: its numbers are those of the present until the next has closed.
    """
    if before is not None:
        row.read_until = max(row.read_until, before.read_until - timedelta(seconds=row.length_s))
        if not before.pinned:
            sitting.desk.closed(before)
    keep(sitting, row, accepted=True, automatic=True)


def keep(sitting: Sitting, row: BaselineRow, *, accepted: bool, automatic: bool = False) -> StoredBaseline:
    """Stores a baseline, and measures against it from now on when it is accepted, by a person or of its own accord."""
    with sitting.house.database.transaction() as session:
        stored = baselines.add(session, row)
        if accepted:
            baselines.accept(session, stored, automatic=automatic)
            stored = replace(stored, state=baselines.ACCEPTED, automatic=automatic)
    return stored


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
        "hindsight": [] if baseline.drift is None else [list(each) for each in baseline.drift.hindsight],
        "outlier_days": [asdict(day) | {"day": day.day.isoformat()} for day in outlier_days(baseline)],
    }
