"""What a report is asked for, checked against what there is."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from detectors.measurement import Window
from monitor.clean import clean_text
from monitor.house import House, Watched
from monitor.reading.place import Place, places, with_pairs
from monitor.reading.sitting import Sitting
from monitor.report.values import LeftOut, ReportError
from monitor.store import baselines, states
from monitor.store.baselines import StoredBaseline
from monitor.times import parse_time

USUAL_LENGTH = timedelta(hours=24)
NOTHING_LEARNT = "nothing has been learnt yet: the service learns after a week of log, or: watchkeeper baseline fit"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        start: 24 hours before the end where it is None.
        end: how far the source vouches for its log where it is None.
        source: all where it is empty.
        baseline: how the version begins that is compared with; where it is empty the rolling ones, of a stream without
            one the pinned one.
        evidently: whether Evidently's report is wanted too.
    """

    start: datetime | None = None
    end: datetime | None = None
    source: str = ""
    baseline: str = ""
    evidently: bool = True

    @classmethod
    def parse(cls, start: str, end: str, now: datetime, **more: str | bool) -> "Question":
        """From times as a person writes them; empty ones are not given.

        Raises:
            ReportError: they are no times, or in the wrong order.
        """
        try:
            first, last = (parse_time(text, now) if text else None for text in (start, end))
        except (ValueError, OverflowError) as error:
            raise ReportError(str(error)) from None
        if first is not None and last is not None and first >= last:
            raise ReportError(f"from ({first:%Y-%m-%d %H:%M}) must be before to ({last:%Y-%m-%d %H:%M})")
        return cls(first, last, **more)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Task:
    """One stream to report on."""

    sitting: Sitting
    place: Place
    baseline: StoredBaseline
    window: Window
    notes: tuple[str, ...]


def check(house: House, question: Question) -> None:
    """Whether the question can be answered at all, as far as the settings and the store tell.

    Raises:
        ReportError: it cannot.
    """
    if not house.settings.text.enabled:
        raise ReportError("texts are not read: set text.enabled")
    if question.source and question.source not in house.sources:
        known = ", ".join(house.sources)
        raise ReportError(f"there is no source {clean_text(question.source, 100)!r}: configured are {known}")
    found = _asked(house, question)
    if not found and not question.baseline:
        raise ReportError(NOTHING_LEARNT)
    versions = {each.version for each in found}
    if question.baseline and len(versions) != 1:
        what = "no baseline" if not versions else f"{len(versions)} baselines"
        raise ReportError(f"{what} whose version begins with {clean_text(question.baseline, 100)!r}: see baseline list")


def tasks(house: House, question: Question, now: datetime) -> tuple[list[Task], list[LeftOut]]:
    """The streams to report on, and those that cannot be.

    Raises:
        ReportError: there is none, or the question cannot be answered.
    """
    check(house, question)
    found: list[Task] = []
    left_out: list[LeftOut] = []
    for watched in house.sources.values():
        if question.source in ("", watched.name):
            for each in _of_source(house, watched, question, now):
                (left_out if isinstance(each, LeftOut) else found).append(each)  # type: ignore[arg-type]
    if not found:
        reasons = "; ".join(dict.fromkeys(f"{each.place}: {each.reason}" for each in left_out))
        raise ReportError(reasons or NOTHING_LEARNT)
    return found, left_out


def _of_source(house: House, watched: Watched, question: Question, now: datetime) -> Iterator[Task | LeftOut]:
    sitting = Sitting.at(house, watched, now)
    with house.database.reading() as session:
        progress = states.all_progress(session).get(watched.name)
        admitted = states.segments(session, watched.name)
    complete = None if progress is None else progress.complete_until
    if complete is None:
        yield LeftOut(watched.name, "it was never read to its end: start the service first")
        return
    window, notes = _window(question, complete)
    if window is None:
        yield LeftOut(watched.name, f"the stretch begins where the log is not complete yet ({complete:%Y-%m-%d %H:%M})")
        return
    known = {
        Place(each.source, each.segment, each.stream): each
        for each in _asked(house, question)
        if each.source == watched.name
    }
    wanted = known if question.baseline else with_pairs(places(watched, house.settings.text, admitted))
    for place in wanted:
        baseline = known.get(place)
        if baseline is None:
            yield LeftOut(
                str(place), "no baseline is in use: it is still learnt, or wants: watchkeeper baseline accept"
            )
        elif refusal := sitting.refusal(baseline):
            yield LeftOut(str(place), refusal)
        else:
            overlap = window.start < baseline.fitted_until and baseline.fitted_from < window.end
            own = ("The window overlaps the stretch that the baseline was learnt from.",) if overlap else ()
            yield Task(sitting, place, baseline, window, (*notes, *own))


def _window(question: Question, complete: datetime) -> tuple[Window | None, tuple[str, ...]]:
    end = question.end or complete
    notes: tuple[str, ...] = ()
    if end > complete:
        end = complete
        notes = (f"The log is complete until {complete:%Y-%m-%d %H:%M:%S} UTC: the window ends there.",)
    start = question.start or end - USUAL_LENGTH
    return (Window(start, end) if start < end else None), notes


def _asked(house: House, question: Question) -> list[StoredBaseline]:
    """The baselines that are asked for, in order; of those in use the rolling one of a stream comes last."""
    with house.database.reading() as session:
        found = (baselines.known if question.baseline else baselines.in_use)(session, question.source or None)
    return [each for each in found if each.version.startswith(question.baseline)]
