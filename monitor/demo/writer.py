"""Writes the demonstration's log: weeks of history at once, then what completes as time goes on."""

import gzip
import os
import shutil
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import orjson

from monitor.demo.generator import Scenario, Stream

Record = dict[str, Any]

FEEDBACK_FILE = "feedback.jsonl"
_UNFINISHED = ".unfinished"
_STEP = timedelta(hours=6)


def write_history(  # noqa: PLR0913
    directory: Path,
    seed: int,
    anchor: datetime,
    *,
    days: int = 35,
    volume: float = 1.0,
    progress: Callable[[float], None] | None = None,
) -> None:
    """Writes the log of the days before the anchor.

    It is `calls-YYYY-MM-DD.jsonl` by the (UTC) day of a call's end, plain for the last two days and `.jsonl.gz` before,
    and `feedback.jsonl`.

    The files appear when all is written, the feedback last: a directory that has it has the whole history.

    Args:
        progress: is told the share that is done, 0 to 1.

    Raises:
        FileExistsError: the directory already holds such files.
    """
    directory.mkdir(parents=True, exist_ok=True)
    if existing := sorted([*directory.glob("calls-*.jsonl*"), *directory.glob(FEEDBACK_FILE)]):
        raise FileExistsError(f"{existing[0]} is already there: the history needs a directory without a log")
    unfinished = directory / _UNFINISHED
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir()
    start = anchor - timedelta(days=days)
    stream = Stream(Scenario(seed, anchor, volume), start)
    first_plain = (anchor - timedelta(days=1)).date().isoformat()
    done = start
    while done < anchor:
        done = min(done + _STEP, anchor)
        calls, feedback = stream.until(done)
        for day, lines in _by_day(calls):
            _append(unfinished / f"calls-{day}.jsonl{'' if day >= first_plain else '.gz'}", lines)
        _append(unfinished / FEEDBACK_FILE, feedback)
        if progress is not None:
            progress((done - start) / (anchor - start))
    for path in sorted(unfinished.iterdir()):
        path.rename(directory / path.name)
    unfinished.rmdir()


class LiveWriter:
    """Appends to the log of a directory what completes after its last lines, or after the anchor where it has none.

    It needs no memory: a new one finds its place in the files, and first cuts off a line that was only half written.
    """

    def __init__(self, directory: Path, seed: int, anchor: datetime, volume: float = 1.0) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        call = next(filter(None, map(_last_record, sorted(directory.glob("calls-*.jsonl"), reverse=True))), None)
        rating = _last_record(directory / FEEDBACK_FILE)
        self._last_call = (call["ended_at"], call["id"]) if call else ("", "")
        self._last_feedback = _feedback_place(rating) if rating else ("", "")
        places = [place for place, _ in (self._last_call, self._last_feedback) if place]
        start = min(map(datetime.fromisoformat, places), default=anchor)
        self._stream = Stream(Scenario(seed, anchor, volume), start)

    def write_until(self, now: datetime) -> int:
        """Writes what completed before `now`; returns how many lines that were. The files are flushed."""
        calls, feedback = self._stream.until(now)
        # Where the log goes on, the first records are those that are already in it.
        calls = [call for call in calls if (call["ended_at"], call["id"]) > self._last_call]
        feedback = [rating for rating in feedback if _feedback_place(rating) > self._last_feedback]
        for day, lines in _by_day(calls):
            _append(self._directory / f"calls-{day}.jsonl", lines)
        _append(self._directory / FEEDBACK_FILE, feedback)
        return len(calls) + len(feedback)


def _feedback_place(rating: Record) -> tuple[str, str]:
    return rating["at"], rating["call_id"] + rating["key"]


def _by_day(calls: list[Record]) -> Iterable[tuple[str, Iterable[Record]]]:
    return groupby(calls, key=lambda call: str(call["ended_at"])[:10])


def _append(path: Path, records: Iterable[Record]) -> None:
    """Adds lines to a file, as one more member where it is compressed; the same records give the same bytes."""
    lines = b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records)
    if not lines:
        return
    with path.open("ab") as file:
        file.write(gzip.compress(lines, compresslevel=1, mtime=0) if path.suffix == ".gz" else lines)


def _last_record(path: Path) -> Record | None:
    """The last whole line of a file, None if it has none; half a line after it is cut off."""
    if not path.exists():
        return None
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) < len(content):
        os.truncate(path, len(whole))
    record: Record | None = orjson.loads(whole[whole.rfind(b"\n", 0, -1) + 1 :]) if whole else None
    return record
