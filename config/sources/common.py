"""What every kind of source may set."""

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from config.calls import CALL_COLUMN_NAMES, FEEDBACK_COLUMN_NAMES, GROUPING_COLUMNS
from config.types import Duration, PositiveDuration

RedactionKind = Literal["email", "phone", "card", "key"]


class Strict(BaseModel):
    """A section of the file: unknown keys are errors, because a mistyped key is an alert that never fires."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Redaction(Strict):
    """What is taken out of every text before anything is stored, embedded or sent."""

    enabled: bool = Field(True, description="Whether texts are redacted at all.")
    kinds: list[RedactionKind] = Field(
        default=["email", "phone", "card", "key"],
        description="email, phone, card (checked by its checksum), key (API keys, tokens, private keys).",
    )
    patterns: list[str] = Field(default=[], description="Further regular expressions; what they match is taken out.")


class CommonSource(Strict):
    """Settings that all sources share."""

    columns: dict[str, str] = Field(
        default={},
        description="Canonical column: expression in the source's own SQL dialect. "
        "A column that the log already has under its canonical name needs no line here.",
    )
    timezone: str = Field("UTC", description="Zone of time stamps that carry none.")
    groupings: list[list[str]] = Field(
        default=[[], ["service"], ["service", "model"]],
        description="How the source is cut into segments; [] is the whole of it.",
    )
    max_segments: int = Field(50, ge=1, le=1000, description="Segments admitted per grouping; the rest is __other__.")
    every: PositiveDuration = Field(timedelta(seconds=30), description="How often the source is read.")
    lateness: Duration = Field(
        timedelta(minutes=1), description="How long after its completion a call may still reach the log."
    )
    max_duration: PositiveDuration = Field(
        timedelta(hours=1), description="The longest call; older starts are not searched for a window's calls."
    )
    trace_gap: PositiveDuration = Field(
        timedelta(minutes=1), description="A trace is over when it has been quiet for this long."
    )
    silent_after: Duration = Field(
        timedelta(hours=1), description="No new call for this long is an alert of its own; 0s turns it off."
    )
    redact: Redaction = Redaction()

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"{value!r} is not a time zone: write an IANA name such as UTC or Europe/Berlin") from error
        return value

    @field_validator("columns")
    @classmethod
    def _known_columns(cls, value: dict[str, str]) -> dict[str, str]:
        _require_columns(value, CALL_COLUMN_NAMES)
        return value

    @field_validator("groupings")
    @classmethod
    def _groupable(cls, value: list[list[str]]) -> list[list[str]]:
        for grouping in value:
            _require_columns(grouping, GROUPING_COLUMNS)
            if len(set(grouping)) != len(grouping):
                raise ValueError(f"{grouping} names a column twice")
        unique = [list(each) for each in dict.fromkeys(tuple(grouping) for grouping in value)]
        return unique if [] in unique else [[], *unique]


class CommonFeedback(Strict):
    """Settings that the feedback of all sources shares."""

    columns: dict[str, str] = Field(default={}, description="Canonical feedback column: expression.")
    lookback: PositiveDuration = Field(
        timedelta(days=7), description="How much older than its feedback a call may be to lend it its segment."
    )
    positive_above: float = Field(0.0, description="A score above this counts as positive (0.5 for 0…1, 3 for stars).")
    max_keys: int = Field(10, ge=1, le=100, description="Feedback keys admitted; the rest is __other__.")

    @field_validator("columns")
    @classmethod
    def _known_columns(cls, value: dict[str, str]) -> dict[str, str]:
        _require_columns(value, FEEDBACK_COLUMN_NAMES)
        return value


def _require_columns(names: list[str] | dict[str, str], allowed: tuple[str, ...]) -> None:
    from difflib import get_close_matches

    for name in names:
        if name not in allowed:
            nearest = get_close_matches(name, allowed, n=1)
            hint = f"did you mean {nearest[0]!r}?" if nearest else f"choose from {', '.join(allowed)}"
            raise ValueError(f"unknown column {name!r}: {hint}")
