"""What the calls behind an alert say, read from their source: for receivers with `include_text`, and for nobody else.

It is redacted always, also where the source's own redaction is off: what is sent leaves the house.
"""

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime

from alerts.notifier import CallText
from detectors.measurement import Window
from monitor.house import Watched
from monitor.redact import Redactor

MOST_CALLS = 3
READ = 4_000  # characters of a text; a message shows the first few hundred
REMEMBERED = 200  # groups of calls: a receiver that is told every minute must not query the source every minute

# A message waits this long for the texts, which may lie in a slow place, and then goes without.
PATIENCE_S = 5.0

log = logging.getLogger("watchkeeper")


class Quoting:
    """Reads texts of calls; used by the thread that delivers."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._known: OrderedDict[tuple[str, ...], tuple[CallText, ...]] = OrderedDict()
        self._reading: threading.Thread | None = None

    def texts(self, watched: Watched, calls: Sequence[str], span: Window) -> tuple[CallText, ...]:
        """The texts of the calls that are found in time, in the order of their ids as given.

        Args:
            watched: the source.
            calls: their ids, of which the first few are read.
            span: when they started.
        """
        wanted = tuple(calls[:MOST_CALLS])
        key = (watched.name, *wanted)
        if key not in self._known and wanted:
            self._read(watched, wanted, span)
        if key in self._known:
            self._known.move_to_end(key)
        return self._known.get(key, ())

    def _read(self, watched: Watched, wanted: tuple[str, ...], span: Window) -> None:
        if self._reading is not None and self._reading.is_alive():
            return  # the last query still runs: one slow source must not be asked ever more
        found: list[tuple[CallText, ...]] = []

        def read() -> None:
            try:
                with watched.using:
                    found.append(read_texts(watched, wanted, (span.start, span.end)))
            except Exception as error:
                # An extra of an alert: whatever is wrong with the source is told by the rules about sources.
                log.warning(
                    "the texts of calls of %s cannot be read for a message: %s", watched.name, type(error).__name__
                )

        self._reading = threading.Thread(target=read, name="watchkeeper-quoting", daemon=True)
        self._reading.start()
        self._reading.join(self._patience_s)
        if found:
            self._known[(watched.name, *wanted)] = found[0]
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)


def read_texts(watched: Watched, wanted: Sequence[str], span: tuple[datetime, datetime]) -> tuple[CallText, ...]:
    """The redacted texts of calls that started in `[start, end)`, by one query that gives back a few rows."""
    from detectors.engine import fetch

    calls = watched.source.calls(*span)
    calls = calls.filter(calls.id.cast("string").isin(list(wanted)))
    beginnings = {name: calls[name].cast("string").left(READ) for name in ("prompt", "response")}
    frame = fetch(calls.select(calls.id.cast("string").name("id"), **beginnings).limit(len(wanted)))
    redact = Redactor.always(watched.settings.redact).redact
    rows = {
        call: CallText(call, *(redact(text) if isinstance(text, str) else "" for text in texts))
        for call, *texts in zip(frame["id"], frame["prompt"], frame["response"], strict=True)
    }
    return tuple(rows[call] for call in wanted if call in rows)
