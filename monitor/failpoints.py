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

# Of the judge, in the order in which one look comes by them; killed one after the other in tests/test_judging_crash.py.
JUDGE_NAMES = (
    "judge.draw.before_commit",
    "judge.draw.after_commit",
    "judge.reserve.before_commit",
    "judge.reserve.after_commit",
    "judge.settle.before_commit",
    "judge.settle.after_commit",
    "judge.canaries.before_commit",
    "judge.canaries.after_commit",
    "judge.verdicts.before_commit",
    "judge.verdicts.after_commit",
    "judge.repeat.before_commit",
    "judge.repeat.after_commit",
    "judge.matched.before_commit",
    "judge.matched.after_commit",
    "judge.pairs.before_commit",
    "judge.pairs.after_commit",
    "judge.complete.before_commit",
    "judge.complete.after_commit",
    "judge.state.before_commit",
    "judge.state.after_commit",
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
