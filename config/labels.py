"""Settings of labels: verdicts of people, in files, in the log's feedback, and in exports of where they annotate."""

from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from config.sources.common import Strict
from config.types import Name, PositiveDuration

ExportKind = Literal["langfuse", "langsmith", "phoenix"]
Traces = Literal["only_call", "last_call", "ignore"]


class Score(Strict):
    """A score of another tool as the verdict of a criterion."""

    name: str | None = Field(
        None, min_length=1, description="What it is called there; unset is the criterion's name.", examples=["helpful"]
    )
    above: float | None = Field(
        None,
        allow_inf_nan=False,
        description="Numbers above it pass. Without above and below numbers from 0 to 1 say how much there is of what "
        "the criterion asks for, and true is 1: a toxicity of 1 fails.",
        examples=[3],
    )
    below: float | None = Field(None, allow_inf_nan=False, description="Numbers below it pass.", examples=[3])
    passes: list[str] = Field(
        default=[], description="Words that pass, beside pass and the criterion's own.", examples=[["good", "okay"]]
    )
    fails: list[str] = Field(
        default=[], description="Words that fail, beside fail and the criterion's own.", examples=[["bad"]]
    )

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        if self.above is not None and self.below is not None:
            raise ValueError("must have above or below, not both: one of them says which numbers pass")
        both = {each.casefold() for each in self.passes} & {each.casefold() for each in self.fails}
        if both:
            raise ValueError(f"passes and fails both have {min(both)!r}: a word means one of them")
        return self


class LabelExport(Strict):
    """What people annotated elsewhere, exported into files."""

    kind: ExportKind = Field(description="Whose export it is.", examples=["langfuse"])
    files: list[str] = Field(
        min_length=1,
        description="CSV, JSON or JSON lines as the tool exports them, or as its API answers.",
        examples=[["exports/scores-*.csv"]],
    )
    scores: dict[Name, Score] = Field(
        default={},
        description="By criterion, which score is its verdict; unset takes scores that are called like a criterion.",
    )
    given_by: list[str] | None = Field(
        None,
        min_length=1,
        description="Which kinds of giver count, in the words of the tool. Unset is people who annotate in it: "
        "ANNOTATION of Langfuse, app of LangSmith, HUMAN of Phoenix. `unknown` is who an export does not name.",
        examples=[["ANNOTATION", "API"]],
    )
    traces: Traces = Field(
        "only_call",
        description="Which call an annotation is about that names a trace, or a step that is no call: the only one of "
        "the trace, the last_call that was answered in it, or none (ignore).",
    )


class Labels(Strict):
    """Verdicts of people, by which the judge is measured and its numbers are corrected."""

    files: list[str] = Field(
        default=[],
        description="CSV, JSON or JSON lines: call id, criterion, verdict, and who gave it.",
        examples=[["labels/*.jsonl"]],
    )
    exports: dict[Name, LabelExport] = Field(
        default={}, description="What people annotated in Langfuse, LangSmith or Phoenix, exported into files, by name."
    )
    feedback: dict[Name, str] = Field(
        default={},
        description="Feedback of kind human in the log that says a criterion's verdict: its key by criterion.",
        examples=[{"correctness": "annotated_correct"}],
    )
    max_age: PositiveDuration = Field(timedelta(days=90), description="Older ones say nothing of the judge of today.")

    @property
    def wanted(self) -> list[tuple[str, str]]:
        """The criteria that labels are given by, each with the key that names it."""
        exports = [(f"labels.exports.{name}.scores", each) for name, it in self.exports.items() for each in it.scores]
        return [*(("labels.feedback", name) for name in self.feedback), *exports]
