"""What every kind of source may set."""

import re
from datetime import timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, field_validator

from config.types import CallColumn, Duration, FeedbackColumn, GroupingColumn, PositiveDuration
from config.words import shown

RedactionKind = Literal["email", "phone", "card", "key"]


class Strict(BaseModel):
    """A section of the file: unknown keys are errors, because a mistyped key is an alert that never fires."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        populate_by_name=True,
        allow_inf_nan=False,  # a threshold that is not a number is a rule that never fires
        hide_input_in_errors=True,  # what was written may be a secret
    )


def _check_pattern(value: str) -> str:
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"is not a regular expression: {error}") from error
    return value


Pattern = Annotated[str, AfterValidator(_check_pattern)]


class Redaction(Strict):
    """What is taken out of every text before anything is stored, embedded or sent."""

    enabled: bool = Field(True, description="Whether texts are redacted at all.")
    kinds: list[RedactionKind] = Field(
        default=["email", "phone", "card", "key"],
        description="email, phone, card (checked by its checksum), key (API keys, tokens, private keys).",
    )
    patterns: list[Pattern] = Field(
        default=[],
        description="Further regular expressions; what they match is taken out.",
        examples=[["EMP-[0-9]{6}"]],
    )


class CommonSource(Strict):
    """Settings that all sources share."""

    columns: dict[CallColumn, str] = Field(
        default={},
        description="Canonical column: expression in the source's own SQL dialect. "
        "A column that the log already has under its canonical name needs no line here.",
        examples=[{"id": "request_id", "latency_s": "CAST(duration_ms AS DOUBLE PRECISION) / 1000"}],
    )
    timezone: str = Field("UTC", description="Zone of time stamps that carry none.")
    groupings: list[list[GroupingColumn]] = Field(
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
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(
                f"{shown(value)} is not a time zone: write an IANA name such as UTC or Europe/Berlin"
            ) from error
        return value

    @field_validator("groupings")
    @classmethod
    def _with_the_whole(cls, value: list[list[str]]) -> list[list[str]]:
        for grouping in value:
            if len(set(grouping)) != len(grouping):
                raise ValueError(f"[{', '.join(grouping)}] names a column twice")
        unique = [list(each) for each in dict.fromkeys(tuple(grouping) for grouping in value)]
        return unique if [] in unique else [[], *unique]


class CommonFeedback(Strict):
    """Settings that the feedback of all sources shares."""

    columns: dict[FeedbackColumn, str] = Field(
        default={},
        description="Canonical feedback column: expression.",
        examples=[{"call_id": "request_id", "at": "created_at", "score": "rating"}],
    )
    lookback: PositiveDuration = Field(
        timedelta(days=7), description="How much older than its feedback a call may be to lend it its segment."
    )
    positive_above: float = Field(0.0, description="A score above this counts as positive (0.5 for 0…1, 3 for stars).")
    max_keys: int = Field(10, ge=1, le=100, description="Feedback keys admitted; the rest is __other__.")
