"""Settings of the kinds of rules that do more than compare a number with a level."""

from datetime import timedelta
from typing import Literal, Self

from pydantic import Field, model_validator

from config.sources.common import Strict
from config.types import PositiveDuration, format_duration

_WEEK = timedelta(days=7)


class Change(Strict):
    """Compares the value with a baseline: a number, the same hour last week, or another stretch of the past."""

    how: Literal["ratio", "difference"] = Field(
        "ratio", description="What the levels are about: value / baseline (ratio), or value - baseline (difference)."
    )
    value: float | None = Field(
        None, description="A baseline that stays as it is; unset is what was measured before.", examples=[0.02]
    )
    ago: PositiveDuration = Field(
        _WEEK, description="How long before the value its baseline was measured: 7d is the same hour last week."
    )
    length: PositiveDuration | None = Field(
        None, description="Length of the baseline, in whole history windows; unset is one of them.", examples=["1d"]
    )


class BurnWindow(Strict):
    """A pair of trailing windows that must both burn the error budget at this rate."""

    long: PositiveDuration = Field(description="The window that says that it matters.", examples=["1h"])
    short: PositiveDuration = Field(description="The window that says that it still goes on.", examples=["5m"])
    rate: float = Field(gt=0, description="How many times faster than the objective allows.", examples=[14.4])

    @model_validator(mode="after")
    def _order(self) -> Self:
        if self.short >= self.long:
            short, long = format_duration(self.short), format_duration(self.long)
            raise ValueError(f"short ({short}) must be shorter than long ({long}): usual is a twelfth of it")
        return self


# Table 5-8 of the SRE workbook for 30 days: 2 % of the budget in an hour, 5 % in six.
PAGING = (
    BurnWindow(long=timedelta(hours=1), short=timedelta(minutes=5), rate=14.4),
    BurnWindow(long=timedelta(hours=6), short=timedelta(minutes=30), rate=6.0),
)


class Burn(Strict):
    """A service level objective: fires when its error budget burns too fast, in a long and a short window at once."""

    objective: float = Field(
        gt=0, lt=1, description="The share of good calls that is promised; 0.999 is 99.9 %.", examples=[0.999]
    )
    windows: list[BurnWindow] = Field(
        default=list(PAGING),
        min_length=1,
        description="Pairs of windows, of which one must burn; unset are the two that call people.",
        examples=[[{"long": "1h", "short": "5m", "rate": 14.4}, {"long": "6h", "short": "30m", "rate": 6}]],
    )
    enough_calls: int = Field(50, ge=1, description="A window with this many calls is large enough to judge by.")
    enough_failures: int = Field(5, ge=1, description="So is a smaller one with this many failures.")

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        for pair in self.windows:
            if pair.rate * (1 - self.objective) >= 1:
                most = 1 / (1 - self.objective)
                raise ValueError(
                    f"a burn rate of {pair.rate:g} can never be reached with an objective of {self.objective:g}: "
                    f"when every call fails it is {most:.4g}, so write a lower rate"
                )
        return self


class TrafficDrop(Strict):
    """Compares traffic with what is usual at this hour of the week; `below` is the share of it, 0.5 if unset."""

    weeks: int = Field(
        8, ge=2, le=26, description="Weeks whose same hours say what is usual; at least 4 of them must be known."
    )
    deviations: float = Field(
        4.0, gt=0, description="How far under the usual it must be, in standard deviations of what is usual."
    )
    silence: float = Field(
        20.0,
        gt=0,
        description="No call at all fires at once where chance gives that less than e to the power of -this.",
    )


class Budget(Strict):
    """Money or tokens of a calendar day, week or month in UTC: fires when it is spent, or surely will be."""

    amount: float = Field(gt=0, description="In the unit of the measurement.", examples=[500])
    per: Literal["day", "week", "month"] = Field("month", description="day, week (from Monday) or month, in UTC.")
    forecast: bool = Field(True, description="Also fire when the forecast for the end of the period is over it.")


class Happened(Strict):
    """Fires when something happened: another model answered, or whatever `watchkeeper event` marked."""

    name: str = Field("model changed", min_length=1, description="Name of the event.")
    lasts: PositiveDuration = Field(timedelta(hours=1), description="How long the alert goes on after it.")
