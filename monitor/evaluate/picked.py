"""Calls of the log that are evaluated: a sample of those that fit, with their texts redacted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from config.calls import GROUPING_COLUMNS
from config.criteria import Need
from config.types import format_duration
from detectors.judge.candidates import Candidates, candidates, disliked
from detectors.judge.matched import Sides
from detectors.judge.prompt import Item
from detectors.measurement import Window
from detectors.ood import LEVEL
from monitor.clean import clean_text
from monitor.evaluate.values import EvaluationError, Row, Rows
from monitor.house import House, Watched
from monitor.judging.items import read_items
from monitor.labels.calls import redacted
from monitor.store import judging, labels, texts
from monitor.store.database import Session
from monitor.store.labels import Label

SIGNS: Final = ("out_of_distribution", "negative_feedback", "new_topic", "error")
IN_A_QUERY: Final = 200
RATED_LATER: Final = timedelta(days=7)  # feedback that came so long after the calls is looked at


@dataclass(frozen=True, slots=True)
class Pick:
    """Which calls.

    Attributes:
        source: theirs; empty is the only one.
        window: when they were completed.
        where: signs that they have, all of them: names of `SIGNS`, or column=value.
        sample: how many at most, chosen by hash.
        said: the question as a person wrote it: a run that was broken off goes on when it is asked again.
        sides: two values of a column whose answers are compared; None picks single calls.
        alike: prompts that are not equal are paired too where the cosine of their embeddings is at least this.
    """

    source: str
    window: Window
    where: tuple[str, ...] = ()
    sample: int = 200
    said: str = ""
    sides: Sides | None = None
    alike: float | None = None

    def __str__(self) -> str:
        signs = "".join(f", {each}" for each in self.where)
        if self.sides is not None:
            signs += f", {self.sides.column} {self.sides.first} against {self.sides.second}"
        return (
            f"{self.source or 'calls'}, {self.window.start:%Y-%m-%d %H:%M} to {self.window.end:%Y-%m-%d %H:%M}{signs}"
        )


def pick(house: House, wanted: Pick, needs: Iterable[Need], criteria: Sequence[str], now: datetime) -> Rows:
    """The calls, chosen by the hash of their id among all that fit, with what people said of them.

    Args:
        house: the service.
        wanted: which calls.
        needs: the texts that are read of them.
        criteria: whose labels come with them.
        now: feedback is read until then.

    Raises:
        EvaluationError: no call fits, or the question cannot be answered by this source.
        SourceError: the source cannot be read.
    """
    watched = watched_of(house, wanted.source)
    found, rows = fitting(house, watched, wanted, now)
    if not rows:
        raise EvaluationError(f"{clean_text(str(wanted), 300)}: no call with an answer fits")
    chosen = rows[: wanted.sample]
    population = round(len(rows) / found.share)
    return Rows(str(wanted), tuple(_read(house, watched, wanted, (found, chosen), (needs, criteria))), (), population)


def fitting(house: House, watched: Watched, wanted: Pick, now: datetime) -> tuple[Candidates, list[int]]:
    """The calls of the window by hash, and which of them fit.

    Raises:
        EvaluationError: the question cannot be answered by this source.
        SourceError: the source cannot be read.
    """
    for sign in wanted.where:
        if "=" not in sign and sign not in SIGNS:
            raise EvaluationError(
                f"--where {clean_text(sign, 100)!r} is not known; there are {', '.join(SIGNS)}, or column=value"
            )
    asked = dict(pair_of(each) for each in wanted.where if "=" in each)
    columns = columns_of(watched, list(asked))
    with watched.using:
        found = candidates(watched.source, wanted.window, watched.settings.max_duration, columns)
    fits = [_with(house, watched, wanted, sign, now) for sign in wanted.where if "=" not in sign and sign != "error"]
    rows = [
        row
        for row, call in enumerate(found.ids)
        if asked.items() <= found.segments[row].as_dict().items()
        and all(call in those for those in fits)
        and (found.error[row] or "error" not in wanted.where)
    ]
    return found, rows


def watched_of(house: House, source: str) -> Watched:
    """A source by its name; an empty one is the only one.

    Raises:
        EvaluationError: there is none, or several.
    """
    if not source and len(house.sources) == 1:
        return next(iter(house.sources.values()))
    if source not in house.sources:
        known = ", ".join(house.sources)
        raise EvaluationError(f"there is no source {clean_text(source, 100)!r}: --source takes {known}")
    return house.sources[source]


def pair_of(text: str) -> tuple[str, str]:
    """Column and value of `column=value`."""
    column, _, value = text.partition("=")
    return column, value


def columns_of(watched: Watched, asked: Sequence[str]) -> tuple[str, ...]:
    """The columns that calls are chosen by, each once.

    Raises:
        EvaluationError: the source has none of that name.
    """
    there = [each for each in GROUPING_COLUMNS if each in watched.source.columns]
    for column in asked:
        if column not in there:
            known = ", ".join(there) or "none"
            raise EvaluationError(f"{clean_text(column, 100)}=…: calls are chosen by {known}")
    return tuple(dict.fromkeys(asked))


def _with(house: House, watched: Watched, wanted: Pick, sign: str, now: datetime) -> frozenset[str]:
    """The calls that have a sign."""
    if sign == "negative_feedback":
        rated = watched.settings.feedback
        if rated is None:
            raise EvaluationError(f"sources.{watched.name} has no feedback to choose by")
        until = min(now, wanted.window.end + RATED_LATER)
        with watched.using:
            return disliked(watched.source, Window(wanted.window.start, until), rated.positive_above)
    with house.database.reading() as session:
        if sign == "new_topic":
            return texts.of_new_topics(session, watched.name, wanted.window)
        strange = texts.strange(session, watched.name, wanted.window)
    if not strange:
        kept = format_duration(house.settings.retention.short)
        raise EvaluationError(
            f"{clean_text(str(wanted), 300)}: no prompt was put beside a baseline: the service does so once it has "
            f"learnt one, and keeps how strange each was for {kept} (retention.short)"
        )
    return frozenset(call for call, p in strange.items() if p <= LEVEL)


def items_of(watched: Watched, ids: Sequence[str], window: Window, needs: Iterable[Need]) -> dict[str, Item]:
    """The texts of calls that ended in the window, some at a time, redacted always."""
    found: dict[str, Item] = {}
    needed = list(needs)
    for first in range(0, len(ids), IN_A_QUERY):
        some = read_items(watched, ids[first : first + IN_A_QUERY], window, needed)
        found |= {call: redacted(item) for call, item in some.items()}
    return found


def _read(
    house: House,
    watched: Watched,
    wanted: Pick,
    chosen: tuple[Candidates, Sequence[int]],
    read: tuple[Iterable[Need], Sequence[str]],
) -> Iterable[Row]:
    (found, rows), (needs, criteria) = chosen, read
    ids = [found.ids[row] for row in rows]
    items = items_of(watched, ids, wanted.window, needs)
    said: dict[str, dict[str, Label]] = {}
    with house.database.reading() as session:
        for name in criteria:
            for label in _labelled(session, watched.name, name, wanted.window):
                said.setdefault(label.call_id, {})[name] = label
    for row, call in zip(rows, ids, strict=True):
        if call in items:
            mine = said.get(call, {})
            yield Row(
                item=items[call],
                labels={name: label.passed for name, label in mine.items()},
                cluster=found.sessions[row],
                chances={name: label.probability for name, label in mine.items()},
            )


def _labelled(session: Session, source: str, criterion: str, window: Window) -> list[Label]:
    """The labels of a window, each with the probability with which a call of the log was given one.

    Labels that were drawn were drawn from judged calls, which had a probability of their own.
    """
    found = labels.labels_of(session, source, criterion, window.start, window.end)
    if not found or not any(each.criterion == criterion for each in labels.drawn(session, source, found[0].call_id)):
        return list(found)
    rows = judging.of_calls(session, source, [each.call_id for each in found], criterion)
    pi = {row.call_id: row.pi for row in rows}
    return [replace(each, probability=each.probability * pi.get(each.call_id, 1.0)) for each in found]
