"""Named places where a test kills the service; nothing happens unless the environment names one.

`WATCHKEEPER_FAILPOINT=deliver.after_send` kills the process at the first hit of that name, `…:3` at the third. The
process ends as by `kill -9`: no handler runs, nothing is flushed.
"""

import os
from collections import Counter

EXIT_STATUS = 137

_hits: Counter[str] = Counter()

NAMES = (
    "landing.after_write",
    "landing.before_commit",
    "landing.after_commit",
    "progress.before_commit",
    "progress.after_commit",
    "identities.before_commit",
    "identities.after_commit",
    "cycle.before_commit",
    "cycle.after_commit",
    "late.before_commit",
    "late.after_commit",
    "health.before_commit",
    "health.after_commit",
    "maintain.before_commit",
    "maintain.after_commit",
    "deliver.before_claim",
    "deliver.after_claim",
    "deliver.after_send",
    "deliver.before_commit",
    "deliver.after_commit",
)


def hit(name: str) -> None:
    """Ends the process here if a test asked for it."""
    wanted = os.environ.get("WATCHKEEPER_FAILPOINT")
    if not wanted:
        return
    place, _, count = wanted.partition(":")
    if place != name:
        return
    _hits[name] += 1
    if _hits[name] == int(count or 1):
        os._exit(EXIT_STATUS)
