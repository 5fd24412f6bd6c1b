"""Settings of rules."""

from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from config.sources.common import Strict
from config.types import (
    Duration,
    GroupingColumn,
    LabelValue,
    NameList,
    PositiveDuration,
)

Severity = Literal["critical", "error", "warning", "info"]
NoData = Literal["ok", "keep", "alert"]


class Rule(Strict):
    """A condition on a measurement, watched per segment."""

    measure: str = Field(description="Name of a measurement, as in docs/measurements.md.", examples=["error_ratio"])
    labels: dict[str, LabelValue] = Field(
        default={},
        description="Labels of the measurement and values of segment columns that must match.",
        examples=[{"percentile": "95"}],
    )
    by: list[GroupingColumn] = Field(
        default=[],
        description="Watch each segment of this grouping of the source; empty is the whole source.",
        examples=[["service"]],
    )
    sources: NameList = Field(default=[], description="Only these sources; empty is all.", examples=[["app"]])
    over: PositiveDuration | None = Field(
        None, description="Length of the trailing window; unset is one window.", examples=["5m"]
    )
    above: float | None = Field(None, description="Fires when the value is greater than this.", examples=[0.05])
    below: float | None = Field(None, description="Fires when the value is less than this.", examples=[0.5])
    clear: float | None = Field(
        None,
        description="A firing alert goes on until the value is back past this level (hysteresis).",
        examples=[0.02],
    )
    for_: Duration = Field(timedelta(0), alias="for", description="How long the condition must hold before it fires.")
    keep_firing_for: Duration = Field(timedelta(0), description="How long it fires on after the condition has gone.")
    min_calls: int = Field(
        0, ge=0, description="With fewer calls behind the value, the rule neither fires nor resolves."
    )
    no_data: NoData = Field("keep", description="What a missing value means: ok, keep the state, or alert.")
    no_data_cap: PositiveDuration = Field(
        timedelta(hours=1), description="How long a state is kept without data before it resolves."
    )
    severity: Severity = Field("warning", description="critical, error, warning or info.")
    receiver: NameList | None = Field(
        None, description="Receivers by name; unset is all of them, [] is none.", examples=[["oncall"]]
    )
    summary: str | None = Field(
        None, description="One line for people; unset is made from the rule.", examples=["Calls are failing"]
    )
    runbook: str | None = Field(
        None, description="Link to what to do.", examples=["https://wiki.example.org/llm-errors"]
    )

    @model_validator(mode="after")
    def _thresholds(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("set exactly one of above and below")
        if self.clear is not None and self.above is not None and self.clear > self.above:
            raise ValueError(f"clear ({self.clear:g}) must not be greater than above ({self.above:g})")
        if self.clear is not None and self.below is not None and self.clear < self.below:
            raise ValueError(f"clear ({self.clear:g}) must not be less than below ({self.below:g})")
        return self


class Health(Strict):
    """The built-in rules: a broken source or channel is itself an alert."""

    failing_for: Duration = Field(
        timedelta(minutes=5), description="A source or channel that fails for this long is an alert."
    )
    severity: Severity = Field("error", description="critical, error, warning or info.")
    receiver: NameList | None = Field(
        None, description="Receivers by name; unset is all of them, [] is none.", examples=[["oncall"]]
    )
