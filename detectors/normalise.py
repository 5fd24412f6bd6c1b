"""Texts as the embedder reads them: one spelling of what means the same, and pieces that a model reads to the end.

Both are part of an embedding's identity. Whoever changes what they return must raise their version: vectors made before
and after are not to be compared.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

NORMALISER_VERSION: Final = 1
CHUNKING_VERSION: Final = 1

MOST_CHUNKS: Final = 32

# The start and the end of each token of a text, in characters.
Spans = Callable[[str], Sequence[tuple[int, int]]]
Item = TypeVar("Item")

_SURROGATE = re.compile(r"[\ud800-\udfff]")
_UNSEEN = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u200b\u2060\ufeff]")
_SPACES = re.compile(r" \s+|[^\S ]\s*")
_CHARACTERS_A_TOKEN = 12  # far more than any language needs, so that no stretch is shorter than a chunk of prose


def normalise(text: str) -> str:
    """The text in valid Unicode, without unseen characters, with one space or line break where there were several.

    Not NFC: tokenizers compose by their own rules, and `unicodedata` takes seconds over a few thousand stacked accents.
    """
    if _SURROGATE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _SPACES.sub(_space, _UNSEEN.sub("", text)).strip()


def _space(run: re.Match[str]) -> str:
    return "\n" if "\n" in run[0] or "\r" in run[0] else " "


def chunks(text: str, spans: Spans, limit: int, most: int = MOST_CHUNKS) -> list[str]:
    """Cuts a text into chunks of at most `limit` tokens and nearly equal length, between words where it can.

    Args:
        text: normalised.
        spans: where the tokens of a text are.
        limit: tokens that the model reads, without those that it adds itself.
        most: of more chunks than that, these many evenly spread ones are kept, the first and the last among them.

    Returns:
        At least one chunk; an empty text is its own.
    """
    # A megabyte is not tokenized to keep a hundredth of it.
    stretches = _stretches(text, limit * _CHARACTERS_A_TOKEN, most)
    return _spread([piece for stretch in stretches for piece in _by_tokens(stretch, spans(stretch), limit)], most)


def chunks_by_characters(text: str, limit: int, most: int = MOST_CHUNKS) -> list[str]:
    """As `chunks`, with a limit in characters: for models whose tokenizer is not at hand."""
    if len(text) > most * limit:
        return [stretch.strip() for stretch in _stretches(text, limit, most)]
    cuts = _cuts(len(text), limit, lambda at: _within_a_word(text, at))
    return _spread(_pieces(text, cuts), most)


def _stretches(text: str, length: int, most: int) -> list[str]:
    """The whole text, or of one longer than `most` such lengths evenly spread stretches from start to end."""
    if len(text) <= most * length:
        return [text]
    starts = _spread(range(len(text) - length + 1), most)
    return [text[start : start + length] for start in starts]


def _by_tokens(text: str, spans: Sequence[tuple[int, int]], limit: int) -> list[str]:
    cuts = _cuts(len(spans), limit, lambda at: _within_a_word(text, spans[at][0]))
    return _pieces(text, [spans[at][0] for at in cuts])


def _within_a_word(text: str, at: int) -> bool:
    return 0 < at < len(text) and not (text[at - 1].isspace() or text[at].isspace())


def _cuts(length: int, limit: int, within_a_word: Callable[[int], bool]) -> list[int]:
    """Where to cut `length` items so that no piece has more than `limit`.

    Pieces are nearly equal: a last piece of three words would be strange for being short. A cut moves back to a gap
    between words by at most half the slack; the other half is for a word that was cut and has more tokens in two parts.
    """
    if length <= limit:
        return []
    slack = limit // 8
    count = -(-length // (limit - slack))
    ideal = [number * length // count for number in range(1, count)]
    return [next((at for at in range(cut, cut - slack // 2, -1) if not within_a_word(at)), cut) for cut in ideal]


def _pieces(text: str, cuts: Sequence[int]) -> list[str]:
    pieces = (text[start:stop].strip() for start, stop in zip([0, *cuts], [*cuts, len(text)], strict=True))
    return [piece for piece in pieces if piece] or [text]


def _spread(items: Sequence[Item], most: int) -> list[Item]:
    if len(items) <= most:
        return list(items)
    if most == 1:
        return [items[0]]
    return [items[number * (len(items) - 1) // (most - 1)] for number in range(most)]
