"""The same judgements, with the same defects, in the words that each tool asks for, and read as each tool reads them.

Of 5,000 replies some break off, decline, or say something that was not on offer. LangChain's rule is re-implemented
from its documented behaviour; Evidently's is its own parser. A verdict that is made up where none was given becomes
part of a rate; a batch that raises has no rate at all.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from benchmarks.bars import Bars
from benchmarks.judge.cell import Judge, measured, rounded

COUNT, THETA, JUDGE = 5_000, 0.05, Judge(0.8, 0.95)
DEFECTS = {"": 0.92, "broken off": 0.05, "declined": 0.01, "off the menu": 0.02}

REASONS = (
    "The answer covers what was asked and stays with the facts.",
    "You can see from the second step that the steps follow from each other.",
    "Yes, the dates are those of the document, and nothing is left out.",
    "The response names its sources, although one of them is old.",
    "No step is missing, and the tone fits the question.",
)
BROKEN = (
    "Step 1: the response lacks accuracy",
    "You did not get the dates from the document: it says",
    "The user asks about this submission",
    "The tone is friendly",
    "The steps do not follow from",
    "It says nothing of the version",
)
DECLINED = "I am sorry, but I cannot help with evaluating this content."
OFF_MENU = ("mostly fine", "partly", "unsure")
ADVERSARIAL = ("The response lacks accuracy", "You did not give a source", "The question is about this submission")

Read = Callable[[str], bool | None]  # whether the reply says failure; None when it holds no verdict


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """What a judge means, whether it gets to say so, and which words it uses for the rest."""

    flags: NDArray[np.bool_]
    defects: NDArray[np.str_]
    texts: NDArray[np.intp]

    def written(self, form: Callable[[bool, str, int], str]) -> list[str]:
        """The replies in one form."""
        return [form(bool(a), str(b), int(c)) for a, b, c in zip(self.flags, self.defects, self.texts, strict=True)]


def report(bars: Bars) -> None:
    """Rates, how many verdicts were made up, and the three strings that end or begin like a Y or an N."""
    random = np.random.default_rng(13)
    failures = (random.random(COUNT) < THETA).astype(np.float64)
    defects = random.choice(list(DEFECTS), COUNT, p=list(DEFECTS.values()))
    batch = Batch(JUDGE.verdicts(failures, random).astype(bool), defects, random.integers(0, 60, COUNT))
    beside(bars, "LangChain's rule", batch, as_letter, langchain)
    beside(bars, "Evidently's LLMEval", batch, as_category, evidently())
    if find_spec("detectors.judge.parse") is None:
        measured(bars, "Watchkeeper's parser", "left out: detectors.judge.parse is not there")
        return
    for name, form in (("JSON", as_verdict), ("a line", as_line)):
        made_up = beside(bars, f"Watchkeeper, {name}", batch, form, ours("pass", "fail"))
        bars.equal(f"Watchkeeper, {name}: verdicts made up", made_up, 0)
    for text in ADVERSARIAL:
        said = [ours(*menu)(text) for menu in (("pass", "fail"), ("y", "n"), ("yes", "no"))]
        bars.equal(f"no verdict in: {text}", said, [None] * 3)
        measured(bars, f"LangChain's rule on: {text}", {True: "N", False: "Y", None: None}[langchain(text)])


def beside(bars: Bars, name: str, batch: Batch, form: Callable[[bool, str, int], str], read: Read) -> int:
    """Prints what a tool makes of the batch; how many verdicts it made up."""
    said, raised = [], 0
    for text in batch.written(form):
        try:
            said.append(read(text))
        except ValueError:
            said.append(None)
            raised += 1
    given = batch.defects == ""
    made_up = sum(each is not None for each, fine in zip(said, given, strict=True) if not fine)
    lost = sum(each is None for each, fine in zip(said, given, strict=True) if fine)
    known = [each for each in said if each is not None]
    value = {
        "rate": rounded(np.mean(known)),
        "without verdict": len(said) - len(known),
        "verdicts made up": made_up,
        "verdicts lost": lost,
        "replies on which it raises": raised,
    }
    truth = {"true rate": THETA, "judge's flags": rounded(batch.flags.mean()), "without verdict": int((~given).sum())}
    measured(bars, f"replies read by {name}", value | {"of": truth})
    return made_up


def as_letter(flag: bool, defect: str, text: int) -> str:
    """Reasons, and Y or N on a line of its own: Y when the criterion is met."""
    return unfinished(defect, text) or f"{REASONS[text % len(REASONS)]}\n{_off(defect, text) or ('N' if flag else 'Y')}"


def as_line(flag: bool, defect: str, text: int) -> str:
    """Reasons, and a line with the verdict."""
    said = _off(defect, text) or ("fail" if flag else "pass")
    return unfinished(defect, text) or f"{REASONS[text % len(REASONS)]}\nVerdict: {said}"


def as_verdict(flag: bool, defect: str, text: int) -> str:
    """JSON with reasons and a verdict."""
    return _object("verdict", _off(defect, text) or ("fail" if flag else "pass"), defect, text)


def as_category(flag: bool, defect: str, text: int) -> str:
    """JSON with a category, the last key, as `LLMEval` asks for."""
    return _object("category", _off(defect, text) or ("FAIL" if flag else "PASS"), defect, text)


def _object(key: str, said: str, defect: str, text: int) -> str:
    if defect == "declined":
        return DECLINED
    whole = json.dumps({"reasoning": REASONS[text % len(REASONS)], key: said})
    return whole[: len(whole) // 2] if defect == "broken off" else whole


def unfinished(defect: str, text: int) -> str | None:
    """What stands in place of reasons and verdict, if anything does."""
    return {"broken off": BROKEN[text % len(BROKEN)], "declined": DECLINED}.get(defect)


def _off(defect: str, text: int) -> str | None:
    return OFF_MENU[text % len(OFF_MENU)] if defect == "off the menu" else None


def langchain(text: str) -> bool | None:
    """Its documented rule for criteria: the last letter decides when it is a y or an n, else the first one does.

    Case does not matter, nor whether the letter is a word; when neither is one, the last line is the verdict.
    """
    stripped = text.strip()
    for letter in (stripped[-1:], stripped[:1], stripped.rsplit("\n", maxsplit=1)[-1].strip()):
        if letter.upper() in ("Y", "N"):
            return letter.upper() == "N"
    return None


def evidently() -> Read:
    """The parser of its binary template; a category is taken as it comes, one that is not FAIL is no failure."""
    from evidently.llm.templates import BinaryClassificationPromptTemplate
    from evidently.llm.utils.errors import LLMResponseParseError

    template = BinaryClassificationPromptTemplate(
        criteria="Does it pass?", target_category="FAIL", non_target_category="PASS", include_reasoning=True
    )
    parse = template.get_parser()

    def read(text: str) -> bool | None:
        try:
            said = parse(text, template.list_output_columns())["category"]
        except LLMResponseParseError as error:
            raise ValueError("no verdict") from error
        return None if said == "UNKNOWN" else bool(said == "FAIL")

    return read


def ours(*menu: str) -> Read:
    """Our parser; the last word of the menu is the failure."""
    from detectors.judge.parse import parse_verdict

    def read(text: str) -> bool | None:
        word = parse_verdict(text, menu).word
        return None if word is None else word == menu[-1]

    return read
