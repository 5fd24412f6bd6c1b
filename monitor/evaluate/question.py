"""What an evaluation is asked, what it works with, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from config.settings import Settings
from monitor.evaluate.findings import Finding
from monitor.evaluate.picked import Pick
from monitor.evaluate.values import Rows
from monitor.house import House
from monitor.reading.desk import TextDesk


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes:
        rows: a file, or which calls of the log.
        criteria, checks, pairs: what is found out of each; pairs are criteria by which two answers are compared.
        endpoint: who answers anew, by its name in the settings; empty takes the answers that are there.
        concurrency: requests to it at a time.
        most_usd: that may be spent on the run, over all its tries.
        folder: of the run.
        earlier: the folder of a run to compare with.
    """

    rows: Path | Pick
    folder: Path
    criteria: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    endpoint: str = ""
    concurrency: int = 4
    most_usd: float = 1.0
    earlier: Path | None = None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What came of a run.

    Attributes:
        judges: identities of who judged; `endpoint` of who answered.
        unanswered: why rows have no new answer, by reason.
    """

    version: str
    made_at: datetime
    rows: Rows
    judges: tuple[str, ...]
    endpoint: str
    earlier: str
    spent_usd: float
    most_usd: float
    unanswered: Mapping[str, int]
    findings: tuple[Finding, ...]

    @property
    def is_complete(self) -> bool:
        """Whether everything was asked that there was to ask."""
        return not any(each.unasked for each in self.findings) and not self.unanswered


@dataclass(slots=True)
class Place:
    """What a run has to work with: the settings, where their relative paths start, and the log where it is needed."""

    settings: Settings
    folder: Path = Path()
    house: House | None = None
    _texts: TextDesk | None = field(default=None, repr=False)

    @property
    def texts(self) -> TextDesk:
        """The model that makes embeddings."""
        self._texts = self._texts or (TextDesk(self.settings.text) if self.house is None else self.house.desk)
        return self._texts
