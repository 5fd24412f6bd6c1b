"""One sample of each kind of source, for the suite that every source must pass (tests/test_sources.py).

A kind in `monitor.sources.registry.SOURCES` without a sample here fails the suite.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.sources.base import Source

Record = dict[str, Any]  # canonical names; str, int, float, bool, aware datetime or None; JSON columns as JSON text


@dataclass(frozen=True, slots=True)
class SourceSample:
    """A kind of source over a log that the suite chooses.

    Attributes:
        kind: the kind, as in `SOURCES`.
        make: writes these calls as a log in the folder and opens a source named "log" over it, with lateness 1 minute.
            Called again on the same folder with an empty list, it opens the same log once more (a restart).
        add: adds calls to the log that `make` wrote into the folder.
        feed: adds feedback to the log that `make` wrote into the folder.
        destroy: makes the log in the folder unreadable, so that the next poll of any source over it fails.
        secrets: texts of the settings that must never show in an error.
    """

    kind: str
    make: Callable[[Path, list[Record]], Source]
    add: Callable[[Path, list[Record]], None]
    feed: Callable[[Path, list[Record]], None]
    destroy: Callable[[Path], None]
    secrets: tuple[str, ...] = ()
