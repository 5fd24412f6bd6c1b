"""One look of the judge, on one page: draw from what has closed, ask what waits, measure what is complete."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from config.judge import Judge as Settings
from detectors.judge.criterion import CriterionError
from detectors.measurement import Measured, Segment, Window
from monitor.failpoints import hit
from monitor.house import House, Watched
from monitor.judging import comparing, deciding, lasting, measuring, rising, trusting
from monitor.judging.asking import Round, decide_jury, finish, give_up, given_up
from monitor.judging.crew import Crew, Outside
from monitor.judging.drawing import plan
from monitor.labels.gather import bring
from monitor.slots import ceil, floor
from monitor.sources.base import SourceError
from monitor.store import baselines, judging, states
from monitor.store.database import Session
from monitor.store.judge_tables import JudgeWindowRow

log = logging.getLogger("watchkeeper")

WINDOW = timedelta(hours=1)  # where no text is read and none is set
TEXT_PATIENCE = timedelta(hours=1)  # how long a window waits for its texts to be read: they say what is strange
PAST = timedelta(days=1)  # after a pause of more, older windows are not judged any more: they would cost the present's


def look(house: House, outside: Outside) -> int:
    """Everything that is due of the judge, as far as money and judges allow; how many windows were completed.

    1. Draw the calls of every window that has closed, and keep the questions with their probabilities.
    2. Ask the judges about what is known, once a day.
    3. Ask what waits, the newest windows first; every verdict is kept when it comes. Then compare pairs.
    4. Of a window of which nothing waits any more: step the test for a rise, add to the month, measure, step the rules,
       close, in one transaction.
    """
    settings = house.settings.judge
    if settings is None:
        return 0
    try:
        crew = Crew.of(house, settings, outside)
    except (CriterionError, ValueError) as error:
        _note(house, dict.fromkeys(settings.judges, str(error)), outside.clock())
        return 0
    asking, sources = Round(house, crew, outside), house.sources.values()
    for watched in sources:
        _guarded(watched, partial(_draw, house, watched, settings, outside))
    trusting.ask_canaries(asking)
    for watched in sources:
        _guarded(watched, partial(bring, house, watched, outside.clock()))
        _guarded(watched, partial(_ask, asking, watched))
        _guarded(watched, partial(_compare, asking, watched))
    if asking.down or asking.answered:
        _note(house, asking.problems, outside.clock(), asking.answered)
    return sum(_complete_all(asking, each) for each in sources)


def _guarded(watched: Watched, job: Callable[[], int]) -> int:
    """What a job gives; 0 when its source cannot be read, which is told by the rules about sources."""
    try:
        return job()
    except SourceError as error:
        log.warning("the judge cannot read %s: %s", watched.name, error)
        return 0


def _note(house: House, problems: dict[str, str], now: datetime, answered: set[str] | None = None) -> None:
    with house.database.transaction() as session:
        known = judging.states(session)
        for name, problem in problems.items():
            row = known.get(name)
            if bool(problem) != bool(row and row.problem):
                log.warning("the judge %s %s", name, f"does not answer: {problem}" if problem else "answers again")
            judging.note_state(session, name, now, problem, answered=name in (answered or ()))
        hit("judge.state.before_commit")
    hit("judge.state.after_commit")


def _draw(house: House, watched: Watched, settings: Settings, outside: Outside) -> int:
    """Draws from every window that is due; how many there were."""
    count = 0
    for window in due(house, watched, settings, outside.clock()):
        if outside.stopping():
            break
        plan(house, watched, settings, window, outside.clock())
        count += 1
    return count


def due(house: House, watched: Watched, settings: Settings, now: datetime) -> Iterator[Window]:
    """The windows that have closed and were not drawn from; of a new judge only the newest."""
    with house.database.reading() as session:
        row = states.all_progress(session).get(watched.name)
        last = judging.last_window(session, watched.name)
        length, read_until = _texts(session, watched, settings)
    if row is None or row.complete_until is None or "response" not in watched.source.columns:
        return
    until = floor(row.complete_until, length)
    start = until - length if last is None else max(ceil(last.end, length), floor(until - PAST, length))
    while start + length <= until:
        end = start + length
        # Which texts are strange is known once they are read; without that the draw is an even one.
        if read_until is not None and read_until < end and now < end + watched.settings.lateness + TEXT_PATIENCE:
            return
        yield Window(start, end)
        start = end


def _texts(session: Session, watched: Watched, settings: Settings) -> tuple[timedelta, datetime | None]:
    """The length of a source's windows, and until when its prompts were read; None where none are."""
    used = [each for each in baselines.in_use(session, watched.name) if each.stream == "prompt"]
    whole = [each for each in used if not each.segment.labels] or used
    length = settings.window or (timedelta(seconds=whole[0].length_s) if whole else WINDOW)
    return length, min((each.read_until for each in whole), default=None)


def _ask(asking: Round, watched: Watched) -> int:
    """Asks what waits of a source, the newest window first; of how many windows something waited."""
    with asking.house.database.reading() as session:
        windows = judging.open_windows(session, watched.name)
    for window in windows:
        if not asking.is_over:
            asking.ask(watched, window)
    return len(windows)


def _complete_all(asking: Round, watched: Watched) -> int:
    """Completes what is complete of a source, oldest first; how many windows that were."""
    with asking.house.database.reading() as session:
        windows = judging.open_windows(session, watched.name)
    return sum(
        _complete(asking, watched, window, newer=number > 0) for number, window in reversed(list(enumerate(windows)))
    )


def _complete(asking: Round, watched: Watched, row: JudgeWindowRow, *, newer: bool) -> bool:
    """Closes a window if nothing of it is asked any more; whether it did."""
    house, now, window = asking.house, asking.outside.clock(), Window(row.start, row.end)
    with house.database.reading() as session:
        rows = judging.drawn(session, row.source, row.start)
    waits = any(each.state == judging.WAITING and each.voice in asking.crew.judges for each in rows)
    if waits and not given_up(row, rows, now, newer=newer):
        return False
    give_up(asking.kept_waiting, rows)
    if len(asking.crew.judges) > 1:
        decide_jury(asking.crew, rows, now)
    finish(rows)
    with house.deciding, house.database.transaction() as session:
        judging.save(session, rows)
        judging.close(session, row)
        session.flush()
        rising.advance(session, house, row, rows)
        lasting.advance(session, house, row, rows)
        session.flush()
        measured = [_with_own(session, house, each) for each in measuring.measure(session, house, watched, window)]
        judging.measure(session, measured)
        decision = deciding.decide(house, watched, window, (measured, rows), now)
        if decision is not None:
            decision.save(session, now)
        hit("judge.complete.before_commit")
    hit("judge.complete.after_commit")
    return True


def _with_own(session: Session, house: House, measured: Measured) -> Measured:
    """What is measured of a whole source, with what is known of its judges, its comparisons and its month."""
    if measured.segment != Segment():
        return measured
    source, end = measured.source, measured.window.end
    own = {**dict(trusting.values(session, house)), **dict(comparing.values(session, house, source, end))}
    return replace(measured, values={**measured.values, **own, **dict(lasting.values(session, house, source, end))})


def _compare(asking: Round, watched: Watched) -> int:
    """Asks about pairs of a source."""
    with asking.house.database.reading() as session:
        last = judging.last_window(session, watched.name)
    if last is not None:
        comparing.compare_sides(asking, watched, last)
    return 0
