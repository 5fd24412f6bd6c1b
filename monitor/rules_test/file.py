"""The file of `rules test`: its keys."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import AwareDatetime, Field

from alerts.notifier import Action
from config.alerts import Rule
from config.receivers import AnyReceiver
from config.settings import Settings
from config.sources.common import Strict
from config.types import Duration, LabelValue, Name, NameList, PositiveDuration
from monitor.rules_test.notation import Samples

START = datetime(2026, 3, 2, tzinfo=UTC)  # a Monday, midnight: every length of window has a slot there
SOURCE = "app"

StateName = Literal["inactive", "pending", "firing", "no_data", "error"]


class InputSeries(Strict):
    """What is measured, a value a window: the first at 0s, the next one a window later.

    Of texts and by a judge a value is of a text window or of a judged one.
    """

    measure: str = Field(description="Name of a measurement, as in docs/measurements.md.")
    values: Samples = Field(description="One a window: 0x3 0.1+0.1x4 _x2.")
    labels: dict[str, LabelValue] = Field(default={}, description="Labels of the measurement: percentile, type, …")
    segment: dict[str, LabelValue] = Field(default={}, description="Of which segment; unset is the whole source.")
    source: str | None = Field(None, description="Of which source; may be unset where there is only one.")
    over: PositiveDuration | None = Field(
        None,
        description="Only of trailing windows of this length; unset is every length that a rule reads. Of texts it is "
        "the length of their windows; unset is text.window, or 1h.",
    )
    before: Samples | None = Field(
        None,
        description="What was measured before, up to the first of `values`: a value a history window (1h), of texts "
        "and of a judge a value a window of theirs.",
    )
    n: Samples | None = Field(None, description="Calls behind each value, written alike; the last one goes on.")
    lower: Samples | None = Field(None, description="Lower end of each value's interval; the last one goes on.")
    upper: Samples | None = Field(None, description="Upper end of each value's interval; the last one goes on.")


class InputEvent(Strict):
    """Something that happens, as `watchkeeper event` marks it or Watchkeeper notices it."""

    at: Duration = Field(description="When, after the first value.")
    name: str = Field(description="What it is called: model changed, or a name of your own.")
    detail: str = Field("", description="More about it.")
    service: str = Field("", description="About which service; unset is all.")
    source: str | None = Field(None, description="About which source; may be unset where there is only one.")


class Expected(Strict):
    """A change of state."""

    at: Duration = Field(description="When, after the first value.")
    rule: Name = Field(description="Of which rule.")
    to: StateName = Field(description="The state after it.")
    segment: dict[str, LabelValue] = Field(default={}, description="Of which segment; unset is the whole source.")
    labels: dict[str, LabelValue] = Field(default={}, description="Labels of the measurement.")
    source: str | None = Field(None, description="Of which source; may be unset where there is only one.")
    value: float | None = Field(None, description="What was read; unset is not compared.")
    reason: str | None = Field(None, description="Why; unset is not compared.")


class ExpectedMessage(Strict):
    """A message to a receiver."""

    at: Duration = Field(description="When it is sent, after the first value.")
    receiver: Name = Field(description="To whom.")
    action: Action = Field(description="trigger, update or resolve.")
    rules: NameList = Field(description="The rules of the alerts in it.")
    title: str | None = Field(None, description="Its title; unset is not compared.")


class RuleTest(Strict):
    """Series, and everything that they must lead to."""

    name: str = Field(description="A sentence about what must hold.")
    start: AwareDatetime = Field(START, description="When the first value is read: matters to hours, days and weeks.")
    rules: NameList | None = Field(
        None,
        description="The rules that are tested; unset is those whose measurement has a series, or whose event happens.",
    )
    series: list[InputSeries] = Field(description="What is measured.", min_length=1)
    events: list[InputEvent] = Field(default=[], description="What happens meanwhile.")
    until: Duration | None = Field(
        None, description="Go on until then, without values; unset is the end of the longest series."
    )
    transitions: list[Expected] | None = Field(
        None, description="All changes of state, in any order; unset is not compared, [] is none."
    )
    messages: list[ExpectedMessage] | None = Field(
        None, description="All messages, in any order; unset is not compared, [] is none."
    )


class RulesTestFile(Strict):
    """Everything that a file of tests may hold."""

    config: str | None = Field(
        None, description="The configuration whose rules are tested; a relative path starts at this file."
    )
    rules: dict[Name, Rule] = Field(default={}, description="Rules that are added, or tested in the place of others.")
    receivers: dict[Name, AnyReceiver] = Field(
        default={}, description="Receivers that are added; nothing is ever sent to them."
    )
    window: PositiveDuration | None = Field(
        None, description="Length of a window; unset is that of the configuration, or 1m."
    )
    tests: list[RuleTest] = Field(description="The tests.", min_length=1)


def source_of(source: str | None, settings: Settings) -> str:
    """The source that a series or an expectation is about."""
    return source or next(iter(settings.sources))
