"""What the service knows right now, as values: the seam between the store and everything that shows it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from alerts.rules import State
from config.alerts import Severity
from detectors.measurement import Labels, Measured, Segment
from monitor.counters import Counted

SourceState = Literal["ok", "failing", "silent", "starting", "catching_up"]
ChannelState = Literal["ok", "failing", "unused"]


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How a source is doing.

    Attributes:
        last_success_at: when a read last reached its end (wall clock); None before the first one.
        complete_until: event time up to which the source vouches for its log.
        slot_end: end of the last window that was measured and decided.
        newest: latest event time seen.
        lag_s: how far the measured windows are behind the clock at the snapshot's time; None before the first.
        rows: calls read since ever; None where the source does not count them.
        quarantined: records kept aside since ever, by reason.
        failure: why it fails, for people; it never holds a secret.
    """

    name: str
    kind: str
    state: SourceState
    last_success_at: datetime | None = None
    complete_until: datetime | None = None
    slot_end: datetime | None = None
    newest: datetime | None = None
    lag_s: float | None = None
    rows: int | None = None
    quarantined: Mapping[str, int] = field(default_factory=dict)
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """How a receiver is doing; `pending` counts the messages that wait to be sent to it."""

    name: str
    kind: str
    state: ChannelState
    last_success_at: datetime | None = None
    failing_since: datetime | None = None
    failure: str | None = None
    pending: int = 0


@dataclass(frozen=True, slots=True)
class AlertStatus:
    """An alert as it stands; `labels` are those of the measurement, `held` says why nobody was told."""

    rule: str
    source: str
    segment: Segment
    labels: Labels
    state: State
    severity: Severity
    since: datetime | None
    value: float | None
    condition: str
    held: str | None = None


@dataclass(frozen=True, slots=True)
class TextStatus:
    """How the texts of one stream of one segment are, and how they are read.

    Attributes:
        phase: learning, provisional (from fewer days than wanted), ready.
        have_days, wanted_days: of log to learn from.
        baseline: version, None while learning.
        fitted_from, fitted_until: what it was learnt from.
        measured: the newest window, None before the first.
        findings: what stands out in it, in words: names of topics and descriptors, never texts.
        problem: why nothing is measured.
    """

    source: str
    segment: Segment
    stream: str
    phase: str
    have_days: float
    wanted_days: float
    baseline: str | None = None
    fitted_from: datetime | None = None
    fitted_until: datetime | None = None
    measured: Measured | None = None
    findings: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class TransitionStatus:
    """A change of state of an alert, decided at `at` (event time); `held` says why nobody was told."""

    rule: str
    source: str
    segment: Segment
    labels: Labels
    before: State
    after: State
    at: datetime
    value: float | None = None
    reason: str = ""
    held: str | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that is shown, at one moment.

    Attributes:
        at: when the snapshot was taken (wall clock).
        windows: the newest base window of each source and segment.
        ends: end of the newest measured window, by source and length in seconds.
        alerts: all alerts that are not inactive.
        texts: the streams whose texts are read.
        transitions: the recent ones, newest first.
    """

    at: datetime
    windows: tuple[Measured, ...] = ()
    ends: Mapping[tuple[str, int], datetime] = field(default_factory=dict)
    alerts: tuple[AlertStatus, ...] = ()
    sources: tuple[SourceStatus, ...] = ()
    channels: tuple[ChannelStatus, ...] = ()
    texts: tuple[TextStatus, ...] = ()
    transitions: tuple[TransitionStatus, ...] = ()
    counters: Counted = field(default_factory=Counted)

    def not_ready(self) -> dict[str, str]:
        """The sources that were never read to their end, and why: the service is ready when there is none."""
        return {
            source.name: source.failure or "not read to its end yet"
            for source in self.sources
            if source.last_success_at is None
        }
