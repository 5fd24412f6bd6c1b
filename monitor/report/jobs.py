"""Reports made by the running service: one at a time, in the background, the newest kept."""

import logging
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue
from threading import Lock, Thread
from typing import Any, Literal
from uuid import uuid4

from detectors.embedder import EmbeddingError
from monitor.house import House
from monitor.report.question import Question, check
from monitor.report.render import write
from monitor.report.values import ReportError
from monitor.snapshot import ReportStatus
from monitor.sources.base import SourceError

log = logging.getLogger("watchkeeper")

MOST_WAITING = 10

State = Literal["waiting", "running", "done", "failed"]
Format = Literal["html", "json"]

_ID = re.compile(r"[0-9a-f]{32}")


class BusyError(Exception):
    """Too many reports wait already."""


@dataclass(frozen=True, slots=True)
class Job:
    """One report that was asked for.

    Attributes:
        doing: what is being done now.
        progress: share of it that is done.
        problem: why there is none; empty unless it failed.
    """

    id: str
    state: State
    asked_at: datetime | None = None
    doing: str = ""
    progress: float = 0.0
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """The state, and where the report is once it is done."""
        links = {each: f"/api/v1/reports/{self.id}.{each}" for each in ("html", "json")} if self.state == "done" else {}
        asked = None if self.asked_at is None else self.asked_at.isoformat()
        return asdict(self) | {"asked_at": asked, "progress": round(self.progress, 3), "links": links}


class Reports:
    """The reports of one service. Methods can be called from any thread."""

    def __init__(self, house: House, directory: Path, kept: int, now: Callable[[], datetime]) -> None:
        """Nothing is started yet.

        Args:
            house: whose sources and baselines are read.
            directory: where the files are; made when the first report is asked for.
            kept: how many reports are kept.
            now: the wall clock.
        """
        self._house = house
        self._directory = directory
        self._kept = kept
        self._now = now
        self._jobs: dict[str, Job] = {}
        self._queue: Queue[tuple[str, Question]] = Queue()
        self._lock = Lock()
        self._worker: Thread | None = None

    def ask(self, start: str, end: str, source: str, baseline: str) -> Job:
        """Puts a report into the queue.

        Raises:
            ReportError: it cannot be made; the text says why.
            BusyError: too many wait already.
        """
        now = self._now()
        question = Question.parse(start, end, now, source=source, baseline=baseline)
        check(self._house, question)
        with self._lock:
            if sum(each.state in ("waiting", "running") for each in self._jobs.values()) >= MOST_WAITING:
                raise BusyError(f"{MOST_WAITING} reports are being made already: ask again later")
            job = Job(uuid4().hex, "waiting", now)
            self._jobs[job.id] = job
            self._queue.put((job.id, question))
            if self._worker is None:
                # A daemon: the service does not wait for a report when it stops.
                self._worker = Thread(target=self._work, name="watchkeeper-reports", daemon=True)
                self._worker.start()
        return job

    def job(self, key: str) -> Job | None:
        """How a report is doing; those of an earlier run of the service are done."""
        if not _ID.fullmatch(key):
            return None
        with self._lock:
            known = self._jobs.get(key)
        if known is not None and known.state != "done":
            return known
        return (known or Job(key, "done", progress=1.0)) if self._path(key, "html").is_file() else None

    def file(self, key: str, kind: Format) -> bytes | None:
        """A report that is done."""
        job = self.job(key)
        if job is None or job.state != "done":
            return None
        try:
            return self._path(key, kind).read_bytes()
        except FileNotFoundError:
            return None

    def made(self) -> tuple[ReportStatus, ...]:
        """The reports that are there, newest first."""
        return tuple(
            ReportStatus(path.stem, datetime.fromtimestamp(made_ns // 1_000_000_000, UTC))
            for made_ns, path in self._files()
        )

    def wait(self) -> None:
        """Returns when nothing is waiting or running."""
        self._queue.join()

    def _work(self) -> None:
        while True:
            key, question = self._queue.get()
            try:
                self._make(key, question)
                self._note(key, state="done", doing="", progress=1.0)
            except (ReportError, SourceError, EmbeddingError) as error:
                self._note(key, state="failed", problem=str(error))
            except Exception as error:
                log.exception("a report failed")
                problem = f"unexpected {type(error).__name__}; the service's log has the details"
                self._note(key, state="failed", problem=problem)
            finally:
                self._forget()
                self._queue.task_done()

    def _make(self, key: str, question: Question) -> None:
        from monitor.report.gather import gather

        self._note(key, state="running")
        self._directory.mkdir(parents=True, exist_ok=True)
        made = gather(
            self._house, question, self._now(), lambda what, share: self._note(key, doing=what, progress=share)
        )
        write(made, self._path(key, "html"))

    def _note(self, key: str, **changed: Any) -> None:
        with self._lock:
            self._jobs[key] = replace(self._jobs[key], **changed)

    def _forget(self) -> None:
        """Removes all but the newest reports, and what is remembered of them."""
        for _, old in self._files()[self._kept :]:
            for kind in (".html", ".json"):
                old.with_suffix(kind).unlink(missing_ok=True)
        with self._lock:
            ended = [key for key, job in self._jobs.items() if job.state in ("done", "failed")]
            for key in ended[: -self._kept or None]:
                del self._jobs[key]

    def _files(self) -> list[tuple[int, Path]]:
        """When each page was written, newest first; another thread may just be removing one."""
        found = []
        for path in self._directory.glob("*.html"):
            with suppress(FileNotFoundError):
                if _ID.fullmatch(path.stem):
                    found.append((path.stat().st_mtime_ns, path))
        return sorted(found, reverse=True)

    def _path(self, key: str, kind: Format) -> Path:
        return self._directory / f"{key}.{kind}"
