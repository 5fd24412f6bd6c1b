"""`baseline compare`: what differs between two baselines, before one of them is accepted."""

from pathlib import Path

from rich.text import Text

from detectors.baseline import Baseline
from detectors.between import Between, between
from detectors.sampling import PAIRS
from monitor.clean import clean_text
from monitor.commands.baseline import ERRORS, find, store_of
from monitor.commands.common import CommandError, console, explain
from monitor.formats import number, percent
from monitor.store import baselines
from monitor.store.baselines import StoredBaseline

SHOWN = 8  # of each kind


def compare(config: Path, versions: tuple[str, str]) -> int:
    """Says how the second baseline differs from the first: strangeness, topics, descriptors."""
    try:
        with store_of(config) as database:
            first, second = (find(database, version)[0] for version in versions)
            if PAIRS in (first.stream, second.stream):
                raise CommandError("baselines of texts can be compared, not those of responses given their prompts")
            if first.key[:3] != second.key[:3]:
                raise CommandError("they are of different texts: compare two of one stream; see baseline list")
            with database.reading() as session:
                before, after = (Baseline.from_bytes(baselines.body(session, each)) for each in (first, second))
        refusal = before.refuses(after.settings.identity, after.settings.redactor, after.summary.version)
        if refusal:
            raise CommandError(refusal)
    except (*ERRORS, ValueError) as error:
        return explain(error)
    _overlap(first, second)
    _describe(between(before, after))
    return 0


def _overlap(first: StoredBaseline, second: StoredBaseline) -> None:
    start, end = max(first.fitted_from, second.fitted_from), min(first.fitted_until, second.fitted_until)
    if start < end:
        days = (end - start).total_seconds() / 86_400
        console.print(Text(f"{days:.3g} days are in both, so less seems changed than was since", style="yellow"))


def _describe(found: Between) -> None:
    strange = found.strange
    if strange.value is not None:
        interval = f"{percent(strange.lower or 0.0)} to {percent(strange.upper or 0.0)}"
        console.print(
            f"of the second one's texts, {percent(strange.value)} ({interval}) are strange to the first; "
            "5 % when nothing changed"
        )
    for came in found.came[:SHOWN]:
        name, share = clean_text(came.topic.name, 80), percent(came.topic.share)
        console.print(
            Text(f"  new: {name}, {share} of the texts, {percent(came.strange)} of them strange to the first")
        )
    for moved in found.moved[:SHOWN]:
        what, name = "grown" if moved.now > moved.before else "shrunk", clean_text(moved.topic.name, 80)
        console.print(Text(f"  {what}: {name}, {percent(moved.before)} to {percent(moved.now)} of the different texts"))
    if not found.came and not found.moved:
        console.print("  no topic is new, and none has surely grown or shrunk by a point or more")
    for each in found.descriptors[:SHOWN]:
        if each.before is not None and each.now is not None:
            shown = number if each.kind == "number" else percent
            name = f"language {each.name}" if each.kind == "language" else each.name
            console.print(Text(f"  {name}: {shown(each.before)} to {shown(each.now)}"))
