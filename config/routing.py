"""Settings of the way from an alert to a message: what holds messages back, when, and how many are one."""

import re
from calendar import day_name, month_name
from functools import cache
from typing import Annotated, Any, Literal, NamedTuple, Self
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from config.matchers import MatcherText
from config.sources.common import Strict
from config.types import Name
from config.words import shown

Kind = Literal["weekday", "day", "month", "year"]


class Range(NamedTuple):
    """Numbers from one to another, both included."""

    first: int
    last: int


# As Alertmanager counts: a week begins on Sunday.
WEEKDAYS = tuple(day_name[number].lower() for number in (6, 0, 1, 2, 3, 4, 5))
MONTHS = tuple(month_name[number].lower() for number in range(1, 13))
MINUTES_A_DAY = 24 * 60

_BOUNDS: dict[Kind, tuple[int, int, str]] = {
    "weekday": (0, 6, "write monday, or monday:friday"),
    "day": (-31, 31, "write 1, 1:5, or -3:-1 for the last three days of a month"),
    "month": (1, 12, "write january, january:march, or 1:3"),
    "year": (1970, 9999, "write 2026, or 2026:2028"),
}


@cache
def parse_range(kind: Kind, text: str) -> Range:
    """Reads `monday:friday`, `1:5`, `-3:-1`, `march` or `2026`.

    Raises:
        ValueError: it is no such range; the message shows what would be right.
    """
    lowest, highest, hint = _BOUNDS[kind]
    parts = [_number(kind, part.strip().lower()) for part in text.split(":")]
    if len(parts) > 2 or any(part is None or not lowest <= part <= highest for part in parts):
        raise ValueError(f"{shown(text)} is no {kind} and no range of them: {hint}")
    first, last = parts[0], parts[-1]
    assert first is not None
    assert last is not None
    if kind == "day" and 0 in (first, last):
        raise ValueError(f"{shown(text)}: a month has no day 0: {hint}")
    if first > last and not (kind == "day" and first > 0 > last):
        raise ValueError(f"{shown(text)} ends before it begins: write its two parts apart")
    return Range(first, last)


@cache
def parse_clock(text: str) -> int:
    """Minutes since midnight of `09:30`; `24:00` is the end of the day.

    Raises:
        ValueError: it is no time of a day.
    """
    found = re.fullmatch(r"(\d{1,2}):([0-5]\d)", text)
    minutes = int(found[1]) * 60 + int(found[2]) if found else -1
    if not 0 <= minutes <= MINUTES_A_DAY:
        raise ValueError(f"{shown(text)} is not a time of day: write it as 09:30; 24:00 is the end of the day")
    return minutes


def _number(kind: Kind, text: str) -> int | None:
    names = {"weekday": WEEKDAYS, "month": MONTHS}.get(kind, ())
    if text in names:
        return names.index(text) + (kind == "month")
    return int(text) if kind != "weekday" and re.fullmatch(r"-?\d{1,4}", text) else None


def _as_written(value: Any) -> Any:
    """YAML reads an unquoted `22:00` or `1:5` as a number in base 60."""
    if isinstance(value, int) and not isinstance(value, bool):
        sixties = value // 60
        return f"{sixties}:{value % 60:02d}" if 60 <= value <= MINUTES_A_DAY else str(value)
    return value


def _of(kind: Kind) -> Any:
    def check(text: str) -> str:
        parse_range(kind, text)
        return text

    return AfterValidator(check)


def _clock(text: str) -> str:
    parse_clock(text)
    return text


def _location(text: str) -> str:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"unknown time zone {shown(text)}: write a name such as Europe/Berlin, or UTC") from None
    return text


_Written = BeforeValidator(_as_written, json_schema_input_type=str | int)
Clock = Annotated[str, _Written, AfterValidator(_clock)]
Weekdays = Annotated[str, _of("weekday")]
Days = Annotated[str, _Written, _of("day")]
Months = Annotated[str, _Written, _of("month")]
Years = Annotated[str, _Written, _of("year")]


class TimeOfDay(Strict):
    """A stretch of a day: its start is part of it, its end is not."""

    start_time: Clock = Field(description="From here, such as 09:00.")
    end_time: Clock = Field(description="Until here; 24:00 is the end of the day.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if parse_clock(self.start_time) >= parse_clock(self.end_time):
            raise ValueError("start_time must be before end_time: a night is two stretches, up to 24:00 and from 00:00")
        return self


class TimeInterval(Strict):
    """When something holds, as in Alertmanager: every part that is set must fit, one of its ranges each."""

    times: list[TimeOfDay] = Field(default=[], description="Stretches of a day; empty is the whole day.")
    weekdays: list[Weekdays] = Field(default=[], description="Days of the week, such as monday:friday.")
    days_of_month: list[Days] = Field(default=[], description="Days of the month; -1 is the last.")
    months: list[Months] = Field(default=[], description="Months by name or number, such as 1:3.")
    years: list[Years] = Field(default=[], description="Years, such as 2026:2028.")
    location: Annotated[str, AfterValidator(_location)] = Field("UTC", description="The time zone of all that.")


class Inhibition(Strict):
    """While one alert fires, others say nothing new."""

    source: list[MatcherText] = Field(min_length=1, description="Which alert must fire, as matchers of its labels.")
    target: list[MatcherText] = Field(min_length=1, description="Which alerts it holds back.")
    equal: list[str] = Field(default=[], description="Labels in which the two must agree.")


class Routing(Strict):
    """What holds messages back, and how many are one."""

    inhibit: list[Inhibition] = Field(
        default=[],
        description="Alerts that hold others back. A source that is silent or cannot be read does so to every alert of "
        "it without being named here.",
        examples=[
            [{"source": ["rule=provider_down"], "target": ["rule=~errors|slow"], "equal": ["source", "provider"]}]
        ],
    )
    time_intervals: dict[Name, list[TimeInterval]] = Field(
        default={},
        description="Stretches of time by name, for mute_time_intervals and active_time_intervals of receivers.",
        examples=[{"weekends": [{"weekdays": ["saturday", "sunday"], "location": "Europe/Berlin"}]}],
    )
    digest_above: int = Field(
        10,
        ge=0,
        description="More messages than this that would open at once at one receiver, of one severity, become one; 0 "
        "turns that off. A receiver of kind alertmanager gets every alert.",
    )
