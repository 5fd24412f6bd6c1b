"""Small value types of the settings: durations, names, columns, closed words."""

import math
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, StringConstraints, WithJsonSchema

from config.calls import CALL_COLUMN_NAMES, FEEDBACK_COLUMN_NAMES, GROUPING_COLUMNS
from config.words import choose, shown

_MICROSECONDS = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?[smhdw])+")
_DURATION_PART = re.compile(r"(\d+(?:\.\d+)?)([smhdw])")
_EXAMPLES = "write a number and a unit, such as 30s, 5m, 1h30m or 28d"


def parse_duration(value: Any) -> timedelta:
    """Reads `90s`, `5m`, `1h30m`, `28d`, a number of seconds, or a timedelta.

    Raises:
        ValueError: the value is not a duration, or is below zero; the message shows what would be right.
    """
    if isinstance(value, timedelta):
        return _not_negative(value)
    if value is None or isinstance(value, bool | list | dict):
        raise ValueError(f"is not a duration: {_EXAMPLES}")
    try:
        return _not_negative(timedelta(seconds=_seconds(value)))
    except OverflowError as error:
        raise ValueError("is too long for a duration") from error


def _seconds(value: Any) -> float:
    text = str(value).strip().replace(" ", "")
    if isinstance(value, int | float) or re.fullmatch(r"\d+(\.\d+)?", text):
        seconds = float(value)
        if math.isnan(seconds):
            raise ValueError(f"is not a duration: {_EXAMPLES}")
        return seconds
    if not _DURATION.fullmatch(text):
        raise ValueError(f"{shown(value)} is not a duration: {_EXAMPLES}")
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION_PART.findall(text))


def _not_negative(value: timedelta) -> timedelta:
    if value < timedelta(0):
        raise ValueError("must not be shorter than 0s")
    return value


def format_duration(value: timedelta) -> str:
    """The shortest exact spelling that `parse_duration` reads back: `1h30m`, `45s`, `0s`."""
    rest = value // timedelta(microseconds=1)
    parts = []
    for unit, size in _MICROSECONDS.items():
        whole, rest = divmod(rest, size) if unit != "s" else (rest / size, 0)
        if whole:
            parts.append(f"{whole:.6f}".rstrip("0").rstrip(".") + unit if unit == "s" else f"{whole}{unit}")
    return "".join(parts) or "0s"


def _require_positive(value: timedelta) -> timedelta:
    if value <= timedelta(0):
        raise ValueError("must be longer than 0s")
    return value


_DURATION_SCHEMA = WithJsonSchema(
    {
        "anyOf": [
            {"type": "string", "pattern": r"^\s*(\d+(\.\d+)?|(\d+(\.\d+)?\s*[smhdw]\s*)+)\s*$"},
            {"type": "number", "minimum": 0},
        ]
    }
)

Duration = Annotated[
    timedelta, BeforeValidator(parse_duration), PlainSerializer(format_duration, return_type=str), _DURATION_SCHEMA
]
PositiveDuration = Annotated[
    timedelta,
    BeforeValidator(lambda value: _require_positive(parse_duration(value))),
    PlainSerializer(format_duration, return_type=str),
    _DURATION_SCHEMA,
]


def _base_url(value: str) -> str:
    parts = urlsplit(value.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not a web address: write http://host:port/v1 or https://host/v1")
    if parts.username or parts.password:
        raise ValueError("must hold no user and no password: write the key as api_key")
    return value.strip().rstrip("/")


# The address of an API, without a slash at its end.
BaseUrl = Annotated[str, AfterValidator(_base_url)]


def _email_address(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*", value):
        raise ValueError(f"{shown(value)} is not an e-mail address: write it as name@example.org")
    return value


# A plain address: no name before it, nothing that could end a header.
EmailAddress = Annotated[str, AfterValidator(_email_address)]

# The name of a source, rule or receiver: it becomes a label, part of a path and of an environment variable, where two
# underscores separate the levels.
Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([_-][a-z0-9]+)*$", max_length=63)]


def _one_as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


# `receiver: oncall` is as good as `receiver: [oncall]`.
NameList = Annotated[list[str], BeforeValidator(_one_as_list, json_schema_input_type=str | list[str])]
EmailAddresses = Annotated[list[EmailAddress], BeforeValidator(_one_as_list, json_schema_input_type=str | list[str])]


def _label_text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


# `percentile: 95` needs no quotes. Fractions do: 4.10 would be read as the number 4.1.
LabelValue = Annotated[str, BeforeValidator(_label_text, json_schema_input_type=str | int)]


def _column_of(known: tuple[str, ...]) -> Callable[[str], str]:
    def check(value: str) -> str:
        if value not in known:
            raise ValueError(f"unknown column {shown(value)}: {choose(value, known)}")
        return value

    return check


def _vocabulary(known: tuple[str, ...]) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": list(known)})


CallColumn = Annotated[str, AfterValidator(_column_of(CALL_COLUMN_NAMES)), _vocabulary(CALL_COLUMN_NAMES)]
FeedbackColumn = Annotated[str, AfterValidator(_column_of(FEEDBACK_COLUMN_NAMES)), _vocabulary(FEEDBACK_COLUMN_NAMES)]
GroupingColumn = Annotated[str, AfterValidator(_column_of(GROUPING_COLUMNS)), _vocabulary(GROUPING_COLUMNS)]
