"""Texts with choices: `[Where is|Where's] my order {order}?` has two spellings and a slot."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache

from monitor.demo.dice import Dice

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SENTENCE_START = re.compile(r"(?:^|(?<=[.!?] ))[a-zäöü]")


def lines(block: str) -> tuple[str, ...]:
    """The non-empty lines of a block of text, one template each; runs of blanks become one."""
    return tuple(" ".join(line.split()) for line in block.splitlines() if line.strip())


class Slots(dict[str, str]):
    """The values of the slots of one conversation: drawn when first asked for, then kept, so that an answer speaks of
    the same order and the same jacket as its question.

    Raises:
        KeyError: a template names a slot that is neither in `words` nor in `makers`.
    """

    def __init__(
        self, dice: Dice, when: datetime, words: Mapping[str, Sequence[str]], makers: Mapping[str, "Maker"]
    ) -> None:
        super().__init__()
        self.dice = dice
        self.when = when
        self._words = words
        self._makers = makers

    def __missing__(self, name: str) -> str:
        words = self._words.get(name)
        value = self._makers[name](self) if words is None else self.dice.pick(words)
        self[name] = value
        return value


Maker = Callable[[Slots], str]


def render(template: str, slots: Slots) -> str:
    """The template with every choice drawn, every slot filled and every sentence begun with a capital."""
    pick = slots.dice.pick
    text = "".join([pick(part) if len(part) > 1 else part[0] for part in _parts(template)])
    # An empty choice leaves two blanks, or one before the stop.
    text = text.replace("  ", " ").replace(" ?", "?").replace(" .", ".").replace(" ,", ",").format_map(slots)
    return _SENTENCE_START.sub(_upper, text).strip()


def _upper(match: re.Match[str]) -> str:
    return match.group().upper()


@cache
def _parts(template: str) -> tuple[tuple[str, ...], ...]:
    """The template cut into literals (one spelling) and choices (several)."""
    pieces = _CHOICE.split(template)
    return tuple(tuple(piece.split("|")) if number % 2 else (piece,) for number, piece in enumerate(pieces))
