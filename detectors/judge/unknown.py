"""Why a judge's number has no value: unknown is not zero."""

from dataclasses import dataclass
from enum import StrEnum


class Why(StrEnum):
    """The closed set of reasons."""

    NO_VERDICTS = "no_verdicts"  # nothing was judged, or no reply held a verdict
    NO_LABELS = "no_labels"  # nobody labelled any of the judged calls
    NO_FAILURES_LABELLED = "no_failures_labelled"  # what the judge makes of failures is not known
    NO_PASSES_LABELLED = "no_passes_labelled"  # what the judge makes of good answers is not known
    JUDGE_TOO_WEAK = "judge_too_weak"  # it flags failures hardly more often than good answers
    ONE_CLUSTER = "one_cluster"  # all labels come from one conversation: nothing says how conversations differ
    ONE_CLASS = "one_class"  # both sides gave one and the same answer throughout: chance agrees as well
    NO_PAIRS = "no_pairs"  # no pair was judged in both orders
    NO_DECISIONS = "no_decisions"  # every pair is a tie
    TOO_FEW_DAYS = "too_few_days"  # a baseline of less days than it takes to see how days differ


@dataclass(frozen=True, slots=True)
class Unknown:
    """No number.

    Attributes:
        why: the reason.
        n: how many there were of what was needed.
    """

    why: Why
    n: int = 0
