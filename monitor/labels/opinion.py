"""What somebody says of a call in another tool, before it is a verdict: the same for all tools."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

UNKNOWN: Final = "unknown"  # given by, where the export does not say
LONGEST: Final = 1_000  # characters of a name, a word or an id


@dataclass(frozen=True, slots=True)
class Opinion:
    """One score, feedback or annotation.

    Attributes:
        score: what it is called there.
        number: its value; True is 1; None where it has none.
        word: its value as a word, likewise.
        call_id: the observation, run or span that it is about; empty when it names a trace only.
        trace_id: the trace of that, where it is named.
        by: the kind of giver, in the words of the tool.
        who: the person, where they are named.
        given_at: when it was given or changed, as the tool writes it.
    """

    score: str
    number: float | None
    word: str | None
    call_id: str
    trace_id: str
    by: str = UNKNOWN
    who: str = ""
    given_at: str = ""


Found = Opinion | str  # a text says why there is no opinion of a call in it


def first(values: Mapping[str, Any], *names: str) -> Any:
    """The first value that is there and not empty."""
    return next((values[name] for name in names if values.get(name) not in (None, "", "null")), None)


def text(values: Mapping[str, Any], *names: str) -> str:
    """The same as a text; of what is neither a text nor a whole number, nothing."""
    value = first(values, *names)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip().strip('"')[:LONGEST].encode("utf-8", "replace").decode()


def number(value: Any) -> float | None:
    """A number, true or false, or either as a CSV writes it; None where it is none."""
    if isinstance(value, str):
        value = {"true": 1.0, "false": 0.0}.get(value.strip().casefold(), value)
    try:
        read = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return read if math.isfinite(read) else None


def section(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """What stands under a name: an object, an object as JSON, or columns called `name.key`, as in data frames."""
    held = values.get(name)
    if isinstance(held, str):
        try:
            held = json.loads(held)
        except (ValueError, RecursionError):
            held = None
    if isinstance(held, dict):
        return held
    lead = f"{name}."
    return {key.removeprefix(lead): value for key, value in values.items() if key.startswith(lead)}
