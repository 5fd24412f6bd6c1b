"""Which rows have landed already: hashes of their identities in memory, so that new rows need no look at the disk."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitor.canonical import Canonical
from monitor.parts import relation

Hashes = NDArray[np.uint64]


class Identities:
    """A set of 64-bit hashes that may say yes by mistake, never no: eight bytes a row.

    It follows the manifest: parts that it has not seen are read when it is asked.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, canonical: Canonical) -> None:
        self._connection = connection
        self._hash = f"hash({', '.join(canonical.identity)})"
        self._canonical = canonical
        self._seen: set[Path] = set()
        self._sorted: list[Hashes] = []

    def maybe_landed(self, rows: Any, parts: Iterable[Path], landed: int) -> NDArray[np.bool_]:
        """Which rows may be in one of the parts.

        Args:
            rows: an Arrow table with the identity's columns.
            parts: all parts that there are.
            landed: how many rows they hold.
        """
        paths = set(parts)
        if sum(map(len, self._sorted)) > 2 * landed + 100_000:  # mostly rows that are gone
            self._seen, self._sorted = set(), []
        new = sorted(paths - self._seen)
        if new:
            self._add(self._query(f"({relation(new, self._canonical)})"))
        self._seen = paths
        hashes = self._of(rows)
        found = np.zeros(len(hashes), dtype=np.bool_)
        for known in self._sorted:
            where = np.searchsorted(known, hashes)
            found |= known[np.minimum(where, len(known) - 1)] == hashes
        return found

    def landed(self, rows: Any, parts: Iterable[Path]) -> None:
        """These rows have landed, in these new parts (which may also hold rows that were there before)."""
        self._add(self._of(rows))
        self._seen.update(parts)

    def replaced(self, removed: Iterable[Path], added: Iterable[Path]) -> None:
        """New parts hold what these held: they need not be read where those were."""
        if self._seen.issuperset(removed):
            self._seen.update(added)

    def _of(self, rows: Any) -> Hashes:
        self._connection.register("identities", rows.select(self._canonical.identity))
        try:
            return self._query("identities")
        finally:
            self._connection.unregister("identities")

    def _query(self, rows: str) -> Hashes:
        table = self._connection.execute(f"SELECT {self._hash} AS h FROM {rows}").to_arrow_table()
        hashes: Hashes = table["h"].combine_chunks().cast(pa.uint64()).to_numpy()
        return hashes

    def _add(self, hashes: Hashes) -> None:
        """Merges arrays of about the same size, so that there are few of them and each hash is moved seldom."""
        if not len(hashes):
            return
        merged = np.sort(hashes)
        while self._sorted and len(self._sorted[-1]) <= 2 * len(merged):
            merged = np.sort(np.concatenate([self._sorted.pop(), merged]), kind="stable")
        self._sorted.append(merged)
