"""Settings of rules."""

from datetime import timedelta
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import Field, ValidatorFunctionWrapHandler, WithJsonSchema, WrapValidator, model_validator

from config.conditions import Budget, Burn, Change, Happened, TrafficDrop
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
On = Literal["value", "interval"]
Kind = Literal["threshold", "change", "burn", "traffic_drop", "budget", "event"]


def _or_template(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    return value if isinstance(value, str) and "{" in value else handler(value)


# A severity, or a template of one: whoever has an alert makes it a severity (`alerts.annotations.of_alert`).
SeverityText = Annotated[
    Severity,
    WrapValidator(_or_template),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "enum": list(get_args(Severity))}, {"type": "string", "pattern": r"\{"}]}
    ),
]

# What a section of a kind leaves no room for, and what stands in its place.
_NO_ROOM: dict[Kind, tuple[tuple[str, ...], str]] = {
    "burn": (("above", "below", "clear", "over", "fires_on"), "its levels and windows are in burn.windows"),
    "traffic_drop": (("above", "fires_on"), "it fires below a share of the usual traffic: write below"),
    "budget": (("above", "below", "clear", "over"), "its level is budget.amount and its window budget.per"),
    "event": (("above", "below", "clear", "over", "fires_on"), "it fires when the event happens"),
}


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
    fires_on: On | None = Field(
        None,
        description="What must be past the level to fire: the value, or its whole interval, so that few calls do not"
        " fire; unset is interval for change, budget and judge measurements, value for all others.",
        examples=["interval"],
    )
    change: Change | None = Field(None, description="The levels are about the change against a baseline.")
    burn: Burn | None = Field(None, description="Fires on the burn rate of an objective.")
    traffic_drop: TrafficDrop | None = Field(None, description="Fires when traffic is far below the usual.")
    budget: Budget | None = Field(None, description="Fires when a budget is spent, or will be.")
    event: Happened | None = Field(None, description="Fires when something happened.")
    for_: Duration = Field(timedelta(0), alias="for", description="How long the condition must hold before it fires.")
    keep_firing_for: Duration = Field(timedelta(0), description="How long it fires on after the condition has gone.")
    min_calls: int = Field(
        0, ge=0, description="With fewer calls behind the value, the rule neither fires nor resolves."
    )
    max_alerts: int = Field(
        20, ge=1, description="Segments that may fire at once, the worst first; how many more there are is said."
    )
    no_data: NoData = Field("keep", description="What a missing value means: ok, keep the state, or alert.")
    no_data_cap: PositiveDuration = Field(
        timedelta(hours=1), description="How long a state is kept without data before it resolves."
    )
    severity: SeverityText = Field(
        "warning", description="critical, error, warning or info; or a template of the alert's labels that gives one."
    )
    receiver: NameList | None = Field(
        None, description="Receivers by name; unset is all of them, [] is none.", examples=[["oncall"]]
    )
    owner: str | None = Field(
        None, description="Who looks after it; a template.", examples=["{{ labels.service }}-team"]
    )
    summary: str | None = Field(
        None,
        description="One line for people; unset is made from the rule; a template.",
        examples=["Calls are failing"],
    )
    description: str | None = Field(
        None,
        description="More for people, such as what to look at first; a template.",
        examples=["{{ value | percent }} of {{ n }} calls of {{ labels.source }} failed."],
    )
    runbook: str | None = Field(
        None, description="Link to what to do; a template.", examples=["https://wiki.example.org/llm-errors"]
    )

    @property
    def kind(self) -> Kind:
        """What kind of condition it is."""
        return next((kind for kind in get_args(Kind) if getattr(self, kind, None) is not None), "threshold")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [kind for kind in get_args(Kind) if getattr(self, kind, None) is not None]
        if len(kinds) > 1:
            raise ValueError(f"{' and '.join(kinds)} cannot stand in one rule: write a rule for each")
        unfit, instead = _NO_ROOM.get(self.kind, ((), ""))
        for key in unfit:
            if getattr(self, key) is not None:
                raise ValueError(f"{key} has no meaning beside {self.kind}: {instead}")
        return self

    @model_validator(mode="after")
    def _thresholds(self) -> Self:
        if self.kind in ("threshold", "change") and (self.above is None) == (self.below is None):
            raise ValueError("set exactly one of above and below")
        if self.clear is not None and self.above is not None and self.clear > self.above:
            raise ValueError(f"clear ({self.clear:g}) must not be greater than above ({self.above:g})")
        if self.clear is not None and self.below is not None and self.clear < self.below:
            raise ValueError(f"clear ({self.clear:g}) must not be less than below ({self.below:g})")
        if self.traffic_drop is not None and not 0 < (0.5 if self.below is None else self.below) < 1:
            raise ValueError(f"below ({self.below:g}) is a share of the usual traffic: write a number between 0 and 1")
        level = self.below if self.above is None else self.above
        if self.change is not None and self.change.how == "ratio" and level is not None and level <= 0:
            raise ValueError("a ratio to a baseline is never 0 or less: write a level above 0, or `how: difference`")
        return self


class OwnRule(Rule):
    """A rule that the service makes itself. Its words can hold text of calls, and are never templates."""


class Health(Strict):
    """The built-in rules: a broken source or channel is itself an alert."""

    failing_for: Duration = Field(
        timedelta(minutes=5), description="A source or channel that fails for this long is an alert."
    )
    severity: Severity = Field("error", description="critical, error, warning or info.")
    receiver: NameList | None = Field(
        None, description="Receivers by name; unset is all of them, [] is none.", examples=[["oncall"]]
    )
