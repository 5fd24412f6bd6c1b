"""Exports of the tools where people annotate, read as labels; what is none is counted by its reason."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from config.labels import LabelExport, Score
from detectors.judge.criterion import Criterion
from monitor.clean import clean_text
from monitor.labels.files import LONGEST_NAME, Given, LabelFile
from monitor.labels.opinion import Opinion
from monitor.labels.tools.known import TOOLS
from monitor.labels.words import Said, UnreadableError, read_verdict
from monitor.records import Bad, Record, read_records
from monitor.times import parse_time

_PAGES: Final = ("data", "items", "runs")  # under which an answer of an API has its records


def read_export(path: Path, export: LabelExport, criteria: Mapping[str, Criterion], now: datetime) -> LabelFile:
    """The labels of an export.

    Args:
        path: CSV, JSON or JSON lines, of records or of answers of the API that hold them.
        export: whose it is, and what counts.
        criteria: that are known, by name.
        now: from which ages are counted; nothing was given later.

    Raises:
        monitor.records.RecordsError: the file cannot be read at all.
    """
    read = _Reading(export, criteria, now)
    for record in read_records(path):
        if isinstance(record, Bad):
            read.bad.append(record)
        else:
            for each in _records(record):
                read.take(each)
    return LabelFile(path, read.given, read.bad, read.aside)


def passed(opinion: Opinion, score: Score, criterion: Criterion) -> Said:
    """What an opinion means: its word where that is known, else its number.

    A number without a limit says, from 0 to 1, how much there is of what the criterion asks for.

    Raises:
        UnreadableError: neither says whether it passes.
    """
    number, word = opinion.number, opinion.word
    if word is not None:
        said = word.strip().casefold()
        for words, passes in ((score.passes, True), (score.fails, False)):
            if said in {each.strip().casefold() for each in words}:
                return Said(passes)
        try:
            return read_verdict(word, None, criterion)
        except UnreadableError as error:
            if number is None:
                raise UnreadableError(f"{clean_text(word, 40)!r} is not in passes or fails: {error}") from None
    if number is None:
        raise UnreadableError("has neither a number nor a word")
    if score.above is not None:
        return Said(number > score.above)
    if score.below is not None:
        return Said(number < score.below)
    if not 0 <= number <= 1:
        raise UnreadableError("its numbers are not from 0 to 1: say which pass, with above or below")
    good = number if criterion.polarity == "positive" else 1 - number
    return Said(good > 0.5, good)


@dataclass(slots=True)
class _Reading:
    export: LabelExport
    criteria: Mapping[str, Criterion]
    now: datetime
    given: list[Given] = field(default_factory=list)
    bad: list[Bad] = field(default_factory=list)
    aside: Counter[str] = field(default_factory=Counter)

    def take(self, record: Record) -> None:
        """What a record says, into the lists."""
        try:
            for found in TOOLS[self.export.kind].opinions(record.values):
                if isinstance(found, str):
                    self.aside[found] += 1
                else:
                    self._keep(record.line, found)
        except UnreadableError as error:
            self.bad.append(Bad(record.line, str(error)))

    def _keep(self, line: int, opinion: Opinion) -> None:
        wanted = self._scores(opinion.score)
        counted = {each.casefold() for each in self.export.given_by or TOOLS[self.export.kind].PEOPLE}
        if not wanted:
            self.aside[f"{clean_text(opinion.score, 60)!r} is the score of no criterion"] += 1
        elif opinion.by.casefold() not in counted:
            self.aside[f"given by {clean_text(opinion.by, 40)}"] += 1
        else:
            for name, score in wanted.items():
                try:
                    said = passed(opinion, score, self.criteria[name])
                except UnreadableError as error:
                    self.bad.append(Bad(line, f"{clean_text(opinion.score, 60)!r}: {error}"))
                else:
                    self.given.append(self._given(line, opinion, name, said))

    def _given(self, line: int, opinion: Opinion, name: str, said: Said) -> Given:
        return Given(
            line=line,
            call_id=opinion.call_id,
            criterion=name,
            said=said,
            at=None,
            # A person's name must not depend on the file: the next export has the same label again.
            who=opinion.who[:LONGEST_NAME] or self.export.kind,
            trace_id=opinion.trace_id,
            given_at=_time(opinion.given_at, self.now),
        )

    def _scores(self, called: str) -> dict[str, Score]:
        """The criteria whose verdict a score is."""
        if not self.export.scores:
            name = called.casefold().replace(" ", "_")
            found = (each for each in self.criteria if each.casefold().replace("-", "_") == name.replace("-", "_"))
            return {each: Score() for each in found}
        return {
            name: score
            for name, score in self.export.scores.items()
            if (score.name or name) == called and name in self.criteria
        }


def _records(record: Record) -> Iterator[Record]:
    """The records of an answer of an API, or the record itself."""
    for name in _PAGES:
        held = record.values.get(name)
        if isinstance(held, list) and "name" not in record.values:
            yield from (Record(record.line, each) for each in held if isinstance(each, dict))
            return
    yield record


def _time(written: str, now: datetime) -> datetime | None:
    try:
        return min(parse_time(written, now), now) if written else None
    except (ValueError, OverflowError):
        return None
