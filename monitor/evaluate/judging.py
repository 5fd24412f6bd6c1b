"""Criteria and pairs over rows: every judge is asked, every answer is kept, and no question is asked twice."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from detectors.judge import jury, pairwise
from detectors.judge.criterion import Criterion
from detectors.judge.judge import Judge
from detectors.judge.jury import JuryPair, JuryVerdict
from detectors.judge.pairwise import Pair, PairVerdict, pair_rubric, pair_task
from detectors.judge.prompt import Item, task_of
from detectors.judge.verdict import NO_VERDICT, Problem, Verdict
from monitor.evaluate.folder import Lines
from monitor.evaluate.values import Measure, Outcome

TOGETHER: Final = 32  # rows that all judges are asked about before the next ones: what ends leaves whole juries
UNASKED: Final = frozenset({Problem.OUTAGE, Problem.BUDGET, Problem.STOPPED})


@dataclass(slots=True)
class Bench:
    """The judges of a run.

    Attributes:
        judges: at least one.
        kept: verdicts of this run, those without a word too: a judge that answered nonsense is not asked once more.
        stopping: whether to stop.
        told: called with how many questions are done.
    """

    judges: Sequence[Judge]
    kept: Lines
    stopping: Callable[[], bool]
    told: Callable[[int], object]

    def measure(self, criterion: Criterion) -> Measure:
        """What a criterion is called, and what decides."""
        return Measure(criterion.name, "criterion", f"{criterion.identity} by {self._names}")

    def pair_measure(self, criterion: Criterion) -> Measure:
        """The same of a comparison."""
        return Measure(f"better {criterion.name}", "pair", f"{pair_rubric(criterion)} by {self._names}")

    def judge(self, items: Sequence[Item], criterion: Criterion) -> list[Outcome]:
        """Every item by every judge, in the order of the items."""
        known = self._known("verdict")
        found: list[Outcome] = []
        for first in range(0, len(items), TOGETHER):
            some = items[first : first + TOGETHER]
            votes = [self._votes(judge, some, criterion, known) for judge in self.judges]
            found += [_of_verdict(jury.decide(members, criterion)) for members in zip(*votes, strict=True)]
        return found

    def compare(self, pairs: Sequence[Pair], criterion: Criterion) -> list[Outcome]:
        """Every pair by every judge in both orders, in the order of the pairs."""
        known = self._known("pair")
        found: list[Outcome] = []
        for first in range(0, len(pairs), TOGETHER):
            some = pairs[first : first + TOGETHER]
            votes = [self._pair_votes(judge, some, criterion, known) for judge in self.judges]
            found += [_of_pair(jury.decide_pair(members)) for members in zip(*votes, strict=True)]
        return found

    @property
    def _names(self) -> str:
        return "+".join(judge.identity for judge in self.judges)

    def _known(self, kind: str) -> dict[str, dict[str, Any]]:
        return {each["key"]: each[kind] for each in self.kept.read() if kind in each}

    def _votes(
        self, judge: Judge, items: Sequence[Item], criterion: Criterion, known: dict[str, dict[str, Any]]
    ) -> list[Verdict]:
        keys = [task_of(item, criterion, judge.characters).key(judge.identity) for item in items]
        todo = [place for place, key in enumerate(keys) if key not in known]
        votes = {place: _verdict(known[key], items[place].id) for place, key in enumerate(keys) if key in known}
        self.told(len(votes))
        places = {items[place].id: place for place in todo}

        def take(verdict: Verdict) -> None:
            self.told(1)
            if verdict.problem in NO_VERDICT or verdict.problem is Problem.REJECTED:
                self.kept.add([{"key": keys[places[verdict.item]], "verdict": asdict(verdict)}])

        asked = [items[place] for place in todo]
        if self.stopping():
            new = [_stopped(item, criterion, judge) for item in asked]
        else:
            new = judge.ask(asked, criterion, take)
        votes |= dict(zip(todo, new, strict=True))
        return [votes[place] for place in range(len(items))]

    def _pair_votes(
        self, judge: Judge, pairs: Sequence[Pair], criterion: Criterion, known: dict[str, dict[str, Any]]
    ) -> list[PairVerdict]:
        keys = [pair_task(pair, criterion, True, judge.characters).key(judge.identity) for pair in pairs]
        todo = [place for place, key in enumerate(keys) if key not in known]
        votes = {place: _pair_verdict(known[key], pairs[place].id) for place, key in enumerate(keys) if key in known}
        self.told(len(votes))
        places = {pairs[place].id: place for place in todo}

        def take(verdict: PairVerdict) -> None:
            self.told(1)
            if verdict.problem in NO_VERDICT or verdict.problem is Problem.REJECTED:
                told = {**asdict(verdict), "orders": []}
                self.kept.add([{"key": keys[places[verdict.pair]], "pair": told}])

        asked = [pairs[place] for place in todo]
        if self.stopping():
            about = (criterion.name, pair_rubric(criterion), judge.identity)
            new = [PairVerdict(pair.id, *about, problem=Problem.STOPPED) for pair in asked]
        else:
            new = pairwise.compare(judge, asked, criterion, take)
        votes |= dict(zip(todo, new, strict=True))
        return [votes[place] for place in range(len(pairs))]


def _stopped(item: Item, criterion: Criterion, judge: Judge) -> Verdict:
    return Verdict(item.id, criterion.name, criterion.identity, judge.identity, problem=Problem.STOPPED)


def _verdict(kept: dict[str, Any], item: str) -> Verdict:
    problem = None if kept["problem"] is None else Problem(kept["problem"])
    return Verdict(**{**kept, "item": item, "problem": problem})


def _pair_verdict(kept: dict[str, Any], pair: str) -> PairVerdict:
    problem = None if kept["problem"] is None else Problem(kept["problem"])
    return PairVerdict(**{**kept, "pair": pair, "problem": problem, "orders": ()})


def _of_verdict(found: JuryVerdict) -> Outcome:
    """A verdict as it is shown: with the words of a judge that is of the same mind."""
    same = [each for each in found.members if each.word is not None and each.passed == found.passed]
    shown = next((each for each in same if each.evidence), same[0] if same else found.members[0])
    return Outcome(
        id=found.item,
        passed=found.passed,
        score=found.score,
        said=found.word or "",
        problem=_problem(found.problem, shown.detail),
        evidence=shown.evidence,
        quoted=shown.quoted,
        reasoning=shown.reasoning,
        asked=found.word is not None or found.problem in NO_VERDICT or found.problem is Problem.SPLIT,
    )


def _of_pair(found: JuryPair) -> Outcome:
    shown = next((each for each in found.members if each.winner == found.winner), found.members[0])
    order = shown.orders[0] if shown.orders else None
    known = [each.consistent for each in found.members if each.consistent is not None]
    positions = {each.position for each in found.members}
    return Outcome(
        id=found.pair,
        score=found.score,
        said=found.winner or "",
        problem=_problem(found.problem, shown.detail),
        evidence="" if order is None else order.evidence,
        quoted=None if order is None else order.quoted,
        reasoning="" if order is None else order.reasoning,
        asked=found.winner is not None or found.problem in NO_VERDICT,
        consistent=all(known) if known else None,
        position=positions.pop() if len(positions) == 1 else None,
    )


def _problem(problem: Problem | None, detail: str) -> str:
    if problem is None:
        return ""
    return f"{problem}: {detail}" if detail else str(problem)
