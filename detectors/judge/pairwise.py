"""Two answers beside each other: asked in both orders, so that a judge that likes a position decides nothing."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from config.criteria import Need
from detectors.judge.asking import Reply
from detectors.judge.criterion import Criterion
from detectors.judge.fence import clean, shorten
from detectors.judge.judge import Judge
from detectors.judge.price import Cost
from detectors.judge.prompt import LABELS, ROLE, Item, Task, answer_form
from detectors.judge.verdict import Problem
from detectors.normalise import normalise

Winner = Literal["first", "second", "tie"]

MENU: Final = ("a", "b", "tie")
SCORES: Final[dict[Winner, float]] = {"first": 1.0, "tie": 0.5, "second": 0.0}
_VERSION: Final = 1  # of the words below
_MEANS: Final = """\
Verdicts:
- a: A is better by this question.
- b: B is better by this question.
- tie: Neither is better by this question."""
# Who wins when the judge says this, by whether the first answer was shown as A.
_WINS: Final[dict[tuple[str, bool], Winner]] = {
    ("a", True): "first",
    ("b", True): "second",
    ("a", False): "second",
    ("b", False): "first",
    ("tie", True): "tie",
    ("tie", False): "tie",
}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two calls with the same, or matched, prompts."""

    id: str
    first: Item
    second: Item


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """What a judge says of a pair.

    Attributes:
        pair: its id.
        winner: the better answer; a tie too when the two orders disagree; None with a problem.
        consistent: whether both orders gave the same winner; None when they were not both answered.
        position: the place that won in both orders: the judge looked at the place; None when none did.
        orders: the two replies: the first answer as A, the first answer as B.
        problem: why there is no winner: one order without a verdict is none.
        ruled: whether the answers are equal, and nobody was asked.
    """

    pair: str
    criterion: str
    rubric: str
    judge: str
    winner: Winner | None = None
    consistent: bool | None = None
    position: Literal["a", "b"] | None = None
    orders: tuple[Reply, ...] = field(default=(), repr=False)
    problem: Problem | None = None
    detail: str = ""
    ruled: bool = False

    @property
    def score(self) -> float | None:
        """1 when the first is better, 0 when the second is, one half for a tie; None without a winner."""
        return None if self.winner is None else SCORES[self.winner]

    @property
    def usd(self) -> float:
        """What it cost."""
        return sum(each.usd for each in self.orders)


def compare(
    judge: Judge,
    pairs: Sequence[Pair],
    criterion: Criterion,
    told: Callable[[PairVerdict], object] | None = None,
    repeat: int = 0,
) -> list[PairVerdict]:
    """Asks about every pair twice, in their order; arguments as of `Judge.ask`.

    A criterion that needs a reference shows it: that is the labelled comparison.
    """
    verdicts: dict[int, PairVerdict] = {}
    asked: list[int] = []
    for place, pair in enumerate(pairs):
        ruled = _without_asking(pair, criterion, judge.identity)
        if ruled is None:
            asked.append(place)
        else:
            verdicts[place] = ruled
            _tell(told, ruled)
    tasks = [pair_task(pairs[place], criterion, order, judge.characters) for place in asked for order in (True, False)]
    replies: dict[int, Reply] = {}

    def take(number: int, reply: Reply) -> None:
        replies[number] = reply
        place, start = asked[number // 2], number - number % 2
        if start in replies and start + 1 in replies:
            about = PairVerdict(pairs[place].id, criterion.name, pair_rubric(criterion), judge.identity)
            verdicts[place] = _decided(about, replies[start], replies[start + 1])
            _tell(told, verdicts[place])

    judge.asking.ask(tasks, take, repeat)
    return [verdicts[place] for place in range(len(pairs))]


def cost(judge: Judge, pairs: Sequence[Pair], criterion: Criterion) -> Cost:
    """What comparing them would cost, if nothing of it is remembered."""
    asked = [pair for pair in pairs if _without_asking(pair, criterion, judge.identity) is None]
    tasks = (pair_task(pair, criterion, order, judge.characters) for pair in asked for order in (True, False))
    return sum((judge.cost_of(task) for task in tasks), Cost())


def match(first: Sequence[Item], second: Sequence[Item]) -> list[Pair]:
    """Pairs calls with equal prompts, up to spaces and unseen characters: the n-th of one with the n-th of another."""
    waiting: dict[str, list[Item]] = defaultdict(list)
    for item in reversed(second):
        if item.prompt is not None:
            waiting[normalise(item.prompt)].append(item)
    pairs = []
    for item in first:
        there = waiting.get(normalise(item.prompt)) if item.prompt is not None else None
        if there:
            other = there.pop()
            pairs.append(Pair(f"{item.id}|{other.id}", item, other))
    return pairs


def pair_rubric(criterion: Criterion) -> str:
    """Identity of what a judge is told when it compares."""
    return f"{criterion.identity}~pair{_VERSION}"


def pair_task(pair: Pair, criterion: Criterion, in_order: bool, characters: int) -> Task:
    """The question about a pair, its texts there.

    Args:
        pair: the two calls.
        criterion: what the better one is better at.
        in_order: whether the first is shown as A.
        characters: of each text, at most.
    """
    a, b = (pair.first, pair.second) if in_order else (pair.second, pair.first)
    parts: list[tuple[str, str]] = []
    for need in (need for need in LABELS if need in criterion.shown):
        one, two = _shown(a, need, characters), _shown(b, need, characters)
        if need != criterion.judged and one == two:
            parts.append((LABELS[need], one))
        else:
            parts += [(f"{LABELS[need]} A", one), (f"{LABELS[need]} B", two)]
    judged = LABELS[criterion.judged]
    return Task(
        item=pair.id,
        rubric=pair_rubric(criterion),
        rules=_rules(criterion),
        parts=tuple(part for part in parts if part[1] or part[0].startswith(judged)),
        menu=MENU,
        judged=(f"{judged} A", f"{judged} B"),
    )


def _rules(criterion: Criterion) -> str:
    judged = LABELS[criterion.judged]
    more = "more" if criterion.polarity == "positive" else "less"
    ask = (
        f"Question: two texts, {judged} A and {judged} B, are compared by this question only: {criterion.question}\n"
        f"The better one is the one with {more} of what the question asks for. The order in which they are shown means "
        "nothing, and neither do length and tone unless the question is about them."
    )
    return "\n\n".join([ROLE, ask, _MEANS, answer_form(f"{judged} A or {judged} B", MENU)])


def _shown(item: Item, need: Need, characters: int) -> str:
    return shorten(clean(item.text(need) or ""), characters)


def _without_asking(pair: Pair, criterion: Criterion, judge: str) -> PairVerdict | None:
    about = (pair.id, criterion.name, pair_rubric(criterion), judge)
    for need in criterion.needs:
        texts = [each.text(need) for each in (pair.first, pair.second)]
        if any(text is None or (need != criterion.judged and not text.strip()) for text in texts):
            return PairVerdict(*about, problem=Problem.MISSING_TEXT, detail=f"one has no {need}")
    one, two = (normalise(each.text(criterion.judged) or "") for each in (pair.first, pair.second))
    return PairVerdict(*about, winner="tie", ruled=True) if one == two else None


def _decided(about: PairVerdict, in_order: Reply, swapped: Reply) -> PairVerdict:
    orders = (in_order, swapped)
    said = [
        _WINS[reply.word, shown] for reply, shown in zip(orders, (True, False), strict=True) if reply.word is not None
    ]
    if len(said) < 2:
        worst = next(reply for reply in orders if reply.word is None)
        return replace(about, orders=orders, problem=worst.problem, detail=worst.detail)
    words = {in_order.word, swapped.word}
    return replace(
        about,
        winner=said[0] if said[0] == said[1] else "tie",
        consistent=said[0] == said[1],
        position="a" if words == {"a"} else "b" if words == {"b"} else None,
        orders=orders,
    )


def _tell(told: Callable[[PairVerdict], object] | None, verdict: PairVerdict) -> None:
    if told is not None:
        told(verdict)
