"""From a judge's reply to a verdict: the last one it states, if that was on offer, or none. Nothing is guessed.

Three forms are read: a JSON object with a `verdict`; a line `verdict: word`, or `[[word]]`; the bare word. A word in a
sentence is no verdict: "it lacks accuracy" does not end in a Y.
"""

import json
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Trouble = Literal["empty", "too_long", "no_verdict", "off_menu", "twice"]

LONGEST: Final = 32_768  # characters of a reply, without its thinking; a verdict is a few hundred
_MOST_BRACES: Final = 64  # places where an object may start but does not; beyond, the reply is noise
_THINKING = re.compile(r"\s*<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL)
_STATED = re.compile(
    r"^[ \t>*_#-]*(?:final[ \t]+)?verdict[*_`\"']{0,4}[ \t]*[:=][ \t]*(?P<line>[^\n]*)$"
    r"|\[\[(?P<marked>[^\[\]\n]{1,64})\]\]",
    re.IGNORECASE | re.MULTILINE,
)
_DECORATION: Final = " \t\r\n\"'`*_.[](){}"


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was found; `word` is on the menu or None, and then `trouble` says why."""

    word: str | None
    evidence: str = field(default="", repr=False)
    reasoning: str = field(default="", repr=False)
    trouble: Trouble | None = None


class _TwiceError(ValueError):
    """An object states a key twice."""


def parse_verdict(text: str, menu: Sequence[str]) -> Parsed:
    """The verdict of a reply.

    Args:
        text: whatever a judge wrote.
        menu: the words that are verdicts, in lower case.
    """
    text = without_thinking(text)
    if not text.strip():
        return Parsed(None, trouble="empty")
    if len(text) > LONGEST:
        return Parsed(None, trouble="too_long")
    words = {_plain(word): word for word in menu}
    try:
        found = _last_object(text)
    except _TwiceError:
        return Parsed(None, trouble="twice")
    if found is not None:
        return _from_object(found, words)
    if text.lstrip().removeprefix("```json").lstrip().startswith("{"):
        return Parsed(None, trouble="no_verdict")  # half an object: what it would have said is not known
    return _stated(text, words)


def without_thinking(text: str) -> str:
    """The reply behind the thinking that some models write down first; thinking that does not end is all there is."""
    rest = text
    while (found := _THINKING.match(rest)) is not None:
        rest = rest[found.end() :]
    return "" if rest.lstrip().startswith(("<think>", "<thinking>")) else rest


def _last_object(text: str) -> dict[str, Any] | None:
    """The last object in the text that has a verdict."""
    decoder = json.JSONDecoder(object_pairs_hook=_once)
    last, at, misses = None, text.find("{"), 0
    while at >= 0 and misses < _MOST_BRACES:
        try:
            value, end = decoder.raw_decode(text, at)
        except _TwiceError:
            raise
        except (ValueError, RecursionError):
            misses, end = misses + 1, at + 1
        else:
            last = value if isinstance(value, dict) and "verdict" in value else last
        at = text.find("{", end)
    return last


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if "verdict" in found and len(found) < len(pairs):
        raise _TwiceError
    return found


def _from_object(found: dict[str, Any], words: dict[str, str]) -> Parsed:
    said = found["verdict"]
    word = words.get(_plain(said)) if isinstance(said, str) else None
    evidence, reasoning = (_text(found.get(name)) for name in ("evidence", "reasoning"))
    return Parsed(word, evidence, reasoning, None if word is not None else "off_menu")


def _stated(text: str, words: dict[str, str]) -> Parsed:
    last = next(iter(deque(_STATED.finditer(text), maxlen=1)), None)
    said = text if last is None else last["marked"] if last["line"] is None else last["line"]
    word = words.get(_plain(said))
    if word is not None:
        return Parsed(word, reasoning=text[: last.start()].strip() if last else "")
    return Parsed(None, trouble="no_verdict" if last is None else "off_menu")


def _plain(said: str) -> str:
    """The word without what decorates it; longer than any verdict is none."""
    return said.strip(_DECORATION).casefold().replace(" ", "_") if len(said) <= 128 else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
