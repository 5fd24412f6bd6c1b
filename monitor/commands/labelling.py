"""What `watchkeeper labels` does."""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from rich.table import Table
from rich.text import Text

from config.labels import LabelExport
from config.load import Loaded
from config.settings import Settings
from detectors.judge.criterion import CriterionError
from monitor.clean import clean_text
from monitor.commands.common import CommandError, console, errors, explain, load_or_explain, parse_time
from monitor.daemon import clock
from monitor.house import House
from monitor.label_page import PATH
from monitor.labels.criteria import known_criteria
from monitor.labels.gather import LabelsIn, import_file, shown_aside
from monitor.labels.judged import judged_calls
from monitor.labels.sample import draw_for_labels
from monitor.labels.tools.known import TOOLS
from monitor.opening import open_house
from monitor.records import RecordsError
from monitor.sources.base import SourceError
from monitor.store import labels
from monitor.store.database import Session, StoreError
from monitor.store.labels import Vote

SHOWN_BAD: Final = 20

_TROUBLE = (CommandError, CriterionError, RecordsError, SourceError, StoreError)


def import_labels(config: Path, file: Path, source: str, exported: str) -> int:
    """Keeps the labels of a file; exit status 1 when some of its lines cannot be used.

    Args:
        config: the configuration file.
        file: CSV, JSON or JSON lines.
        source: of the calls; empty is the one that has them.
        exported: a name of `judge.labels.exports`, or of a tool; empty is a file of labels.
    """
    try:
        with _opened(config, source) as house:
            given = LabelsIn(file, _export(house.settings, exported), source)
            found = import_file(house, given, known_criteria(house), clock())
    except _TROUBLE as error:
        return explain(error)
    for each in found.bad[:SHOWN_BAD]:
        errors.print(Text(clean_text(each, 500), style="red"))
    if len(found.bad) > SHOWN_BAD:
        errors.print(Text(f"and {len(found.bad) - SHOWN_BAD:,} more", style="red"))
    if found.aside:
        console.print(Text(f"no labels: {clean_text(shown_aside(found.aside), 500)}"))
    left_out = f", {len(found.bad):,} left out" if found.bad else ""
    console.print(Text(f"{found.read:,} labels read, {found.new:,} of them new{left_out}"))
    return 1 if found.bad else 0


def _export(settings: Settings, name: str) -> LabelExport | None:
    """The export that a name means.

    Raises:
        CommandError: none is called so.
    """
    known = {} if settings.judge is None else settings.judge.labels.exports
    if not name or name in known:
        return known.get(name)
    if name not in TOOLS:
        all_of_them = ", ".join((*known, *TOOLS))
        raise CommandError(f"--as {clean_text(name, 100)!r} is not known: there are {all_of_them}")
    return LabelExport.model_validate({"kind": name, "files": ["-"]})


def show(config: Path, source: str, criterion: str, *, as_json: bool) -> int:
    """How many labels there are of each criterion, what they say, and how many drawn calls wait."""
    try:
        with _opened(config, source) as house, house.database.reading() as session:
            names = [name for name in house.sources if source in ("", name)]
            rows = [row for name in names for row in _counted(session, name) if criterion in ("", row["criterion"])]
    except _TROUBLE as error:
        return explain(error)
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return 0
    if not rows:
        console.print(Text("there are no labels, and no call waits for one: see watchkeeper labels sample"))
        return 0
    table = Table("source", "criterion", "pass", "fail", "unsure", "people", "waiting")
    for row in rows:
        counts = [f"{row[key]:,}" for key in ("pass", "fail", "unsure", "people", "waiting")]
        table.add_row(*(Text(clean_text(str(each), 100)) for each in (row["source"], row["criterion"], *counts)))
    console.print(table)
    return 0


def export(config: Path, source: str, criterion: str) -> int:
    """Prints every label, in the form that `labels import` reads."""
    try:
        with _opened(config, source) as house, house.database.reading() as session:
            for name in (name for name in house.sources if source in ("", name)):
                for vote in labels.votes(session, name, criterion or None):
                    print(json.dumps(_line(name, vote)))
    except _TROUBLE as error:
        return explain(error)
    return 0


def draw(config: Path, chosen: tuple[str, str], count: int, last: str) -> int:
    """Draws judged calls; exit status 1 when there is none to draw from.

    Args:
        config: the configuration file.
        chosen: a source and a criterion; empty ones are all.
        count: how many of each criterion, in the mean.
        last: when the calls were completed, as an age.
    """
    now, (source, criterion) = clock(), chosen
    try:
        since = parse_time(last, now)
        with _opened(config, source) as house:
            if house.settings.judge is None:
                raise CommandError("no judge is configured, so there is nothing to draw from: see docs/judge.md")
            criteria = [name for name in house.settings.judge.criteria if criterion in ("", name)]
            if not criteria:
                known = ", ".join(house.settings.judge.criteria)
                raise CommandError(f"{clean_text(criterion, 100)!r} is not judged: judge.criteria has {known}")
            sources = [name for name in house.sources if source in ("", name)]
            judged = sum(_draw(house, name, each, (since, now), count) for name in sources for each in criteria)
    except _TROUBLE as error:
        return explain(error)
    if judged:
        console.print(Text(f"people find them on the page {PATH} of the service"))
    return 0 if judged else 1


def _draw(house: House, source: str, criterion: str, span: tuple[datetime, datetime], count: int) -> int:
    """Draws of one source and criterion, and says so; how many calls there were to draw from."""
    with house.database.reading() as session:
        judged = judged_calls(session, source, criterion, *span)
    drawn = draw_for_labels(judged, criterion, count)
    with house.database.transaction() as session:
        new = labels.draw(session, source, drawn, span[1])
    chances = [each.probability for each in drawn]
    shown = f" with probabilities of {min(chances):.3g} to {max(chances):.3g}" if chances else ""
    text = f"{source}, {criterion}: {len(drawn):,} of {len(judged):,} judged calls{shown}, {new:,} new"
    console.print(Text(clean_text(text, 300)))
    return len(judged)


@contextmanager
def _opened(config: Path, source: str) -> Iterator[House]:
    """The live house, closed at the end.

    Raises:
        CommandError: the configuration is wrong, or has no such source.
    """
    loaded: Loaded = load_or_explain(config)
    if source and source not in loaded.settings.sources:
        known = ", ".join(loaded.settings.sources)
        raise CommandError(f"there is no source {clean_text(source, 100)!r}: configured are {known}")
    house = open_house(loaded)
    try:
        yield house
    finally:
        house.close()


def _counted(session: Session, source: str) -> list[dict[str, Any]]:
    votes = labels.votes(session, source)
    waiting = Counter(each.criterion for each in labels.waiting(session, source))
    rows = []
    for name in sorted({each.criterion for each in votes} | set(waiting)):
        mine = [each for each in votes if each.criterion == name]
        said = Counter(each.passed for each in mine)
        people = len({each.who for each in mine})
        counts = {"pass": said[True], "fail": said[False], "unsure": said[None], "people": people}
        rows.append({"source": source, "criterion": name, **counts, "waiting": waiting[name]})
    return rows


def _line(source: str, vote: Vote) -> dict[str, Any]:
    verdict = {True: "pass", False: "fail", None: "unsure"}[vote.passed]
    line = {"source": source, "call_id": vote.call_id, "criterion": vote.criterion, "verdict": verdict}
    line |= {"at": vote.at.isoformat(), "who": vote.who}
    return line if vote.score is None else line | {"score": vote.score}
