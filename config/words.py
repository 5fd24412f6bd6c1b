"""How errors speak of words: the one that was written, the one that was probably meant."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches


def shown(value: object) -> str:
    """A value that an error quotes: never more than a word."""
    text = str(value)
    return repr(text if len(text) <= 40 else f"{text[:40]}…")


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, whatever the case."""
    by_lower = {each.lower(): each for each in known}
    found = get_close_matches(word.lower(), by_lower, n=1)
    return by_lower[found[0]] if found else None


def choose(word: str, known: Collection[str]) -> str:
    """What to write instead of an unknown word: the nearest known one, or all of them."""
    meant = nearest(word, known)
    return f"did you mean {meant!r}?" if meant else f"choose from {', '.join(known)}"
