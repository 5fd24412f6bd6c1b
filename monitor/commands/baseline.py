"""`baseline`: what was learnt of the texts, and what is compared with it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from config.load import Loaded
from config.sources.files import FilesSource
from detectors.baseline import Baseline
from detectors.embedder import EmbeddingError
from detectors.fitting import TooFewError
from detectors.measurement import Window
from detectors.sampling import PAIRS
from monitor.clean import clean_text
from monitor.commands.common import CommandError, console, explain, load_or_explain, parse_time
from monitor.daemon import LEASE, clock
from monitor.house import House, Watched
from monitor.opening import open_house, store_url
from monitor.reading.learn import keep, learn
from monitor.reading.place import Place, places, with_pairs
from monitor.reading.sitting import Sitting
from monitor.sources.base import SourceError
from monitor.sources.registry import SourceContext, build
from monitor.store import baselines, states
from monitor.store.baselines import StoredBaseline
from monitor.store.database import Database, StoreError

HOLD = timedelta(hours=1)
SHOWN_TOPICS = 12
Facts = Mapping[str, Any]  # what is kept of a baseline beside it, for people

ERRORS = (CommandError, StoreError, SourceError, EmbeddingError, TooFewError)


@dataclass(frozen=True, slots=True)
class Asked:
    """What to learn from: a stretch (times as on the command line, empty is all there is) of a source, or of a file."""

    start: str = ""
    end: str = ""
    source: str = ""
    file: Path | None = None


def fit(config: Path, asked: Asked, *, accept: bool) -> int:
    """Learns every stream of a source, or of all."""
    now = clock()
    try:
        house = open_house(load_or_explain(config))
        with _progress(house), _read(house, asked.source):
            chosen = [each for each in house.sources.values() if asked.source in ("", each.name)]
            if asked.file is not None and len(chosen) > 1:
                raise CommandError("whose texts are in the file? Name the source with --source")
            for watched in chosen:
                with _of_file(watched, asked.file, now) as read:
                    _fit(house, read, _stretch(read, asked, now), accept=accept)
    except (*ERRORS, ValueError) as error:
        return explain(error)
    return 0


def _fit(house: House, watched: Watched, window: Window, *, accept: bool) -> None:
    with house.database.reading() as session:
        admitted = states.segments(session, watched.name)
    sitting = Sitting.at(house, watched, clock())
    found = with_pairs(places(watched, house.settings.text, admitted))
    if not found:
        raise CommandError(f"sources.{watched.name} has no texts, or none of its segments was seen yet")
    for place in found:
        row = learn(sitting, place, window)
        _describe(keep(sitting, row, accepted=accept), row.facts)
        if not accept:
            console.print(f"  take it into use: watchkeeper baseline accept {row.version[:8]}")


def _stretch(watched: Watched, asked: Asked, now: datetime) -> Window:
    oldest = watched.source.oldest()
    if oldest is None:
        raise CommandError(f"sources.{watched.name} holds no calls")
    start = parse_time(asked.start, now) if asked.start else oldest
    return Window(start, parse_time(asked.end, now) if asked.end else now)


@contextmanager
def _of_file(watched: Watched, file: Path | None, now: datetime) -> Iterator[Watched]:
    """The source as it is, or with the calls of a file in its place: in the canonical columns, or, where the source is
    files too, in the source's own."""
    if file is None:
        yield watched
        return
    own = watched.settings
    columns = own.columns if isinstance(own, FilesSource) else {}
    settings = FilesSource(
        kind="files",
        paths=[str(file.absolute())],
        columns=columns,
        redact=own.redact,
        timezone=own.timezone,
        max_duration=own.max_duration,
    )
    with TemporaryDirectory(prefix="watchkeeper-baseline-") as folder:
        database = Database.open(f"sqlite:///{folder}/file.db")
        source = build(watched.name, settings, SourceContext(Path(folder), Path(folder) / "landed", database))
        try:
            source.poll(now, lambda: False)
            yield replace(watched, source=source)
        finally:
            source.close()
            database.close()


def show_all(config: Path) -> int:
    """One line a baseline."""
    try:
        with _store(config) as database, database.reading() as session:
            found = baselines.known(session)
            for each in found:
                console.print(_line(each, baselines.facts(session, each)))
            if not found:
                console.print("nothing has been learnt yet; the service learns after a week of log, or: baseline fit")
    except ERRORS as error:
        return explain(error)
    return 0


def show(config: Path, version: str) -> int:
    """One baseline: its topics, and its own days that are unlike the others."""
    try:
        with _store(config) as database:
            _describe(*_find(database, version))
    except ERRORS as error:
        return explain(error)
    return 0


def change(config: Path, version: str, action: str) -> int:
    """Accepts, pins or unpins a baseline; `action` is accept, pin or unpin."""
    try:
        with _store(config) as database:
            found, _ = _find(database, version)
            with database.transaction() as session:
                {"accept": baselines.accept, "pin": baselines.pin, "unpin": baselines.unpin}[action](session, found)
            console.print(_line(*_find(database, version)))
    except ERRORS as error:
        return explain(error)
    return 0


def compare(config: Path, versions: tuple[str, str]) -> int:
    """How the second baseline differs from the first: strangeness, topics, descriptors."""
    from detectors import ood
    from detectors.change import change

    try:
        with _store(config) as database:
            found = [_find(database, version)[0] for version in versions]
            if any(each.stream == PAIRS for each in found):
                raise CommandError("baselines of texts can be compared, not those of responses given their prompts")
            with database.reading() as session:
                before, after = (Baseline.from_bytes(baselines.body(session, each)) for each in found)
    except ERRORS as error:
        return explain(error)
    refusal = before.refuses(after.settings.identity, after.settings.redactor, after.summary.version)
    if refusal:
        return explain(CommandError(refusal))
    strange = ood.ratio(ood.p_values(before.scorer.scores(after.reservoir.astype("float32")), before.calibration))
    console.print(f"of the second one's texts, {strange.value:.1%} are strange to the first (5 % when nothing changed)")
    for each in change(after.summary, before.summary):
        if each.strength > 0 and each.before is not None and each.now is not None:
            console.print(Text(f"{each.name}: {each.before:.4g} → {each.now:.4g}"))
    return 0


@contextmanager
def _store(config: Path) -> Iterator[Database]:
    loaded: Loaded = load_or_explain(config)
    database = Database.open(store_url(loaded))
    try:
        yield database
    finally:
        database.close()


@contextmanager
def _read(house: House, source: str) -> Iterator[None]:
    """The sources as far as they are read; read now, unless a service reads them."""
    now = clock()
    if source and source not in house.sources:
        raise CommandError(f"there is no source {source!r}: configured are {', '.join(house.sources)}")
    with house.database.transaction() as session:
        leads = states.take_lease(session, LEASE, "baseline", now, HOLD)
    try:
        for watched in house.sources.values() if leads else ():
            watched.source.poll(now, lambda: False)
        yield
    finally:
        with house.database.transaction() as session:
            states.drop_lease(session, LEASE, "baseline")
        house.close()


@contextmanager
def _progress(house: House) -> Iterator[None]:
    with Progress(TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console) as bar:
        task = bar.add_task("learning", total=1.0)
        house.desk.progress = lambda what, share: bar.update(task, description=what, completed=share)
        yield


def _find(database: Database, version: str) -> tuple[StoredBaseline, Facts]:
    with database.reading() as session:
        found = [each for each in baselines.known(session) if each.version.startswith(version)]
        if len(found) == 1:
            return found[0], baselines.facts(session, found[0])
    what = "no baseline" if not found else f"{len(found)} baselines"
    raise CommandError(f"{what} whose version begins with {version!r}: see watchkeeper baseline list")


def _line(stored: StoredBaseline, facts: Facts) -> Text:
    place = Place(stored.source, stored.segment, stored.stream)
    state = f"{stored.state}, pinned" if stored.pinned else stored.state
    span = f"{stored.fitted_from:%Y-%m-%d} to {stored.fitted_until:%Y-%m-%d}"
    windows = f"windows of {stored.length_s // 3600} h"
    return Text(f"{stored.version[:8]}  {state:17}  {place}, {span}, {facts['texts']:,} texts, {windows}")


def _describe(stored: StoredBaseline, facts: Facts) -> None:
    console.print(_line(stored, facts))
    for topic in facts["topics"][:SHOWN_TOPICS]:
        console.print(Text(f"  {topic['share']:6.1%}  {clean_text(topic['name'], 80)}"))
    rest = len(facts["topics"]) - SHOWN_TOPICS
    if rest > 0:
        console.print(f"  and {rest} more topics")
    counts = [f"{count} at 1 per {days:g}d" for days, count in facts.get("hindsight", [])]
    if counts:
        console.print(f"  drift alarms on its own days, each week read by a fit on the others: {', '.join(counts)}")
    for day in facts["outlier_days"]:
        change_ = f"{clean_text(day['topic'], 60)} by {day['change']:+.1%}"
        console.print(Text(f"  {day['day']} is unlike the other days: {change_}", style="yellow"))
