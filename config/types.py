"""Small value types of the settings: durations, names, closed words."""

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, StringConstraints

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")


def parse_duration(value: Any) -> timedelta:
    """Reads `90s`, `5m`, `1h30m`, `28d`, a number of seconds, or a timedelta.

    Raises:
        ValueError: the text is not a duration; the message shows what would be right.
    """
    if isinstance(value, timedelta):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return timedelta(seconds=value)
    text = str(value).strip().replace(" ", "")
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return timedelta(seconds=float(text))
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{value!r} is not a duration: write a number and a unit, such as 30s, 5m, 1h30m or 28d")
    return timedelta(seconds=sum(float(number) * _UNITS[unit] for number, unit in _DURATION_PART.findall(text)))


def format_duration(value: timedelta) -> str:
    """The shortest exact spelling that `parse_duration` reads back: `1h30m`, `45s`, `0s`."""
    rest = value.total_seconds()
    parts = []
    for unit in ("d", "h", "m"):
        whole, rest = divmod(rest, _UNITS[unit])
        if whole:
            parts.append(f"{whole:.0f}{unit}")
    if rest or not parts:
        parts.append(f"{rest:g}s")
    return "".join(parts)


def _require_positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than 0s")
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration, json_schema_input_type=str | float),
    PlainSerializer(format_duration, return_type=str),
    Field(ge=timedelta(0)),
]
PositiveDuration = Annotated[
    timedelta,
    BeforeValidator(lambda value: _require_positive(parse_duration(value)), json_schema_input_type=str | float),
    PlainSerializer(format_duration, return_type=str),
]

# The name of a source, rule or receiver: it becomes a label, part of a path and of an environment variable.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]
