"""What a judge thinks of the other verdicts: the probabilities of its tokens where it writes the verdict.

The mean over the verdicts' probabilities is finer than the one word: it is the score of G-Eval (Liu et al., 2023).
"""

import re
from collections.abc import Mapping, Sequence
from math import exp
from typing import Final

from detectors.judge.client import Token

_LEAST: Final = (
    0.5  # of the probability at that place must belong to verdicts; else the numbers speak of something else
)
_VALUE = re.compile(r"\"verdict\"\s*:\s*\"")


def verdict_probabilities(tokens: Sequence[Token], menu: Sequence[str]) -> Mapping[str, float] | None:
    """The probability of each verdict, together 1; None when the tokens do not tell.

    A token counts for the verdict that it begins, if it begins no other: `yes`, `"yes`, `ye`. Verdicts that begin with
    the same token cannot be told apart, and give None.

    Args:
        tokens: of the whole answer, in order.
        menu: the words that are verdicts, in lower case.
    """
    text = "".join(token.text for token in tokens)
    places = [found.end() for found in _VALUE.finditer(text)]
    if not places:
        return _at_start(tokens, menu)
    at = 0
    for token in tokens:
        if at <= places[-1] < at + len(token.text):
            return _shares(token, menu, places[-1] - at)
        at += len(token.text)
    return None


def _at_start(tokens: Sequence[Token], menu: Sequence[str]) -> Mapping[str, float] | None:
    """The same of an answer that is the bare word."""
    text = "".join(token.text for token in tokens).strip(" \n\t.\"'*")
    first = next((token for token in tokens if token.text.strip()), None)
    return _shares(first, menu, 0) if first is not None and text.casefold() in menu else None


def _shares(token: Token, menu: Sequence[str], begins: int) -> Mapping[str, float] | None:
    """Of the token in which the verdict begins at a character."""
    lead, found = token.text[:begins], dict.fromkeys(menu, 0.0)
    seen: set[str] = set()
    for text, logprob in token.top:
        begun = text[len(lead) :].strip(" \"'").casefold() if text.startswith(lead) else ""
        meant = [word for word in menu if begun and (word.startswith(begun) or begun == word)]
        if len(meant) > 1:
            return None
        if meant and text not in seen and logprob <= 0:
            seen.add(text)
            found[meant[0]] += exp(logprob)
    total = sum(found.values())
    return {word: share / total for word, share in found.items()} if total >= _LEAST else None
