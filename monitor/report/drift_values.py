"""What a report says of the drift detector of a stream, and of responses given their prompts."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.report.values import Effect, Exemplar, Learnt


@dataclass(frozen=True, slots=True)
class Moment:
    """The evidence after a window, 1 at the threshold of an alarm; None where the window had too few texts."""

    at: datetime
    evidence: float | None


@dataclass(frozen=True, slots=True)
class ChannelReading:
    """What one channel says after the last window of the stretch.

    Attributes:
        sees: what it looks for, in words.
        evidence: what it adds to the evidence, 1 at the threshold; None of a detector that says it of all only.
        value, lower, minimum: the size of the change since the channel's evidence began to rise, the limit that it is
            above however often one looks, and what that must exceed for somebody to be called.
        unit: `points` (a difference of shares), `distance`, `deviations` of a single response, or `times` what windows
            differ by.
        about: the topic or descriptor that it is about, if one.
        alarmed: whether its alarm goes on: it gives no evidence until that is over.
    """

    channel: str
    sees: str
    evidence: float | None
    value: float | None
    lower: float | None
    minimum: float | None
    unit: str
    about: str
    alarmed: bool

    @property
    def sure(self) -> bool:
        """Whether the change is large enough beyond doubt."""
        return self.lower is not None and self.minimum is not None and self.lower > self.minimum


@dataclass(frozen=True, slots=True)
class SegmentPart:
    """What a segment has of a change beside its share of the texts, in the window that raised the alarm."""

    column: str
    value: str
    share: float
    part: float


@dataclass(frozen=True, slots=True)
class RaisedAlarm:
    """An alarm that was raised; `ended` is None of one that goes on.

    Attributes:
        channel: that leads.
        channels: of the alarm.
        evidence: when it was raised.
        said: what the alert says.
        calls: whether it calls people; else it is a warning.
        exemplars: calls that show it, with their texts where the log still has them.
    """

    channel: str
    channels: tuple[str, ...]
    raised: datetime
    ended: datetime | None
    evidence: float
    said: str
    calls: bool
    segments: tuple[SegmentPart, ...]
    exemplars: tuple[Exemplar, ...]


@dataclass(frozen=True, slots=True)
class Hindsight:
    """How many alarms a budget would have raised in the baseline's own stretch, each week read by a fit on the others.

    Attributes:
        days: mean time between two false alarms of this detector.
        alarms: that there would have been.
    """

    days: float
    alarms: int


@dataclass(frozen=True, slots=True)
class Happened:
    """An event: another model or fingerprint behind a service, or what people marked."""

    at: datetime
    name: str
    detail: str
    service: str


@dataclass(frozen=True, slots=True)
class Drift:
    """The drift detector of a stream.

    Attributes:
        days: mean time between two of its false alarms, its share of the budget of the installation.
        since: where the course of the evidence begins.
        windows: of the baseline; below 168, or three weeks, nobody is called.
        learnt_days: how long the stretch is that `hindsight` is about.
        hindsight: empty where nobody can tell: of less than three weeks.
        problem: why there is no evidence; empty when there is.
        set_for: days to a false alarm that the threshold is set for: more than `days` where the baseline would have
            alarmed on itself more often than promised.
        happened: other models and what people marked in the time shown, oldest first.
    """

    days: float
    since: datetime
    until: datetime
    evidence: tuple[Moment, ...]
    channels: tuple[ChannelReading, ...]
    alarms: tuple[RaisedAlarm, ...]
    learnt_days: float
    hindsight: tuple[Hindsight, ...]
    problem: str = ""
    set_for: float = 0.0
    happened: tuple[Happened, ...] = ()

    @property
    def open(self) -> list[RaisedAlarm]:
        """The alarms that go on."""
        return [each for each in self.alarms if each.ended is None]


@dataclass(frozen=True, slots=True)
class Matched:
    """A response beside what the baseline answered to the prompt most like its own.

    Attributes:
        side: what it is an example of: `stranger`, `closer` or `style`.
        prompt, response: of the window.
        like: how near the two prompts are (cosine); None where the log no longer has the baseline's texts.
        prompt_then, response_then: of the baseline's stretch.
    """

    side: str
    prompt: Exemplar
    response: str
    like: float | None = None
    prompt_then: str = ""
    response_then: str = ""


@dataclass(frozen=True, slots=True)
class Moved:
    """The responses in one segment: its share of the pairs, by how much they moved (standard deviations of a single
    response), and its part of the whole move; None where there is none to share out."""

    column: str
    value: str
    n: int
    share: float
    shift: float
    lower: float
    upper: float
    part: float | None


@dataclass(frozen=True, slots=True)
class PairPart:
    """Responses given their prompts, in one stretch of time.

    Attributes:
        population: calls of the window that have both texts.
        read: of the sample.
        compared: pairs whose prompt the baseline knows.
        examples: like prompts, then and now.
        segments: what each value of the log's columns has of the move.
        notes: what a reader should know of how it was made.
    """

    source: str
    segment: Mapping[str, str]
    start: datetime
    end: datetime
    baseline: Learnt
    population: int
    read: int
    compared: int
    effects: tuple[Effect, ...]
    examples: tuple[Matched, ...]
    segments: tuple[Moved, ...]
    drift: Drift
    notes: tuple[str, ...]
    stream: str = "response_given_prompt"

    @property
    def changed(self) -> list[Effect]:
        """The effects whose interval leaves out what is usual."""
        return [effect for effect in self.effects if effect.changed]


def sized(reading: ChannelReading, value: float | None) -> Any:
    """A value in the unit of a channel, as a person reads it."""
    if value is None:
        return "–"
    if reading.unit == "points":
        return f"{100 * value:+.1f} points".replace("-", "\N{MINUS SIGN}")
    shown = {"deviations": f"{value:.2f} sd", "times": f"{value:.1f} ×"}.get(reading.unit, f"{value:.2g}")
    return shown.replace("-", "\N{MINUS SIGN}")
