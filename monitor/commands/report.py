"""`report`: a stretch of the log beside what was learnt, as one HTML file."""

from pathlib import Path

from rich.text import Text

from detectors.embedder import EmbeddingError
from detectors.measurement import Segment
from detectors.sampling import PAIRS
from monitor.clean import clean_text
from monitor.commands.common import CommandError, console, explain, load_or_explain, progress_bar
from monitor.daemon import clock
from monitor.opening import has_live_store, open_house
from monitor.reading.place import Place
from monitor.report.gather import gather
from monitor.report.question import Question
from monitor.report.render import write
from monitor.report.values import Report, ReportError
from monitor.sources.base import SourceError
from monitor.store.database import StoreError


def report(config: Path, span: tuple[str, str], chosen: tuple[str, str], output: Path, *, evidently: bool) -> int:
    """Writes a report and says in a few lines what is in it.

    It reads what the service has landed and takes no lease, so it can run beside the service.

    Args:
        config: the configuration file.
        span: from and to, as a person writes them; empty ones are not given.
        chosen: a source and how the version of a baseline begins; empty ones are not given.
        output: the HTML file; the JSON is written beside it.
        evidently: whether Evidently's report is wanted.
    """
    now = clock()
    try:
        question = Question.parse(*span, now, source=chosen[0], baseline=chosen[1], evidently=evidently)
        loaded = load_or_explain(config)
        if not output.absolute().parent.is_dir():
            raise CommandError(f"{output}: there is no such folder")
        if not has_live_store(loaded):
            raise CommandError("nothing has been learnt yet: start the service first (watchkeeper run)")
        house = open_house(loaded)
        try:
            with progress_bar() as tell:
                made = gather(house, question, now, tell)
        finally:
            house.close()
        beside = write(made, output)
    except (CommandError, ReportError, StoreError, SourceError, EmbeddingError, ValueError) as error:
        return explain(error)
    _describe(made)
    console.print(Text(f"written: {output} and {beside.name}"))
    return 0


def _describe(made: Report) -> None:
    for part in made.parts:
        place = Place(part.source, Segment(tuple(sorted(part.segment.items()))), part.stream)  # type: ignore[arg-type]
        console.print(Text(f"{place}, {part.start:%Y-%m-%d %H:%M} to {part.end:%Y-%m-%d %H:%M}", style="bold"))
        for effect in part.changed or part.effects[:1]:
            console.print(Text(f"  {effect.sentence}"))
        for topic in part.new:
            console.print(Text(f"  new topic: {topic.name} ({topic.share:.1%} of the texts)"))
    for pairs in made.pairs:
        place = Place(pairs.source, Segment(tuple(sorted(pairs.segment.items()))), PAIRS)
        console.print(Text(f"{place}, {pairs.start:%Y-%m-%d %H:%M} to {pairs.end:%Y-%m-%d %H:%M}", style="bold"))
        for effect in pairs.changed or pairs.effects[:1]:
            console.print(Text(f"  {effect.sentence}"))
    for each in made.left_out:
        console.print(Text(f"left out: {each.place}: {clean_text(each.reason, 300)}", style="yellow"))
