"""Calls of the log that are evaluated: a sample of those that fit, with their texts redacted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from config.calls import GROUPING_COLUMNS
from config.criteria import Need
from detectors.judge.candidates import Candidates, candidates, disliked
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
    """

    source: str
    window: Window
    where: tuple[str, ...] = ()
    sample: int = 200
    said: str = ""

    def __str__(self) -> str:
        signs = f", {', '.join(self.where)}" if self.where else ""
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
    watched = _watched(house, wanted.source)
    for sign in wanted.where:
        if "=" not in sign and sign not in SIGNS:
            raise EvaluationError(
                f"--where {clean_text(sign, 100)!r} is not known; there are {', '.join(SIGNS)}, or column=value"
            )
    pairs = [_pair(each) for each in wanted.where if "=" in each]
    columns = _columns(watched, [column for column, _ in pairs])
    with watched.using:
        found = candidates(watched.source, wanted.window, watched.settings.max_duration, columns)
    fits = [_with(house, watched, wanted, sign, now) for sign in wanted.where if "=" not in sign and sign != "error"]
    asked = tuple(sorted(pairs))
    rows = [
        row
        for row, call in enumerate(found.ids)
        if tuple(sorted(found.segments[row].labels)) == asked
        and all(call in those for those in fits)
        and (found.error[row] or "error" not in wanted.where)
    ]
    if not rows:
        raise EvaluationError(f"{clean_text(str(wanted), 300)}: no call with an answer fits")
    chosen = rows[: wanted.sample]
    population = round(len(rows) / found.share)
    return Rows(str(wanted), tuple(_read(house, watched, wanted, (found, chosen), (needs, criteria))), (), population)


def _watched(house: House, source: str) -> Watched:
    if not source and len(house.sources) == 1:
        return next(iter(house.sources.values()))
    if source not in house.sources:
        known = ", ".join(house.sources)
        raise EvaluationError(f"there is no source {clean_text(source, 100)!r}: --source takes {known}")
    return house.sources[source]


def _pair(text: str) -> tuple[str, str]:
    column, _, value = text.partition("=")
    return column, value


def _columns(watched: Watched, asked: Sequence[str]) -> tuple[str, ...]:
    there = [each for each in GROUPING_COLUMNS if each in watched.source.columns]
    for column in asked:
        if column not in there:
            known = ", ".join(there) or "none"
            raise EvaluationError(f"--where {clean_text(column, 100)}=…: calls are chosen by {known}")
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
    return frozenset(call for call, p in strange.items() if p <= LEVEL)


def _read(
    house: House,
    watched: Watched,
    wanted: Pick,
    chosen: tuple[Candidates, Sequence[int]],
    read: tuple[Iterable[Need], Sequence[str]],
) -> Iterable[Row]:
    (found, rows), (needs, criteria) = chosen, read
    ids = [found.ids[row] for row in rows]
    needed = list(needs)
    items: dict[str, Item] = {}
    for first in range(0, len(ids), IN_A_QUERY):
        items |= read_items(watched, ids[first : first + IN_A_QUERY], wanted.window, needed)
    said: dict[str, dict[str, Label]] = {}
    with house.database.reading() as session:
        for name in criteria:
            for label in _labelled(session, watched.name, name, wanted.window):
                said.setdefault(label.call_id, {})[name] = label
    for row, call in zip(rows, ids, strict=True):
        if call in items:
            mine = said.get(call, {})
            yield Row(
                item=redacted(items[call]),
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
