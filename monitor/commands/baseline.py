"""`baseline`: what was learnt of the texts, and what is compared with it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.text import Text

from alerts.watch import Grouping
from config.sources.files import FilesSource
from detectors.embedder import EmbeddingError
from detectors.fitting import TooFewError
from detectors.measurement import Segment, Window
from detectors.sealed import TooLargeError
from detectors.segments import admit, seen
from monitor.clean import clean_text
from monitor.commands.common import CommandError, console, explain, load_or_explain, parse_time, progress_bar
from monitor.daemon import LEASE, clock
from monitor.false_alarms import in_its_past
from monitor.house import House, Watched
from monitor.opening import open_house, open_store
from monitor.reading.learn import keep, learn
from monitor.reading.place import Admitted, Place, places, with_pairs
from monitor.reading.sitting import Sitting
from monitor.report.question import NOTHING_LEARNT
from monitor.sources.base import SourceError
from monitor.sources.registry import SourceContext, build
from monitor.store import baselines, states
from monitor.store.baselines import StoredBaseline
from monitor.store.database import Database, StoreError
from monitor.store.leading import leading

HOUR = timedelta(hours=1)
SHOWN_TOPICS = 12
Facts = Mapping[str, Any]  # what is kept of a baseline beside it, for people

ERRORS = (CommandError, StoreError, SourceError, EmbeddingError)


@dataclass(frozen=True, slots=True)
class Asked:
    """What to learn from: a stretch (times as on the command line, empty is all there is) of a source, or of a file."""

    start: str = ""
    end: str = ""
    source: str = ""
    file: Path | None = None


def fit(config: Path, asked: Asked, *, accept: bool) -> int:
    """Learns every stream of a source, or of all; those that cannot be learnt are named at the end."""
    now = clock()
    try:
        house = open_house(load_or_explain(config))
        with progress_bar() as house.desk.progress, _read(house, asked.source):
            chosen = [each for each in house.sources.values() if asked.source in ("", each.name)]
            if asked.file is not None and not asked.file.is_file():
                raise CommandError(f"{asked.file}: there is no such file")
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
    text = house.settings.text
    found = with_pairs(places(watched, text, admitted or _largest(watched, window, text.segments)))
    if not found:
        wanted = " or ".join(text.streams)
        raise CommandError(f"sources.{watched.name} has nothing to learn from: no column {wanted}, or no call")
    failed = []
    for place in found:
        try:
            row = learn(sitting, place, _logged(sitting, place, window))
        except (TooFewError, TooLargeError) as error:
            failed.append(f"{place}: {error}")
            continue
        _describe(keep(sitting, row, accepted=accept), row.facts)
        if not accept:
            console.print(f"  take it into use: watchkeeper baseline accept {row.version[:8]}")
    if failed:
        raise CommandError("\n".join(failed))


def _largest(watched: Watched, window: Window, most: int) -> Admitted:
    """The largest segments of a stretch, for a service that has not run yet and so admitted none."""
    found: dict[Grouping, Mapping[Segment, datetime]] = {}
    longest = watched.settings.max_duration
    for grouping in watched.meter.groupings(watched.source):
        found[grouping] = admit({}, [window], seen(watched.source, [window], grouping, longest), most)
    return found


def _stretch(watched: Watched, asked: Asked, now: datetime) -> Window:
    oldest = watched.source.oldest()
    if oldest is None:
        raise CommandError(f"sources.{watched.name} holds no calls")
    start = parse_time(asked.start, now) if asked.start else oldest
    return Window(start, parse_time(asked.end, now) if asked.end else now)


def _logged(sitting: Sitting, place: Place, window: Window) -> Window:
    """The part of a stretch up to its last hour with a text: a log may have ended long ago."""
    hours = sitting.hours(place, window)
    return Window(window.start, min(window.end, max(hours) + HOUR)) if hours else window


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
        with store_of(config) as database, database.reading() as session:
            found = baselines.known(session)
            for each in found:
                console.print(_line(each, baselines.facts(session, each)))
            if not found:
                console.print(NOTHING_LEARNT)
    except ERRORS as error:
        return explain(error)
    return 0


def show(config: Path, version: str) -> int:
    """One baseline: its topics, its days that are unlike the others, and how often it would have alarmed on them."""
    try:
        settings = load_or_explain(config).settings
        with store_of(config) as database:
            stored, facts = find(database, version)
            _describe(stored, facts)
            if settings.drift.enabled and facts.get("windows"):
                with database.reading() as session:
                    said = in_its_past(session, settings, stored, facts.get("hindsight", ()))
                console.print(f"  {said}")
    except ERRORS as error:
        return explain(error)
    return 0


def change(config: Path, version: str, action: str) -> int:
    """Accepts, pins or unpins a baseline; `action` is accept, pin or unpin."""
    try:
        with store_of(config) as database:
            found, _ = find(database, version)
            with database.transaction() as session:
                {"accept": baselines.accept, "pin": baselines.pin, "unpin": baselines.unpin}[action](session, found)
            console.print(_line(*find(database, version)))
    except ERRORS as error:
        return explain(error)
    return 0


@contextmanager
def store_of(config: Path) -> Iterator[Database]:
    """The store of a service, in which what was learnt lies."""
    database = open_store(load_or_explain(config))
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
    try:
        with leading(house.database, (LEASE, "baseline"), now, HOUR) as leads:
            for watched in house.sources.values() if leads else ():
                watched.source.poll(now, lambda: False)
            yield
    finally:
        house.close()


def find(database: Database, version: str) -> tuple[StoredBaseline, Facts]:
    """A baseline by how its version begins.

    Raises:
        CommandError: there is none, or there are several.
    """
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
