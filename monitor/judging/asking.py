"""Asks what waits of a window, in the order of its draw; verdicts are kept as they come, a few calls at a time."""

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from detectors.judge.sampling import uniform
from detectors.judge.verdict import NO_VERDICT, Problem, Verdict
from detectors.measurement import Window
from monitor.clean import clean_text
from monitor.failpoints import hit
from monitor.house import House, Watched
from monitor.judging.crew import JURY, Crew, Outside
from monitor.judging.items import read_items
from monitor.store import judging
from monitor.store.judge_tables import JudgeWindowRow, VerdictRow

if TYPE_CHECKING:
    from detectors.judge.judge import Judge
    from detectors.judge.pairwise import PairVerdict
    from detectors.judge.prompt import Item

log = logging.getLogger("watchkeeper")

TOGETHER: Final = 16  # calls that are read and asked about by all judges before the next ones
UNASKED = frozenset({Problem.OUTAGE, Problem.BUDGET, Problem.STOPPED})  # nothing was said: the question still waits
LEAST_REPLIES: Final = 5  # before it is said that most of a judge's replies are useless
LONGEST = 2_000  # characters that are kept of a quote or of reasons


@dataclass(slots=True)
class Round:
    """One look's asking, over all windows and sources.

    Attributes:
        down: the judges that have stopped answering, and why; they are not asked again in this look.
        broke: whether the money has run out.
        answered: the judges that have answered something.
        replies, unparsed: of each judge, and those of them that held no verdict.
    """

    house: House
    crew: Crew
    outside: Outside
    down: dict[str, str] = field(default_factory=dict)
    broke: bool = False
    answered: set[str] = field(default_factory=set)
    replies: Counter[str] = field(default_factory=Counter)
    unparsed: Counter[str] = field(default_factory=Counter)

    @property
    def is_over(self) -> bool:
        """Whether there is no sense in asking on."""
        return self.outside.stopping() or self.broke or len(self.down) == len(self.crew.judges)

    @property
    def kept_waiting(self) -> dict[str, Problem]:
        """What keeps questions to each judge waiting now."""
        rest = Problem.BUDGET if self.broke else Problem.STOPPED
        return {name: Problem.OUTAGE if name in self.down else rest for name in self.crew.judges}

    @property
    def problems(self) -> dict[str, str]:
        """What is wrong with each judge that was asked; empty when nothing is."""
        found = dict.fromkeys(self.answered, "")
        for name, count in self.replies.items():
            if count >= LEAST_REPLIES and self.unparsed[name] > count / 2:
                found[name] = f"{self.unparsed[name]} of its {count} replies hold no verdict that was on offer"
        return found | self.down

    def ask(self, watched: Watched, window: JudgeWindowRow) -> None:
        """Asks what waits of a window, until all is asked, or the money, every judge or the service has stopped.

        Raises:
            SourceError: the source could not be read.
        """
        with self.house.database.reading() as session:
            rows = judging.drawn(session, window.source, window.start)
        waiting = [row for row in rows if row.state == judging.WAITING and row.voice != JURY]
        calls = list(dict.fromkeys(row.call_id for row in waiting))
        needs = {need for each in self.crew.criteria.values() for need in each.shown}
        for first in range(0, len(calls), TOGETHER):
            if self.is_over:
                return
            some = calls[first : first + TOGETHER]
            items = read_items(watched, some, Window(window.start, window.end), needs)
            mine = [row for row in waiting if row.call_id in set(some)]
            for name, judge in self.crew.judges.items():
                self._ask_judge(name, judge, [row for row in mine if row.voice == name], items)
        self._repeat(watched, window)

    def _ask_judge(self, name: str, judge: "Judge", rows: Sequence[VerdictRow], items: "dict[str, Item]") -> None:
        from detectors.judge.prompt import Item

        for criterion in self.crew.criteria.values():
            mine = {row.call_id: row for row in rows if row.criterion == criterion.name}
            if not mine or name in self.down or self.broke or self.outside.stopping():
                continue

            found = judge.ask([items.get(call, Item(call)) for call in mine], criterion)
            now = self.outside.clock()
            for verdict in found:
                said(mine[verdict.item], verdict, now)
            # A service that dies before this finds the replies in its cache.
            with self.house.database.transaction() as session:
                judging.save(session, mine.values())
                hit("judge.verdicts.before_commit")
            hit("judge.verdicts.after_commit")
            self.note(name, judge, found)

    def note(self, name: str, judge: "Judge", found: Sequence[Verdict]) -> None:
        """Takes in what became of some questions: whether there is money, and whether the judge answers."""
        problems = {each.problem for each in found}
        self.broke = self.broke or Problem.BUDGET in problems
        replies = [each for each in found if each.answered and each.source == "judge"]
        if replies:
            self.answered.add(name)
        self.replies[name] += len(replies)
        self.unparsed[name] += sum(each.problem is Problem.UNPARSEABLE for each in replies)
        if Problem.OUTAGE in problems:
            first = next(each.detail for each in found if each.problem is Problem.OUTAGE)
            self.down[name] = judge.down or first

    def note_pairs(self, name: str, judge: "Judge", found: "Sequence[PairVerdict]") -> None:
        """The same of pairs."""
        orders = [each for pair in found for each in pair.orders]
        problems = {each.problem for each in orders}
        self.broke = self.broke or Problem.BUDGET in problems
        if any(each.word is not None and each.source == "judge" for each in orders):
            self.answered.add(name)
        if Problem.OUTAGE in problems:
            self.down[name] = judge.down or next(each.detail for each in orders if each.problem is Problem.OUTAGE)

    def _repeat(self, watched: Watched, window: JudgeWindowRow) -> None:
        """Asks some of what was answered once more, to see whether a judge says the same."""
        with self.house.database.reading() as session:
            rows = judging.drawn(session, window.source, window.start)
        asked = [
            row for row in rows if row.voice in self.crew.judges and row.word is not None and row.origin == "judge"
        ]
        lot = uniform([f"{row.call_id}\0{row.criterion}" for row in asked], "judge again")
        share = self.crew.settings.repeat
        some = [row for row, number in zip(asked, lot.tolist(), strict=True) if number < share and row.again is None]
        needs = {need for each in self.crew.criteria.values() for need in each.shown}
        for first in range(0, len(some), TOGETHER):
            part = some[first : first + TOGETHER]
            items = read_items(watched, [row.call_id for row in part], Window(window.start, window.end), needs)
            for row in part:
                if self.is_over or row.voice in self.down or row.call_id not in items:
                    continue
                judge = self.crew.judges[row.voice]
                again = judge.ask([items[row.call_id]], self.crew.criteria[row.criterion], repeat=1)
                self.note(row.voice, judge, again)
                if again[0].word is not None:
                    row.again, row.usd = again[0].passed == row.passed, row.usd + again[0].usd
                    with self.house.database.transaction() as session:
                        judging.save(session, [row])
                        hit("judge.repeat.before_commit")
                    hit("judge.repeat.after_commit")


def said(row: VerdictRow, verdict: Verdict, now: datetime) -> None:
    """Writes a verdict into the row of its question; without an answer the question still waits, with the reason."""
    row.rubric, row.judge = verdict.rubric, verdict.judge
    row.usd, row.tries = row.usd + verdict.usd, row.tries + verdict.tries
    row.detail = clean_text(verdict.detail, LONGEST)
    if verdict.problem in UNASKED:
        row.detail = f"{verdict.problem}: {row.detail}"
        return
    row.state = judging.ANSWERED if verdict.problem is None else verdict.problem.value
    row.judged_at, row.model, row.origin = now, clean_text(verdict.model, 200), verdict.source
    row.word, row.passed, row.score = verdict.word, verdict.passed, verdict.score
    row.pass_probability, row.quoted = verdict.pass_probability, verdict.quoted
    row.evidence, row.reasoning = clean_text(verdict.evidence, LONGEST), clean_text(verdict.reasoning, LONGEST)


def finish(rows: Sequence[VerdictRow]) -> None:
    """Gives the rows of a window of which nothing more is asked the probabilities of those that were judged.

    As questions are asked in the order of the draw, the first that was not turns π of all before it into π times its
    rank (`detectors.judge.sampling.draw`); what was answered beyond it is left out of all numbers.
    """
    groups: dict[tuple[str, str], list[VerdictRow]] = {}
    for row in rows:
        groups.setdefault((row.criterion, row.voice), []).append(row)
    for mine in groups.values():
        cut = min((row.rank for row in mine if row.state in UNASKED), default=None)
        if cut is None:
            continue
        for row in mine:
            if row.state in UNASKED:
                continue
            if row.rank < cut:
                row.pi *= cut
            else:
                row.state = LEFT_OUT


def give_up(judges: Mapping[str, Problem], rows: Sequence[VerdictRow]) -> None:
    """Questions that still wait become what kept them waiting.

    Args:
        judges: by name, each with what keeps the questions waiting that were never tried.
        rows: of one window.
    """
    for voice, otherwise in judges.items():
        waiting = [row for row in rows if row.state == judging.WAITING and row.voice == voice]
        said_of = next((row.detail for row in waiting if row.detail), otherwise.value)
        for row in waiting:
            detail = row.detail or said_of
            row.state = next((each.value for each in UNASKED if detail.startswith(each.value)), otherwise.value)


def all_answered(rows: Sequence[VerdictRow]) -> bool:
    """Whether all questions that there was money for were asked and answered.

    What money left out has changed the probabilities of the rest and is no gap; what an outage left out is one.
    """
    return not any(row.state in UNASKED and row.state != Problem.BUDGET for row in rows)


LEFT_OUT: Final = "left_out"  # answered, but beyond the first question that was not
NOTHING_SAID = frozenset({each.value for each in NO_VERDICT} | {Problem.REJECTED.value, Problem.SPLIT.value})


def decide_jury(crew: Crew, rows: Sequence[VerdictRow], now: datetime) -> None:
    """Fills the rows of the jury, from what its members say; what one of them was not asked it does not know of."""
    from detectors.judge.jury import decide

    members: dict[tuple[str, str], list[VerdictRow]] = {}
    for row in rows:
        if row.voice != JURY:
            members.setdefault((row.call_id, row.criterion), []).append(row)
    for row in rows:
        if row.voice != JURY or row.state != judging.WAITING:
            continue
        votes = members[row.call_id, row.criterion]
        found = decide([_verdict(each) for each in votes], crew.criteria[row.criterion])
        row.state = judging.ANSWERED if found.problem is None else found.problem.value
        row.word, row.passed, row.score = found.word, found.passed, found.score
        row.judged_at, row.judge = now, crew.identities[JURY]
        row.rubric = crew.criteria[row.criterion].identity
        row.model = "+".join(sorted({each.model for each in votes if each.model}))
        shown = next((each for each in votes if each.passed == found.passed and each.evidence), votes[0])
        row.evidence, row.quoted, row.reasoning = shown.evidence, shown.quoted, shown.reasoning


def _verdict(row: VerdictRow) -> Verdict:
    """A row as the judge gave it."""
    found = Verdict(row.call_id, row.criterion, row.rubric, row.judge, row.word, row.passed, row.score)
    return found if row.state == judging.ANSWERED else replace(found, problem=Problem(row.state))


def given_up(window: JudgeWindowRow, rows: Sequence[VerdictRow], now: datetime, *, newer: bool) -> bool:
    """Whether what waits of a window is not asked any more: its time is over, or the money is for a newer window."""
    if now >= window.deadline:
        return True
    waits = [row for row in rows if row.state == judging.WAITING and row.voice != JURY]
    return newer and bool(waits) and all(row.detail.startswith(Problem.BUDGET.value) or not row.detail for row in waits)
