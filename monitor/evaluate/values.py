"""What an evaluation is about, and what becomes of each row: plain values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from detectors.judge.prompt import Item

Kind = Literal["criterion", "check", "pair"]


class EvaluationError(Exception):
    """The evaluation cannot be made; the text says why and what to do."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a dataset, or one call.

    Attributes:
        item: its texts; its id is what an earlier run is compared by.
        other: a second answer, for pairs.
        versus: the call that gave it, where it is one of the log: its prompt may be another.
        labels: whether people say that it passes, by criterion.
        chances: with which probability it was labelled, by criterion; 1 where it is not here.
        cluster: the conversation; None when it is its own.
    """

    item: Item
    other: str | None = field(default=None, repr=False)
    labels: Mapping[str, bool] = field(default_factory=dict)
    cluster: str | None = None
    chances: Mapping[str, float] = field(default_factory=dict)
    versus: Item | None = None

    @property
    def second(self) -> Item:
        """The other side of a pair."""
        return self.versus or replace(self.item, response=self.other)

    def as_json(self) -> dict[str, Any]:
        """One object."""
        return {**asdict(self), "labels": dict(self.labels), "chances": dict(self.chances)}

    @classmethod
    def of_json(cls, read: Mapping[str, Any]) -> "Row":
        """The row of an object that `as_json` made."""
        versus = read.get("versus")
        whole = {**read, "item": Item(**read["item"]), "versus": versus and Item(**versus)}
        return cls(**whole)


@dataclass(frozen=True, slots=True)
class Rows:
    """What is evaluated.

    Attributes:
        what: it is, in words.
        left_out: rows that cannot be used, each with its place and why.
        population: how many there were to choose from; None when all are there.
    """

    what: str
    rows: tuple[Row, ...]
    left_out: tuple[str, ...] = ()
    population: int | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """One thing that is found out of each row.

    Attributes:
        name: as it is shown, and as `--fail-under` calls it.
        kind: a criterion, a check without a judge, or a comparison of two answers.
        identity: of what decides: another rubric or judge is another measure.
    """

    name: str
    kind: Kind
    identity: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found of one row.

    Attributes:
        id: of the row.
        passed: None where there is no verdict, or where the measure has none.
        score: 0 to 1; of a pair 1 when the first answer is better.
        said: the verdict in a word.
        problem: why there is none; empty where there is.
        asked: whether the judge answered, with a verdict or without.
        consistent, position: of a pair: whether both orders agree, and the place that won in both.
    """

    id: str
    passed: bool | None = None
    score: float | None = None
    said: str = ""
    problem: str = ""
    evidence: str = field(default="", repr=False)
    quoted: bool | None = None
    reasoning: str = field(default="", repr=False)
    asked: bool = True
    consistent: bool | None = None
    position: str | None = None
