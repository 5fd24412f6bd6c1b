"""`compare`: the texts of any two stretches of the log beside each other, once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from rich.table import Table
from rich.text import Text

from detectors.comparison.finding import Finding
from detectors.embedder import EmbeddingError
from detectors.measurement import Segment, Window
from detectors.sampling import STREAMS
from monitor import formats
from monitor.clean import clean_text
from monitor.commands.common import CommandError, console, explain, load_or_explain, parse_time, progress_bar
from monitor.comparison import Comparison, ComparisonError, Question, compare_stretches
from monitor.daemon import clock
from monitor.opening import open_house
from monitor.reading.place import Place
from monitor.sources.base import SourceError
from monitor.store.database import StoreError


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person wrote: a source, a stream, from and to of both stretches, and pairs `column=value`."""

    source: str
    stream: str
    span: tuple[str, str]
    beside: tuple[str, str]
    segment: tuple[str, ...] = ()


def compare(config: Path, asked: Asked, sample: int, *, as_json: bool) -> int:
    """Prints what each method says of two stretches, and what its false alarm means.

    It reads what the service has landed and takes no lease, so it can run beside the service; a source that no service
    has read yet is read first.
    """
    now = clock()
    try:
        question = _question(asked, sample, now)
        house = open_house(load_or_explain(config))
        try:
            with progress_bar() as house.desk.progress:
                made = compare_stretches(house, question, now)
        finally:
            house.close()
    except (CommandError, ComparisonError, StoreError, SourceError, EmbeddingError, OverflowError) as error:
        return explain(error)
    if as_json:
        print(json.dumps(made.as_json(), ensure_ascii=False))
    else:
        _show(made)
    return 0


def _question(asked: Asked, sample: int, now: datetime) -> Question:
    stream = next((each for each in STREAMS if each == asked.stream), None)
    if stream is None:
        raise CommandError(f"{clean_text(asked.stream, 100)!r} is no stream: {' or '.join(STREAMS)}")
    pairs = []
    for each in asked.segment:
        column, equal, value = each.partition("=")
        if not (column and equal):
            raise CommandError(f"{clean_text(each, 100)!r}: write a column and its value: --segment model=gpt-4o")
        pairs.append((column, value))
    if len(dict(pairs)) < len(pairs):
        raise CommandError("a column can have one value only: see --segment")
    place = Place(asked.source, Segment(tuple(sorted(pairs))), stream)
    return Question(place, _window(asked.beside, "with-", now), _window(asked.span, "", now), sample)


def _window(span: Sequence[str], prefix: str, now: datetime) -> Window:
    start, end = (parse_time(each, now) for each in span)
    if start >= end:
        raise CommandError(
            f"--{prefix}from ({start:%Y-%m-%d %H:%M}) must be before --{prefix}to ({end:%Y-%m-%d %H:%M})"
        )
    return Window(start, end)


def _show(made: Comparison) -> None:
    place = Place(made.source, Segment(tuple(made.segment.items())), made.stream)  # type: ignore[arg-type]
    console.print(Text(clean_text(str(place), 300), style="bold"))
    for name, side in (("compared", made.now), ("with", made.before)):
        span = f"{side.start:%Y-%m-%d %H:%M} to {side.end:%Y-%m-%d %H:%M}"
        console.print(Text(f"  {name:8} {span}, {side.read:,} of {side.population:,} texts read"))
    table = Table("method", "value", "p", "usual, threshold")
    for each in made.findings:
        table.add_row(*map(Text, (each.title, _number(each.value), _number(each.p), _usual(each))))
    console.print(table)
    for each in made.findings:
        console.print(Text.assemble((each.title, "bold"), f": {_sentence(each.reason, each.meaning)}"))
    for note in made.notes:
        console.print(Text(note, style="yellow"))


def _usual(finding: Finding) -> str:
    """What the value stays below in 95 of 100 exchanges; of a method that exchanges nothing, its threshold."""
    if finding.usual is not None:
        return f"up to {_number(finding.usual)}"
    passed = {True: ": passed", False: ": not passed", None: ""}[finding.details.get("passed")]
    return f"{finding.details['threshold']}{passed}" if "threshold" in finding.details else "–"


def _sentence(reason: str, meaning: str) -> str:
    return f"no number: {reason.rstrip('.')}. {meaning}".rstrip() if reason else meaning


def _number(value: float | None) -> str:
    return "–" if value is None else formats.number(value).replace("-", "\N{MINUS SIGN}")
