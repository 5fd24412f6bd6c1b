"""Labels brought into the store: from files, and from feedback that annotators gave in the log."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import isnan
from pathlib import Path
from typing import Any, Final

from detectors.derived import EPOCH, MICROSECOND, microseconds, microseconds_of
from detectors.engine import fetch
from detectors.judge.criterion import Criterion
from monitor.clean import clean_text
from monitor.house import House, Watched
from monitor.labels.calls import completed_at
from monitor.labels.criteria import known_criteria
from monitor.labels.files import Given, LabelFile, read_labels
from monitor.labels.words import UnreadableError, read_verdict
from monitor.records import Bad, RecordsError
from monitor.store import labels
from monitor.store.labels import Vote

log = logging.getLogger("watchkeeper")

SHOWN_BAD: Final = 5
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
    """

    read: int = 0
    new: int = 0
    bad: list[str] = field(default_factory=list)


def import_file(
    house: House, path: Path, criteria: Mapping[str, Criterion], now: datetime, source: str = ""
) -> Gathered:
    """Keeps the labels of a file.

    Args:
        house: with the sources in which the calls are looked up.
        path: CSV or JSON lines.
        criteria: that are known, by name.
        now: when it is done.
        source: to which the calls belong; empty is the one in which each is found.

    Raises:
        RecordsError: the file cannot be read at all.
        SourceError: a source cannot be read.
    """
    read = read_labels(path, criteria, now)
    sources = [each for name, each in house.sources.items() if source in ("", name)]
    since = now - _max_age(house)
    times = {each.name: _times(each, read, since, now) for each in sources}
    gathered = Gathered(read=len(read.given), bad=[f"{path}, {each}" for each in read.bad])
    votes: dict[str, list[Vote]] = {}
    for each in read.given:
        mine = _source_of(each, times)
        at = each.at if mine is None else times[mine].get(each.call_id, each.at)
        if mine is None or at is None:
            gathered.read -= 1
            gathered.bad.append(f"{path}, {Bad(each.line, _missing(each, times, since))}")
            continue
        who, said = each.who or path.stem, each.said
        vote = Vote(each.call_id, each.criterion, who, at, said.passed, "import", now, said.score)
        votes.setdefault(mine, []).append(vote)
    gathered.new = sum(_keep(house, name, mine) for name, mine in votes.items())
    return gathered


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
    is_first = watched.name == next(iter(house.sources))
    for path in files_of(house.folder, judge.labels.files) if is_first else ():
        state, known = _state(path), seen.get(str(path), {})
        if known.get("state") == state and now.isoformat() < known["again"]:
            continue
        try:
            found = import_file(house, path, criteria, now)
        except RecordsError as error:
            gathered.bad.append(str(error))
            places[str(path)] = {"state": state, "again": (now + READ_AGAIN).isoformat()}
            continue
        gathered.read, gathered.new = gathered.read + found.read, gathered.new + found.new
        gathered.bad += found.bad
        again = now + READ_AGAIN if found.bad else _NEVER
        places[str(path)] = {"state": state, "again": again.isoformat()}
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


def _state(path: Path) -> list[int]:
    """What changes with the content of a file; of one that has gone nothing is known."""
    try:
        stat = path.stat()
    except OSError:
        return []
    return [stat.st_mtime_ns, stat.st_size]


def _max_age(house: House) -> timedelta:
    return timedelta(days=90) if house.settings.judge is None else house.settings.judge.labels.max_age


def _times(watched: Watched, read: LabelFile, since: datetime, now: datetime) -> dict[str, datetime]:
    with watched.using:
        return completed_at(watched, [each.call_id for each in read.given], since, now) if read.given else {}


def _source_of(given: Given, times: Mapping[str, Mapping[str, datetime]]) -> str | None:
    """The source of a call: the one that is named, the one that has it, the only one."""
    if given.source:
        return given.source if given.source in times else None
    found = next((name for name, mine in times.items() if given.call_id in mine), None)
    return next(iter(times)) if found is None and len(times) == 1 else found


def _missing(given: Given, times: Mapping[str, object], since: datetime) -> str:
    if given.source and given.source not in times:
        return f"its source is none of {', '.join(times)}"
    if given.at is None:
        return f"no call of the log since {since:%Y-%m-%d} has this call_id; or say at: when the call was completed"
    return "no source has this call: name its source, in a column or with --source"


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
