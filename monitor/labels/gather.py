"""Labels brought into the store: from files, and from feedback that annotators gave in the log."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path
from typing import Any, Final

from config.labels import LabelExport
from detectors.derived import EPOCH, MICROSECOND, microseconds, microseconds_of
from detectors.engine import fetch
from detectors.judge.criterion import Criterion
from monitor.clean import clean_text
from monitor.house import House, Watched
from monitor.labels.calls import completed_at
from monitor.labels.criteria import known_criteria
from monitor.labels.exported import read_export
from monitor.labels.files import read_labels
from monitor.labels.joined import Looking, join
from monitor.labels.words import UnreadableError, read_verdict
from monitor.records import RecordsError
from monitor.store import labels
from monitor.store.labels import Vote

log = logging.getLogger("watchkeeper")

SHOWN_BAD: Final = 5
SHOWN_ASIDE: Final = 8
READ_AGAIN: Final = timedelta(hours=1)
_TOGETHER: Final = 500
_NEVER: Final = datetime.max.replace(tzinfo=UTC)
_FEEDBACK: Final = "feedback"  # the place of ratings; files have paths
ANNOTATOR: Final = "annotator"  # who gave a rating that names nobody
_KIND: Final = "human"
_COLUMNS: Final = ("call_id", "at_us", "key", "score", "label", "source")


@dataclass(slots=True)
class Gathered:
    """What came of it.

    Attributes:
        read: labels that could be read.
        new: of these the ones that say something new.
        bad: what cannot be used, and why; each names its place.
        aside: how many records say something else than what people say of a call, by what it is.
    """

    read: int = 0
    new: int = 0
    bad: list[str] = field(default_factory=list)
    aside: Counter[str] = field(default_factory=Counter)

    def __iadd__(self, other: "Gathered") -> "Gathered":
        self.read, self.new = self.read + other.read, self.new + other.new
        self.bad += other.bad
        self.aside += other.aside
        return self


@dataclass(frozen=True, slots=True)
class LabelsIn:
    """A file of labels.

    Attributes:
        path: CSV, JSON or JSON lines.
        export: the tool that it is an export of, and how that is read; None is a file of ours.
        source: to which the calls belong; empty is the one in which each is found.
    """

    path: Path
    export: LabelExport | None = None
    source: str = ""


def import_file(house: House, file: LabelsIn, criteria: Mapping[str, Criterion], now: datetime) -> Gathered:
    """Keeps the labels of a file.

    Args:
        house: with the sources in which the calls are looked up.
        file: what is read.
        criteria: that are known, by name.
        now: when it is done.

    Raises:
        RecordsError: the file cannot be read at all.
        SourceError: a source cannot be read.
    """
    export = file.export
    if export is None:
        read, traces = read_labels(file.path, criteria, now), None
    else:
        read, traces = read_export(file.path, export, criteria, now), export.traces
    joined = join(house, read, Looking(now - _max_age(house), now, file.source, traces))
    bad = sorted([*read.bad, *joined.bad], key=lambda each: each.line)
    return Gathered(
        read=len(read.given) - len(joined.bad),
        new=sum(_keep(house, name, mine) for name, mine in joined.votes.items()),
        bad=[f"{read.path}, {each}" for each in bad],
        aside=Counter(read.aside),
    )


def _keep(house: House, source: str, votes: Sequence[Vote]) -> int:
    """Keeps votes, some at a time: the service waits for the store no longer than that. How many are new."""
    new = 0
    for first in range(0, len(votes), _TOGETHER):
        with house.database.transaction() as session:
            new += labels.keep(session, source, votes[first : first + _TOGETHER])
    return new


def import_feedback(
    house: House,
    watched: Watched,
    criteria: Mapping[str, Criterion],
    span: tuple[datetime, datetime],
    told: datetime | None = None,
) -> Gathered:
    """Keeps what annotators said in the log, by the mapping of `judge.labels.feedback`.

    Args:
        house: the service.
        watched: the source; its lock is taken here.
        criteria: that are known, by name.
        span: when the feedback was given, `[start, end)`.
        told: what was given before and cannot be used is not named again.

    Raises:
        SourceError: the source cannot be read.
    """
    mapping = {} if house.settings.judge is None else house.settings.judge.labels.feedback
    wanted = {name: key for name, key in mapping.items() if name in criteria}
    if not wanted or not watched.source.feedback_columns:
        return Gathered()
    with watched.using:
        rows = _rated(watched, sorted(set(wanted.values())), span)
        ids = [row["call_id"] for row in rows]
        times = completed_at(watched, ids, span[0] - _max_age(house), span[1]) if ids else {}
    gathered, votes = Gathered(), []
    for row in rows:
        for name in (name for name, key in wanted.items() if key == row["key"]):
            try:
                votes.append(_vote(row, criteria[name], times))
            except UnreadableError as error:
                if told is None or row["at"] >= told:
                    gathered.bad.append(f"feedback {row['key']!r}: {error}")
    gathered.read = len(votes)
    gathered.new = _keep(house, watched.name, sorted(votes, key=lambda each: each.given_at))
    return gathered


def _vote(row: Mapping[str, Any], criterion: Criterion, times: Mapping[str, datetime]) -> Vote:
    score, call = row["score"], row["call_id"]
    said = read_verdict(row["label"] if score is None else None, score, criterion)
    if call not in times:
        raise UnreadableError("the log does not have its call")
    who = row["source"] or ANNOTATOR
    return Vote(call, criterion.name, who, times[call], said.passed, "feedback", row["at"], said.score)


def refresh(house: House, watched: Watched, criteria: Mapping[str, Criterion], now: datetime) -> Gathered:
    """What the service does before it estimates: feedback since the last time, and files that have changed.

    Files may be about any source, so they are read with the first of them.

    A file that cannot be read is one of the bad things, and stops nothing; one with a bad line is read again after an
    hour, since its call may have come. The lock of the source is taken here.

    Raises:
        SourceError: the source cannot be read.
    """
    judge = house.settings.judge
    if judge is None:
        return Gathered()
    with house.database.reading() as session:
        seen = labels.seen(session, watched.name)
    last = None if _FEEDBACK not in seen else datetime.fromisoformat(seen[_FEEDBACK])
    since = now - judge.labels.max_age if last is None else last - house.settings.allowed_lateness
    gathered = import_feedback(house, watched, criteria, (min(since, now - MICROSECOND), now), last)
    places: dict[str, Any] = {_FEEDBACK: now.isoformat()}
    for file in _files(house) if watched.name == next(iter(house.sources)) else ():
        state, known = _state(file), seen.get(str(file.path), {})
        if known.get("state") == state and now.isoformat() < known["again"]:
            continue
        try:
            found = import_file(house, file, criteria, now)
        except RecordsError as error:
            found = Gathered(bad=[str(error)])
        gathered += found
        again = now + READ_AGAIN if found.bad else _NEVER
        places[str(file.path)] = {"state": state, "again": again.isoformat()}
    with house.database.transaction() as session:
        for place, body in places.items():
            labels.note_seen(session, watched.name, place, body)
    return gathered


def bring(house: House, watched: Watched, now: datetime) -> int:
    """As `refresh`, with the log told of what is new and what is bad; how many labels are new.

    Raises:
        SourceError: the source cannot be read.
        CriterionError: a criterion of the settings cannot be used.
    """
    found = refresh(house, watched, known_criteria(house), now)
    if found.new:
        log.info("%d new labels of %s", found.new, watched.name)
    if found.aside:
        log.info("of exports of annotations no label of %s: %s", watched.name, shown_aside(found.aside))
    for each in found.bad[:SHOWN_BAD]:
        log.warning("a label of %s cannot be used: %s", watched.name, clean_text(each, 300))
    return found.new


def files_of(folder: Path, patterns: Iterable[str]) -> list[Path]:
    """The files that patterns mean, each once; relative ones start at the folder."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        whole = Path(pattern).expanduser()
        start = Path(whole.anchor) if whole.is_absolute() else folder
        inside = whole.relative_to(whole.anchor) if whole.is_absolute() else whole
        found |= dict.fromkeys(sorted(start.glob(str(inside))))
    return list(found)


def shown_aside(aside: Mapping[str, int]) -> str:
    """What is no label, in one line, the most frequent first."""
    most = sorted(aside.items(), key=lambda each: (-each[1], each[0]))
    more = f", and {len(most) - SHOWN_ASIDE:,} more kinds" if len(most) > SHOWN_ASIDE else ""
    return ", ".join(f"{count:,} {what}" for what, count in most[:SHOWN_ASIDE]) + more


def _files(house: House) -> Iterator[LabelsIn]:
    """The files of the settings."""
    judge = house.settings.judge
    if judge is not None:
        yield from (LabelsIn(path) for path in files_of(house.folder, judge.labels.files))
        for export in judge.labels.exports.values():
            yield from (LabelsIn(path, export) for path in files_of(house.folder, export.files))


def _state(file: LabelsIn) -> list[int | str]:
    """What changes with the content of a file, and with how it is read; of one that has gone nothing is known."""
    try:
        stat = file.path.stat()
    except OSError:
        return []
    how = [] if file.export is None else [file.export.model_dump_json(exclude={"files"})]
    return [stat.st_mtime_ns, stat.st_size, *how]


def _max_age(house: House) -> timedelta:
    return timedelta(days=90) if house.settings.judge is None else house.settings.judge.labels.max_age


def _rated(watched: Watched, keys: Sequence[str], span: tuple[datetime, datetime]) -> list[dict[str, Any]]:
    feedback = watched.source.feedback(*span)
    feedback = feedback.mutate(key=feedback.key.strip(), at_us=microseconds_of(feedback.at))
    feedback = feedback.filter(
        feedback.key.isin(keys),
        feedback.kind.strip().lower() == _KIND,
        feedback.call_id.notnull(),
        feedback.at_us >= microseconds(span[0]),
        feedback.at_us < microseconds(span[1]),
    )
    frame = fetch(feedback.select(*_COLUMNS))
    found = []
    for row in frame.to_dict("records"):
        score = row["score"]
        found.append(
            {
                "call_id": str(row["call_id"]),
                "at": EPOCH + int(row["at_us"]) * MICROSECOND,
                "key": row["key"],
                "score": None if score is None or isnan(score) else float(score),
                "label": row["label"] if isinstance(row["label"], str) else None,
                "source": row["source"] if isinstance(row["source"], str) else "",
            }
        )
    return found
