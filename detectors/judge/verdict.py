"""What a judge says of one text, and why it says nothing where it does not."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

Source = Literal["judge", "cache", "rule"]


class Problem(StrEnum):
    """Why there is no verdict. None of them is a verdict, and none is a zero."""

    MISSING_TEXT = "missing_text"  # the call lacks a text that the criterion needs
    SAYS_NOTHING = "says_nothing"  # the judged text is empty or as good as empty
    UNPARSEABLE = "unparseable"  # the judge answered, but with no verdict that was on offer
    REFUSED = "refused"  # the judge does not want to judge it
    REJECTED = "rejected"  # the endpoint does not take this question: too long, filtered
    OUTAGE = "outage"  # the endpoint answers nobody at the moment
    BUDGET = "budget"  # there was no money for it
    STOPPED = "stopped"  # the asking was broken off
    SPLIT = "split"  # a jury has no majority


# The judge was asked, answered, and gave no verdict: that is about the call and the judge. The rest is about neither.
NO_VERDICT = frozenset({Problem.UNPARSEABLE, Problem.REFUSED})


@dataclass(frozen=True, slots=True)
class Verdict:
    """One judge, one text, one criterion.

    Attributes:
        item: id of what was judged.
        criterion: its name.
        rubric: identity of the criterion's words: verdicts of two rubrics are two series.
        judge: identity of the judge: the same.
        word: on the menu; None with a problem.
        passed: whether the text passes; None when the judge cannot tell.
        score: how good the text is, 0 to 1: the mean over the judge's own probabilities where the endpoint gives
            them, else that of the word.
        pass_probability: by the judge's own probabilities, among the verdicts that say something; None without them.
        evidence: what the judge quotes.
        quoted: whether the judged text holds the quote; None when nothing is quoted.
        reasoning: its reasons, in its words.
        problem: why there is no verdict; `detail` in a few words, never of the text.
        source: a rule gave it without asking, or it was asked before.
        usd: what it cost, all tries together; a cached one costs nothing.
        tries: requests that were sent.
        model: what the endpoint says it is.
    """

    item: str
    criterion: str
    rubric: str
    judge: str
    word: str | None = None
    passed: bool | None = None
    score: float | None = None
    pass_probability: float | None = None
    evidence: str = field(default="", repr=False)
    quoted: bool | None = None
    reasoning: str = field(default="", repr=False)
    problem: Problem | None = None
    detail: str = ""
    source: Source = "judge"
    usd: float = 0.0
    tries: int = 0
    model: str = ""

    @property
    def answered(self) -> bool:
        """Whether somebody answered, with a verdict or without one; an outage or an empty budget has said nothing."""
        return self.word is not None or self.problem in NO_VERDICT
