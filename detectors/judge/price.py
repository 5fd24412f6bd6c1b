"""What judging costs: the account that it is paid from, and what a question will probably cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, Final, Protocol

from config.judge import JudgeApi
from detectors.price import TEMPLATE, Messages, answer_limit, most_usd, tokens_usd

_CHARACTERS_A_TOKEN: Final = 3.5  # of English and code; other scripts have fewer, and cost more than is likely
_LIKELY_ANSWER: Final = 120  # tokens: a quote, a sentence, a word


class Account(Protocol):
    """Money that may be spent; the monitor floor provides it. Several threads call it."""

    def reserve(self, usd: float) -> bool:
        """Whether the amount could be taken; what is taken is gone until it is settled, also after a crash."""
        ...

    def settle(self, reserved: float, spent: float) -> None:
        """Puts what was spent in the place of what was reserved."""
        ...


@dataclass(slots=True)
class Purse:
    """An account in memory: a limit for one run."""

    limit_usd: float
    spent_usd: float = 0.0
    _lock: Lock = field(default_factory=Lock, repr=False)

    def reserve(self, usd: float) -> bool:
        """Whether the amount could be taken."""
        with self._lock:
            if self.spent_usd + usd > self.limit_usd:
                return False
            self.spent_usd += usd
            return True

    def settle(self, reserved: float, spent: float) -> None:
        """Puts what was spent in the place of what was reserved."""
        with self._lock:
            self.spent_usd = max(self.spent_usd + spent - reserved, 0.0)


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars for some questions: `likely` by the usual length of texts and answers, never more than `most`."""

    questions: int = 0
    likely: float = 0.0
    most: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.questions + other.questions, self.likely + other.likely, self.most + other.most)

    def times(self, factor: float) -> "Cost":
        """The same kind of questions, `factor` times as many."""
        return Cost(round(self.questions * factor), self.likely * factor, self.most * factor)


def likely(settings: JudgeApi, messages: Messages, schema: Mapping[str, Any] | None = None) -> Cost:
    """What one question will cost, if it is answered at the first try."""
    characters = sum(len(str(each.get("content", ""))) for each in messages)
    answer = min(_LIKELY_ANSWER, answer_limit(settings))
    guess = tokens_usd(settings, round(characters / _CHARACTERS_A_TOKEN) + TEMPLATE, answer)
    most = most_usd(settings, messages, schema)
    return Cost(1, min(guess, most), most)
