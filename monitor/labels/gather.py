"""Labels brought into the store: from files, and from feedback that annotators gave in the log."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import isnan
from pathlib import Path
from typing import Any, Final

from detectors.derived import EPOCH, MICROSECOND, microseconds, microseconds_of
from detectors.engine import fetch
from detectors.judge.criterion import Criterion
from monitor.house import House, Watched
from monitor.labels.calls import completed_at
from monitor.labels.files import LabelFile, read_labels
from monitor.labels.words import UnreadableError, read_verdict
from monitor.records import Bad, RecordsError
from monitor.store import labels
from monitor.store.labels import Vote

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
        mine = next((name for name, found in times.items() if each.call_id in found), None)
        at = times[mine][each.call_id] if mine is not None else each.at
        if mine is None and at is not None and len(sources) == 1:
            mine = sources[0].name
        if mine is None or at is None:
            gathered.read -= 1
            gathered.bad.append(f"{path}, {Bad(each.line, _missing(each.at, since))}")
            continue
        who, said = each.who or path.stem, each.said
        vote = Vote(each.call_id, each.criterion, who, at, said.passed, "import", now, said.score)
        votes.setdefault(mine, []).append(vote)
    with house.database.transaction() as session:
        gathered.new = sum(labels.keep(session, name, mine) for name, mine in votes.items())
    return gathered


def import_feedback(
    house: House, watched: Watched, criteria: Mapping[str, Criterion], span: tuple[datetime, datetime]
) -> Gathered:
    """Keeps what annotators said in the log, by the mapping of `judge.labels.feedback`.

    Args:
        house: the service.
        watched: the source; its lock is taken here.
        criteria: that are known, by name.
        span: when the feedback was given, `[start, end)`.

    Raises:
        SourceError: the source cannot be read.
    """
    judge = house.settings.judge
    wanted = {} if judge is None else {key: name for name, key in judge.labels.feedback.items() if name in criteria}
    if not wanted or not watched.source.feedback_columns:
        return Gathered()
    with watched.using:
        rows = _rated(watched, list(wanted), span)
        ids = [row["call_id"] for row in rows]
        times = completed_at(watched, ids, span[0] - _max_age(house), span[1]) if ids else {}
    gathered, votes = Gathered(), []
    for row in rows:
        name, at = wanted[row["key"]], times.get(row["call_id"])
        try:
            said = read_verdict(row["label"] if row["score"] is None else None, row["score"], criteria[name])
        except UnreadableError as error:
            gathered.bad.append(f"feedback {row['key']!r}: {error}")
            continue
        if at is None:
            gathered.bad.append(f"feedback {row['key']!r}: the log does not have its call")
            continue
        gathered.read += 1
        who = row["source"] or ANNOTATOR
        votes.append(Vote(row["call_id"], name, who, at, said.passed, "feedback", row["at"], said.score))
    with house.database.transaction() as session:
        gathered.new = labels.keep(session, watched.name, sorted(votes, key=lambda each: each.given_at))
    return gathered


def refresh(
    house: House, watched: Watched, criteria: Mapping[str, Criterion], now: datetime, back: timedelta
) -> Gathered:
    """What the service does before it estimates: the files of `judge.labels.files`, and feedback of the last while.

    A file that cannot be read is one of the bad things, and stops nothing. The lock of the source is taken here.

    Raises:
        SourceError: the source cannot be read.
    """
    judge = house.settings.judge
    if judge is None:
        return Gathered()
    gathered = import_feedback(house, watched, criteria, (now - back, now))
    for path in files_of(house.folder, judge.labels.files):
        try:
            found = import_file(house, path, criteria, now, watched.name)
        except RecordsError as error:
            gathered.bad.append(str(error))
            continue
        gathered.read, gathered.new = gathered.read + found.read, gathered.new + found.new
        gathered.bad += found.bad
    return gathered


def files_of(folder: Path, patterns: Iterable[str]) -> list[Path]:
    """The files that patterns mean, each once; relative ones start at the folder."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        whole = Path(pattern).expanduser()
        start = Path(whole.anchor) if whole.is_absolute() else folder
        inside = whole.relative_to(whole.anchor) if whole.is_absolute() else whole
        found |= dict.fromkeys(sorted(start.glob(str(inside))))
    return list(found)


def _max_age(house: House) -> timedelta:
    return timedelta(days=90) if house.settings.judge is None else house.settings.judge.labels.max_age


def _times(watched: Watched, read: LabelFile, since: datetime, now: datetime) -> dict[str, datetime]:
    with watched.using:
        return completed_at(watched, [each.call_id for each in read.given], since, now) if read.given else {}


def _missing(at: datetime | None, since: datetime) -> str:
    if at is None:
        return f"no call of the log since {since:%Y-%m-%d} has this call_id; or say at: when the call was completed"
    return "no source has this call: name the one that it belongs to (--source)"


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
