"""What a source holds: a sample of its calls, which columns have values, and what the missing ones cost."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import ibis

from config.calls import CALL_COLUMNS, FEEDBACK_COLUMNS, Column
from config.sources import AnySource
from config.sources.files import FilesSource
from monitor.canonical import EPOCH
from monitor.examples import Example, file_examples, table_examples
from monitor.sources.base import Poll, Source, SourceError
from monitor.sources.peek import rows_without_time
from monitor.sources.table import TableLog

if TYPE_CHECKING:
    import ibis.expr.types as ir

SAMPLE = 1000  # newest rows that are looked at
_ENOUGH = 100
_BACK = (timedelta(hours=1), timedelta(days=1), timedelta(days=7), timedelta(days=30))
_PARTS = 3  # steps of a first read after which a check has seen enough

# What one of these columns says, the others say as well; and what is off without any of them.
_EITHER: Mapping[tuple[str, ...], str] = {
    ("ended_at", "latency_s"): "latency, and windows by the time at which a call ended",
    ("error_type", "status_code", "error"): "errors, and ratios of errors and of success",
    ("user_id", "session_id"): "retry storms, and intervals that know who asked several times",
}


@dataclass(frozen=True, slots=True)
class Share:
    """One column: whether the source has it, and the share of the sample that has a value (None: no sample)."""

    column: Column
    present: bool
    share: float | None


@dataclass(frozen=True, slots=True)
class Sampled:
    """A sample of one canonical table.

    Attributes:
        rows: how many were looked at.
        shares: every canonical column.
        costs: what is off, and why: `prompt is missing; off without it: prompt drift …`.
    """

    rows: int
    shares: tuple[Share, ...]
    costs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inspection:
    """What `check --connect` shows of one source.

    Attributes:
        whole: false when the log is longer than what was read of it.
        oldest, newest: of what can be read; newest is only known where the log is recent.
        unusable: records that cannot be used, by reason; None: could not be counted in time.
        unreadable: values that do not fit their column, by column, where the source counts them.
        feedback: None when none is configured.
    """

    whole: bool
    oldest: datetime | None
    newest: datetime | None
    calls: Sampled
    feedback: Sampled | None
    unusable: Mapping[str, int | None]
    unreadable: Mapping[str, int]
    examples: tuple[Example, ...]


def inspect(name: str, source: Source, settings: AnySource, folder: Path, now: datetime) -> Inspection:
    """Reads a source once and samples it. Values are as the log has them: redact and shorten before they are shown.

    Args:
        name: of the source.
        source: opened, not polled before.
        settings: of the source.
        folder: of the configuration file.
        now: the end of what is sampled.

    Raises:
        SourceError: the source cannot be read; the text names the setting.
    """
    poll = source.poll(now, _patience(_PARTS))
    oldest = source.oldest()
    since, table = _recent(source.calls, oldest, now)
    calls = _sampled(CALL_COLUMNS, source.columns, table)
    feedback = None
    if settings.feedback is not None:
        first = min(oldest or now, now - _BACK[-1])  # what is rated may have left the log
        feedback = _sampled(FEEDBACK_COLUMNS, source.feedback_columns, _recent(source.feedback, first, now)[1])
    if isinstance(settings, FilesSource):
        examples = file_examples(settings, f"sources.{name}", folder)
    else:
        assert isinstance(source, TableLog)
        examples = table_examples(source, since, now)
    return Inspection(
        whole=poll.complete_until > EPOCH,
        oldest=oldest,
        newest=poll.newest,
        calls=calls,
        feedback=feedback,
        unusable=_unusable(source, poll),
        unreadable=poll.unreadable,
        examples=tuple(examples),
    )


def _patience(times: int) -> Callable[[], bool]:
    answers = iter([False] * times)
    return lambda: next(answers, True)


def _recent(
    read: "Callable[[datetime, datetime], ir.Table]", oldest: datetime | None, now: datetime
) -> "tuple[datetime, ir.Table]":
    """The shortest of some stretches up to now that holds enough rows, else all there is."""
    first = min(oldest or now, now - _BACK[0])
    for back in _BACK:
        since = max(now - back, first)
        table = read(since, now)
        if since == first or table.limit(_ENOUGH).count().to_pyarrow().as_py() >= _ENOUGH:
            return since, table
    return first, read(first, now)


def _sampled(columns: tuple[Column, ...], present: frozenset[str], table: "ir.Table") -> Sampled:
    time = next(column.name for column in columns if column.required and column.type == "timestamp")
    newest = table.order_by(ibis.desc(table[time])).limit(SAMPLE)
    counts = {name: newest[name].count() for name in present}
    row = newest.aggregate(_rows=newest.count(), **counts).to_pyarrow().to_pylist()[0]
    rows = row["_rows"]
    shares = tuple(
        Share(column, column.name in present, row.get(column.name, 0) / rows if rows else None) for column in columns
    )
    return Sampled(rows, shares, tuple(_costs(shares)))


def _costs(shares: Iterable[Share]) -> Iterable[str]:
    shares = list(shares)
    there = {each.column.name for each in shares if each.present and each.share != 0}
    names = {each.column.name for each in shares}
    for either, off in _EITHER.items():
        if names.issuperset(either) and there.isdisjoint(either):
            yield f"none of {', '.join(either)} has a value; off without one of them: {off}"
    settled = {name for either in _EITHER for name in either} | there
    for each in shares:
        if each.column.feeds and each.column.name not in settled:
            why = "has no value in the sample" if each.present else "is missing"
            yield f"{each.column.name} {why}; off without it: {'; '.join(each.column.feeds)}"


def _unusable(source: Source, poll: Poll) -> dict[str, int | None]:
    found: dict[str, int | None] = dict(poll.quarantined)
    if isinstance(source, TableLog):
        try:
            found["missing_started_at"] = source.look(rows_without_time)
        except SourceError:
            found["missing_started_at"] = None  # the table is too large to be searched for it
    return {reason: count for reason, count in found.items() if count != 0}
