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
    """An alert as it stands.

    Attributes:
        labels: those of the measurement.
        held: why somebody was not told.
        id: by which people ask for it.
        taken_by: who has taken it on.
    """

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
    id: str = ""
    taken_by: str = ""


@dataclass(frozen=True, slots=True)
class SilenceStatus:
    """A silence that holds or will."""

    id: int
    matchers: tuple[str, ...]
    starts_at: datetime
    ends_at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class TextStatus:
    """How the texts of one stream of one segment are against one baseline, and how they are read.

    Attributes:
        phase: learning, provisional (from fewer days than wanted), ready.
        have_days, wanted_days: of log to learn from.
        against: which baseline: `rolling`, which is learnt anew, or `pinned`.
        baseline: its version, None while learning.
        fitted_from, fitted_until: what it was learnt from.
        past: how often its drift detector would have alarmed in that time, in words; empty where it has none.
        measured: the newest window, None before the first.
        findings: what stands out in it, in words: names of topics and descriptors, never texts.
        problem: why nothing is measured, or nothing is learnt anew.
    """

    source: str
    segment: Segment
    stream: str
    phase: str
    have_days: float
    wanted_days: float
    against: Literal["rolling", "pinned"] = "rolling"
    baseline: str | None = None
    fitted_from: datetime | None = None
    fitted_until: datetime | None = None
    past: str = ""
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
class EventStatus:
    """Something that happened; without a source it is about everything, without a service about all of it."""

    at: datetime
    name: str
    detail: str = ""
    source: str = ""
    service: str = ""


@dataclass(frozen=True, slots=True)
class ModelStatus:
    """A model's name or fingerprint in the calls of a service, and when it first and last came (event time)."""

    source: str
    service: str
    column: str
    value: str
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class GoldenStatus:
    """How the golden set is doing.

    Attributes:
        state: running, waiting (for tomorrow's budget), failing, done, or unused before the first run.
        answers: how many the run that goes on has, or the last one had.
        problem: why it waits or fails.
        spent_usd: today (UTC), of `budget_usd`.
        level: the p-value at which a run is an alarm.
        measured: what the last finished run found; None before the first.
        moved: prompts whose answers changed most.
    """

    model: str
    state: Literal["unused", "running", "waiting", "failing", "done"]
    budget_usd: float
    spent_usd: float
    level: float
    answers: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    next_at: datetime | None = None
    problem: str = ""
    measured: Measured | None = None
    moved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OneJudgeStatus:
    """How one judge is doing, and since when it fails; `canaries` say how much of what is known it had right."""

    name: str
    model: str
    state: Literal["unused", "ok", "failing"]
    problem: str = ""
    failing_since: datetime | None = None
    answered_at: datetime | None = None
    canaries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JudgeStatus:
    """How the judging is doing.

    Attributes:
        spent_usd: today (UTC), of `budget_usd`, of which `left_usd` may be spent now.
        waiting: drawn questions that wait, for money or for a judge.
        measured: of each source and segment the newest window that is complete, and longer ones that rules read.
        starved: segments that get fewer verdicts than the least, and why, in words.
        findings: in words: alarms that go on, and how far a test is from knowing what is usual.
    """

    judges: tuple[OneJudgeStatus, ...]
    budget_usd: float
    spent_usd: float
    left_usd: float
    waiting: int = 0
    measured: tuple[Measured, ...] = ()
    starved: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportStatus:
    """A report that was made, and when (wall clock)."""

    id: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class ProofStatus:
    """Whether the alerts were proved to work.

    Attributes:
        heartbeat_at: when the address of the heartbeat last took one; None where it never did or none is configured.
        withheld: what keeps the heartbeat back now.
        canary_at: when a canary last came through every receiver and back.
        canary_s: how long that one took, in seconds.
        canary_failed_at: when a canary last did not.
    """

    heartbeat_at: datetime | None = None
    withheld: tuple[str, ...] = ()
    canary_at: datetime | None = None
    canary_s: float | None = None
    canary_failed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that is shown, at one moment.

    Attributes:
        at: when the snapshot was taken (wall clock).
        windows: the newest base window of each source and segment.
        ends: end of the newest measured window, by source and length in seconds.
        alerts: all alerts that are not inactive.
        silences: those that hold or will.
        texts: the streams whose texts are read.
        transitions: the recent ones, newest first.
        reports: those that anybody who sees this may open, newest first.
        events: the recent ones, newest first.
        golden: None where no golden set is configured; `judge` the same of judges.
        models: what was seen to answer, of each source the one that came last first.
    """

    at: datetime
    windows: tuple[Measured, ...] = ()
    ends: Mapping[tuple[str, int], datetime] = field(default_factory=dict)
    alerts: tuple[AlertStatus, ...] = ()
    sources: tuple[SourceStatus, ...] = ()
    channels: tuple[ChannelStatus, ...] = ()
    texts: tuple[TextStatus, ...] = ()
    transitions: tuple[TransitionStatus, ...] = ()
    reports: tuple[ReportStatus, ...] = ()
    events: tuple[EventStatus, ...] = ()
    silences: tuple[SilenceStatus, ...] = ()
    models: tuple[ModelStatus, ...] = ()
    golden: GoldenStatus | None = None
    judge: JudgeStatus | None = None
    proof: ProofStatus = ProofStatus()
    counters: Counted = field(default_factory=Counted)

    def not_ready(self) -> dict[str, str]:
        """The sources that were never read to their end, and why: the service is ready when there is none."""
        return {
            source.name: source.failure or "not read to its end yet"
            for source in self.sources
            if source.last_success_at is None
        }
