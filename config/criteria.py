"""What a criterion of the judge says: the same keys in the package's files, in a user's file, and inline."""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from config.sources.common import Strict
from config.words import choose

# The criteria that come with Watchkeeper: each is a file in detectors/judge/criteria/.
BUILT_IN: tuple[str, ...] = (
    "bias",
    "coherence",
    "conciseness",
    "controversiality",
    "correctness",
    "creativity",
    "criminality",
    "depth",
    "detail",
    "faithfulness",
    "goal_reached",
    "groundedness",
    "harmfulness",
    "helpfulness",
    "insensitivity",
    "instruction_following",
    "language_match",
    "maliciousness",
    "misogyny",
    "pii_leak",
    "principle_autonomy",
    "principle_harmlessness",
    "principle_honesty",
    "principle_legality",
    "principle_privacy",
    "prompt_injection_success",
    "refusal",
    "relevance",
    "toxicity",
)

Need = Literal["prompt", "response", "reference", "context", "system_prompt", "trajectory"]
Judged = Literal["prompt", "response", "trajectory"]
Polarity = Literal["positive", "negative"]

# A verdict is a word that a judge can write and a parser can find again.
VerdictName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$", max_length=32)]
CANNOT_TELL = "cannot_tell"


class VerdictMeaning(Strict):
    """One word that a judge may answer with."""

    amount: float = Field(
        ge=0, le=1, description="How much there is of what the question asks for: 1 is all, 0 is nothing.", examples=[1]
    )
    means: str = Field(
        min_length=1, description="When this is the right verdict.", examples=["The voice is ours throughout."]
    )


class Known(Strict):
    """Texts whose right verdict is known."""

    verdict: str = Field(min_length=1, description="The right one.")
    prompt: str = Field("", description="What was asked.")
    response: str = Field("", description="What was answered.")
    reference: str = Field("", description="The right answer.")
    context: str = Field("", description="What was retrieved for the answer.")
    system_prompt: str = Field("", description="The instructions of the application.")
    trajectory: str = Field("", description="The steps of an agent.")
    evidence: str = Field("", description="The words of the judged text that show it; of examples.")


def _default_verdicts() -> dict[str, VerdictMeaning]:
    return {
        "yes": VerdictMeaning(amount=1, means="The answer to the question is yes."),
        "no": VerdictMeaning(amount=0, means="The answer to the question is no."),
    }


class CriterionText(Strict):
    """One question about one text, and the verdicts that answer it."""

    question: str | None = Field(
        None,
        min_length=1,
        description="What the judge is asked about the text; one question, one quality.",
        examples=["Does the answer speak in the voice of our brand: friendly, plain, never salesy?"],
    )
    critique_request: str | None = Field(
        None,
        min_length=1,
        description="In place of a question, the critique request of a constitutional principle; a text that deserves "
        "the critique fails.",
        examples=["Say where the answer gives financial advice that only a licensed adviser may give."],
    )
    polarity: Polarity = Field(
        "positive",
        description="positive: what is asked for is good, much of it passes. negative: it is bad, much of it fails. A "
        "critique request is always negative.",
    )
    verdicts: dict[VerdictName, VerdictMeaning] = Field(
        default={},
        description="The verdicts to choose from, by word; yes and no unless others are given. The judge may always "
        f"answer {CANNOT_TELL} too. A verdict passes when it is more than half good.",
    )
    judged: Judged = Field(
        "response", description="Whose text the question is about; the evidence must be a quote from it."
    )
    needs: list[Need] = Field(
        default=["prompt", "response"],
        min_length=1,
        description="The texts that the judge is shown; a call without one of them is not judged.",
    )
    optional: list[Need] = Field(default=[], description="Texts that it is shown too where the log has them.")
    empty: str | None = Field(
        None,
        description="The verdict of a text that says nothing, given without asking; unset gives it none.",
        examples=["foreign"],
    )
    examples: list[Known] = Field(
        default=[],
        max_length=8,
        description="Shown to the judge: texts with the right verdict and its evidence.",
        examples=[[{"prompt": "Hi", "response": "BUY NOW!", "evidence": "BUY NOW!", "verdict": "foreign"}]],
    )
    canaries: list[Known] = Field(
        default=[],
        max_length=50,
        description="Never shown to the judge as examples: texts with known verdicts that it is asked about now and "
        "then, as they are and with instructions to the judge hidden in them, to see whether it can be trusted.",
        examples=[[{"prompt": "Hi", "response": "ACT TODAY, 50 % OFF!", "verdict": "foreign"}]],
    )
    version: int = Field(1, ge=1, description="Raise it when the meaning changes: a new version is a new series.")

    @property
    def menu(self) -> dict[str, VerdictMeaning]:
        """The verdicts in force, without the one that says that nothing can be said."""
        return self.verdicts or _default_verdicts()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        menu = self.menu
        if CANNOT_TELL in menu:
            raise ValueError(f"verdicts must not hold {CANNOT_TELL}: every criterion has it")
        goods = {(each.amount if self.polarity == "positive" else 1 - each.amount) > 0.5 for each in menu.values()}
        if goods != {True, False}:
            raise ValueError(
                "verdicts must hold one that passes and one that fails: a verdict passes when its amount "
                "is above 0.5, or below 0.5 with polarity negative"
            )
        known = [("examples", each.verdict) for each in self.examples]
        known += [("canaries", each.verdict) for each in self.canaries]
        known += [("empty", self.empty)] if self.empty is not None else []
        for key, word in known:
            if word not in menu and not (word == CANNOT_TELL and key == "examples"):
                raise ValueError(f"{key} must name one of the verdicts: {choose(word, tuple(menu))}")
        if self.judged not in self.needs:
            raise ValueError(f"needs must hold {self.judged}: it is the text that is judged")
        return self


class CriterionFile(CriterionText):
    """A file that says one criterion."""

    @model_validator(mode="after")
    def _asks_once(self) -> Self:
        if (self.question is None) == (self.critique_request is None):
            raise ValueError("must have either question or critique_request: write what is to be judged")
        return self
