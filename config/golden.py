"""Settings of the golden set: fixed prompts that are sent to an endpoint again and again. It costs money."""

from datetime import timedelta
from typing import Any

from pydantic import Field, SecretStr, field_validator

from config.alerts import Severity
from config.drift import AlarmRate
from config.sources.common import Strict
from config.types import BaseUrl, NameList, PositiveDuration

OWN_PARAMETERS = ("model", "messages", "temperature", "max_tokens", "stream", "n")


class ChatApi(Strict):
    """An OpenAI-compatible endpoint for chat completions, and what it charges."""

    url: BaseUrl = Field(
        "https://api.openai.com/v1",
        description="Base address, up to and with /v1.",
        examples=["http://gateway:4000/v1"],
    )
    model: str = Field(min_length=1, description="As the endpoint calls it.", examples=["gpt-4o-mini"])
    api_key: SecretStr | None = Field(None, description="Sent as bearer token; unset sends none.", examples=["sk-…"])
    input_usd_per_million: float = Field(
        ge=0, description="US dollars for a million tokens of prompts; 0 for a model of your own.", examples=[0.15]
    )
    output_usd_per_million: float = Field(
        ge=0, description="US dollars for a million tokens of answers.", examples=[0.6]
    )
    temperature: float | None = Field(
        None, ge=0, le=2, description="As your application sets it; unset sends none.", examples=[0.2]
    )
    max_tokens: int = Field(
        512,
        ge=1,
        le=100_000,
        description="The longest answer: what a call can cost at most. With max_completion_tokens among params that is "
        "sent in its place.",
    )
    params: dict[str, Any] = Field(
        default={}, description="Further parameters of the request, sent as they are.", examples=[{"top_p": 1}]
    )
    timeout: PositiveDuration = Field(timedelta(seconds=60), description="How long the endpoint may be silent.")

    @field_validator("params")
    @classmethod
    def _not_ours(cls, value: dict[str, Any]) -> dict[str, Any]:
        for name in value:
            if name in OWN_PARAMETERS:
                raise ValueError(f"must not hold {name}: it is set in another place, or by Watchkeeper")
        limit = value.get("max_completion_tokens", 1)
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise ValueError("must hold a whole number as max_completion_tokens: what a call may cost follows from it")
        return value


class Golden(Strict):
    """A golden set: fixed prompts, asked again and again, so that a model that changes behind its name is seen."""

    prompts: str = Field(
        min_length=1,
        description="File of the prompts: JSONL, a line of id, prompt (or messages), and answers if some are known "
        "to be right.",
        examples=["golden.jsonl"],
    )
    endpoint: ChatApi = Field(description="Where they are sent.")
    budget_usd_per_day: float = Field(
        ge=0.001,
        description="What may be spent on a day (UTC). A run that would cost more goes on the next day.",
        examples=[1],
    )
    every: PositiveDuration = Field(timedelta(days=1), description="How often they are asked.")
    samples: int = Field(
        2,
        ge=1,
        le=5,
        description="Answers that are asked for of each prompt; with one a change cannot be told from chance.",
    )
    false_alarms: AlarmRate = Field(
        timedelta(days=30),
        description="The budget: how often the golden set may raise an alarm although nothing has changed.",
    )
    severity: Severity = Field("warning", description="Of its alarms.")
    receiver: NameList | None = Field(
        None, description="Receivers by name; unset is all of them, [] is none.", examples=[["oncall"]]
    )

    @field_validator("every")
    @classmethod
    def _not_too_often(cls, value: timedelta) -> timedelta:
        if value < timedelta(minutes=10):
            raise ValueError("must be 10m or longer")
        return value
