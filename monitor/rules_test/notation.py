"""A series in a line, as promtool writes it: `0x3 0.1+0.1x4 _x2 error`."""

import math
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from config.words import shown
from detectors.measurement import Reason

Sample = float | Reason

MOST_SAMPLES = 100_000  # ten weeks of minutes: a series is written by hand

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_NUMBERS = re.compile(rf"({_NUMBER})(?:([+-](?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?))?(?:x(\d+))?")
_MISSING = re.compile(r"([a-z_]+?)(?:x(\d+))?")
_WORDS = {"_": Reason.NO_CALLS, **{str(each): each for each in Reason}}
_EXAMPLES = "write numbers, ranges such as 0.1x5 or 1+0.5x5, and _ or _x5 where there is no value"


def parse(text: Any) -> tuple[Sample, ...]:
    """The samples of a series, one a window.

    `0.1` is one value, `0.1x3` four of them (it and three more), `1+2x3` is 1 3 5 7, `9-2x3` is 9 7 5 3. `_` is a
    window without calls, `_x3` three of them; in its place may stand another reason why there is no value: no_values,
    missing_column, too_few, error.

    Raises:
        ValueError: a word is none of these, or there are too many; the message shows the word.
    """
    if isinstance(text, tuple | list):
        text = " ".join(map(str, text))
    if not isinstance(text, str | int | float) or isinstance(text, bool):
        raise ValueError(f"is not a series: {_EXAMPLES}")
    samples: list[Sample] = []
    for word in str(text).split():
        samples += _expanded(word, MOST_SAMPLES - len(samples))
    if not samples:
        raise ValueError(f"has no value at all: {_EXAMPLES}")
    return tuple(samples)


def write(samples: tuple[Sample, ...]) -> str:
    """The samples as `parse` reads them."""
    return " ".join("_" if each is Reason.NO_CALLS else str(each) for each in samples)


def _expanded(word: str, room: int) -> list[Sample]:
    missing = _MISSING.fullmatch(word)
    if missing is not None and missing[1] in _WORDS:
        return [_WORDS[missing[1]]] * _times(word, int(missing[2] or 1), room)
    numbers = _NUMBERS.fullmatch(word)
    if numbers is None or (numbers[2] is not None and numbers[3] is None):
        raise ValueError(f"{shown(word)} is not part of a series: {_EXAMPLES}")
    first, by = float(numbers[1]), float(numbers[2] or 0)
    values = [first + number * by for number in range(_times(word, int(numbers[3] or 0) + 1, room))]
    if not all(map(math.isfinite, values)):
        raise ValueError(f"{shown(word)} is too large for a number")
    return list(values)


def _times(word: str, times: int, room: int) -> int:
    if times > room:
        raise ValueError(f"{shown(word)} makes the series longer than {MOST_SAMPLES} windows")
    return times


Samples = Annotated[
    tuple[Sample, ...],
    BeforeValidator(parse),
    PlainSerializer(write, return_type=str),
    WithJsonSchema({"type": ["string", "number"]}),
]
