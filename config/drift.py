"""Settings of the drift alarms."""

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

from config.alerts import Severity
from config.sources.common import Strict
from config.types import NameList, format_duration, parse_duration

_RATE = re.compile(r"\s*(?:1\s+per\s+)?(\d\S*)\s*")
_EXAMPLE = "write one alarm per a duration, such as 1 per 30d"


def _parse_rate(value: object) -> timedelta:
    """Reads `1 per 30d`, or `30d`."""
    if isinstance(value, timedelta):
        period = value
    else:
        found = _RATE.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise ValueError(f"is not a rate: {_EXAMPLE}")
        period = parse_duration(found[1])
    if period < timedelta(days=1):
        raise ValueError(f"must not be more often than 1 per 1d: {_EXAMPLE}")
    return period


AlarmRate = Annotated[
    timedelta,
    BeforeValidator(_parse_rate),
    PlainSerializer(lambda period: f"1 per {format_duration(period)}", return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^\s*(1\s+per\s+)?\d\S*\s*$"}),
]


class Drift(Strict):
    """When a change of what the texts say is an alarm."""

    enabled: bool = Field(True, description="Whether drift raises alarms; it is measured in any case.")
    false_alarms: AlarmRate = Field(
        timedelta(days=30),
        description="The budget: how often all drift detectors of this installation together may raise an alarm "
        "although nothing has changed: 1 per 30d, or 30d for short. 1 per 90d sees the same changes "
        "a few windows later.",
    )
    minimum_novelty: float = Field(
        0.015,
        ge=0,
        le=1,
        description="Nobody is called while it is not sure that the share of texts unlike the baseline has risen by "
        "more than this.",
    )
    minimum_topic: float = Field(0.015, ge=0, le=1, description="The same for the share of one topic.")
    severity: Severity = Field(
        "error", description="Of alarms; those of short baselines and of whole days are warnings at most."
    )
    receiver: NameList | None = Field(
        None, description="Receivers by name; unset is all of them, [] is none.", examples=[["oncall"]]
    )
    runbook: str | None = Field(
        None, description="Link to what to do.", examples=["https://wiki.example.org/llm-drift"]
    )
