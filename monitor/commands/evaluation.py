"""What `watchkeeper evaluate` does."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from threading import Event
from time import monotonic

from rich.table import Table
from rich.text import Text

from config.settings import Settings
from detectors.embedder import EmbeddingError
from detectors.judge.criterion import CriterionError
from detectors.judge.matched import Sides
from detectors.measurement import Window
from monitor.clean import clean_text
from monitor.commands.common import CommandError, console, errors, explain, load_or_explain, parse_time, progress_bar
from monitor.daemon import clock
from monitor.evaluate.findings import Finding
from monitor.evaluate.picked import Pick, pair_of
from monitor.evaluate.question import Evaluation, Place, Question
from monitor.evaluate.render import detail_of, part, write
from monitor.evaluate.run import Run
from monitor.evaluate.values import EvaluationError
from monitor.judging.crew import Outside
from monitor.opening import has_live_store, open_house
from monitor.sources.base import SourceError
from monitor.store.database import StoreError

Limits = dict[str, float]

_TROUBLE = (CommandError, CriterionError, EmbeddingError, EvaluationError, SourceError, StoreError, ValueError)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person wrote; see the options of `monitor.commands.evaluate`."""

    dataset: Path | None = None
    criteria: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    fail_under: tuple[str, ...] = ()
    span: tuple[str, str] = ("", "")
    source: str = ""
    sides: tuple[str, str] = ("", "")
    alike: float | None = None
    sample: int = 200
    endpoint: str = ""
    concurrency: int = 4
    most_usd: float = 1.0
    into: Path = Path("evaluation")
    compare_with: Path | None = None
    dry_run: bool = False


def evaluate(config: Path, asked: Asked, outside: Outside | None = None) -> int:
    """Runs an evaluation and writes its report.

    Args:
        config: the configuration file; not read where nothing of it is needed.
        asked: the question.
        outside: time and waiting; None is the real ones.

    Returns:
        1 when a limit of `--fail-under` is not reached, or cannot be said to be, or not everything could be asked.
    """
    stop = Event()
    try:
        with _place(config, asked) as place:
            question = _question(place.settings, asked)
            limits = _limits(asked.fail_under, question)
            with progress_bar() as tell, _stopped_by_hand(stop):
                run = Run(place, question, outside or Outside(clock, monotonic, stop.wait, stop.is_set), tell)
                try:
                    if asked.dry_run:
                        return _show_cost(run)
                    made = run.go(version("watchkeeper"))
                finally:
                    run.folder.close()
            html, beside = write(made, question.folder)
    except _TROUBLE as error:
        return explain(error)
    _show(made)
    console.print(Text(f"written: {html} and {beside.name}"))
    return max(_check(made, limits), 0 if made.is_complete else 1)


@contextmanager
def _place(config: Path, asked: Asked) -> Iterator[Place]:
    """What the run works with; the log only where calls are picked from it."""
    needed = asked.dataset is None or asked.criteria or asked.pairs or asked.endpoint or not asked.checks
    if not needed and not config.exists():
        yield Place(Settings())
        return
    loaded = load_or_explain(config)
    if asked.dataset is not None:
        yield Place(loaded.settings, loaded.folder)
        return
    if not has_live_store(loaded):
        raise CommandError("nothing has been read yet: start the service first (watchkeeper run), or name a dataset")
    house = open_house(loaded)
    try:
        yield Place(loaded.settings, loaded.folder, house)
    finally:
        house.close()


def _question(settings: Settings, asked: Asked) -> Question:
    _check_sides(asked)
    criteria = asked.criteria
    if not (criteria or asked.checks or asked.pairs):
        if settings.judge is None:
            raise CommandError("nothing to find out: name a --criterion, a --check or --pairs")
        criteria = tuple(settings.judge.criteria)
    return Question(
        rows=asked.dataset if asked.dataset is not None else _pick(asked),
        folder=asked.into,
        criteria=criteria,
        checks=asked.checks,
        pairs=asked.pairs,
        endpoint=asked.endpoint,
        concurrency=asked.concurrency,
        most_usd=asked.most_usd,
        earlier=asked.compare_with,
    )


def _pick(asked: Asked) -> Pick:
    start, end = asked.span
    if not start:
        raise CommandError("name a dataset, or say which calls of the log: --from 7d")
    now = clock()
    since, until = parse_time(start, now), parse_time(end, now) if end else now
    if since >= until:
        raise CommandError(f"--from ({since:%Y-%m-%d %H:%M}) must be before --to ({until:%Y-%m-%d %H:%M})")
    said = f"{asked.source} from {start} to {end or 'now'}, {','.join(asked.where)}, {asked.sample}"
    sides = _sides(*asked.sides) if any(asked.sides) else None
    said += f", {sides}, {asked.alike}" if sides is not None else ""
    return Pick(asked.source, Window(since, until), asked.where, asked.sample, said, sides, asked.alike)


def _check_sides(asked: Asked) -> None:
    """Raises CommandError where two sides are named in vain."""
    if any(asked.sides):
        if asked.dataset is not None or asked.endpoint:
            other = "a dataset" if asked.dataset is not None else "--endpoint"
            raise CommandError(f"--first and --second pair calls of the log: leave out {other}")
        if not asked.pairs:
            raise CommandError("--first and --second are compared by a criterion: name it with --pairs")
    elif asked.alike is not None:
        raise CommandError("--alike pairs calls of the log: name them with --first and --second")


def _sides(first: str, second: str) -> Sides:
    """What both options name."""
    (column, one), (other, two) = pair_of(first), pair_of(second)
    if not one or not two or column != other or one == two:
        raise CommandError("--first and --second name two values of one column: --first model=a --second model=b")
    return Sides(column, one, two)


def _limits(given: tuple[str, ...], question: Question) -> Limits:
    """The lower limits that are asked for, by measure."""
    names = {*question.criteria, *question.checks, *(f"better {each}" for each in question.pairs)}
    limits: Limits = {}
    for each in given:
        name, _, number = each.rpartition("=")
        try:
            limits[name] = float(number)
        except ValueError:
            limits[name] = -1.0
        if name not in names or not 0 <= limits[name] <= 1:
            known = ", ".join(sorted(names))
            raise CommandError(f"--fail-under {clean_text(each, 100)!r}: write NAME=0.9; the names are {known}")
    return limits


@contextmanager
def _stopped_by_hand(stop: Event) -> Iterator[None]:
    """Ctrl-C stops asking; what is under way is kept. The second one ends at once."""

    def first(_number: int, _frame: object) -> None:
        stop.set()
        signal.signal(signal.SIGINT, before)
        errors.print(Text("stopping; what is under way is still kept"))

    before = signal.getsignal(signal.SIGINT)
    try:
        signal.signal(signal.SIGINT, first)
    except ValueError:  # not the main thread: somebody else takes care of signals
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _show_cost(run: Run) -> int:
    cost, rows = run.cost(), run.rows
    console.print(Text(f"{clean_text(rows.what, 300)}: {len(rows.rows):,} rows, {len(rows.left_out):,} left out"))
    text = f"{cost.questions:,} questions to judges: about ${cost.likely:.4g}, at most ${cost.most:.4g} a try"
    console.print(Text(text))
    console.print(Text(f"the limit of the run is ${run.question.most_usd:.4g} (--most-usd); nobody was asked"))
    return 0


def _show(made: Evaluation) -> None:
    for each in made.rows.left_out[:5]:
        errors.print(Text(clean_text(f"left out: {each}", 300), style="yellow"))
    for why, count in made.unanswered.items():
        errors.print(Text(clean_text(f"{count:,} rows have no new answer: {why}", 300), style="yellow"))
    parts = [part(each) for each in made.findings]
    table = Table("measure", "value", "95 % interval", "rests on")
    for shown in parts:
        table.add_row(*map(Text, (shown.title, shown.big, shown.interval, shown.rests_on)))
    console.print(table)
    for shown in parts:
        if shown.change:
            style = "red" if shown.worse else ""
            console.print(Text(f"{shown.title}, against the earlier run: {shown.change}", style=style))
    for found in made.findings:
        problems = ", ".join(
            f"{clean_text(why, 60)} {count:,}{detail_of(found, why)}" for why, count in found.problems.items()
        )
        if problems:
            console.print(Text(f"{clean_text(found.measure.name, 100)}: no verdict: {problems}", style="yellow"))
    console.print(Text(f"${made.spent_usd:.4g} of ${made.most_usd:.4g} spent"))
    if not made.is_complete:
        errors.print(Text("not complete: run the same command again, and it goes on", style="yellow"))


def _check(made: Evaluation, limits: Limits) -> int:
    found: dict[str, Finding] = {each.measure.name: each for each in made.findings}
    failed = 0
    for name, limit in limits.items():
        lower = found[clean_text(name, 120)].lower
        if lower is None or lower < limit:
            shown = "is not known" if lower is None else f"is {lower:.4g}"
            errors.print(Text(clean_text(f"{name}: the lower limit {shown}, below {limit:g}", 300), style="red"))
            failed = 1
    return failed
