"""Landed rows: immutable Parquet parts behind a manifest, where the last write of an identity wins."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from monitor import stretches
from monitor.canonical import Canonical, Micros
from monitor.failpoints import hit
from monitor.ids import Identities
from monitor.latenotes import LateNotes
from monitor.parts import read_part, relation, write_part
from monitor.store.manifest import Landing, Manifest, Part, Quarantined

Cursors = Mapping[str, Mapping[str, Any] | None]

# A row of the cursor table that is no file's: which parts were replaced, and when; they are unlinked later.
RETIRED = "__retired__"


@dataclass(frozen=True, slots=True)
class Step:
    """What one step of reading brings: canonical rows, and what is committed with them."""

    rows: Any
    cursors: Cursors = field(default_factory=dict)
    quarantined: Sequence[Quarantined] = ()


@dataclass(frozen=True, slots=True)
class _Merge:
    """How new rows meet landed ones.

    Attributes:
        rows: those that are new or changed.
        obsolete: rows of parts, by their number, that are replaced.
        times: event times of the obsolete rows.
    """

    rows: Any
    obsolete: dict[Path, list[int]]
    times: Micros


class Landed:
    """The landed rows of one stream of one source. One thread, and one process, writes at a time."""

    def __init__(
        self, manifest: Manifest, directory: Path, canonical: Canonical, connection: duckdb.DuckDBPyConnection
    ) -> None:
        self.manifest = manifest
        self.directory = directory
        self.canonical = canonical
        self.late = LateNotes(manifest)
        self._connection = connection
        self._identities = Identities(connection, canonical)

    def land(self, step: Step, now: datetime, closed_until: datetime | None) -> int:
        """Writes the rows and commits them with the cursors, all or nothing.

        Args:
            step: rows with the same identity are one; the last wins, over landed ones too.
            now: the time.
            closed_until: rows with earlier event times are late, and are noted in `late`.

        Returns:
            how many rows were new or changed.
        """
        parts = self.parts()
        merge = self._merge(_last_of_each(step.rows, self.canonical), parts)
        removed = [parts[path] for path in merge.obsolete]
        added = [part for path, numbers in merge.obsolete.items() if (part := self._without(path, numbers))]
        if merge.rows.num_rows:
            added.append(write_part(self.directory, self.canonical, merge.rows))
        hit("landing.after_write")
        times = np.concatenate([self.canonical.event_times(merge.rows), merge.times])
        cursors = {**step.cursors, **self.late.noted(stretches.before(times, closed_until))}
        self._commit(Landing(added, removed, cursors, step.quarantined), now)
        self._identities.landed(merge.rows, [Path(part.path) for part in added])
        return int(merge.rows.num_rows)

    def replace(self, removed: Sequence[Part], added: Sequence[Part], now: datetime) -> None:
        """Puts parts in the place of others that hold the same rows (or, at the end of their retention, fewer)."""
        self._commit(Landing(added, removed), now)
        self._identities.replaced(map(self._where, removed), [Path(part.path) for part in added])

    def parts(self) -> dict[Path, Part]:
        """The parts by where they are, oldest landing first."""
        return {self._where(part): part for part in self.manifest.parts()}

    def query(self, since: datetime, until: datetime) -> str:
        """SQL of the rows of `[since, until)`; only the parts that overlap it are read."""
        time = f'"{self.canonical.time}"'
        paths = [
            path for path, part in self.parts().items() if part.last_started >= since and part.first_started < until
        ]
        return (
            f"SELECT * FROM ({relation(paths, self.canonical)}) "
            f"WHERE {time} >= TIMESTAMPTZ '{since.isoformat()}' AND {time} < TIMESTAMPTZ '{until.isoformat()}'"
        )

    def _merge(self, rows: Any, parts: Mapping[Path, Part]) -> _Merge:
        nothing = np.array([], dtype=np.int64)
        if not rows.num_rows or not parts:
            return _Merge(rows, {}, nothing)
        maybe = self._identities.maybe_landed(rows, parts, sum(part.rows for part in parts.values()))
        if not maybe.any():
            return _Merge(rows, {}, nothing)
        known = self._known(rows, np.flatnonzero(maybe), parts)
        same = known["same"].to_numpy(zero_copy_only=False)
        arrived = known["arrived"].to_numpy()
        changed = np.isin(arrived, arrived[~same])
        keep = np.ones(rows.num_rows, dtype=bool)
        keep[arrived[~changed]] = False
        obsolete: dict[Path, list[int]] = {}
        replaced = known.filter(pa.array(changed))
        for name, number in zip(replaced["filename"].to_pylist(), replaced["file_row_number"].to_pylist(), strict=True):
            obsolete.setdefault(Path(name), []).append(number)
        return _Merge(rows.filter(pa.array(keep)), obsolete, self.canonical.event_times(replaced))

    def _known(self, rows: Any, maybe: Any, parts: Iterable[Path]) -> Any:
        """The landed rows that have the identity of a new one: where they are, and whether they are equal to it."""
        few = rows.take(pa.array(maybe)).append_column("arrived", pa.array(maybe, pa.int64()))
        on = " AND ".join(f'o."{name}" IS NOT DISTINCT FROM n."{name}"' for name in self.canonical.identity)
        same = " AND ".join(f'o."{name}" IS NOT DISTINCT FROM n."{name}"' for name in self.canonical.names)
        times = ", ".join(f'o."{name}"' for name in self.canonical.times)
        landed = relation(parts, self.canonical, ", filename = true, file_row_number = true")
        self._connection.register("few", few)
        try:
            return self._connection.execute(
                f"SELECT n.arrived, o.filename, o.file_row_number, {times}, ({same}) AS same "
                f"FROM ({landed}) o JOIN few n ON {on} ORDER BY 1, 2, 3"
            ).to_arrow_table()
        finally:
            self._connection.unregister("few")

    def _without(self, path: Path, numbers: list[int]) -> Part | None:
        rows = read_part(path, self.canonical)
        keep = np.ones(rows.num_rows, dtype=bool)
        keep[numbers] = False
        return write_part(self.directory, self.canonical, rows.filter(pa.array(keep))) if keep.any() else None

    def _commit(self, landing: Landing, now: datetime) -> None:
        mine = [path.name for part in landing.remove if (path := self._where(part)).parent == self.directory]
        cursors = dict(landing.cursors)
        if mine:
            retired = self.manifest.cursor(RETIRED) or {}
            cursors[RETIRED] = {**retired, **dict.fromkeys(mine, now.isoformat())}
        self.manifest.commit(Landing(landing.add, landing.remove, cursors, landing.quarantined), now)

    def _where(self, part: Part) -> Path:
        """Where a part is, also after the whole directory was moved."""
        path = Path(part.path)
        here = self.directory / path.name
        return here if path.parent != self.directory and not path.exists() and here.exists() else path


def _last_of_each(rows: Any, canonical: Canonical) -> Any:
    """Without the rows that a later one with the same identity replaces."""
    if rows.num_rows < 2:
        return rows
    numbered = rows.select(canonical.identity).append_column("number", pa.array(np.arange(rows.num_rows)))
    last = numbered.group_by(list(canonical.identity)).aggregate([("number", "max")])["number_max"]
    return rows if len(last) == rows.num_rows else rows.take(pa.array(np.sort(last.to_numpy())))
