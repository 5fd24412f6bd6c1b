"""Keeping landed parts tidy: orphans, retention, compaction, and unlinking what no reader needs any more."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pyarrow as pa

from monitor.landing import RETIRED, Landed
from monitor.parts import read_part, write_part
from monitor.store.manifest import Landing, Part

# How long a replaced part stays: a query that started before the replacement still reads it.
GRACE = timedelta(minutes=10)
# A part below both is small; parts of one day are joined while the result stays below both.
SMALL_ROWS = 200_000
SMALL_BYTES = 32 << 20


def drop_orphans(landed: Landed) -> list[Path]:
    """Unlinks the files of a step that died before its commit. Only the process that lands may do this, before it does.

    Returns:
        what was unlinked.
    """
    known = set(landed.parts())
    retired = landed.manifest.cursor(RETIRED) or {}
    orphans = [
        path
        for path in sorted(landed.directory.glob(f"{landed.canonical.stream}-*.parquet"))
        if path not in known and path.name not in retired
    ]
    for path in orphans:
        path.unlink(missing_ok=True)
    return orphans


def unlink_retired(landed: Landed, now: datetime) -> None:
    """Unlinks the parts that were replaced or expired at least `GRACE` ago."""
    retired = landed.manifest.cursor(RETIRED) or {}
    due = [name for name, at in retired.items() if datetime.fromisoformat(at) + GRACE <= now]
    if not due:
        return
    for name in due:
        (landed.directory / name).unlink(missing_ok=True)
    rest = {name: at for name, at in retired.items() if name not in due}
    landed.manifest.commit(Landing(cursors={RETIRED: rest or None}), now)


def expire(landed: Landed, before: datetime, now: datetime) -> None:
    """Removes the parts whose rows are all older than `before`, and what was quarantined before it."""
    old = [part for part in landed.parts().values() if part.last_at < before]
    if old:
        landed.replace(old, [], now)
    landed.manifest.forget_quarantine(before)


def compact(landed: Landed, now: datetime) -> None:
    """Joins the small parts of each day, so that a query opens few files."""
    for paths, parts in _groups(landed.parts()):
        rows = pa.concat_tables([read_part(path, landed.canonical) for path in paths])
        landed.replace(parts, [write_part(landed.directory, landed.canonical, rows)], now)


def _groups(parts: dict[Path, Part]) -> Iterator[tuple[list[Path], list[Part]]]:
    days: dict[object, list[tuple[Path, Part]]] = {}
    for path, part in parts.items():
        if part.rows < SMALL_ROWS and part.bytes < SMALL_BYTES:
            days.setdefault(part.first_at.date(), []).append((path, part))
    for small in days.values():
        group: list[tuple[Path, Part]] = []
        for path, part in sorted(small, key=lambda each: each[1].first_at):
            rows = sum(each.rows for _, each in group) + part.rows
            size = sum(each.bytes for _, each in group) + part.bytes
            if group and (rows > SMALL_ROWS or size > SMALL_BYTES):
                yield from _joined(group)
                group = []
            group.append((path, part))
        yield from _joined(group)


def _joined(group: list[tuple[Path, Part]]) -> Iterator[tuple[list[Path], list[Part]]]:
    if len(group) > 1:
        yield [path for path, _ in group], [part for _, part in group]
