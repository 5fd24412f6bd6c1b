"""Several judges decide together: the majority of those that say something, their disagreement kept."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Final

from config.criteria import CANNOT_TELL
from detectors.judge import pairwise
from detectors.judge.criterion import Criterion
from detectors.judge.judge import Judge
from detectors.judge.pairwise import SCORES, Pair, PairVerdict, Winner
from detectors.judge.prompt import Item
from detectors.judge.verdict import Problem, Verdict

# Items that all judges are asked about before the next ones, so that a budget that ends leaves whole juries.
_TOGETHER: Final = 32


@dataclass(frozen=True, slots=True)
class JuryVerdict:
    """What a jury says of one text.

    Attributes:
        item: id of what was judged.
        word: the commonest verdict of the majority; None with a problem.
        passed: whether the text passes; None when the jury cannot tell.
        score: mean of the scores of those that gave one.
        agreement: share of the votes that the majority has, above one half; None without a vote.
        problem: why there is no verdict: split, or the commonest problem of the members.
        members: one verdict of each judge, in their order.
    """

    item: str
    word: str | None = None
    passed: bool | None = None
    score: float | None = None
    agreement: float | None = None
    problem: Problem | None = None
    members: tuple[Verdict, ...] = ()

    @property
    def usd(self) -> float:
        """What it cost."""
        return sum(each.usd for each in self.members)


@dataclass(frozen=True, slots=True)
class JuryPair:
    """What a jury says of a pair.

    Attributes:
        pair: its id.
        winner: that of more than half of the votes, else a tie; None with a problem.
        agreement: share of the votes that the commonest winner has; None without a vote.
        problem: the commonest problem of the members, when half of them or more gave no winner.
        members: one verdict of each judge, in their order.
    """

    pair: str
    winner: Winner | None = None
    agreement: float | None = None
    problem: Problem | None = None
    members: tuple[PairVerdict, ...] = ()

    @property
    def score(self) -> float | None:
        """1 when the first is better, 0 when the second is, one half for a tie; None without a winner."""
        return None if self.winner is None else SCORES[self.winner]


def ask(
    judges: Sequence[Judge],
    items: Sequence[Item],
    criterion: Criterion,
    told: Callable[[JuryVerdict], object] | None = None,
    repeat: int = 0,
) -> list[JuryVerdict]:
    """Every item judged by every judge, in the order of the items; arguments as of `Judge.ask`."""
    decided = []
    for start in range(0, len(items), _TOGETHER):
        some = items[start : start + _TOGETHER]
        votes = [judge.ask(some, criterion, repeat=repeat) for judge in judges]
        for members in zip(*votes, strict=True):
            decided.append(decide(members, criterion))
            if told is not None:
                told(decided[-1])
    return decided


def decide(members: Sequence[Verdict], criterion: Criterion) -> JuryVerdict:
    """The verdict of a jury.

    More than half of the members must have answered, else there is none: a jury of which most are missing is another
    jury. Those that cannot tell have answered, and do not vote.

    Args:
        members: at least one verdict on the same text by different judges.
        criterion: that they judged.
    """
    item, kept = members[0].item, tuple(members)
    answered = [each for each in members if each.word is not None]
    if 2 * len(answered) <= len(members):
        problems = Counter(each.problem for each in members if each.problem is not None)
        return JuryVerdict(item, problem=problems.most_common(1)[0][0], members=kept)
    votes = [each for each in answered if each.passed is not None]
    if not votes:
        return JuryVerdict(item, CANNOT_TELL, members=kept)
    passing = sum(bool(each.passed) for each in votes)
    score = fmean(each.score for each in votes if each.score is not None)
    if 2 * passing == len(votes):
        return JuryVerdict(item, score=score, agreement=0.5, problem=Problem.SPLIT, members=kept)
    passed = 2 * passing > len(votes)
    words = Counter(each.word for each in votes if each.passed == passed)
    word = max(criterion.menu, key=lambda each: words[each])
    return JuryVerdict(item, word, passed, score, max(passing, len(votes) - passing) / len(votes), members=kept)


def compare(judges: Sequence[Judge], pairs: Sequence[Pair], criterion: Criterion) -> list[JuryPair]:
    """Every pair compared by every judge in both orders, in the order of the pairs."""
    decided = []
    for start in range(0, len(pairs), _TOGETHER):
        votes = [pairwise.compare(judge, pairs[start : start + _TOGETHER], criterion) for judge in judges]
        decided += [decide_pair(members) for members in zip(*votes, strict=True)]
    return decided


def decide_pair(members: Sequence[PairVerdict]) -> JuryPair:
    """The verdict of a jury on a pair, from at least one verdict on it."""
    pair, kept = members[0].pair, tuple(members)
    votes = Counter(each.winner for each in members if each.winner is not None)
    if 2 * votes.total() <= len(members):
        problems = Counter(each.problem for each in members if each.problem is not None)
        return JuryPair(pair, problem=problems.most_common(1)[0][0], members=kept)
    winner, most = votes.most_common(1)[0]
    return JuryPair(pair, winner if 2 * most > votes.total() else "tie", most / votes.total(), members=kept)
