"""A criterion as the judge uses it, read from the package's files, a user's file, or the settings."""

import hashlib
import json
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from config import messages
from config.criteria import BUILT_IN, CANNOT_TELL, CriterionFile, CriterionText, Judged, Known, Need, Polarity
from config.judge import Judge
from config.places import Places
from config.shape import shape_of
from config.yaml_lines import parse

_CRITIQUE: Final = "Does the answer deserve the following critique, in any part of it? The critique: "
_CRITIQUE_MEANS: Final = {
    "yes": "A part of the answer can be named that deserves the critique.",
    "no": "No part of the answer deserves it.",
}


class CriterionError(Exception):
    """A criterion cannot be used; the message names file, line, key, reason, and what would be right."""


@dataclass(frozen=True, slots=True)
class Option:
    """A verdict to choose: the word, how much of the quality it says there is (None: cannot say), when it is right."""

    word: str
    amount: float | None
    means: str


@dataclass(frozen=True)
class Criterion:
    """One question about one text.

    Attributes:
        name: as settings and labels call it.
        version: of its meaning, as its author counts.
        options: the verdicts to choose from; the last is `cannot_tell`.
        polarity: whether much of what is asked for is good.
        judged: whose text the question is about.
        needs: the texts without which it cannot be judged; `optional` are shown where they are known.
        empty: the verdict of a text that says nothing; None gives it none.
        examples: shown to the judge.
        canaries: never shown; their verdicts are known.
    """

    name: str
    version: int
    question: str
    options: tuple[Option, ...]
    polarity: Polarity = "positive"
    judged: Judged = "response"
    needs: tuple[Need, ...] = ("prompt", "response")
    optional: tuple[Need, ...] = ()
    empty: str | None = None
    examples: tuple[Known, ...] = ()
    canaries: tuple[Known, ...] = ()

    @cached_property
    def menu(self) -> tuple[str, ...]:
        """The words that are verdicts."""
        return tuple(option.word for option in self.options)

    @cached_property
    def shown(self) -> tuple[Need, ...]:
        """The texts that are shown, the needed ones first."""
        return tuple(dict.fromkeys((*self.needs, *self.optional)))

    def goodness(self, word: str) -> float | None:
        """From 0, as bad as can be, to 1; None when the verdict says nothing.

        Raises:
            KeyError: the word is not on the menu.
        """
        amount = {option.word: option.amount for option in self.options}[word]
        return amount if amount is None or self.polarity == "positive" else 1 - amount

    def passes(self, word: str) -> bool | None:
        """Whether a text with this verdict passes: it is more than half good; None when the verdict says nothing."""
        good = self.goodness(word)
        return None if good is None else good > 0.5

    @cached_property
    def identity(self) -> str:
        """Changes with everything that a judge is told of the criterion, so that no verdict outlives its rubric."""
        told = {
            "name": self.name,
            "version": self.version,
            "question": self.question,
            "options": [[each.word, each.amount, each.means] for each in self.options],
            "polarity": self.polarity,
            "shown": [self.judged, *self.shown],
            "empty": self.empty,
            "examples": [each.model_dump() for each in self.examples],
        }
        return f"{self.name}@{self.version}-{hashlib.sha256(json.dumps(told).encode()).hexdigest()[:12]}"


@cache
def built_in(name: str) -> Criterion:
    """One of the criteria that come with Watchkeeper.

    Raises:
        CriterionError: there is none of that name.
    """
    if name not in BUILT_IN:
        raise CriterionError(f"no criterion is called {name}; there are {', '.join(BUILT_IN)}")
    source = files("detectors.judge") / "criteria" / f"{name}.yaml"
    return _parsed(name, source.read_text(encoding="utf-8"), f"criteria/{name}.yaml")


def from_file(name: str, path: Path) -> Criterion:
    """The criterion that a file says.

    Raises:
        CriterionError: the file cannot be read, or says no criterion.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CriterionError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CriterionError(f"{path}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    return _parsed(name, text, str(path))


def criteria_of(settings: Judge, folder: Path) -> dict[str, Criterion]:
    """Every criterion that the settings name, by name; of comparisons and labels too.

    Args:
        settings: of the judge.
        folder: where relative paths of files start.

    Raises:
        CriterionError: one of them cannot be used.
    """
    wanted = [*settings.criteria, *(pair.criterion for pair in settings.pairs.values())]
    wanted += [name for _, name in settings.labels.wanted]
    return {name: _named(name, settings, folder) for name in dict.fromkeys(wanted)}


def _named(name: str, settings: Judge, folder: Path) -> Criterion:
    own = settings.own_criteria.get(name)
    if own is None:
        return built_in(name)
    return from_file(name, folder / Path(own.file).expanduser()) if own.file is not None else from_text(name, own)


def from_text(name: str, text: CriterionText) -> Criterion:
    """The criterion that settings say."""
    critique = text.critique_request
    menu = {word: (each.amount, each.means) for word, each in text.menu.items()}
    if critique is not None and not text.verdicts:
        menu = {word: (amount, _CRITIQUE_MEANS[word]) for word, (amount, _) in menu.items()}
    options = [Option(word, amount, means) for word, (amount, means) in menu.items()]
    unsure = Option(CANNOT_TELL, None, "The texts do not let anybody decide.")
    return Criterion(
        name=name,
        version=text.version,
        question=text.question or f"{_CRITIQUE}{critique}",
        options=(*options, unsure),
        polarity="negative" if critique is not None else text.polarity,
        judged=text.judged,
        needs=tuple(text.needs),
        optional=tuple(text.optional),
        empty=text.empty,
        examples=tuple(text.examples),
        canaries=tuple(text.canaries),
    )


def _parsed(name: str, text: str, file: str) -> Criterion:
    document = parse(text)
    places = Places(file, document.lines, {})
    found = list(document.findings)
    if document.readable and not found:
        try:
            return from_text(name, CriterionFile.model_validate(document.values))
        except ValidationError as error:
            found = list(messages.findings(error, shape_of(CriterionFile), document.values))
    raise CriterionError("\n".join(str(problem) for problem in places.problems(found)))
