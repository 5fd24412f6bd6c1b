"""One evaluation from its question to its findings; broken off at any moment, asked again it goes on where it was."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from config.judge import Judge as JudgeSettings
from detectors.judge.criterion import Criterion, criteria_of
from detectors.judge.desk import Desk
from detectors.judge.judge import Judge
from detectors.judge.pairwise import Pair
from detectors.judge.pairwise import cost as pair_cost
from detectors.judge.price import Cost
from monitor.clean import clean_text
from monitor.evaluate.answering import Answered, Answering
from monitor.evaluate.checks import Checked, check_all, read_check
from monitor.evaluate.dataset import read_dataset
from monitor.evaluate.findings import finding
from monitor.evaluate.folder import REPLIES, Folder, Lines, Purse, Replies, results_of
from monitor.evaluate.judging import Bench
from monitor.evaluate.pairing import pick_pairs
from monitor.evaluate.picked import Pick, pick
from monitor.evaluate.question import Evaluation, Place, Question
from monitor.evaluate.values import EvaluationError, Measure, Outcome, Row, Rows
from monitor.judging.crew import Outside

Tell = Callable[[str, float], object]


@dataclass(slots=True)
class Run:
    """A run that has begun: everything that can be wrong with the question has been said.

    Raises:
        EvaluationError: the question cannot be answered; the text says why.
        CriterionError: a criterion cannot be used.
        SourceError: the log cannot be read.
    """

    place: Place
    question: Question
    outside: Outside
    tell: Tell
    folder: Folder = field(init=False)
    rows: Rows = field(init=False)
    purse: Purse = field(init=False)
    judges: list[Judge] = field(init=False)
    criteria: dict[str, Criterion] = field(init=False)
    checks: list[Checked] = field(init=False)
    answering: Answering | None = field(init=False)
    earlier: Mapping[Measure, Mapping[str, Outcome]] | None = field(init=False)
    _done: int = 0

    def __post_init__(self) -> None:
        question = self.question
        self.checks = [read_check(each) for each in question.checks]
        self.criteria = _criteria(self.place, (*question.criteria, *question.pairs))
        self.earlier = None if question.earlier is None else results_of(question.earlier)
        self.folder = Folder(question.folder)
        try:
            self.purse = Purse(self.folder.money, question.most_usd)
            self.answering = self._answering()
            self.judges = self._judges()
            self.folder.begin(self._plan())
            self.rows = self._rows()
        except BaseException:
            self.folder.close()
            raise

    def cost(self) -> Cost:
        """What the judges would cost, if nothing of it had been asked before; with answers as they are."""
        items = [row.item for row in self.rows.rows]
        pairs = [Pair(row.item.id, row.item, row.second) for row in self.rows.rows]
        costs = [judge.cost(items, self.criteria[name]) for judge in self.judges for name in self.question.criteria]
        costs += [pair_cost(judge, pairs, self.criteria[name]) for judge in self.judges for name in self.question.pairs]
        return sum(costs, Cost())

    def go(self, version: str) -> Evaluation:
        """Asks what is not known yet, and says what is found; the results are kept in the folder."""
        rows = list(self.rows.rows)
        answered = self._answers(rows)
        judged = [_answered(row, answered) for row in rows] if answered is not None else rows
        found = [*self._by_criteria(judged), *self._by_pairs(rows, judged), *self._by_checks(judged)]
        self.folder.keep_results(found)
        problems = Counter(each.problem for each in (answered or {}).values() if each.problem)
        return Evaluation(
            version=version,
            made_at=self.outside.clock(),
            rows=self.rows,
            judges=tuple(judge.identity for judge in self.judges),
            endpoint=self.answering.identity if self.answering is not None else "",
            earlier=str(self.question.earlier or ""),
            spent_usd=self.purse.spent,
            most_usd=self.question.most_usd,
            unanswered=dict(problems),
            findings=tuple(finding(measure, judged, mine, self.earlier) for measure, mine in found),
        )

    def _by_criteria(self, rows: Sequence[Row]) -> list[tuple[Measure, list[Outcome]]]:
        bench, found = self._bench(), []
        for name in self.question.criteria:
            criterion = self.criteria[name]
            found.append((bench.measure(criterion), bench.judge([row.item for row in rows], criterion)))
        return found

    def _by_pairs(self, stored: Sequence[Row], rows: Sequence[Row]) -> list[tuple[Measure, list[Outcome]]]:
        bench, found = self._bench(), []
        for name in self.question.pairs:
            pairs = [
                Pair(row.item.id, row.item, old.item if self.answering is not None else row.second)
                for old, row in zip(stored, rows, strict=True)
            ]
            found.append((bench.pair_measure(self.criteria[name]), bench.compare(pairs, self.criteria[name])))
        return found

    def _by_checks(self, rows: Sequence[Row]) -> list[tuple[Measure, list[Outcome]]]:
        items = [row.item for row in rows]
        return [(each.measure, check_all(each, items, lambda: self.place.texts.embedder)) for each in self.checks]

    def _answers(self, rows: Sequence[Row]) -> dict[str, Answered] | None:
        if self.answering is None:
            return None
        return self.answering.ask([row.item for row in rows], lambda: self._tell_done(1, "asking for answers"))

    def _bench(self) -> Bench:
        return Bench(
            self.judges, self.folder.verdicts, self.outside.stopping, lambda more: self._tell_done(more, "judging")
        )

    def _tell_done(self, more: int, what: str) -> None:
        self._done += more
        asked = len(self.judges) * (len(self.question.criteria) + len(self.question.pairs))
        total = len(self.rows.rows) * (asked + (self.answering is not None))
        self.tell(f"{what}, ${self.purse.spent:.4g} spent", min(self._done / max(total, 1), 1.0))

    def _answering(self) -> Answering | None:
        name = self.question.endpoint
        if not name:
            return None
        endpoints = self.place.settings.evaluate.endpoints
        if name not in endpoints:
            known, shown = ", ".join(endpoints) or "none", clean_text(name, 100)
            raise EvaluationError(f"--endpoint {shown!r} is not known: evaluate.endpoints of the settings has {known}")
        out = self.outside
        return Answering(
            endpoints[name], self.purse, self.folder.answers, out.pause, out.stopping, self.question.concurrency
        )

    def _judges(self) -> list[Judge]:
        judge = self.place.settings.judge
        if judge is None or not self.criteria:
            return []
        earlier = None if self.question.earlier is None else Lines(self.question.earlier / REPLIES)
        cache = Replies(self.folder.replies, earlier)
        desk = Desk(self.outside.pause, self.outside.seconds, self.purse, cache)
        return [Judge(name, each, desk, judge.characters) for name, each in judge.judges.items()]

    def _plan(self) -> dict[str, Any]:
        """What makes a run another run; how much it may cost, and what it is compared with, do not."""
        question = self.question
        rows = question.rows
        return {
            "rows": rows.said if isinstance(rows, Pick) else _digest(rows),
            "criteria": [self.criteria[name].identity for name in question.criteria],
            "pairs": [self.criteria[name].identity for name in question.pairs],
            "checks": list(question.checks),
            "judges": [judge.identity for judge in self.judges],
            "endpoint": self.answering.identity if self.answering is not None else "",
        }

    def _rows(self) -> Rows:
        rows = self.folder.rows()
        if rows is None:
            rows = self._read()
            self._check_texts(rows)
            self.folder.keep_rows(rows)
        return rows

    def _read(self) -> Rows:
        wanted = self.question.rows
        if isinstance(wanted, Path):
            return read_dataset(wanted, self.criteria)
        if self.place.house is None:
            raise EvaluationError("calls of the log need a service that has read it: watchkeeper run")
        needs = {need for each in self.criteria.values() for need in each.shown} | {"prompt", "response", "reference"}
        if wanted.sides is not None:
            return pick_pairs(self.place, wanted, sorted(needs), self.outside.clock())  # type: ignore[arg-type]
        return pick(self.place.house, wanted, sorted(needs), self.question.criteria, self.outside.clock())  # type: ignore[arg-type]

    def _check_texts(self, rows: Rows) -> None:
        """Raises EvaluationError where not one row has a text without which nothing can be found out."""
        anew = self.answering is not None
        for criterion in self.criteria.values():
            for need in criterion.needs:
                if not (anew and need == "response") and all(row.item.text(need) is None for row in rows.rows):
                    raise EvaluationError(f"{rows.what}: no row has a {need}, which {criterion.name} needs")
        if self.question.pairs and not anew and all(row.other is None for row in rows.rows):
            raise EvaluationError(
                f"{rows.what}: pairs need a second answer: a column other_response, --endpoint for new ones, "
                "or --first and --second for calls of the log"
            )


def _criteria(place: Place, names: Sequence[str]) -> dict[str, Criterion]:
    judge: JudgeSettings | None = place.settings.judge
    if not names:
        return {}
    if judge is None:
        raise EvaluationError("criteria and pairs need a judge: configure one, see docs/judge.md")
    known = criteria_of(judge.model_copy(update={"criteria": list(names)}), place.folder)
    return {name: known[name] for name in names}


def _answered(row: Row, answers: Mapping[str, Answered]) -> Row:
    return replace(row, item=replace(row.item, response=answers[row.item.id].text))


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return f"{path.name} {hashlib.file_digest(file, 'sha256').hexdigest()[:16]}"
    except OSError as error:
        raise EvaluationError(f"{path}: cannot be read: {error.strerror}") from error
