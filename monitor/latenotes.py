"""What came late and has not been measured again yet; kept in the manifest, because the service may die in between."""

from datetime import datetime

from monitor.store.manifest import Landing, Manifest
from monitor.stretches import Stretches, union

# A row of the cursor table that is no file's.
LATE = "__late__"


class LateNotes:
    """The late stretches of one stream of one source."""

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest

    def stretches(self) -> Stretches:
        """All that were noted and not forgotten."""
        noted = self._manifest.cursor(LATE) or {"minutes": []}
        return [(first, last) for first, last in noted["minutes"]]

    def noted(self, more: Stretches) -> dict[str, dict[str, Stretches]]:
        """What to commit as cursors so that these are noted too."""
        return {LATE: {"minutes": union(self.stretches(), more)}} if more else {}

    def forget(self, now: datetime) -> None:
        """They have been measured again."""
        if self.stretches():
            self._manifest.commit(Landing(cursors={LATE: None}), now)
