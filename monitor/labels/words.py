"""What a person wrote as a verdict, read: pass, fail, or that nobody can tell."""

from dataclasses import dataclass
from typing import Any, Final

from config.criteria import CANNOT_TELL
from detectors.judge.criterion import Criterion

PASSES: Final = frozenset({"pass", "passed", "passes", "ok", "true", "1", "1.0"})
FAILS: Final = frozenset({"fail", "failed", "fails", "false", "0", "0.0"})
UNSURE: Final = frozenset({"unsure", "skip", CANNOT_TELL})


class UnreadableError(Exception):
    """It is no verdict; the text says what would be right."""


@dataclass(frozen=True, slots=True)
class Said:
    """A verdict: `passed` is None when the person cannot tell; `score` where one was given."""

    passed: bool | None
    score: float | None = None


def read_verdict(verdict: Any, score: Any, criterion: Criterion) -> Said:
    """A verdict from a word and a score, of which one is enough.

    Words are pass, fail and unsure, or those of the criterion, which mean what they mean there: yes to toxicity fails.

    Raises:
        UnreadableError: neither says anything.
    """
    number = None if _is_empty(score) else _number(score)
    if _is_empty(verdict):
        if number is None:
            raise UnreadableError("must have a verdict (pass, fail, unsure) or a score from 0 to 1")
        return Said(number > 0.5, number)
    passed = _passed(str(verdict).strip().lower(), criterion)
    if number is not None and passed is not None and passed != (number > 0.5):
        raise UnreadableError("the verdict and the score say opposite things: a score above 0.5 passes")
    return Said(passed, number)


def _passed(word: str, criterion: Criterion) -> bool | None:
    if word in UNSURE:
        return None
    if word in PASSES or word in FAILS:
        return word in PASSES
    if word in criterion.menu:
        return criterion.passes(word)
    raise UnreadableError(f"the verdict must be pass, fail or unsure, or one of {', '.join(criterion.menu)}")


def _number(score: Any) -> float:
    try:
        number = float(score)
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number <= 1:
        raise UnreadableError("the score must be a number from 0 to 1")
    return number


def _is_empty(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
